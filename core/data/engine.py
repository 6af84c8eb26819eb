"""One engine for both databases, with the same promises on each (DESIGN 10, SECURITY 7.3, 7.4, PERFORMANCE D10).

SQLite: WAL, foreign keys, deferred BEGIN for reading on a connection that refuses writes, BEGIN IMMEDIATE for writing
with our own jittered wait (SQLite's busy handler is unfair). PostgreSQL: READ ONLY transactions for reading.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from core.data.session import READING, GuardedSession
from core.errors import Busy
from core.i18n import lazy as _

WRITE_LOCK_SECONDS = 15.0
"""How long a writer waits for another; longer than the watchdog lets a hanging hook live (MO-8)."""

SQLITE_SETTINGS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=200",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32000",
)
SQLITE_ARGUMENTS = {"check_same_thread": False, "timeout": 0.2}
POSTGRESQL_OPTIONS = "-c timezone=UTC -c plan_cache_mode=force_custom_plan -c lock_timeout=15s -c idle_in_transaction_session_timeout=10min"
MODE = "comptoir_mode"
WAIT = "comptoir_wait"


class _HintCompiler(SQLiteCompiler):
    """Writes index hints, which SQLAlchemy leaves out for SQLite (PERFORMANCE 1.3)."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


class Database:
    """The engine and the two ways into it: `reading()` and `writing()`. Owned by the runtime, never by an app."""

    def __init__(self, url: str) -> None:
        """`url`: a SQLAlchemy URL, `sqlite:///file` or `postgresql+psycopg://...`."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        if self.is_sqlite:
            self.engine = create_engine(self.url, connect_args=SQLITE_ARGUMENTS, hide_parameters=True)
            self.engine.dialect.statement_compiler = _HintCompiler
            event.listen(self.engine, "connect", _connect_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            options = {"options": POSTGRESQL_OPTIONS}
            self.engine = create_engine(self.url, connect_args=options, pool_pre_ping=True, hide_parameters=True)
        self._read_engine = self.engine.execution_options(**{MODE: "read", "postgresql_readonly": True})
        self._write_engine = self.engine.execution_options(**{MODE: "write"})

    @contextmanager
    def reading(self) -> Iterator[GuardedSession]:
        """A session on a read-only transaction: the database itself refuses writes (SECURITY 7.3)."""
        with GuardedSession(self._read_engine, autoflush=False, info={READING: True}) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[GuardedSession]:
        """A session that may write. Only the unit of work and the core's small writers open one."""
        with GuardedSession(self._write_engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def connection(self, *, wait: float = WRITE_LOCK_SECONDS) -> Iterator[Connection]:
        """A writing connection with a transaction, for migrations and small writers; commits at the end.

        `wait`: seconds to wait for other writers on SQLite before `Busy` is raised.
        """
        with self._write_engine.execution_options(**{WAIT: wait}).begin() as connection:
            yield connection

    def scalar(self, statement: str) -> Any:
        """One value by the driver itself, without a transaction of ours: for what every request asks (PERFORMANCE 8).

        Raises `Busy` when the database cannot be had. `statement` is constant text.
        """
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(statement)
            row: Any = cursor.fetchone()
            return row[0]
        except self.engine.dialect.loaded_dbapi.Error as error:
            connection.invalidate()
            raise Busy(_("The database is busy. Nothing was lost. Try again in a moment.")) from error
        finally:
            connection.close()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _connect_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own idea loses promises (SECURITY 0.5)
    for setting in SQLITE_SETTINGS:
        _patiently(connection, setting, WRITE_LOCK_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(MODE) == "read":
        connection.exec_driver_sql("PRAGMA query_only=1")
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql("PRAGMA query_only=0")
    driver: Any = connection.connection.driver_connection
    try:
        _patiently(driver, "BEGIN IMMEDIATE", options.get(WAIT, WRITE_LOCK_SECONDS))
    except sqlite3.OperationalError as error:
        raise Busy(_("The database is busy. Nothing was lost. Try again in a moment.")) from error


def _patiently(driver: sqlite3.Connection, statement: str, wait: float) -> None:
    """Try for `wait` seconds where others hold the lock; also for a change to WAL, of which SQLite itself gives up at once."""
    deadline = time.monotonic() + wait
    while True:
        try:
            driver.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.0005, 0.005))
