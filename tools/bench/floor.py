"""The floor of a page: the rows by the driver itself, the bytes by one function; no framework, no fields, no templates.

It checks the same sign-in and asks for the version of the enabled set, as the application must; then it reads the rows
of the list and writes them between the head and the tail of the real page. A created record is the rows of a real one,
written in one transaction. What it costs is what no application can save.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from core.data.engine import SQLITE_SETTINGS

VISIT = "comptoir="
SIGNED_IN = (
    "SELECT s.id, s.seen_at, u.id, u.name, u.role, u.language FROM core_sign_in s JOIN core_user u ON u.id = s.user_id "
    "WHERE s.token_hash = ? AND s.ended_at IS NULL AND u.active"
)
VERSION = "SELECT version FROM core_state"
_local = threading.local()


class Driver:
    """A connection of this thread; statements are written for SQLite."""

    def __init__(self, url: str) -> None:
        parts = make_url(url)
        self.is_sqlite = parts.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self.connection: Any = sqlite3.connect(parts.database or "", isolation_level=None, timeout=15)
            for setting in SQLITE_SETTINGS:
                self.connection.execute(setting)
        else:
            import psycopg

            plain = parts.set(drivername="postgresql").render_as_string(hide_password=False)
            self.connection = psycopg.connect(plain, autocommit=True)

    def run(self, statement: str, values: Iterable[Any] = ()) -> Any:
        """Execute; returns the cursor."""
        text = statement if self.is_sqlite else statement.replace("?", "%s")
        return self.connection.execute(text, tuple(values))

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self.connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")


def driver(url: str) -> Driver:
    """The connection of this thread."""
    found: Driver | None = getattr(_local, "driver", None)
    if found is None:
        found = _local.driver = Driver(url)
    return found


def make_application() -> Callable[..., Iterable[bytes]]:
    """For the server: `tools.bench.floor:make_application()`. The sample is named by COMPTOIR_BENCH_SAMPLE."""
    sample = json.loads(Path(os.environ["COMPTOIR_BENCH_SAMPLE"]).read_text(encoding="utf-8"))
    url = os.environ["COMPTOIR_DATABASE_URL"]
    head, tail, pieces = sample["head"], sample["tail"], [(text, column) for text, column in sample["row"]]

    def listed(found: Driver) -> bytes:
        found.run(sample["count"]).fetchone()
        lines = []
        for row in found.run(sample["rows"]).fetchall():
            lines.append("".join([text + ("" if at is None else escape(str(row[at] or ""))) for text, at in pieces]))
        page: str = head + "\n".join(lines) + tail
        return page.encode()

    def created(found: Driver) -> bytes:
        found.begin()
        write_copy(found, sample["tables"])
        found.run("COMMIT")
        return b""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        worked = time.thread_time()
        found = driver(url)
        found.run(VERSION).fetchone()
        token = next(
            (part[len(VISIT) :] for part in environ.get("HTTP_COOKIE", "").split("; ") if part.startswith(VISIT)), ""
        )
        known = found.run(SIGNED_IN, [hashlib.sha256(token.encode()).hexdigest()]).fetchone()
        if known is None:
            start("403 Forbidden", [("Content-Length", "0")])
            return [b""]
        is_post = environ["REQUEST_METHOD"] == "POST"
        if is_post:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = created(found) if is_post else listed(found)
        spent = (time.thread_time() - worked) * 1000
        kind = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
        start("303 See Other" if is_post else "200 OK", [*kind, ("X-Cpu-Ms", f"{spent:.2f}")])
        return [body]

    return application


def write_copy(found: Driver, tables: list[dict[str, Any]]) -> None:
    """The rows of a real record once more: ids given by the database, what must differ made anew."""
    found.run("UPDATE core_counter SET last = last + 0")
    given: dict[str, int] = {}
    moment = datetime.datetime.now(datetime.UTC).isoformat(sep=" ")
    for table in tables:
        values = dict(table["values"])
        for column, source in table["refers"].items():
            values[column] = given[source]
        unique = f"floor{secrets.token_hex(8)}"  # a code and its key are the same text
        values |= dict.fromkeys(table["unique"], unique)
        for column in table["moments"]:
            values[column] = moment
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" for _name in values)
        statement = f"INSERT INTO {table['name']} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own tables
        if not table["identity"]:
            found.run(statement, values.values())
        else:
            given[table["name"]] = found.run(f"{statement} RETURNING id", values.values()).fetchone()[0]
