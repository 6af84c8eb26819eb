"""Database time: leases and deadlines must not depend on any one machine's clock (F46)."""

from __future__ import annotations

import time

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

_POSTGRESQL = text("SELECT extract(epoch FROM clock_timestamp())")


def database_clock(session: Session | Connection) -> float:
    """Seconds since 1970 by the database's clock; SQLite shares the clock of its one machine."""
    connection = session.connection() if isinstance(session, Session) else session
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(_POSTGRESQL).scalar_one())
