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

from core.access.models import ADMINISTRATOR
from core.access.permissions import Permissions, permissions_now
from core.contract.changes import Actor
from core.data.context import Context, current_context
from core.data.history import Entry, Operation, changes_of
from core.data.records import Record, now
from core.data.references import rows_holding, set_rows
from core.data.session import INCLUDE_DELETED
from core.data.unit import Unit, transaction
from core.errors import Forbidden, NotFound, Refused
from core.features.bin import delete_record, load, storable
from core.fields import Field
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity

UNDO_HOURS = 24
DONE_BY_UNDO: frozenset[str] = frozenset(
    {
        "module.enable", "module.disable", "module.purge", "mail.send", "mail.test", "mail.cancel", "mail.decide",
        "mail.settings", "mail.file", "mail.template", "mail.suppression",
    }
)  # fmt: skip
"""Actions whose operations have no inverse; the page that did them offers one of its own."""

Place = tuple[str, int, str]
"""Entity, record, and the field or kind of what was changed."""


@dataclass(slots=True)
class Undone:
    """What an undo did: its operation, what it took back, and what it could not take back and why."""

    operation: int | None
    titles: list[str] = field(default_factory=list)
    refused: list[Text] = field(default_factory=list)
    forbidden: int = 0
    """How many of the refusals are for want of a right."""


def undo(operation_id: int, *, context: Context | None = None) -> Undone:
    """Take back an operation as far as nothing changed since, and as far as the actor may still change it.

    What is refused is for the actor alone: it names records and values, and history is read by whoever may know of one
    of them. Raises `NotFound`, also for somebody else's operation (administrators may), `Forbidden` without the right to
    any of it, and `Refused` when it is too old, not undoable, or everything changed since; then nothing is written.
    """
    with transaction("undo", undo_of=operation_id, context=context or current_context()) as unit:
        result = undo_in(unit, operation_id)
    result.operation = unit.operation
    return result


def undo_in(unit: Unit, operation_id: int) -> Undone:
    """The same in a unit that was opened with `undo_of`; raises as `undo` does."""
    operation = own_operation(unit.session, operation_id, unit.context.actor)
    if now() - operation.at > datetime.timedelta(hours=UNDO_HOURS):
        raise Refused(_("This is more than 24 hours old and can no longer be taken back"))
    entries = changes_of(unit.session, operation_id)
    if not entries or operation.action in DONE_BY_UNDO:
        raise Refused(_("This cannot be taken back"))
    done = _already_undone(unit.session, operation_id)
    result = _take_back(unit, list(reversed(entries)), done)
    if not result.titles and 0 < result.forbidden == len(result.refused):
        raise Forbidden(result.refused[0])
    if not result.titles:
        raise Refused(result.refused[0] if result.refused else _("This was taken back already"))
    return result


def own_operation(session: Session, operation_id: int, actor: Actor) -> Operation:
    """An operation the actor may take back: one of his own, anybody's for administrators. Raises `NotFound`.

    Of others nobody learns even whether there is such an operation (T35).
    """
    operation = session.get(Operation, operation_id)
    if operation is None or (operation.actor_id != actor.id and ADMINISTRATOR not in actor.roles):
        raise NotFound(_("This operation does not exist"))
    return operation


def _already_undone(session: Session, operation_id: int) -> set[Place]:
    """What standing undos of the operation took back."""
    done: set[Place] = set()
    for undoing in session.scalars(select(Operation.id).where(Operation.undo_of == operation_id)):
        places = {place for entry in changes_of(session, undoing) for place in _places(entry)}
        done |= places - _already_undone(session, undoing)
    return done


def _places(entry: Entry) -> list[Place]:
    change = entry.change
    if change.moved is not None:
        names = [_moved_name(change.moved)]
    else:
        names = [*([] if change.kind == "updated" else [f"*{change.kind}"]), *entry.fields]
    return [(change.entity, change.record_id, name) for name in names]


def _moved_name(moved: Mapping[str, Any]) -> str:
    return f"*moved {moved['group']}"


