"""Demo data: fictitious records that plugins add to an empty installation, the same each time; known as such for good.

Which records they are is remembered in the unit that makes them, so that they can be taken away later without touching
what people made (UX 2.15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Index, Select, String, and_, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.data.context import Context
from core.data.records import Identifier, Record, Row
from core.data.unit import Unit, transaction
from core.errors import Busy, Refused
from core.features.bin import delete_record, load
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity, Registry

MAXIMUM_NAMED = 5
"""Records named in a message; of more only the number is said."""


class DemoRecord(Row):
    """A record that is demo data. It stays here while the record is in the trash: restored, it is demo data again."""

    __tablename__ = "core_demo_record"
    __table_args__ = (Index("ix_core_demo_record_made_by", "made_by"),)
    entity: Mapped[str] = mapped_column(String(80), primary_key=True)
    record_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    plugin: Mapped[str] = mapped_column(String(40))
    """Who owns the entity: when its tables are dropped, numbers begin anew, and this must be forgotten."""
    made_by: Mapped[str] = mapped_column(String(40))
    """The plugin whose demo data it belongs to."""


# -- making -----------------------------------------------------------------------------------------------------
def load_demo(context: Context) -> int:
    """Let every enabled plugin add its demo records, each in one unit; returns how many records were made.

    A plugin whose demo data is there already is left out, so that a start that was interrupted can be repeated. One
    that fails is reported, and its records are left out.
    """
    made = 0
    for plugin in context.hooks.listeners("demo_data"):
        label = context.registry.plugins[plugin].label
        cause = str(_("Demo data of %(module)s", module=label))
        remembering = replace(context, watchers=(*context.watchers, _remembering(plugin)))
        try:
            with transaction("demo.load", cause=cause, context=remembering) as unit:
                if not _is_loaded(unit.session, plugin):
                    context.hooks.demo(plugin, unit)
        except (KeyboardInterrupt, Busy):
            raise
        except BaseException as error:  # also SystemExit (F30)
            context.hooks.failed(plugin, "demo_data", "demo", error)
            continue
        made += sum(change.kind == "created" for change in unit.changes)
    return made


def _is_loaded(session: Session, plugin: str) -> bool:
    return (
        session.execute(select(DemoRecord.record_id).where(DemoRecord.made_by == plugin).limit(1)).first() is not None
    )


def _remembering(plugin: str) -> Callable[[Unit], None]:
    def remember(unit: Unit) -> None:
        registry = unit.context.registry
        rows = [
            {
                "entity": change.entity, "record_id": change.record_id, "made_by": plugin,
                "plugin": registry.entity(change.entity).plugin,
            }
            for change in unit.changes
            if change.kind == "created"
        ]  # fmt: skip
        if rows:
            unit.session.connection().execute(insert(DemoRecord), rows)

    return remember


# -- what is left -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class DemoLeft:
    """Live demo records: how many of each entity that is on, and how many of modules that are off."""

    entities: Sequence[tuple[RegisteredEntity, int]]
    off: int

    @property
    def total(self) -> int:
        """How many can be removed now."""
        return sum(number for _registered, number in self.entities)


def demo_left(session: Session, registry: Registry) -> DemoLeft:
    """The demo records there are, the trash left out. Those of modules that are off are counted, but cannot be removed."""
    connection = session.connection()
    statement = select(DemoRecord.entity, func.count()).group_by(DemoRecord.entity).order_by(DemoRecord.entity)
    known = {entity: number for entity, number in connection.execute(statement)}
    counted = [
        (
            registered,
            int(connection.execute(select(func.count()).select_from(_live(registered).subquery())).scalar_one()),
        )
        for registered in registry.entities.values()
        if registered.name in known
    ]
    off = sum(number for entity, number in known.items() if entity not in registry.entities)
    return DemoLeft([pair for pair in counted if pair[1]], off)


def _live(registered: RegisteredEntity) -> Select[Any]:
    """The ids of an entity's demo records that are not in the trash."""
    rows = registered.model.__table__
    same = and_(DemoRecord.entity == registered.name, DemoRecord.record_id == rows.c.id)
    return select(rows.c.id).join(DemoRecord, same).where(rows.c.deleted_at.is_(None))


# -- taking away ------------------------------------------------------------------------------------------------
def remove_demo(context: Context) -> Unit:
    """Put all demo records into the trash, in one operation that can be undone; returns its unit.

    A record of somebody else is never touched (UX 2.15): what such a record depends on stays, and a notice says so.
    Raises `Refused` when nothing can be removed.
    """
    with transaction("demo.remove", context=context) as unit:
        found = _all(unit)
        stay = _remove(unit, found)
        if len(stay) == len(found):
            raise Refused(_kept(stay) if stay else _("There is no demo data"))
        unit.cause = str(_("Demo data removed"))
        if stay:
            unit.notice(_kept(stay))
    return unit


def _all(unit: Unit) -> list[Record]:
    """Every live demo record, the newest of each entity first: what points at others mostly came after them."""
    found: list[Record] = []
    for registered in reversed(tuple(unit.context.registry.entities.values())):
        ids = unit.session.connection().execute(_live(registered)).scalars().all()
        found += sorted(load(unit, registered.model, ids), key=lambda record: -record.id)
    return found


def _remove(unit: Unit, records: Iterable[Record]) -> list[Record]:
    """Delete what nothing else depends on, again as long as that sets more free; returns what stays."""
    waiting = list(records)
    ours = {(record.__tablename__, record.id) for record in waiting}
    while True:
        stay = []
        for record in waiting:
            if record.deleted_at is None and not _is_removed(unit, record, ours):
                stay.append(record)
        if len(stay) == len(waiting) or not stay:
            return stay
        waiting = stay


def _is_removed(unit: Unit, record: Record, ours: set[tuple[str, int]]) -> bool:
    try:
        delete_record(unit, record, along=ours)
    except Refused:  # somebody's record depends on it; nothing was touched
        return False
    return True


def _kept(records: Sequence[Record]) -> Text:
    names = ", ".join(record.title for record in records[:MAXIMUM_NAMED])
    return lazy_plural(
        "%(number)s record stays, since others depend on it: %(names)s",
        "%(number)s records stay, since others depend on them: %(names)s",
        len(records), names=names + (", …" if len(records) > MAXIMUM_NAMED else ""),
    )  # fmt: skip
