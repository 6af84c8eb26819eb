"""When a sign-in was last used: written apart, at most once a minute, never in the transaction of a GET (DESIGN 10)."""

from __future__ import annotations

from sqlalchemy import update

from core.access.models import SignIn
from core.access.sign_in import SEEN_EVERY
from core.data.engine import Database
from core.data.records import now
from core.errors import Busy


def touch_sign_in(database: Database, sign_in: SignIn) -> None:
    """Move `seen_at` on if it is older than a minute. When the database is busy, a later request does it."""
    if now() - sign_in.seen_at <= SEEN_EVERY:
        return
    try:
        with database.connection(wait=0.0) as connection:
            connection.execute(update(SignIn).where(SignIn.id == sign_in.id).values(seen_at=now()))
    except Busy:
        return
