"""`comptoir user add | password | list`: accounts without a browser."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from core.errors import ComptoirError

PASSWORD_VARIABLE = "COMPTOIR_PASSWORD"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("user", help="accounts")
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add an account")
    add.add_argument("email")
    add.add_argument("--name", required=True)
    add.add_argument("--role", default="user", help="administrator, user, representative, or one of your own")
    add.set_defaults(run=run_add)
    password = verbs.add_parser(
        "password", help=f"set a password, asked for, or taken from {PASSWORD_VARIABLE} or standard input"
    )
    password.add_argument("email")
    password.set_defaults(run=run_password)
    verbs.add_parser("list", help="list accounts").set_defaults(run=run_list)


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("New password: ")
    if first != getpass.getpass("Again: "):
        raise ComptoirError("the two passwords differ")
    return first


def run_add(arguments: argparse.Namespace) -> int:
    """Add an account."""
    from core.access.users import add_user
    from core.commands.common import started_runtime
    from core.data.unit import transaction

    try:
        with started_runtime() as runtime:
            password = _password()
            with transaction("user.add", context=runtime.context(runtime.generation)) as unit:
                add_user(
                    unit.session, name=arguments.name, email=arguments.email, password=password, role=arguments.role
                )
    except ComptoirError as error:
        print(f"comptoir user add: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.email} added as {arguments.role}")
    return 0


def run_password(arguments: argparse.Namespace) -> int:
    """Set a password and end the account's sign-ins."""
    from core.access.users import set_password
    from core.commands.common import started_runtime
    from core.commands.demo import forget_password
    from core.data.unit import transaction

    try:
        with started_runtime() as runtime:
            password = _password()
            with transaction("user.password", context=runtime.context(runtime.generation)) as unit:
                set_password(unit.session, arguments.email, password)
            forget_password(runtime.config, arguments.email)
    except ComptoirError as error:
        print(f"comptoir user password: {error}", file=sys.stderr)
        return 2
    print(f"password of {arguments.email} set; all sign-ins of the account were ended")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    """List accounts."""
    from sqlalchemy import select

    from core.access.models import User
    from core.commands.common import started_runtime

    with started_runtime() as runtime, runtime.database.reading() as session:
        for user in session.scalars(select(User).order_by(User.login_key)):
            print(f"{user.email}\t{user.role}\t{'active' if user.active else 'inactive'}\t{user.name}")
    return 0
