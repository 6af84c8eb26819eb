"""A change: one record's part of an operation, as plugins see it (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["created", "updated", "deleted", "restored", "merged", "converted"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a signed-in user, or the system (a job, the command line)."""

    id: int | None
    name: str
    roles: frozenset[str] = frozenset()

    @property
    def is_system(self) -> bool:
        """True for jobs and commands, which no person answers for."""
        return self.id is None


SYSTEM = Actor(None, "Comptoir", frozenset({"administrator"}))


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one record in one round of a unit, merged over all its flushes.

    `old` and `new` hold the fields that differ, by field name (`email`, `loyalty.tier`); a created record has no old
    values. `change["thirdparty_id"]` reads any field or column as it stands now. `operation` is its number in history,
    known in `changes_committed`: the key by which a side effect that comes twice can be told.
    """

    entity: str
    record_id: int
    kind: Kind
    title: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    actor: Actor
    action: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    operation: int | None = None

    def __getitem__(self, name: str) -> Any:
        return self.new[name] if name in self.new else self.values[name]

    def moved(self, name: str) -> bool:
        """Whether the field differs from before (a value given at creation counts)."""
        return name in self.new

    def became(self, name: str, value: Any) -> bool:
        """Whether the field took this value in this change."""
        return name in self.new and bool(self.new[name] == value)
