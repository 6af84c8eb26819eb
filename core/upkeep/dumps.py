"""A copy of what a purge removes (MO-3): a zip of JSON lines, one file per table, and the files on the records.

Besides the module's own tables that is what points at its records by entity and id: notes and files, and what other
modules keep so, and what administrators made of the module: settings, dictionaries, fields of their own, numbering. Tables are read by their names, since the module's code may be broken or gone.
"""

from __future__ import annotations

import base64
import datetime
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, column, func, select, table, text
from sqlalchemy.orm import Session

from core.data.references import ANY, Reference
from core.errors import PluginError
from core.features.file_store import FileStore
from core.features.files import StoredFile
from core.jobs.results import whole_file
from core.runtime.rehearsal import rehearse

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

ROWS_AT_ONCE = 500
FILES = "files"
MISSING = f"{FILES}/missing.txt"
"""Names the files whose rows are there and whose content is not: a copy says what it lacks."""


@dataclass(frozen=True, slots=True)
class DumpPlan:
    """What goes into the dump of module `name`: its tables, and what points at the records of its entities."""

    name: str
    tables: Sequence[str]
    entities: Sequence[str]
    store: FileStore
    kept: Sequence[tuple[str, Select[Any]]] = ()
    """What administrators made of it and the core keeps, by table."""

    @property
    def file_name(self) -> str:
        """A name for the file that no other dump has."""
        return f"{self.name}-{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S-%f}.zip"


def entities_of(runtime: Runtime, name: str) -> tuple[str, ...]:
    """The names of a module's entities; none when its code does not run: then nobody knows what points at them."""
    if name not in runtime.discovery.plugins:
        return ()
    try:
        return rehearse(runtime, runtime.discovery.closure_needs([name]), [name]).names
    except PluginError:
        return ()


def count_pointing(session: Session, entities: Sequence[str], own: Sequence[str]) -> Mapping[str, int]:
    """How many rows of other tables than `own` point at records of these entities, by table; those that have none left out."""
    connection = session.connection()
    counted = {
        name: int(connection.execute(statement.with_only_columns(func.count())).scalar_one())
        for name, statement in _pointing(session, entities, own)
    }
    return {name: number for name, number in counted.items() if number}


def keep_dump(session: Session, plan: DumpPlan, folder: Path) -> Path:
    """Write a dump into `folder`, readable by its owner only; it is there as a whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / plan.file_name
    with whole_file(target) as handle:
        write_dump(session, plan, handle)
    return target


def write_dump(session: Session, plan: DumpPlan, target: IO[bytes]) -> None:
    """Write a dump to an open file."""
    own = [(name, select(text("*")).select_from(table(name))) for name in plan.tables]
    connection = session.connection()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, statement in (*own, *plan.kept, *_pointing(session, plan.entities, plan.tables)):
            with archive.open(f"{name}.jsonl", "w", force_zip64=True) as member:
                for line in _lines(connection, statement):
                    member.write(line)
        _write_files(archive, connection, plan)


def _pointing(session: Session, entities: Sequence[str], own: Sequence[str]) -> list[tuple[str, Select[Any]]]:
    """The rows `remove_pointing_at` deletes, by table."""
    generic = session.scalars(select(Reference).where(Reference.target_table == ANY).order_by(Reference.source_table))
    return [
        (
            reference.source_table,
            select(text("*"))
            .select_from(table(reference.source_table))
            .where(column(reference.entity_column or "").in_(entities)),
        )
        for reference in generic
        if reference.source_table not in own
    ]


def _write_files(archive: zipfile.ZipFile, connection: Connection, plan: DumpPlan) -> None:
    """The content of the files, below the number of their row."""
    rows = StoredFile.__table__
    wanted = select(rows.c.id, rows.c.name, rows.c.stored).where(rows.c.owner_entity.in_(plan.entities))
    missing = []
    for number, name, stored in connection.execute(wanted.order_by(rows.c.id)):
        path = f"{FILES}/{number}/{name}"
        content = plan.store.open(stored)
        if content is None:
            missing.append(path)
            continue
        with content, archive.open(path, "w", force_zip64=True) as member:
            shutil.copyfileobj(content, member)
    if missing:
        archive.writestr(MISSING, "\n".join(missing) + "\n")


def _lines(connection: Connection, statement: Select[Any]) -> Iterable[bytes]:
    rows = connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
    for row in rows.mappings():
        yield (json.dumps(dict(row), default=_plain, ensure_ascii=False) + "\n").encode()


def _plain(value: Any) -> Any:
    """JSON for what it has no word for: bytes as base64, dates as ISO text, exact numbers as text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