# -- all of it, or all that can be ------------------------------------------------------------------------------
def _take_back(unit: Unit, entries: Sequence[Entry], done: set[Place]) -> Undone:
    """Everything at once; where the database or a rule of a field refuses, each change by itself as far as that goes."""
    result = Undone(None)
    touched = _touched(unit, entries, done)
    rights = permissions_now(unit)
    try:
        with unit.attempt():
            for entry in entries:
                _Inverse(unit, entry, done, touched, rights, result).apply()
        return result
    except Refused:
        return _one_by_one(unit, entries, done, touched, rights)


def _touched(unit: Unit, entries: Sequence[Entry], done: set[Place]) -> set[tuple[str, int]]:
    """The rows, by table and id, that are still to be taken back: an undo touches no others."""
    touched: set[tuple[str, int]] = set()
    for entry in entries:
        change = entry.change
        registered = unit.context.registry.entities.get(change.entity)
        undone_by = f"*{_INVERSE.get(change.kind)}" if change.moved is None else _moved_name(change.moved)
        if (change.entity, change.record_id, undone_by) in done:
            continue
        if change.moved is not None:
            touched.update((change.moved["table"], row) for row in change.moved["ids"])
        elif registered is not None:
            touched.add((registered.model.__tablename__, change.record_id))
    return touched


def _one_by_one(
    unit: Unit, entries: Sequence[Entry], done: set[Place], touched: set[tuple[str, int]], rights: Permissions
) -> Undone:
    """Each change by itself, again as long as one works: a child needs its parent back first, whichever came first."""
    result = Undone(None)
    reasons: dict[int, Text] = {}
    waiting = list(enumerate(entries))
    while waiting:
        left = []
        for number, entry in waiting:
            part = Undone(None)
            try:
                with unit.attempt():
                    _Inverse(unit, entry, done, touched, rights, part).apply()
            except Refused as error:
                reasons[number] = error.message
                left.append((number, entry))
            else:
                result.titles += part.titles
                result.refused += part.refused
                result.forbidden += part.forbidden
        if len(left) == len(waiting):
            break
        waiting = left
    result.refused += [reasons[number] for number, entry in waiting]
    return result


# -- one change -------------------------------------------------------------------------------------------------
_INVERSE = {"created": "deleted", "deleted": "restored", "restored": "deleted"}


