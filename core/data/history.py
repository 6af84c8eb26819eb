"""History: one operation with its changes, written in the transaction it tells of, append-only (US-3, DESIGN 6).

Values stand as the fields' own `dump` texts, so that history is readable without the plugin that wrote it. Values of
`personal` fields stand in rows of their own, which erasure can blank.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    and_,
    func,
    insert,
    select,
    union,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.changes import Change
from core.data.records import Document, Identifier, Row
from core.fields import DateTime

if TYPE_CHECKING:
    from core.registry import RegisteredEntity, Registry


class Operation(Row):
    """What a user or job did at once: who, when, which action, in which request, because of what."""

    __tablename__ = "core_operation"
    __table_args__ = (Index("ix_core_operation_actor", "actor_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    actor_id: Mapped[int | None] = mapped_column(Identifier)
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(80))
    request_id: Mapped[str | None] = mapped_column(String(40))
    cause: Mapped[str | None] = mapped_column(String(500))
    undo_of: Mapped[int | None] = mapped_column(ForeignKey("core_operation.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(Identifier, index=True)
    """The job one of whose steps it was."""


class RecordChange(Row):
    """One record's part of an operation. `fields` maps a name to [old, new] as dump texts, None for empty.

    For rows of a module that is off, which have no fields, `moved` holds the table, column and ids set at once.
    """

    __tablename__ = "core_change"
    __table_args__ = (
        Index("ix_core_change_record", "entity", "record_id", "id"),
        Index("ix_core_change_owner", "owner_entity", "owner_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("core_operation.id"), index=True)
    entity: Mapped[str] = mapped_column(String(80))
    record_id: Mapped[int] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(255), default="")
    fields: Mapped[dict[str, list[str | None]]] = mapped_column(Document, default=dict)
    moved: Mapped[dict[str, Any] | None] = mapped_column(Document)
    version: Mapped[int | None] = mapped_column()
    """The record's version after the change; tells a stale form what changed since (F39)."""
    owner_entity: Mapped[str | None] = mapped_column(String(80))
    """Of what is part of another record, such as a note: that record, whose history tells of the change as well."""
    owner_id: Mapped[int | None] = mapped_column(Identifier)


