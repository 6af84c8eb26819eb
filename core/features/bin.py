"""The bin (TP-11): deleted records wait there for 30 days, with their children, and come back together.

A bin is an UPDATE, so dependants are found through `core_reference`, those of modules that are off too. What went to
the bin in one operation has the same instant in `deleted_at`; by it children find back.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from core.data.records import Record
from core.data.references import (
    Dependants,
    Reference,
    Target,
    binned_with,
    dependants,
    lock_rows,
    references_to,
    set_rows,
)
from core.data.session import INCLUDE_DELETED
from core.data.unit import Unit
from core.errors import Refused
from core.i18n import Text, lazy as _, lazy_plural

BIN_DAYS = 30
MAXIMUM_NAMED = 5


@dataclass(slots=True)
class _Plan:
    """What a delete does besides the record itself: known as a whole before anything is written."""

    going: dict[str, set[int]]
    """Rows that go to the bin, by table."""
    bin: list[Dependants] = field(default_factory=list)
    unlink: list[Dependants] = field(default_factory=list)
    blocking: list[Dependants] = field(default_factory=list)


def delete_record(unit: Unit, record: Record, *, along: Collection[tuple[str, int]] | None = None) -> None:
    """Put a record into the bin, and with it what belongs to it.

    `along`: the only rows (table, id) that may be touched with it, as undo wants it; all others hold it up.
    Raises `Refused` with the list of what depends on it, of modules that are off too; then nothing was touched.
    """
    unit.session.flush()
    plan = _plan(unit, record)
    if along is not None:
        strange = (
            group.only(lambda row, table=group.reference.source_table: (table, row) not in along)  # type: ignore[misc]
            for group in (*plan.bin, *plan.unlink)
        )
        plan.blocking += [group for group in strange if group.links]
    if plan.blocking:
        raise Refused(_blocked(unit, record.title, plan.blocking))
    for group in plan.unlink:
        _unlink(unit, record, group)
    for group in plan.bin:
        _set(unit, record, group.reference, group.ids, "deleted_at", None, unit.moment)
    record.deleted_at = unit.moment


def restore_record(unit: Unit, record: Record) -> None:
    """Take a record out of the bin, and the children that went there with it."""
    moment = record.deleted_at
    if moment is None:
        raise Refused(_("%(title)s is not in the trash", title=record.title))
    unit.session.flush()
    with unit.session.no_autoflush:  # links are checked when all are back
        for reference, children in _binned_children(unit, record, moment):
            _set(unit, record, reference, children, "deleted_at", moment, None)
        record.deleted_at = None


def _binned_children(unit: Unit, record: Record, moment: datetime.datetime) -> list[tuple[Reference, list[int]]]:
    found: list[tuple[Reference, list[int]]] = []
    coming = {(record.__tablename__, record.id)}
    waiting = [(_target(record), [record.id])]
    while waiting:
        target, ids = waiting.pop()
        for reference in references_to(unit.session, target.table):
            if reference.on_delete == "bin":
                source = reference.source_table
                rows = binned_with(unit.session, reference, target.entity, ids, moment)
                children = [row for row in rows if (source, row) not in coming]
                if children:
                    coming.update((source, row) for row in children)
                    found.append((reference, children))
                    waiting.append((Target(reference.entity, source), children))
    return found


def _target(record: Record) -> Target:
    return Target(record.entity.name, record.__tablename__)


def _plan(unit: Unit, record: Record) -> _Plan:
    plan = _Plan({record.__tablename__: {record.id}})
    waiting = [(_target(record), {record.id})]
    while waiting:
        target, ids = waiting.pop()
        lock_rows(unit.session, target.table, ids)
        for group in dependants(unit.session, target, ids):
            if group.reference.on_delete == "bin":
                going = plan.going.setdefault(group.reference.source_table, set())
                fresh = group.only(lambda row, going=going: row not in going)  # type: ignore[misc]
                if fresh.links:
                    going.update(fresh.ids)
                    plan.bin.append(fresh)
                    source = Target(group.reference.entity, group.reference.source_table)
                    waiting.append((source, set(fresh.ids)))
            else:
                (plan.blocking if group.reference.on_delete == "refuse" else plan.unlink).append(group)
    plan.blocking = _staying(plan, plan.blocking)
    plan.unlink = _staying(plan, plan.unlink)
    return plan


def _staying(plan: _Plan, groups: Iterable[Dependants]) -> list[Dependants]:
    """Of the groups what does not go to the bin itself: that keeps its links, and holds up nothing."""
    kept = []
    for group in groups:
        going = plan.going.get(group.reference.source_table, set())
        staying = group.only(lambda row, going=going: row not in going)  # type: ignore[misc]
        if staying.links:
            kept.append(staying)
    return kept


def _unlink(unit: Unit, record: Record, group: Dependants) -> None:
    by_target: dict[int, list[int]] = {}
    for row, target in group.links.items():
        by_target.setdefault(target, []).append(row)
    for target, rows in by_target.items():
        _set(unit, record, group.reference, rows, group.reference.source_column, target, None)


def _set(unit: Unit, record: Record, reference: Reference, ids: Sequence[int], column: str, old: Any, new: Any) -> None:
    """Set one column of rows; those of a module that is off by statement, and into history beside the record."""
    registered = unit.context.registry.by_table(reference.source_table)
    if registered is not None:
        for row in load(unit, registered.model, ids):
            setattr(row, column, new)
        return
    set_rows(unit.session, reference.source_table, column, ids, new)
    kind = "updated" if column != "deleted_at" else "restored" if new is None else "deleted"
    unit.moved.append(
        {
            "entity": record.entity.name, "parent": record.id, "kind": kind, "group": len(unit.moved),
            "list": reference.label, "table": reference.source_table, "column": column, "ids": list(ids),
            "old": storable(old), "new": storable(new),
        }
    )  # fmt: skip


def storable(value: Any) -> Any:
    """A value as history keeps it of rows set by statement."""
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def load(unit: Unit, model: type[Record], ids: Sequence[int]) -> list[Record]:
    """Records by id, those in the bin too, with one question for many."""
    found: list[Record] = []
    for start in range(0, len(ids), 500):
        statement = select(model).where(model.id.in_(ids[start : start + 500])).order_by(model.id)
        found.extend(unit.session.scalars(statement, execution_options=INCLUDE_DELETED))
    return found


def _blocked(unit: Unit, title: str, groups: Sequence[Dependants]) -> Text:
    lines = []
    for group in groups:
        registered = unit.context.registry.by_table(group.reference.source_table)
        if registered is None:
            where = _(
                "%(number)s in %(list)s (module %(module)s, switched off)",
                number=len(group.ids),
                list=group.reference.label,
                module=group.reference.plugin,
            )
        else:
            scope = unit.context.scope
            known = load(unit, registered.model, group.ids) if scope is None or scope.views(registered) else []
            if len(known) < len(group.ids):  # T35: not even how many there are
                raise Refused(_("%(title)s cannot be deleted: records you may not see depend on it.", title=title))
            names = [found.title for found in known[:MAXIMUM_NAMED]]
            more = "…" if len(group.ids) > MAXIMUM_NAMED else ""
            where = _(
                "%(number)s in %(list)s: %(names)s",
                number=len(group.ids),
                list=registered.entity.plural,
                names=", ".join(names) + more,
            )
        lines.append(str(where))
    total = sum(len(group.ids) for group in groups)
    return lazy_plural(
        "%(title)s cannot be deleted: %(number)s record depends on it. %(where)s",
        "%(title)s cannot be deleted: %(number)s records depend on it. %(where)s",
        total, title=title, where="; ".join(lines),
    )  # fmt: skip
