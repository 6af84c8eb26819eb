"""Files and rows agree (SECURITY 7.32, F48, F49): what lies about is found, put aside, and forgotten in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.data.context import Context
from core.data.engine import Database
from core.data.unit import transaction
from core.features.bin import delete_record, load
from core.features.file_store import FileStore
from core.features.files import StoredFile

HOUR = 3_600.0
STRAY_AFTER = 24 * HOUR
"""Seconds a file may be without a row: the unit that names it may still be under way."""
INCOMING_AFTER = HOUR
QUARANTINED_FOR = 7 * 24 * HOUR
"""Seconds a file without a row is kept aside, so that a database brought back from a backup finds its files."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A row whose file is not there: the row's id, the name people gave it, and whose file it is."""

    id: int
    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What does not agree."""

    missing: Sequence[Missing]
    strays: Sequence[Path]


Told = Callable[[int, int], object]
"""Is told how many more rows were looked at, and of how many in all."""


def look(
    session: Session, store: FileStore, *, older_than: float = STRAY_AFTER, told: Told = lambda _number, _total: None
) -> Findings:
    """Live rows without a file, and files without a row, also one in the bin, that are older than so many seconds."""
    return Findings(_missing(session, store, told), _strays(session, store, older_than))


def _missing(session: Session, store: FileStore, told: Told) -> list[Missing]:
    rows = StoredFile.__table__.c
    total = session.connection().execute(select(func.count()).where(rows.deleted_at.is_(None))).scalar_one()
    statement = select(rows.id, rows.name, rows.owner_entity, rows.owner_id, rows.stored).where(
        rows.deleted_at.is_(None)
    )
    missing = []
    for row in session.connection().execute(statement.order_by(rows.id)):
        if not store.has(row.stored):
            missing.append(Missing(row.id, row.name, f"{row.owner_entity} {row.owner_id}"))
        told(1, total)
    return missing


def _strays(session: Session, store: FileStore, older_than: float) -> list[Path]:
    rows = StoredFile.__table__.c
    before = time.time() - older_than
    strays: list[Path] = []
    for paths in store.shards():
        names = [path.name for path in paths]
        known: set[str | None] = set()
        for column in (rows.stored, rows.thumbnail):
            for start in range(0, len(names), 500):
                wanted = select(column).where(column.in_(names[start : start + 500]))
                known.update(session.connection().execute(wanted).scalars())
        strays += [path for path in paths if path.name not in known and path.lstat().st_mtime <= before]
    return strays


def repair(context: Context, store: FileStore, found: Findings) -> None:
    """Put aside what does not agree: files into quarantine, rows into the bin."""
    for path in found.strays:
        store.quarantine(path)
    if found.missing:
        with transaction("file.missing", context=context) as unit:
            for file in load(unit, StoredFile, [row.id for row in found.missing]):
                if file.deleted_at is None:
                    delete_record(unit, file)


def sweep_files(database: Database, store: FileStore) -> None:
    """Now and then, by the worker: files of purged rows and of units that did not end go aside, then away."""
    with database.reading() as session:
        strays = _strays(session, store, STRAY_AFTER)
    for path in strays:
        store.quarantine(path)
    store.forget_old(incoming_after=INCOMING_AFTER, quarantined_after=QUARANTINED_FOR)
