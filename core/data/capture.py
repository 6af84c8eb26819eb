"""Gathers what a unit changes, over all its flushes, one entry per record (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import inspect
from sqlalchemy.orm import object_session

from core.contract.changes import Actor, Change, Kind
from core.data.records import Facet, Fielded, Record
from core.data.session import INCLUDE_DELETED
from core.fields import Field

if TYPE_CHECKING:
    from core.registry import Registry

_UNSET = object()


@dataclass(slots=True)
class Captured:
    """What is known of one row: whether it is new, and the value each changed attribute had first."""

    row: Fielded
    created: bool
    old: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> Captured:
        """A copy that later flushes do not touch."""
        return Captured(self.row, self.created, dict(self.old))


Rows = dict[int, Captured]


class Capture:
    """The changes of one unit: of the present round, and of the whole operation."""

    def __init__(self, registry: Registry, actor: Actor, action: str) -> None:
        self._registry = registry
        self._actor = actor
        self._action = action
        self._round: Rows = {}
        self._whole: Rows = {}

    def before_flush(self, new: Iterable[Fielded], dirty: Iterable[Fielded]) -> None:
        """Remember old values of what is about to be written."""
        for row in new:
            self._round[id(row)] = Captured(row, created=True)
            self._whole[id(row)] = Captured(row, created=True)
        for row in dirty:
            state = inspect(row)
            attributes = {found.attribute for found in self._registry.entity_of(row).tracked[type(row)]}
            if isinstance(row, Record):
                attributes |= {"deleted_at"}
            for name in attributes:
                history = state.attrs[name].history
                if history.has_changes():
                    old = history.deleted[0] if history.deleted else None
                    for rows in (self._round, self._whole):
                        rows.setdefault(id(row), Captured(row, created=False)).old.setdefault(name, old)

    def snapshot(self) -> tuple[Rows, Rows]:
        """What is captured now, to come back to when a savepoint is rolled back."""
        return _copy(self._round), _copy(self._whole)

    def restore(self, kept: tuple[Rows, Rows]) -> None:
        """Forget what was captured since the snapshot."""
        self._round, self._whole = kept

    def take_round(self) -> list[Change]:
        """The changes since the last round, merged per record; empty when nothing differs."""
        rows, self._round = self._round, {}
        return list(self._merged(rows))

    def whole(self) -> list[Change]:
        """The changes of the operation, merged per record over all rounds."""
        return list(self._merged(self._whole))

    def _merged(self, rows: Rows) -> Iterator[Change]:
        by_record: dict[tuple[str, int], list[Captured]] = {}
        for captured in rows.values():
            row = captured.row
            record_id = row.record_id if isinstance(row, Facet) else cast(Record, row).id
            by_record.setdefault((self._registry.entity_of(row).name, record_id), []).append(captured)
        for (entity, record_id), parts in by_record.items():
            change = self._change(entity, record_id, parts)
            if change is not None:
                yield change

    def _change(self, entity: str, record_id: int, parts: list[Captured]) -> Change | None:
        registered = self._registry.entity(entity)
        kind: Kind = "updated"
        old: dict[str, Any] = {}
        new: dict[str, Any] = {}
        record: Record | None = None
        for captured in parts:
            row = captured.row
            if isinstance(row, Record):
                record = row
                kind = _kind(captured)
            created = captured.created
            for found in registered.tracked[type(row)]:
                before = _UNSET if created else captured.old.get(found.attribute, _UNSET)
                if not created and before is _UNSET:
                    continue
                was, value = _pair(found, row, None if before is _UNSET else before)
                if was != value:
                    new[found.name] = value
                    if not created:
                        old[found.name] = was
        if record is None:
            facet = parts[0].row
            session = object_session(facet)
            assert session is not None
            assert isinstance(facet, Facet)
            record = session.get(facet.of, record_id, execution_options=INCLUDE_DELETED)
        if record is None or (kind == "updated" and not new and not old):
            return None
        values = RecordValues(record, registered.fields)
        return Change(entity, record_id, kind, record.title, old, new, self._actor, self._action, values)


def _copy(rows: Rows) -> Rows:
    return {key: captured.copy() for key, captured in rows.items()}


def _kind(captured: Captured) -> Kind:
    if captured.created:
        return "created"
    now = cast(Record, captured.row).deleted_at
    before = captured.old.get("deleted_at", now)
    if (before is None) == (now is None):
        return "updated"
    return "restored" if now is None else "deleted"


def _pair(found: Field, row: Fielded, before: Any) -> tuple[Any, Any]:
    value = getattr(row, found.attribute)
    if found.extra_key is None:
        return before, value
    was, now = (before or {}).get(found.extra_key), (value or {}).get(found.extra_key)
    return (None if was is None else found.type.load(was)), (None if now is None else found.type.load(now))


class RecordValues(Mapping[str, Any]):
    """A record's values by field or column name, read when asked for."""

    def __init__(self, record: Record, fields: Mapping[str, Field]) -> None:
        self._record = record
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        found = self._fields.get(name)
        if found is None or isinstance(self._record, found.owner):
            return getattr(self._record, name if found is None else found.attribute)
        session = object_session(self._record)
        facet = None if session is None else session.get(found.owner, self._record.id)
        return None if facet is None else getattr(facet, found.attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)
