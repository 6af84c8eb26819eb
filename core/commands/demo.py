"""What `comptoir serve --demo` prepares: modules on, demo records, an administrator with a random password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.config import Config
    from core.runtime.runtime import Runtime

DEMO_EMAIL = "demo@comptoir.example"
DEMO_NAME = "Alice Durand"
DEMO_MODULES = ("thirdparty", "leads")
PASSWORD_FILE = "demo-password"
PASSWORD_VARIABLE = "COMPTOIR_DEMO_PASSWORD"


def ensure_demo(runtime: Runtime) -> list[str]:
    """Make an installation without accounts a demo; returns the lines to print. Repeating it changes nothing."""
    from core.access.models import ADMINISTRATOR
    from core.access.users import add_user, any_user, random_password
    from core.data.unit import transaction
    from core.features.demo import load_demo
    from core.runtime.activation import enable

    with runtime.database.reading() as session:
        started = any_user(session)
    if not started:
        for name in DEMO_MODULES:
            generation = runtime.follow()
            if name not in generation.enabled:
                enable(runtime, name, shown_version=generation.version)
        context = runtime.context(runtime.follow())
        load_demo(context)
        chosen = os.environ.get(PASSWORD_VARIABLE)
        password = chosen or random_password()
        with transaction("demo.account", context=context) as unit:
            add_user(
                unit.session, name=DEMO_NAME, email=DEMO_EMAIL, password=password, role=ADMINISTRATOR, weak=bool(chosen)
            )  # fmt: skip
        _keep(runtime.config, password)
    return [f"  e-mail    {DEMO_EMAIL}", f"  password  {_kept(runtime.config) or '(the one you set)'}"]


def _keep(config: Config, password: str) -> None:
    file = config.var / PASSWORD_FILE
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(password)


def _kept(config: Config) -> str | None:
    file = config.var / PASSWORD_FILE
    return file.read_text(encoding="utf-8") if file.exists() else None


def forget_password(config: Config, email: str) -> None:
    """The demo account got another password: do not print the old one any more."""
    if email.strip().casefold() == DEMO_EMAIL:
        (config.var / PASSWORD_FILE).unlink(missing_ok=True)
