"""What fields of several values hold, one id a row: kept beside the records, so that filters and scopes find them.

The record's own column is the truth; these rows follow it at every flush (DESIGN 4: one core link table).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Index, String, delete, insert, inspect
from sqlalchemy.orm import AttributeState, Mapped, mapped_column

from core.data.records import Facet, Fielded, Identifier, Record, Row, in_extra
from core.fields import Field

Changed = tuple[Fielded, Field, bool]
"""A row, a field of it, and whether the row is a new record, which has no links to forget."""


class LinkRow(Row):
    """One id in a field of several values."""

    __tablename__ = "core_link"
    __table_args__ = (Index("ix_core_link_record", "record_id", "source_table", "source_column"),)
    source_table: Mapped[str] = mapped_column(String(80), primary_key=True)
    source_column: Mapped[str] = mapped_column(String(80), primary_key=True)
    target_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    record_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)


def changed_links(rows: Iterable[tuple[Fielded, Iterable[Field]]]) -> Iterator[Changed]:
    """Of rows about to be written those fields of several values that differ from what is stored."""
    for row, fields in rows:
        state = inspect(row)
        for found in fields:
            if not found.type.multiple:
                continue
            history = AttributeState(state, found.attribute).history  # `attrs` would make those of all fields
            if history.has_changes() and (found.extra_key is None or _differ(row, found, history.deleted)):
                yield row, found, state.pending and isinstance(row, Record)


def _differ(row: Fielded, found: Field, before: Sequence[Any]) -> bool:
    """Whether the value of a field kept in `extra` is another one than before."""
    return bool(in_extra(found, before[0] if before else None) != in_extra(found, cast(Record, row).extra))


def write_links(connection: Connection, changed: Iterable[Changed]) -> None:
    """Write the ids of these fields anew, once their records have numbers."""
    rows: list[dict[str, Any]] = []
    for row, found, is_new in changed:
        number = row.record_id if isinstance(row, Facet) else cast(Record, row).id
        seat = found.attribute if found.extra_key is None else f"{found.attribute}.{found.extra_key}"
        place = {"source_table": row.__tablename__, "source_column": seat, "record_id": number}
        if not is_new:
            connection.execute(delete(LinkRow).filter_by(**place))
        rows += [{**place, "target_id": target} for target in _targets(row, found)]
    if rows:
        connection.execute(insert(LinkRow), rows)


def _targets(row: Fielded, found: Field) -> Collection[int]:
    if found.extra_key is not None:
        return in_extra(found, cast(Record, row).extra) or ()
    return getattr(row, found.attribute) or ()


def forget_links(connection: Connection, table: str, ids: Collection[int] | None = None) -> None:
    """Delete the ids that some records deleted for good held; `ids` None: those of the whole table."""
    doomed = delete(LinkRow).where(LinkRow.source_table == table)
    connection.execute(doomed if ids is None else doomed.where(LinkRow.record_id.in_(ids)))
