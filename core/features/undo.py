"""Undo (US-4): the inverse of an operation, refusing only what changed since, and saying which.

Undoing is an operation of its own, so it stands in history and can be undone too. Not undoable and said so: mail
sent, signatures, numbers used, purges, exports.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contract.changes import Actor
from core.data.context import Context, current_context
from core.data.history import Entry, Operation, changes_of
from core.data.records import Record, now
from core.data.references import set_rows
from core.data.unit import Unit, transaction
from core.errors import Forbidden, NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity

UNDO_HOURS = 24
DONE_BY_UNDO: frozenset[str] = frozenset({"module.enable", "module.disable", "module.purge"})
"""Actions whose operations have no inverse; the page that did them offers one of its own."""


@dataclass(slots=True)
class Undone:
    """What an undo did: its operation, what it could not take back and why."""

    operation: int | None
    titles: list[str] = field(default_factory=list)
    refused: list[Text] = field(default_factory=list)


def undo(operation_id: int, *, context: Context | None = None) -> Undone:
    """Take back an operation as far as nothing changed since.

    Raises `NotFound`, `Forbidden` for somebody else's operation (administrators may), and `Refused` when it is too
    old, not undoable, or everything changed since; then nothing is written.
    """
    context = context or current_context()
    with transaction("undo", undo_of=operation_id, context=context) as unit:
        operation = unit.session.get(Operation, operation_id)
        if operation is None:
            raise NotFound(_("This operation does not exist"))
        _may_undo(operation, context.actor)
        entries = changes_of(unit.session, operation_id)
        if not entries or operation.action in DONE_BY_UNDO:
            raise Refused(_("This cannot be taken back"))
        done = _already_undone(unit.session, operation_id)
        result = Undone(None)
        worked = [_undo_entry(unit, entry, done, result) for entry in reversed(entries)]
        if result.refused:
            unit.cause = "; ".join(str(reason) for reason in result.refused)
        if not any(worked):
            raise Refused(result.refused[0] if result.refused else _("This was taken back already"))
    result.operation = unit.operation
    return result


def _may_undo(operation: Operation, actor: Actor) -> None:
    if operation.actor_id != actor.id and "administrator" not in actor.roles:
        raise Forbidden(_("Only %(name)s or an administrator can take this back", name=operation.actor_name))
    if now() - operation.at > datetime.timedelta(hours=UNDO_HOURS):
        raise Refused(_("This is more than 24 hours old and can no longer be taken back"))


Place = tuple[str, int, str]


def _already_undone(session: Session, operation_id: int) -> set[Place]:
    """(entity, record, field or kind) that standing undos of the operation took back."""
    done: set[Place] = set()
    for undoing in session.scalars(select(Operation.id).where(Operation.undo_of == operation_id)):
        undone_itself = _already_undone(session, undoing)
        for entry in changes_of(session, undoing):
            change = entry.change
            if change.moved is not None:
                names = [_moved_place(change.moved)]
            else:
                names = list(entry.fields) if change.kind == "updated" else [f"*{change.kind}"]
            done |= {(change.entity, change.record_id, name) for name in names}
        done -= undone_itself
    return done


def _moved_place(moved: Mapping[str, Any]) -> str:
    return f"*moved {moved['table']}.{moved['column']}"


_INVERSE = {"created": "deleted", "deleted": "restored", "restored": "deleted"}


def _undo_entry(unit: Unit, entry: Entry, done: set[Place], result: Undone) -> bool:
    change = entry.change
    if change.moved is not None:
        moved = change.moved
        if (change.entity, change.record_id, _moved_place(moved)) in done:
            return False
        set_rows(unit.session, moved["table"], moved["column"], moved["ids"], moved["old"])
        unit.moved.append({**moved, "kind": "restored"})
        return True
    registered = unit.context.registry.entities.get(change.entity)
    if registered is None:
        result.refused.append(_("%(title)s belongs to a module that is off", title=change.title))
        return False
    record = unit.session.get(registered.model, change.record_id, execution_options={"include_deleted": True})
    if record is None:
        result.refused.append(_("%(title)s no longer exists", title=change.title))
        return False
    if change.kind == "updated":
        return _undo_fields(unit, registered, record, entry, done, result)
    worked = _undo_existence(unit, record, entry, done, result)
    if change.kind != "created":
        worked = _undo_fields(unit, registered, record, entry, done, result) or worked
    return worked


def _undo_existence(unit: Unit, record: Record, entry: Entry, done: set[Place], result: Undone) -> bool:
    change = entry.change
    inverse = _INVERSE[change.kind]
    if (change.entity, change.record_id, f"*{inverse}") in done:
        return False
    binned = record.deleted_at is not None
    if inverse == "restored" and binned:
        restore_record(unit, record)
    elif inverse == "deleted" and not binned:
        delete_record(unit, record)
    else:
        result.refused.append(_("%(title)s was deleted or restored since", title=record.title))
        return False
    result.titles.append(record.title)
    return True


def _undo_fields(
    unit: Unit, registered: RegisteredEntity, record: Record, entry: Entry, done: set[Place], result: Undone
) -> bool:
    if record.deleted_at is not None and entry.change.kind == "updated":
        result.refused.append(_("%(title)s is in the trash", title=record.title))
        return False
    worked = False
    for name, (old, new) in entry.fields.items():
        if (entry.change.entity, entry.change.record_id, name) in done:
            continue
        found = registered.fields.get(name)
        if found is None:
            result.refused.append(_("The field %(name)s belongs to a module that is off", name=name))
            continue
        present = unit.read(record, found)
        dumped = None if present is None else found.type.dump(present)
        if dumped != new:
            shown = "" if present is None else found.type.text(present)
            result.refused.append(
                _(
                    "%(field)s of %(title)s has changed since and is now “%(value)s”",
                    field=found.label,
                    title=record.title,
                    value=shown,
                )
            )
            continue
        unit.write(record, found, None if old is None else found.type.load(old))
        worked = True
    if worked:
        result.titles.append(record.title)
    return worked


def undoable(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Operation]:
    """The actor's own operations of the last 24 hours that can still be taken back, newest first."""
    since = now() - datetime.timedelta(hours=UNDO_HOURS)
    undone = select(Operation.undo_of).where(Operation.undo_of.is_not(None))
    statement = (
        select(Operation)
        .where(Operation.actor_id == actor.id, Operation.at > since, Operation.id.not_in(undone))
        .where(Operation.action.not_in(DONE_BY_UNDO))
        .order_by(Operation.id.desc())
        .limit(limit)
    )
    return list(session.scalars(statement))
