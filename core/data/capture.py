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
Place = tuple[str, int]
"""Entity and id of a record."""


@dataclass(slots=True)
class Snapshot:
    """What was captured at one moment, to come back to when a savepoint is rolled back."""

    round: Rows
    whole: Rows


class Capture:
    """The changes of one unit: of the present round, and of the whole operation."""

    def __init__(self, registry: Registry, actor: Actor, action: str) -> None:
        self._registry = registry
        self._actor = actor
        self._action = action
        self._round: Rows = {}
        self._whole: Rows = {}
        self._told: dict[Place, Change | None] = {}
        self.flushes = 0
        """How often something was written."""

    def before_flush(self, new: Iterable[Fielded], dirty: Iterable[Fielded]) -> None:
        """Remember old values of what is about to be written."""
        self.flushes += 1
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

    def snapshot(self) -> Snapshot:
        """What is captured now."""
        return Snapshot(_copy(self._round), _copy(self._whole))

    def restore(self, kept: Snapshot) -> None:
        """Forget what was captured since the snapshot."""
        self._round, self._whole = kept.round, kept.whole

    def take_round(self) -> list[Change]:
        """The changes since the last round, merged per record; empty when nothing differs."""
        rows, self._round = self._round, {}
        changes = []
        for place, parts in self._by_record(rows).items():
            change = self._change(place, parts)
            # Told in one round only: the whole operation did just that to the record. Else it is worked out at the end.
            self._told[place] = None if place in self._told else change
            if change is not None:
                changes.append(change)
        return changes

    def whole(self) -> list[Change]:
        """The changes of the operation, merged per record over all rounds."""
        changes = []
        for place, parts in self._by_record(self._whole).items():
            change = self._told.get(place) or self._change(place, parts)
            if change is not None:
                changes.append(change)
        return changes

    def _by_record(self, rows: Rows) -> dict[Place, list[Captured]]:
        """What was captured of each record: its own row, and those of its facets."""
        found: dict[Place, list[Captured]] = {}
        for captured in rows.values():
            row = captured.row
            record_id = row.record_id if isinstance(row, Facet) else cast(Record, row).id
            found.setdefault((self._registry.entity_of(row).name, record_id), []).append(captured)
        return found

    def _change(self, place: Place, parts: list[Captured]) -> Change | None:
        registered = self._registry.entity(place[0])
        own = next((captured for captured in parts if isinstance(captured.row, Record)), None)
        kind: Kind = "updated" if own is None else _kind(own)
        old: dict[str, Any] = {}
        new: dict[str, Any] = {}
        for captured in parts:
            for found, before, value in _differences(captured, registered.tracked[type(captured.row)]):
                new[found.name] = value
                if kind != "created":
                    old[found.name] = before
        if kind == "updated" and not new:
            return None
        record = self._owner(parts[0].row, place[1]) if own is None else cast(Record, own.row)
        if record is None:
            return None
        values = RecordValues(record, registered.fields)
        return Change(place[0], place[1], kind, record.title, old, new, self._actor, self._action, values)

    def _owner(self, facet: Fielded, record_id: int) -> Record | None:
        session = object_session(facet)
        assert session is not None
        assert isinstance(facet, Facet)
        return session.get(facet.of, record_id, execution_options=INCLUDE_DELETED)


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


def _differences(captured: Captured, fields: Iterable[Field]) -> Iterator[tuple[Field, Any, Any]]:
    """The fields of one row whose value is another than before: field, old value, present value."""
    row = captured.row
    values = row.__dict__
    expired = inspect(row).expired_attributes
    for found in fields:
        name = found.attribute
        before = None if captured.created else captured.old.get(name, _UNSET)
        if before is _UNSET:
            continue
        if captured.created and name not in values and name not in expired:
            continue  # never set on a new row: empty, and far cheaper to know than to ask for
        was, value = _pair(found, before, getattr(row, name))
        if was != value:
            yield found, was, value


def _pair(found: Field, before: Any, present: Any) -> tuple[Any, Any]:
    if found.extra_key is None:
        return before, present
    return _in_extra(found, before), _in_extra(found, present)


def _in_extra(found: Field, extra: Mapping[str, str] | None) -> Any:
    """The value of a field an administrator made."""
    stored = (extra or {}).get(found.extra_key or "")
    return None if stored is None else found.type.load(stored)


class RecordValues(Mapping[str, Any]):
    """A record's values by field or column name, read when asked for."""

    def __init__(self, record: Record, fields: Mapping[str, Field]) -> None:
        self._record = record
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        found = self._fields.get(name)
        if found is None:
            return getattr(self._record, name)
        if isinstance(self._record, found.owner):
            value = getattr(self._record, found.attribute)
            return value if found.extra_key is None else _in_extra(found, value)
        session = object_session(self._record)
        facet = None if session is None else session.get(found.owner, self._record.id)
        return None if facet is None else getattr(facet, found.attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)
