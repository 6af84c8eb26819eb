"""What `comptoir serve --demo` prepares: modules on, demo records, an administrator with a random password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config import Config
    from core.runtime.runtime import Runtime

DEMO_EMAIL = "demo@comptoir.example"
DEMO_NAME = "Alice Durand"
PASSWORD_FILE = "demo-password"
PASSWORD_VARIABLE = "COMPTOIR_DEMO_PASSWORD"


def ensure_demo(runtime: Runtime) -> list[str]:
    """Make an installation without accounts a demo; returns the lines to print.

    Repeating it changes nothing; one that was interrupted goes on where it was.
    """
    from core.access.models import ADMINISTRATOR
    from core.access.users import add_user, any_user, random_password
    from core.data.unit import transaction
    from core.upkeep.demonstration import begin_demo

    with runtime.database.reading() as session:
        started = any_user(session)
    if not started:
        begin_demo(runtime)
        chosen = os.environ.get(PASSWORD_VARIABLE)
        password = chosen or random_password()
        _keep(runtime.config, password)  # before the account: nobody could know it otherwise after a kill
        with transaction("demo.account", context=runtime.context(runtime.follow())) as unit:
            add_user(
                unit.session, name=DEMO_NAME, email=DEMO_EMAIL, password=password, role=ADMINISTRATOR, weak=bool(chosen)
            )  # fmt: skip
    return [f"  e-mail    {DEMO_EMAIL}", f"  password  {_valid(runtime) or '(the one you set)'}"]


def _keep(config: Config, password: str) -> None:
    file = config.var / PASSWORD_FILE
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(password)


def _valid(runtime: Runtime) -> str | None:
    """The password that was made, while it is still the one of the account: it may have been changed anywhere."""
    from sqlalchemy import select

    from core.access.models import User
    from core.access.passwords import verify_password

    file = runtime.config.var / PASSWORD_FILE
    if not file.exists():
        return None
    password = file.read_text(encoding="utf-8")
    with runtime.database.reading() as session:
        stored = session.scalar(select(User.password_hash).where(User.email == DEMO_EMAIL))
    if verify_password(stored, password):
        return password
    file.unlink(missing_ok=True)
    return None


def forget_password(config: Config, email: str) -> None:
    """The demo account got another password: do not print the old one any more."""
    if email.strip().casefold() == DEMO_EMAIL:
        (config.var / PASSWORD_FILE).unlink(missing_ok=True)
