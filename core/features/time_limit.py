"""A limit on what one question may take of the database, without ending the transaction."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

_STEPS = 1_000
"""Instructions of SQLite between two looks at the clock."""


def was_stopped(error: OperationalError) -> bool:
    """Whether the error is the end of the time."""
    return "interrupted" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "57014"


@contextmanager
def within_steps(connection: Connection, thousands: int) -> Iterator[None]:
    """Let SQLite end what takes more of its instructions in the block: the same on a busy machine as on an idle one."""
    driver: Any = connection.connection.driver_connection
    looks = itertools.count()
    driver.set_progress_handler(lambda: next(looks) > thousands, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def at_most(connection: Connection, seconds: float) -> Iterator[None]:
    """Let the database end what takes longer in the block; the transaction goes on."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        deadline = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
        return
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
        yield
    finally:
        savepoint.rollback()  # the limit goes with it; nothing was written
