"""`comptoir check --data`: whether what is stored agrees, and with `--repair` putting aside what does not (F49)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.i18n import gettext as _

if TYPE_CHECKING:
    from core.exchange.mail.care import Doubt
    from core.features.file_care import Findings

FOUND = 1
"""Exit code when something does not agree and was left as it is."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("check", help=_("check what is stored"), allow_abbrev=False)
    parser.add_argument(
        "--data",
        action="store_true",
        required=True,
        help=_("compare the files with their records, and the outbox with itself"),
    )
    parser.add_argument("--repair", action="store_true", help=_("put aside what does not agree"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say what does not agree. Returns 0 when all does or was put aside, 1 otherwise; mails are for a person to decide."""
    from core.commands.common import started_runtime
    from core.commands.progress import Bar
    from core.exchange.mail import care
    from core.features.file_care import look, repair
    from core.features.file_store import FileStore
    from core.features.search_index import is_whole

    with started_runtime() as runtime:
        store = FileStore(runtime.config.files)
        with runtime.database.reading() as session:
            bar = Bar(0, "files")
            found, doubts = look(session, store, told=bar.move), care.look(session)
            bar.end()
            slow = not is_whole(session.connection(), runtime.generation.registry.models)
        _say(found)
        if slow:
            print(
                _(
                    "Texts are searched row by row, which is right and slow: an index is missing. On PostgreSQL let an administrator run CREATE EXTENSION pg_trgm, then restart Comptoir."
                )
            )
        _say_of_mail(doubts)
        if not found.missing and not found.strays:
            return FOUND if doubts else 0
        if not arguments.repair:
            return FOUND
        repair(runtime.context(runtime.generation), store, found)
        print(_("Files without a record are in quarantine; records without a file are in the trash."))
        return FOUND if doubts else 0


def _say(found: Findings) -> None:
    for row in found.missing:
        print(
            _(
                "%(name)s (file %(number)s of %(owner)s): the file is missing",
                name=row.name,
                number=row.id,
                owner=row.owner,
            )
        )
    for path in found.strays:
        print(_("%(path)s: no record names this file", path=path))
    if not found.missing and not found.strays:
        print(_("All files agree with their records."))


def _say_of_mail(doubts: Sequence[Doubt]) -> None:
    for doubt in doubts:
        if doubt.message_id is None:
            print(doubt.problem)
        else:
            print(_("Message %(number)s %(problem)s", number=doubt.message_id, problem=doubt.problem))
    if not doubts:
        print(_("The outbox agrees with itself."))
