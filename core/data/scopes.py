"""Whose records somebody may know of, as a condition on every select (DESIGN 7, US-1, TP-7, TP-14).

An entity declares its ownership; a role says how far it reaches into each entity: none, own, team or all. From both,
and from the companies of the person, a `Scope` makes one SQL condition per entity. The session adds it to every ORM
select, `core.data.query` to the Core rows of lists, so that no road can forget it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import with_loader_criteria

from core.contract.changes import Actor
from core.data.records import Fielded, Record
from core.fields import holds

if TYPE_CHECKING:
    from core.data.session import GuardedSession
    from core.registry import RegisteredEntity, Registry

Reach = Literal["none", "own", "team", "all"]
REACHES: tuple[Reach, ...] = ("none", "own", "team", "all")
"""From the narrowest to the widest."""


@dataclass(frozen=True, eq=False)
class Scope:
    """What one person may know of in one enabled set.

    `people`: the person and everybody below; `colleagues`: the members of the person's teams. `companies` is None while
    the installation has one company only; `home`: whether the first company is among them, to which records belong
    that name none.
    """

    registry: Registry
    reach: Callable[[str], Reach]
    people: frozenset[int] = frozenset()
    colleagues: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()
    companies: frozenset[int] | None = None
    home: bool = True
    active: int | None = None
    """The company the person works for now; None while there is only one."""

    _made: dict[str, ColumnElement[bool] | None] = field(default_factory=dict, init=False, repr=False)

    def criterion(self, registered: RegisteredEntity) -> ColumnElement[bool] | None:
        """The condition on the entity's rows; None when every row may be known. Made once: a request asks dozens of times."""
        if registered.name not in self._made:
            self._made[registered.name] = self._make(registered)
        return self._made[registered.name]

    def _make(self, registered: RegisteredEntity) -> ColumnElement[bool] | None:
        conditions = [found for found in (self._owned(registered), self._shared(registered)) if found is not None]
        return and_(*conditions) if conditions else None

    def known(self, registered: RegisteredEntity) -> ColumnElement[bool] | None:
        """The same where a title would tell of a row: also none of a list that belongs to nobody, without the right to view it."""
        return self.criterion(registered) if self.views(registered) else false()

    def views(self, registered: RegisteredEntity) -> bool:
        """Whether the person has the right to view the list at all; what is part of other records goes by theirs."""
        ownership = registered.entity.ownership
        is_part = ownership is not None and ownership.part_of is not None
        return is_part or self.reach(registered.name) != "none"

    def speaks_of(self, entity: Any, record_id: Any) -> ColumnElement[bool]:
        """The condition on rows that name a record of any entity in two columns, or none: only of records that may be known.

        Of entities of modules that are off nobody knows whose their records are: only who sees all of all others sees
        those rows.
        """
        found = self.registry.entities.items()
        conditions = {name: (one, self.known(one)) for name, one in found if one.entity.pages}
        limited = [(name, one, condition) for name, (one, condition) in conditions.items() if condition is not None]
        if not limited:
            return true()
        named = [
            and_(entity == name, record_id.in_(select(one.model.__table__.c.id).where(condition)))
            for name, one, condition in limited
        ]
        whole = [name for name, (_one, condition) in conditions.items() if condition is None]
        return or_(entity.is_(None), entity.in_(whole), *named)

    def _owned(self, registered: RegisteredEntity) -> ColumnElement[bool] | None:
        ownership = registered.entity.ownership
        if ownership is None:
            return None  # the list belongs to nobody: the permission to view it decides
        if ownership.part_of is not None:
            return self._parts(registered, ownership.part_of)
        reach = self.reach(registered.name)
        if reach == "none":
            return false()
        rows = registered.model.__table__
        if ownership.through is not None:
            parent = self._parent(registered, ownership.through)
            inside = self.criterion(parent)
            if inside is None:
                return None
            key = parent.model.__table__.c.id
            return rows.c[ownership.through].in_(select(key).where(inside))
        if reach == "all":
            return None
        people = self.people | (self.colleagues if reach == "team" else frozenset())
        found: list[ColumnElement[bool]] = []
        if ownership.owner is not None:
            found.append(rows.c[ownership.owner].in_(people))
        if ownership.representatives is not None:
            found.append(holds(rows.c[ownership.representatives], people))
        if ownership.team is not None and reach == "team":
            found.append(rows.c[ownership.team].in_(self.teams))
        return or_(*found) if found else false()

    def _parts(self, registered: RegisteredEntity, columns: tuple[str, str]) -> ColumnElement[bool] | None:
        """Notes, files and their like are known to who may know of the record they are on."""
        entity, record_id = (registered.model.__table__.c[name] for name in columns)
        known = {}
        for name, found in self.registry.entities.items():
            condition = self.criterion(found) if found.entity.pages else None
            if condition is not None:
                inside = select(found.model.__table__.c.id).where(condition)
                known[name] = and_(entity == name, record_id.in_(inside))
        return or_(entity.not_in(known), *known.values()) if known else None

    def _shared(self, registered: RegisteredEntity) -> ColumnElement[bool] | None:
        ownership = registered.entity.ownership
        if self.companies is None or ownership is None or ownership.companies is None:
            return None
        source = registered.model.__table__.c[ownership.companies]
        mine = holds(source, self.companies)
        return or_(source.is_(None), mine) if self.home else mine

    def _parent(self, registered: RegisteredEntity, column: str) -> RegisteredEntity:
        key = next(iter(registered.model.__table__.c[column].foreign_keys))
        parent = self.registry.by_table(key.column.table.name)
        assert parent is not None, f"the owner of {registered.name} belongs to a module that is off"
        return parent

    def sees_all(self, registered: RegisteredEntity) -> bool:
        """Whether no row of the entity is hidden, so that a count made for everybody may be shown."""
        return self.criterion(registered) is None

    @functools.cached_property
    def options(self) -> Sequence[Any]:
        """What the session adds to every ORM select: conditions on records, and on facets of hidden records."""
        found: list[Any] = []
        for registered in self.registry.entities.values():
            condition = self.criterion(registered)
            if condition is not None:
                found.append(with_loader_criteria(registered.model, condition, include_aliases=True))
                known = select(registered.model.__table__.c.id).where(condition)
                for facet in registered.facets:
                    of_known = facet.__table__.c.record_id.in_(known)
                    found.append(with_loader_criteria(facet, of_known, include_aliases=True))
        return found


