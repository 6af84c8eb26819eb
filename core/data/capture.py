"""Gathers what a unit changes, over all its flushes, one entry per record (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import inspect
from sqlalchemy.orm import AttributeState, Session

from core.contract.changes import Actor, Change, Kind
from core.data.records import Facet, Fielded, Record, in_extra, value_of
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
    old: dict[str, Any]


Place = tuple[str, int]
"""Entity and id of a record."""


class Capture:
    """The changes of one unit: of the present round, and of the whole operation."""

    def __init__(self, session: Session, registry: Registry, actor: Actor, action: str) -> None:
        self._session = session
        self._registry = registry
        self._actor = actor
        self._action = action
        self._log: list[Captured] = []
        self._round = 0
        self._told: dict[Place, Change | None] = {}

    def before_flush(self, new: Iterable[Fielded], dirty: Iterable[Fielded]) -> None:
        """Remember old values of what is about to be written."""
        self._log += (Captured(row, True, {}) for row in new)
        for row in dirty:
            attributes = {found.attribute for found in self._registry.entity_of(row).tracked[type(row)]}
            if isinstance(row, Record):
                attributes |= {"deleted_at"}
            state = inspect(row)
            histories = {name: AttributeState(state, name).history for name in attributes}
            changed = {name: history.deleted for name, history in histories.items() if history.has_changes()}
            if changed:
                self._log.append(Captured(row, False, {name: old[0] if old else None for name, old in changed.items()}))

    @property
    def mark(self) -> int:
        """How much was captured so far."""
        return len(self._log)

    def forget_since(self, mark: int) -> None:
        """Forget what was captured later, since a savepoint was rolled back."""
        del self._log[mark:]

    def take_round(self) -> list[Change]:
        """The changes since the last round, merged per record; empty when nothing differs."""
        captured, self._round = self._log[self._round :], self.mark
        changes = []
        for place, parts in self._by_record(captured).items():
            change = self._change(place, parts)
            # Told in one round only: the whole operation did just that to the record. Else it is worked out at the end.
            self._told[place] = None if place in self._told else change
            if change is not None:
                changes.append(change)
        return changes

    def whole(self) -> list[Change]:
        """The changes of the operation, merged per record over all rounds."""
        records = self._by_record(self._log).items()
        changes = (self._told.get(place) or self._change(place, parts) for place, parts in records)
        return [change for change in changes if change is not None]

    def _by_record(self, log: Iterable[Captured]) -> dict[Place, list[Captured]]:
        """What was captured of each record: its own row, and those of its facets, each with its first old values."""
        rows: dict[int, Captured] = {}
        for later in log:
            first = rows.setdefault(id(later.row), Captured(later.row, later.created, {}))
            first.old = {**later.old, **first.old}
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
        stored = None if own else self._session.get(registered.model, place[1], execution_options=INCLUDE_DELETED)
        record = cast(Record, own.row) if own else stored
        if record is None:
            return None
        values = RecordValues(record, registered.fields)
        return Change(place[0], place[1], kind, record.title, old, new, self._actor, self._action, values)


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
        present = getattr(row, name)
        was, value = (
            (before, present) if found.extra_key is None else (in_extra(found, before), in_extra(found, present))
        )
        if was != value:
            yield found, was, value


class RecordValues(Mapping[str, Any]):
    """A record's values by field or column name, read when asked for."""

    def __init__(self, record: Record, fields: Mapping[str, Field]) -> None:
        self._record = record
        self._fields = fields

    def __getitem__(self, name: str) -> Any:
        found = self._fields.get(name)
        return getattr(self._record, name) if found is None else value_of(self._record, found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)
