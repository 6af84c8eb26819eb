"""`changes_committed`: telling one plugin what an operation changed, after its commit, at least once (DESIGN 3).

The changes come from history, so nothing that happened is lost with a process; current values come from the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core.contract.changes import Actor, Change
from core.data.capture import RecordValues
from core.data.history import Entry, changes_of
from core.data.session import INCLUDE_DELETED
from core.data.unit import Unit
from core.fields import Field
from core.registry import Registry


def deliver(unit: Unit, plugin: str, operation: int) -> None:
    """Call `changes_committed` of one plugin with an operation's changes. What the plugin raises is the caller's."""
    changes = committed_changes(unit.session, unit.context.registry, operation)
    if changes:
        unit.context.hooks.committed(plugin, changes, unit)


def committed_changes(session: Session, registry: Registry, operation: int) -> list[Change]:
    """The changes of an operation as plugins see them; those of modules that are off now are left out."""
    return [
        _change(session, registry, entry)
        for entry in changes_of(session, operation)
        if entry.change.entity in registry.entities and not registry.entity(entry.change.entity).entity.rebuilds
    ]


def _change(session: Session, registry: Registry, entry: Entry) -> Change:
    registered = registry.entity(entry.change.entity)
    record = session.get(registered.model, entry.change.record_id, execution_options=INCLUDE_DELETED)
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    created = entry.change.kind == "created"
    for name, (before, after) in entry.fields.items():
        found = registered.fields.get(name)
        if found is not None:  # a field of a module that is off now
            new[name] = _load(found, after)
            if not created:
                old[name] = _load(found, before)
    values: Mapping[str, Any] = {} if record is None else RecordValues(record, registered.fields)
    actor = Actor(entry.operation.actor_id, entry.operation.actor_name)
    return Change(
        entity=entry.change.entity,
        record_id=entry.change.record_id,
        kind=entry.change.kind,  # type: ignore[arg-type]  # the column holds what Kind allows
        title=entry.change.title,
        old=old,
        new=new,
        actor=actor,
        action=entry.operation.action,
        values=values,
        operation=entry.operation.id,
    )


def _load(field: Field, dumped: str | None) -> Any:
    return None if dumped is None else field.type.load(dumped)
