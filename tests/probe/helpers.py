"""Short ways to say what tests of the unit of work say often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import select, text

from core.contract.changes import SYSTEM, Actor
from core.data.history import Entry, changes_of, history_of
from core.data.records import Record
from core.data.unit import Unit, transaction
from core.testing.site import Site


def work(site: Site, action: str = "test", actor: Actor = SYSTEM) -> AbstractContextManager[Unit]:
    """A unit of work."""
    return transaction(action, context=site.context(actor))


def add(site: Site, *records: Record) -> list[int]:
    """Add records in one unit and return their ids."""
    with work(site, "add") as unit:
        for record in records:
            unit.add(record)
    return [record.id for record in records]


def edit(site: Site, model: type[Record], record_id: int, actor: Actor = SYSTEM, **values: Any) -> int:
    """Change one record and return the operation."""
    with work(site, "edit", actor) as unit:
        record = unit.get(model, record_id)
        for name, value in values.items():
            setattr(record, name, value)
    assert unit.operation is not None
    return unit.operation


def set_field(site: Site, model: type[Record], record_id: int, name: str, value: Any) -> int:
    """Set any field by its name in the registry, facets and custom fields included; returns the operation."""
    with work(site, "set") as unit:
        record = unit.get(model, record_id)
        unit.write(record, unit.context.registry.entity(model.entity.name).field(name), value)
    assert unit.operation is not None
    return unit.operation


def fetch(site: Site, statement: Any, **values: Any) -> Sequence[Any]:
    """Rows straight from the database, past everything the session class hides."""
    if isinstance(statement, str):
        statement = text(statement)
    with site.runtime.database.reading() as session:
        return session.connection().execute(statement, values).all()


def row_of(site: Site, model: type[Any], row_id: int) -> Mapping[str, Any]:
    """All columns of one row, the bin included."""
    table = model.__table__
    (found,) = fetch(site, select(table).where(next(iter(table.primary_key.columns)) == row_id))
    return dict(found._mapping)


def number_of(site: Site, table: str) -> int:
    """How many rows a table has."""
    return int(fetch(site, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a name in a test


def history(site: Site, model: type[Record], record_id: int) -> list[Entry]:
    """The record's history, oldest first."""
    with site.runtime.database.reading() as session:
        return history_of(session, model.entity.name, record_id, limit=1000)[::-1]


def changes(site: Site, operation: int | None) -> list[Entry]:
    """The changes of one operation."""
    assert operation is not None
    with site.runtime.database.reading() as session:
        return changes_of(session, operation)