class PersonalValue(Row):
    """Old and new value of a personal field; the only part of history that erasure may blank (SECURITY 7.35)."""

    __tablename__ = "core_change_value"
    __table_args__ = (UniqueConstraint("operation_id", "entity", "record_id", "field"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("core_operation.id"))
    entity: Mapped[str] = mapped_column(String(80))
    record_id: Mapped[int] = mapped_column(Identifier)
    field: Mapped[str] = mapped_column(String(120))
    old: Mapped[str | None] = mapped_column()
    new: Mapped[str | None] = mapped_column()


def write_changes(
    connection: Connection,
    registry: Registry,
    operation: int,
    changes: Sequence[Change],
    moved: Iterable[Mapping[str, Any]],
) -> None:
    """Write the changes of one operation. `moved`: row sets of modules that are off, changed by statement."""
    rows: list[dict[str, Any]] = []
    personal: list[dict[str, Any]] = []
    told = {(change.entity, change.record_id, change.kind) for change in changes}
    for change in changes:
        registered = registry.entity(change.entity)
        values: dict[str, list[str | None]] = {}
        place = {"operation_id": operation, "entity": change.entity, "record_id": change.record_id}
        for name, new in change.new.items():
            found = registered.fields[name]
            old = change.old.get(name)
            values[name] = [None if value is None else found.type.dump(value) for value in (old, new)]
            if found.declaration.personal:
                personal.append({**place, "field": name, "old": values[name][0], "new": values[name][1]})
                values[name] = [None, None]
        rows.append(
            {
                **place, "kind": change.kind, "title": _lasting_title(registered, change), "fields": values,
                "version": change["version"], **_owner(registered, change, told),
            }
        )  # fmt: skip
    groups = [
        {"operation_id": operation, "entity": group["entity"], "record_id": group["parent"], "kind": group["kind"],
         "moved": dict(group)}
        for group in moved
    ]  # fmt: skip
    for table, written in ((RecordChange, rows), (RecordChange, groups), (PersonalValue, personal)):
        if written:
            connection.execute(insert(table), written)


def _owner(registered: RegisteredEntity, change: Change, told: Collection[tuple[str, int, str]]) -> Mapping[str, Any]:
    """The record a change is part of, unless the same happened to that record, whose own line then says it all."""
    ownership = registered.entity.ownership
    part_of = None if registered.entity.pages or ownership is None else ownership.part_of
    entity, record_id = (str(change[part_of[0]]), int(change[part_of[1]])) if part_of else (None, None)
    if (entity, record_id, change.kind) in told:
        entity = record_id = None
    return {"owner_entity": entity, "owner_id": record_id}


def _lasting_title(registered: RegisteredEntity, change: Change) -> str:
    """The record's name as history keeps it for good: its number where the name is a person's (SECURITY 7.35)."""
    return f"#{change.record_id}" if registered.title_field.declaration.personal else change.title[:255]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a record's history: the operation, the kind of change, and the fields with old and new dumps."""

    operation: Operation
    change: RecordChange
    fields: Mapping[str, tuple[str | None, str | None]]


_LINES = select(RecordChange, Operation).join(Operation, Operation.id == RecordChange.operation_id)


def _entries(session: Session, statement: Select[RecordChange, Operation]) -> list[Entry]:
    """The lines a statement selects, with the personal values that stand beside them."""
    lines = session.execute(statement).all()
    stored: dict[tuple[int, str, int], dict[str, tuple[str | None, str | None]]] = {}
    if lines:
        of_these = select(PersonalValue).where(
            PersonalValue.operation_id.in_({change.operation_id for change, _operation in lines}),
            PersonalValue.entity.in_({change.entity for change, _operation in lines}),
            PersonalValue.record_id.in_({change.record_id for change, _operation in lines}),
        )  # not of all records of an operation: a load or a job changes hundreds at once
        for value in session.scalars(of_these):
            place = (value.operation_id, value.entity, value.record_id)
            stored.setdefault(place, {})[value.field] = (value.old, value.new)
    entries = []
    for change, operation in lines:
        fields = {name: (old, new) for name, (old, new) in change.fields.items()}
        fields.update(stored.get((change.operation_id, change.entity, change.record_id), {}))
        entries.append(Entry(operation, change, fields))
    return entries


def history_of(
    session: Session,
    entity: str,
    record_id: int,
    *,
    limit: int = 50,
    before: int | None = None,
    parts: ColumnElement[bool] | None = None,
) -> list[Entry]:
    """The newest `limit` changes of a record, newest first; `before`: only those older than this change's id.

    `parts`: also changes of what is part of the record, such as its notes, as far as they fulfil this condition.
    """
    own = and_(RecordChange.entity == entity, RecordChange.record_id == record_id)
    wanted = _newest(own, before, limit)
    if (
        parts is not None
    ):  # two questions, each by its own index: joined by "or" they were answered by reading everything
        owned = and_(RecordChange.owner_entity == entity, RecordChange.owner_id == record_id, parts)
        both = union(wanted, _newest(owned, before, limit)).subquery()
        wanted = select(both.c.id)
    statement = _LINES.where(RecordChange.id.in_(wanted)).order_by(RecordChange.id.desc()).limit(limit)
    return _entries(session, statement)


def _newest(which: ColumnElement[bool], before: int | None, limit: int) -> Select[int]:
    """The ids of the newest changes of some, at most `limit`, as a table of its own: so that an index is used for them."""
    found = select(RecordChange.id).where(which).order_by(RecordChange.id.desc()).limit(limit)
    if before is not None:
        found = found.where(RecordChange.id < before)
    inner = found.subquery()
    return select(inner.c.id)


def changes_of(session: Session, operation: int) -> list[Entry]:
    """All changes of an operation, in the order they were written."""
    return _entries(session, _LINES.where(RecordChange.operation_id == operation).order_by(RecordChange.id))


@dataclass(frozen=True, slots=True)
class Summary:
    """An operation in short: how many changes of each kind, and the change itself when there is just one."""

    operation: Operation
    kinds: Mapping[str, int]
    only: Entry | None

    @property
    def total(self) -> int:
        """The number of changes."""
        return sum(self.kinds.values())


def summarise(session: Session, operation: Operation) -> Summary:
    """An operation in short; as cheap for ten thousand changes as for one."""
    return summarise_all(session, [operation])[0]


def summarise_all(session: Session, operations: Sequence[Operation]) -> list[Summary]:
    """The same of several, with as many statements as for one."""
    kinds: dict[int, dict[str, int]] = {operation.id: {} for operation in operations}
    of_these = select(RecordChange.operation_id, RecordChange.kind, func.count()).where(
        RecordChange.operation_id.in_(kinds)
    )
    for operation_id, kind, number in session.execute(of_these.group_by(RecordChange.operation_id, RecordChange.kind)):
        kinds[operation_id][kind] = number
    single = [operation_id for operation_id, found in kinds.items() if sum(found.values()) == 1]
    lines = _entries(session, _LINES.where(RecordChange.operation_id.in_(single))) if single else []
    only = {entry.change.operation_id: entry for entry in lines}
    return [Summary(operation, kinds[operation.id], only.get(operation.id)) for operation in operations]


def changed_since(session: Session, entity: str, record_id: int, version: int) -> list[Entry]:
    """The record's changes that made a version later than `version`, newest first."""
    return [entry for entry in history_of(session, entity, record_id) if (entry.change.version or 0) > version]
