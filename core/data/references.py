"""What points at what (`core_reference`, DESIGN 6): read by delete and merge, for modules that are off as well.

When a plugin is switched on, every column of its tables that points at a record is written here with what a delete
and a merge do to it. Later the table and the database are asked, never a hook: disabled modules have no hooks, but
their rows are there.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    TableClause,
    UniqueConstraint,
    column,
    delete,
    insert,
    select,
    table,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.contributions import Entity
from core.data.records import Facet, Fielded, Identifier, Row
from core.errors import PluginError
from core.fields import AnyLink, DateTime, Declaration, Link, OneOf
from core.i18n import lazy as _


class Reference(Row):
    """One column that points at records of another table."""

    __tablename__ = "core_reference"
    __table_args__ = (UniqueConstraint("source_table", "source_column"),)
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40), index=True)
    entity: Mapped[str] = mapped_column(String(80))
    label: Mapped[str] = mapped_column(String(200))
    source_table: Mapped[str] = mapped_column(String(80))
    source_column: Mapped[str] = mapped_column(String(80))
    target_table: Mapped[str] = mapped_column(String(80), index=True)
    on_merge: Mapped[str] = mapped_column(String(20))
    on_delete: Mapped[str] = mapped_column(String(20))
    entity_column: Mapped[str | None] = mapped_column(String(80))
    """For a link to records of any entity: the column that names the entity. Then `target_table` is `ANY`."""


ANY = "*"
"""Target table of links by entity and id, which may point at records of any entity."""


class Target(NamedTuple):
    """Which records something points at: their entity and their table, which is known also while its module is off."""

    entity: str
    table: str


@dataclass(frozen=True, slots=True)
class Dependants:
    """Live rows that point at records through one reference: row id -> id of the record it points at."""

    reference: Reference
    links: Mapping[int, int]

    @property
    def ids(self) -> tuple[int, ...]:
        """The rows."""
        return tuple(self.links)

    def only(self, wanted: Callable[[int], bool]) -> Dependants:
        """Those rows that `wanted` keeps."""
        return Dependants(self.reference, {row: target for row, target in self.links.items() if wanted(row)})


def declare_references(session: Session, plugin: str, models: Iterable[type[Fielded]]) -> None:
    """Write the references of a plugin's record classes anew. Raises `PluginError` for one without a declaration."""
    rows = []
    for model in models:
        if issubclass(model, Facet):
            continue  # a facet is part of its record: it stays, goes and is purged with it (ON DELETE CASCADE)
        entity: Entity = model.entity  # type: ignore[attr-defined]
        for source in model.__table__.columns:
            rows += [
                {
                    "plugin": plugin,
                    "entity": entity.name,
                    "label": str(entity.plural),
                    "source_table": model.__tablename__,
                    "source_column": source.name,
                    "target_table": target,
                    "on_merge": link.on_merge,
                    "on_delete": link.on_delete,
                    "entity_column": link.entity_in if isinstance(link, AnyLink) else None,
                }
                for target, link in _links(plugin, source)
            ]
    connection = session.connection()
    connection.execute(delete(Reference).where(Reference.plugin == plugin))
    if rows:
        connection.execute(insert(Reference), rows)


def _links(plugin: str, source: ColumnElement[Any]) -> Iterator[tuple[str, Link | AnyLink | OneOf]]:
    """The tables a column points at, with the field that says so. Raises `PluginError` when none does."""
    declared = source.info.get("field")
    link = declared.type if isinstance(declared, Declaration) else None
    if isinstance(link, AnyLink):
        yield ANY, link
    for key in source.foreign_keys:
        if not isinstance(link, Link | OneOf):
            raise PluginError(plugin, _("%(column)s points at another record but is no Link field", column=str(source)))
        yield key.column.table.name, link


def references_to(session: Session, target_table: str) -> list[Reference]:
    """Every declared reference to records of this table, those to any record too, of all plugins ever enabled."""
    statement = select(Reference).where(Reference.target_table.in_((target_table, ANY))).order_by(Reference.id)
    return list(session.scalars(statement))