def nothing(registry: Registry) -> Scope:
    """The view of somebody who has not signed in."""
    return Scope(registry, lambda entity: "none", companies=frozenset(), home=False)


def give_owners(new: Iterable[Fielded], actor: Actor, scope: Scope | None) -> None:
    """Let new records belong to who makes them, in the company he works for (TP-7, TP-14)."""
    for row in new:
        ownership = row.entity.ownership if isinstance(row, Record) else None
        if ownership is None or ownership.through is not None or ownership.part_of is not None:
            continue
        given: dict[str | None, object] = {}
        if actor.id is not None:
            given = {ownership.owner: actor.id}
            if ownership.representatives is not None:
                others = getattr(row, ownership.representatives) or ()
                setattr(row, ownership.representatives, tuple(sorted({actor.id, *others})))
        if scope is not None and scope.active is not None:
            given[ownership.companies] = (scope.active,)
        for name, value in given.items():
            if name is not None and getattr(row, name) is None:
                setattr(row, name, value)


@contextmanager
def unscoped(session: GuardedSession, *, reason: str) -> Iterator[GuardedSession]:
    """Look at all records inside the block, whoever asks; `reason` is for the reviewer (SECURITY 7.1)."""
    assert reason
    before, session.scope = session.scope, None
    try:
        yield session
    finally:
        session.scope = before
