"""Saved views of lists (UX 2.1): private, shared with roles, or locked; and what a person is used to in each list.

A view is a record, so history, undo, versions and the bin hold for it. It has no pages: who may know of one is decided
here, and who may change one in `ListView.settle`, on every road.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field as attribute
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.access.models import ADMINISTRATOR
from core.contract.changes import Actor
from core.contract.contributions import Entity
from core.data.query import ListQuery, State
from core.data.records import Document, Identifier, Record, Row
from core.data.scopes import Scope
from core.errors import Forbidden, NotFound, Refused
from core.features.notifications import MOST_COUNTED, Notification
from core.fields import Choice, LongText, Text, field
from core.i18n import lazy as _

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.data.unit import Unit

PRIVATE, SHARED, LOCKED = "private", "shared", "locked"
SHARING = {
    PRIVATE: _("Private"),
    SHARED: _("Shared"),
    LOCKED: _("Shared, and only administrators change it"),
}
MAXIMUM_PINS = 7
"""In the menu (UX 1.1)."""
MOST_STATEMENTS = 64
"""Statements kept, one for each set of companies people work for."""


class ListView(Record):
    """Conditions, sort, columns and density of a list, under a name."""

    __tablename__ = "core_list_view"
    __table_args__ = (Index("ix_core_list_view_target", "target", "owner_id"),)
    entity = Entity(
        "list_view", _("Saved view"), _("Saved views"), slug="list-views", title="name", new_label=_("Save view"),
        pages=False,
        sentences={
            "created": _("View “%(title)s” saved."), "updated": _("View “%(title)s” changed."),
            "deleted": _("View “%(title)s” deleted."), "restored": _("View “%(title)s” restored."),
        },
    )  # fmt: skip
    name: Mapped[str] = field(Text(80), _("Name"))
    target: Mapped[str] = field(Text(80), _("List"), readonly=True)
    """The entity whose list it is."""
    sharing: Mapped[str] = field(Choice(SHARING), _("Sharing"), default=lambda: PRIVATE)
    roles: Mapped[str | None] = field(Text(255), _("Roles"))
    """Codes of the roles it is shared with, joined by commas; None: all of them."""
    state: Mapped[str] = field(LongText(), _("Question"))
    """As in an address: what `State` holds."""
    owner_id: Mapped[int | None] = mapped_column(Identifier)
    company_id: Mapped[int | None] = mapped_column(Identifier)
    """The company its owner worked for when there were several; others do not see it (TP-14)."""

    def settle(self, unit: Unit, change: Change) -> None:
        """Its owner changes it, and administrators those that are shared; a locked one only they (UX 2.1).

        Raises `Forbidden`, and `Refused` for a view whose list has another of that name for the same person.
        """
        actor = unit.context.actor
        before = change.old.get("sharing", self.sharing)
        if not (actor.is_system or may_change(actor, self.owner_id, before)):
            raise Forbidden(_("Only its owner may change this view, and a locked one only an administrator"))
        if self.sharing == LOCKED and before != LOCKED and not (actor.is_system or ADMINISTRATOR in actor.roles):
            raise Forbidden(_("Only an administrator locks a view"))
        if self.deleted_at is None and change.kind != "deleted":
            same = select(ListView.id).where(
                ListView.target == self.target, ListView.owner_id == self.owner_id, ListView.name == self.name,
                ListView.id != self.id,
            )  # fmt: skip
            if unit.session.scalar(same) is not None:
                raise Refused(
                    _("You have another view called “%(name)s”. Choose another name.", name=self.name), field="name"
                )


class ListPin(Row):
    """A view that stands in somebody's menu."""

    __tablename__ = "core_list_pin"
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), primary_key=True, autoincrement=False)
    view_id: Mapped[int] = mapped_column(
        ForeignKey("core_list_view.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
    position: Mapped[int] = mapped_column()


class ListChoice(Row):
    """What somebody is used to in a list: columns, sort, density, rows per page, and the view it opens with."""

    __tablename__ = "core_list_choice"
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), primary_key=True, autoincrement=False)
    target: Mapped[str] = mapped_column(String(80), primary_key=True)
    state: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    """Names of the address and their values."""
    view_id: Mapped[int | None] = mapped_column(ForeignKey("core_list_view.id", ondelete="SET NULL"), index=True)


def may_change(actor: Actor, owner_id: int | None, sharing: str) -> bool:
    """Whether somebody may change or delete a view."""
    administrator = ADMINISTRATOR in actor.roles
    if sharing == LOCKED:
        return administrator
    return owner_id == actor.id or (administrator and sharing == SHARED)


