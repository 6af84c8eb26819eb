"""The one-time token of the set-up page: printed on the console, gone once somebody has an account (T32)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "setup-token"


def setup_token(var: Path) -> str | None:
    """The token, None when no set-up was announced."""
    file = var / FILE
    return file.read_text(encoding="ascii") if file.exists() else None


def announce_setup(var: Path) -> str:
    """The token, made on first call, readable by its owner only."""
    known = setup_token(var)
    if known:
        return known
    token = secrets.token_urlsafe(24)
    with os.fdopen(os.open(var / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as handle:
        handle.write(token)
    return token


def end_setup(var: Path) -> None:
    """Forget the token."""
    (var / FILE).unlink(missing_ok=True)
