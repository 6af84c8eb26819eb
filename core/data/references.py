"""What points at what (`core_reference`, DESIGN 6): read by delete and merge, for modules that are off as well.

When a plugin is switched on, every column of its tables that points at a record is written here with what a delete
and a merge do to it. Later the table and the database are asked, never a hook: disabled modules have no hooks, but
their rows are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import String, UniqueConstraint, column, delete, func, insert, select, table, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.contributions import Entity
from core.data.records import Facet, Fielded, Identifier, Record, Row
from core.errors import PluginError
from core.fields import DateTime, Declaration, Link
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


@dataclass(frozen=True, slots=True)
class Dependants:
    """Live rows that point at a record through one reference."""

    reference: Reference
    ids: tuple[int, ...]


def declare_references(session: Session, plugin: str, models: Iterable[type[Fielded]]) -> None:
    """Write the references of a plugin's record classes anew. Raises `PluginError` for one without a declaration."""
    rows = []
    for model in models:
        if issubclass(model, Facet):
            continue  # a facet is part of its record: it stays, goes and is purged with it (ON DELETE CASCADE)
        entity: Entity = model.entity  # type: ignore[attr-defined]
        for source in model.__table__.columns:
            for key in source.foreign_keys:
                declared = source.info.get("field")
                link = declared.type if isinstance(declared, Declaration) else None
                if not isinstance(link, Link):
                    message = _("%(column)s points at another record but is no Link field", column=str(source))
                    raise PluginError(plugin, message)
                rows.append(
                    {
                        "plugin": plugin,
                        "entity": entity.name,
                        "label": str(entity.plural),
                        "source_table": model.__tablename__,
                        "source_column": source.name,
                        "target_table": key.column.table.name,
                        "on_merge": link.on_merge,
                        "on_delete": link.on_delete,
                    }
                )
    connection = session.connection()
    connection.execute(delete(Reference).where(Reference.plugin == plugin))
    if rows:
        connection.execute(insert(Reference), rows)


def references_to(session: Session, target: type[Record]) -> list[Reference]:
    """Every declared reference to records of this class, of all plugins that were ever enabled."""
    statement = select(Reference).where(Reference.target_table == target.__tablename__).order_by(Reference.id)
    return list(session.scalars(statement))


def dependants(session: Session, target: type[Record], record_id: int) -> list[Dependants]:
    """Live rows that point at the record, by reference; asked of the database, so disabled modules count too."""
    found = []
    for reference in references_to(session, target):
        rows = table(reference.source_table, column("id"), column(reference.source_column), column("deleted_at"))
        statement = select(rows.c.id).where(rows.c[reference.source_column] == record_id, rows.c.deleted_at.is_(None))
        ids = tuple(session.connection().execute(statement.order_by(rows.c.id)).scalars())
        if ids:
            found.append(Dependants(reference, ids))
    return found


_DELETED_AT = column("deleted_at", DateTime().column_type())


def set_rows(session: Session, source_table: str, column_name: str, ids: Iterable[int], value: object) -> int:
    """Set one column of rows of a module that is off, by statement; returns how many rows it changed.

    The caller writes what was set into history, so that undo can take it back.
    """
    target = _DELETED_AT if column_name == "deleted_at" else column(column_name)
    rows = table(source_table, column("id"), target, column("version"))
    statement = update(rows).where(rows.c.id.in_(list(ids))).values({column_name: value, "version": rows.c.version + 1})
    return int(session.connection().execute(statement).rowcount)


def count_rows(session: Session, source_table: str) -> int:
    """How many rows a table has, the bin included; for the impact page."""
    return int(session.connection().execute(select(func.count()).select_from(table(source_table))).scalar_one())