def known_to(actor: Actor, scope: Scope | None) -> ColumnElement[bool]:
    """The condition on views somebody may know of, but for roles, which `is_for` looks at."""
    return _known(actor.id, scope.companies if scope else None, home=scope is not None and scope.home)


def _known(person: Any, companies: frozenset[int] | None, *, home: bool) -> ColumnElement[bool]:
    table = ListView.__table__
    shared = table.c.sharing != PRIVATE
    if companies is not None:
        inside = table.c.company_id.in_(companies)
        shared = and_(shared, or_(inside, table.c.company_id.is_(None)) if home else inside)
    return or_(table.c.owner_id == person, shared)


def is_for(actor: Actor, owner_id: int | None, roles: str | None) -> bool:
    """Whether a view is shared with one of the roles somebody has; administrators see all that is shared."""
    return owner_id == actor.id or not roles or bool({*actor.roles} & {ADMINISTRATOR, *roles.split(",")})


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved view as lists show it."""

    id: int
    name: str
    target: str
    sharing: str
    roles: tuple[str, ...]
    arguments: Mapping[str, Sequence[str]]
    owner_id: int | None
    version: int
    position: int | None
    """Its place in the menu, None when it is not pinned."""
    mine: bool
    """Whether the person may change it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page knows of the person's own arrangements: the bell, saved views, what he is used to in this list."""

    target: str
    unread: int = 0
    views: Sequence[Saved] = ()
    """Those of the list, and all that are pinned."""
    usual: Mapping[str, Sequence[str]] = attribute(default_factory=dict)
    default_view: int | None = None

    @property
    def pinned(self) -> list[Saved]:
        """The views of the menu, in order."""
        return sorted((one for one in self.views if one.position is not None), key=lambda one: (one.position, one.id))

    @property
    def here(self) -> list[Saved]:
        """The views of this list: pinned ones first, then by name."""
        found = [one for one in self.views if one.target == self.target]
        return sorted(found, key=lambda one: (one.position is None, one.position or 0, one.name.casefold(), one.id))

    def find(self, number: int) -> Saved | None:
        """A view of this list."""
        return next((one for one in self.here if one.id == number), None)


def read_desk(session: Session, actor: Actor, scope: Scope | None, target: str) -> Desk:
    """All of it in one statement, since every page shows the bell and the pinned views. `target`: the list shown, or ""."""
    statement = _desk_statement(scope.companies if scope else None, home=scope is not None and scope.home)
    found = session.connection().execute(statement, {"person": actor.id, "target": target}).all()
    number, usual, default_view = found[0][:3]
    views = [_saved(actor, *row) for row in (row[3:] for row in found) if row[1] is not None]
    return Desk(target, int(number or 0), [one for one in views if one is not None], usual or {}, default_view)


@functools.lru_cache(maxsize=MOST_STATEMENTS)
def _desk_statement(companies: frozenset[int] | None, *, home: bool) -> Select[Any]:
    """The statement for everybody of these companies; made once, since building it takes longer than running it."""
    view, pin, choice = ListView.__table__, ListPin.__table__, ListChoice.__table__
    person, target = bindparam("person", type_=pin.c.user_id.type), bindparam("target", type_=view.c.target.type)
    mine = select(person.label("id")).subquery("person")
    unread = (
        select(Notification.id).where(Notification.user_id == person, Notification.read_at.is_(None))
        .limit(MOST_COUNTED + 1).subquery("unread")
    )  # fmt: skip
    mine_too = pin.alias("pinned")
    is_pinned = exists().where(mine_too.c.view_id == view.c.id, mine_too.c.user_id == person).correlate(view)
    known = _known(person, companies, home=home)
    wanted = and_(view.c.deleted_at.is_(None), known, or_(view.c.target == target, is_pinned))
    joined = (
        mine.outerjoin(choice, and_(choice.c.user_id == mine.c.id, choice.c.target == target))
        .outerjoin(view, wanted)
        .outerjoin(pin, and_(pin.c.view_id == view.c.id, pin.c.user_id == mine.c.id))
    )
    columns = [view.c[name] for name in ("id", "name", "target", "sharing", "roles", "state", "owner_id", "version")]
    return select(
        select(func.count()).select_from(unread).scalar_subquery(),
        choice.c.state.label("usual"), choice.c.view_id, pin.c.position, *columns,
    ).select_from(joined)  # fmt: skip


