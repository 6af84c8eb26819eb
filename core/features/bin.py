"""The bin (TP-11): deleted records wait there for 30 days, with their children, and come back together.

A bin is an UPDATE, so dependants are found through `core_reference`, those of modules that are off too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.contract.contributions import Entity
from core.data.records import Record, now
from core.data.references import Dependants, dependants, set_rows
from core.data.unit import Unit
from core.errors import Refused
from core.i18n import lazy as _, lazy_plural

BIN_DAYS = 30
MAXIMUM_NAMED = 5


def delete_record(unit: Unit, record: Record) -> None:
    """Put a record into the bin, and with it what belongs to it.

    Raises `Refused` with the list of what depends on it, of modules that are off too.
    """
    unit.session.flush()
    found = dependants(unit.session, type(record), record.id)
    blocking = [group for group in found if group.reference.on_delete == "refuse"]
    if blocking:
        raise Refused(_blocked(unit, record.title, blocking))
    for group in found:
        if group.reference.on_delete == "bin":
            _bin_children(unit, record, group)
        else:
            _unlink(unit, record, group)
    record.deleted_at = now()


def restore_record(unit: Unit, record: Record) -> None:
    """Take a record out of the bin; its children come back by undoing the operation that deleted it."""
    if record.deleted_at is None:
        raise Refused(_("%(title)s is not in the trash", title=record.title))
    record.deleted_at = None


def _live_rows(unit: Unit, group: Dependants) -> list[Record] | None:
    """The records of a group, None when their module is off."""
    registered = unit.context.registry.by_table(group.reference.source_table)
    if registered is None:
        return None
    return [unit.get(registered.model, record_id) for record_id in group.ids]


def _bin_children(unit: Unit, record: Record, group: Dependants) -> None:
    children = _live_rows(unit, group)
    if children is None:
        set_rows(unit.session, group.reference.source_table, "deleted_at", group.ids, now())
        unit.moved.append(_moved(record.entity, record.id, "deleted", group, "deleted_at", None))
    else:
        for child in children:
            delete_record(unit, child)


def _unlink(unit: Unit, record: Record, group: Dependants) -> None:
    rows = _live_rows(unit, group)
    column = group.reference.source_column
    if rows is None:
        set_rows(unit.session, group.reference.source_table, column, group.ids, None)
        unit.moved.append(_moved(record.entity, record.id, "updated", group, column, record.id))
    else:
        for row in rows:
            setattr(row, column, None)


def _moved(entity: Entity, parent: int, kind: str, group: Dependants, column: str, old: int | None) -> dict[str, Any]:
    place = {"entity": entity.name, "parent": parent, "kind": kind}
    return {**place, "table": group.reference.source_table, "column": column, "ids": list(group.ids), "old": old}


def _blocked(unit: Unit, title: str, groups: Iterable[Dependants]) -> Any:
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
            names = [unit.get(registered.model, record_id).title for record_id in group.ids[:MAXIMUM_NAMED]]
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