@dataclass(slots=True)
class _Inverse:
    """The inverse of one change. What changed since stays, and is named in `result.refused`."""

    unit: Unit
    entry: Entry
    done: set[Place]
    touched: set[tuple[str, int]]
    rights: Permissions
    result: Undone

    def apply(self) -> None:
        """Write it. Raises `Refused` when it cannot be stored."""
        change = self.entry.change
        registered = self.unit.context.registry.entities.get(change.entity)
        if registered is None:
            self._refuse(_("%(title)s belongs to a module that is off", title=self._title(None)))
            return
        record = self.unit.session.get(registered.model, change.record_id, execution_options=INCLUDE_DELETED)
        if record is None and change.moved is None:
            self._refuse(_("%(title)s no longer exists", title=self._title(registered)))
            return
        if not self._may(registered, record):
            self.result.forbidden += 1
            self._refuse(_("You may no longer change this in %(list)s", list=registered.entity.plural))
            return
        if change.moved is not None:
            self._moved(change.moved)
            return
        assert record is not None
        worked = change.kind != "updated" and self._existence(record)
        if change.kind != "created":
            worked = self._fields(registered, record) or worked
        if worked:
            self.result.titles.append(record.title)

    def _title(self, registered: RegisteredEntity | None) -> Text:
        """What to call a record that was not found: its number, unless there are none the actor may not know of (T35)."""
        actor, scope = self.unit.context.actor, self.unit.context.scope
        limited = ADMINISTRATOR not in actor.roles if registered is None else scope and not scope.sees_all(registered)
        return f"#{self.entry.change.record_id}" if limited else self.entry.change.title

    def _may(self, registered: RegisteredEntity, record: Record | None) -> bool:
        """Whether the actor has today the right to what the inverse does: the form's for fields, the bin's for the rest.

        What is part of another record goes by the right to edit that one; what has no pages and no owner record, by its
        own rule (`Record.settle`).
        """
        actor = self.unit.context.actor
        if actor.is_system:
            return True
        ownership = registered.entity.ownership
        if ownership is not None and ownership.part_of is not None and record is not None:
            return self.rights.may(actor, f"{getattr(record, ownership.part_of[0])}.edit")
        if ownership is None and not registered.entity.pages:
            return True
        verb = "edit" if self.entry.change.kind == "updated" and self.entry.change.moved is None else "delete"
        return self.rights.may(actor, registered.permission(verb))

    def _refuse(self, reason: Text) -> None:
        self.result.refused.append(reason)

    def _is_done(self, name: str) -> bool:
        return (self.entry.change.entity, self.entry.change.record_id, name) in self.done

    def _existence(self, record: Record) -> bool:
        inverse = _INVERSE.get(self.entry.change.kind)
        if inverse is None:
            raise Refused(_("This cannot be taken back"))
        if self._is_done(f"*{inverse}"):
            return False
        if inverse == "restored" and record.deleted_at is not None:
            record.deleted_at = None
        elif inverse == "deleted" and record.deleted_at is None:
            delete_record(self.unit, record, along=self.touched)
        elif inverse == "restored" or record.deleted_at != self.unit.moment:  # else it went with its parent just now
            self._refuse(_("%(title)s was deleted or restored since", title=record.title))
            return False
        return True

    def _fields(self, registered: RegisteredEntity, record: Record) -> bool:
        worked = False
        actor = self.unit.context.actor
        withheld = frozenset() if actor.is_system else self.rights.withheld(actor, registered, "edit")
        for name, (old, new) in self.entry.fields.items():
            if self._is_done(name):
                continue
            if name in withheld:
                self._refuse(_("A field of %(title)s stays as it is: you may not change it", title=record.title))
                continue
            found = registered.fields.get(name)
            if found is None:
                self._refuse(_("The field %(name)s belongs to a module that is off", name=name))
                continue
            present = self.unit.read(record, found)
            if (None if present is None else found.type.dump(present)) != new:
                self._refuse(_changed_since(record, found, present))
                continue
            self.unit.write(record, found, None if old is None else found.type.load(old))
            worked = True
        return worked

    def _moved(self, moved: Mapping[str, Any]) -> None:
        """Rows that were set by statement while their module was off; it may be on now."""
        if self._is_done(_moved_name(moved)):
            return
        session, table, column = self.unit.session, moved["table"], moved["column"]
        old, new = _stored(moved, "old"), _stored(moved, "new")
        if column == "deleted_at" and old is not None:
            old = self.unit.moment  # what goes to the bin together has one instant
        ids = rows_holding(session, table, column, moved["ids"], new)
        if len(ids) < len(moved["ids"]):
            self._refuse(
                lazy_plural(
                    "%(number)s row of %(list)s has changed since",
                    "%(number)s rows of %(list)s have changed since",
                    len(moved["ids"]) - len(ids), list=moved["list"],
                )
            )  # fmt: skip
        if not ids:
            return
        self.result.titles.append(moved["list"])
        registered = self.unit.context.registry.by_table(table)
        if registered is not None:
            for row in load(self.unit, registered.model, ids):
                setattr(row, column, old)
        else:
            set_rows(session, table, column, ids, old)
            kind = "updated" if column != "deleted_at" else "restored" if old is None else "deleted"
            swapped = {"old": moved["new"], "new": storable(old), "ids": ids, "kind": kind}
            self.unit.moved.append({**moved, **swapped})


def _stored(moved: Mapping[str, Any], name: str) -> Any:
    value = moved[name]
    return datetime.datetime.fromisoformat(value) if moved["column"] == "deleted_at" and value is not None else value


def _changed_since(record: Record, found: Field, present: Any) -> Text:
    """Which field changed. What a personal one holds is left out: this sentence stays in history (SECURITY 7.35)."""
    if found.declaration.personal:
        return _("%(field)s of %(title)s has changed since", field=found.label, title=record.title)
    return _(
        "%(field)s of %(title)s has changed since and is now “%(value)s”",
        field=found.label,
        title=record.title,
        value="" if present is None else found.type.text(present),
    )


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