def points_at(reference: Reference, rows: FromClause, entity: str) -> list[ColumnElement[bool]]:
    """What `rows` of the reference's table must fulfil beside the id, to point at records of `entity`."""
    return [] if reference.entity_column is None else [rows.c[reference.entity_column] == entity]


def source_of(reference: Reference) -> TableClause:
    """The reference's table, with the columns it points by."""
    names = [reference.source_column, *([reference.entity_column] if reference.entity_column else [])]
    return _rows(reference.source_table, *names)


def dependants(session: Session, pointed: Target, ids: Collection[int]) -> list[Dependants]:
    """Live rows that point at these records, by reference; asked of the database, so disabled modules count too."""
    found = []
    for reference in references_to(session, pointed.table):
        rows = source_of(reference)
        live = [rows.c.deleted_at.is_(None), *points_at(reference, rows, pointed.entity)]
        links = _rows_with(session, rows, reference.source_column, ids, *live)
        if links:
            found.append(Dependants(reference, links))
    return found


def binned_with(
    session: Session, reference: Reference, entity: str, ids: Collection[int], moment: datetime.datetime
) -> list[int]:
    """Rows that point at these records of `entity` through a reference and went to the bin at the same instant."""
    rows = source_of(reference)
    together = [rows.c.deleted_at == moment, *points_at(reference, rows, entity)]
    return list(_rows_with(session, rows, reference.source_column, ids, *together))


def lock_rows(session: Session, table_name: str, ids: Collection[int]) -> None:
    """Lock rows against new links to them: who links takes a lock that waits for this one (F43)."""
    rows = _rows(table_name)
    for some in _portions(ids):
        statement = select(rows.c.id).where(rows.c.id.in_(some)).order_by(rows.c.id).with_for_update()
        session.connection().execute(statement).all()


def rows_holding(session: Session, table_name: str, column_name: str, ids: Collection[int], value: object) -> list[int]:
    """Those of the rows whose column holds `value`, None included."""
    rows = _rows(table_name, column_name)
    return list(_rows_with(session, rows, "id", ids, rows.c[column_name].is_not_distinct_from(value)))


def _rows_with(
    session: Session, rows: TableClause, name: str, ids: Collection[int], *where: ColumnElement[bool]
) -> dict[int, int]:
    """The rows that have one of `ids` in column `name`: row id -> that id."""
    found: dict[int, int] = {}
    for some in _portions(ids):
        key = rows.c[name]
        statement = select(rows.c.id, key.label("wanted")).where(key.in_(some), *where).order_by(rows.c.id)
        found.update((row, wanted) for row, wanted in session.connection().execute(statement))
    return found


def set_rows(session: Session, table_name: str, column_name: str, ids: Collection[int], value: object) -> None:
    """Set one column of rows of a module that is off, by statement.

    The caller writes what was set into history, so that undo can take it back.
    """
    rows = _rows(table_name, column_name)
    for some in _portions(ids):
        values = {column_name: value, "version": rows.c.version + 1}
        session.connection().execute(update(rows).where(rows.c.id.in_(some)).values(values))


def _rows(name: str, *columns: str) -> TableClause:
    """A table of which only the name is known: its module may be off, and its class not imported."""
    known = {"id": column("id"), "version": column("version"), "deleted_at": column("deleted_at", _INSTANT)}
    return table(name, *{**{other: column(other) for other in columns}, **known}.values())


_INSTANT = DateTime().column_type()
PORTION = 500
"""Ids in one statement; databases take only so many parameters."""


def _portions(ids: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), PORTION):
        yield ordered[start : start + PORTION]


def remove_pointing_at(session: Session, entities: Collection[str]) -> None:
    """Delete for good what points by entity and id at records of these entities, whose tables are being dropped (MO-3)."""
    for reference in session.scalars(select(Reference).where(Reference.target_table == ANY)):
        rows = source_of(reference)
        session.connection().execute(delete(rows).where(rows.c[reference.entity_column or ""].in_(entities)))