def _saved(
    actor: Actor, position: int | None, view_id: int, name: str, target: str, sharing: str, roles: str | None,
    state: str, owner_id: int | None, version: int,
) -> Saved | None:  # fmt: skip
    """A row as the person sees it, None when it is shared with other roles."""
    if not is_for(actor, owner_id, roles):
        return None
    shown = tuple(roles.split(",")) if roles else ()
    mine = may_change(actor, owner_id, sharing)
    return Saved(view_id, name, target, sharing, shown, read_state(state), owner_id, version, position, mine)


def read_state(text: str) -> dict[str, list[str]]:
    """What is kept of a list, as arguments of an address."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(text):
        found.setdefault(name, []).append(value)
    return found


def write_state(state: State) -> str:
    """The other way round."""
    return urlencode(state.pairs()) or "sort="


# -- writing ----------------------------------------------------------------------------------------------------
def view_in(unit: Unit, target: str, view_id: int, *, version: int | None = None) -> ListView:
    """A view of a list in a unit. Raises `NotFound`, also for one that the person may not know of."""
    view = unit.get(ListView, view_id, version=version)
    actor = unit.context.actor
    known = select(ListView.id).where(ListView.id == view_id, known_to(actor, unit.context.scope))
    if view.target != target or unit.session.scalar(known) is None or not is_for(actor, view.owner_id, view.roles):
        raise NotFound(_("This view does not exist, or was deleted"))
    return view


def save_view(unit: Unit, query: ListQuery, name: str, sharing: str, roles: Sequence[str]) -> ListView:
    """Keep the state of a list under a name, for who the unit works for."""
    scope = unit.context.scope
    view = ListView(
        name=name, target=query.entity.name, sharing=sharing, roles=join_roles(roles), state=write_state(query.state),
        owner_id=unit.context.actor.id, company_id=scope.active if scope is not None else None,
    )  # fmt: skip
    return unit.add(view)


def join_roles(roles: Sequence[str]) -> str | None:
    """The codes as they are kept."""
    return ",".join(dict.fromkeys(roles)) or None


def copy_view(unit: Unit, view: ListView, name: str) -> ListView:
    """A private copy, for who the unit works for."""
    copied = ListView(
        name=name, target=view.target, sharing=PRIVATE, state=view.state, owner_id=unit.context.actor.id,
        company_id=view.company_id,
    )  # fmt: skip
    return unit.add(copied)


def pin_view(unit: Unit, user_id: int, view: ListView) -> None:
    """Put a view into somebody's menu, at the end. Raises `Refused` when the menu is full."""
    pins = pins_of(unit, user_id)
    if any(pin.view_id == view.id for pin in pins):
        return
    if len(pins) >= MAXIMUM_PINS:
        raise Refused(_("The menu holds %(number)s views. Unpin another first.", number=MAXIMUM_PINS))
    unit.session.flush()
    unit.session.add(ListPin(user_id=user_id, view_id=view.id, position=len(pins) + 1))


def unpin_view(unit: Unit, user_id: int, view_id: int) -> None:
    """Take a view out of somebody's menu."""
    for pin in pins_of(unit, user_id):
        if pin.view_id == view_id:
            unit.session.delete(pin)


def move_pin(unit: Unit, user_id: int, view_id: int, by: int) -> None:
    """Move a pinned view up (-1) or down (1)."""
    pins = pins_of(unit, user_id)
    at = next((place for place, pin in enumerate(pins) if pin.view_id == view_id), None)
    if at is None or not 0 <= at + by < len(pins):
        return
    pins[at], pins[at + by] = pins[at + by], pins[at]
    for place, pin in enumerate(pins, start=1):
        pin.position = place


def pins_of(unit: Unit, user_id: int) -> list[ListPin]:
    """The pins of somebody whose views are still there, in order; those of deleted ones go."""
    living = select(ListView.id).where(ListView.deleted_at.is_(None))
    pins = unit.session.scalars(
        select(ListPin)
        .where(ListPin.user_id == user_id, ListPin.view_id.in_(living))
        .order_by(ListPin.position, ListPin.view_id)
    )
    return list(pins)


def choice_of(unit: Unit, user_id: int, target: str) -> ListChoice:
    """What somebody is used to in a list, made on first use."""
    found = unit.session.get(ListChoice, (user_id, target))
    if found is None:
        found = ListChoice(user_id=user_id, target=target, state={})
        unit.session.add(found)
    return found


def keep_choice(unit: Unit, user_id: int, target: str, **values: Sequence[str]) -> None:
    """Remember columns (`c`), `sort`, `density` or rows per page (`per`) for somebody; an empty list forgets."""
    choice = choice_of(unit, user_id, target)
    kept = {**choice.state, **{name: list(value) for name, value in values.items()}}
    choice.state = {name: value for name, value in kept.items() if value}
