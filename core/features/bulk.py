"""Setting a field of many records, or deleting them: the same verbs for one row, a page of rows, and a job (PR-2, UX 2.1).

A job is given the numbers of the records as they were selected: what comes into a filter later was never looked at,
and what leaves it by the very change would shift the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.contract.contributions import Action, Job
from core.contract.hooks import watched
from core.data.records import Record
from core.data.unit import Unit
from core.errors import EditConflict, Forbidden, NotFound, Refused, StateConflict
from core.features.bin import delete_record
from core.features.writing import write_typed
from core.fields import Field
from core.i18n import Text, format_integer, lazy as _
from core.registry import RegisteredEntity

if TYPE_CHECKING:
    from core.jobs.run import JobRun

MAXIMUM_AT_ONCE = 50
"""More rows than these are a job (UX 2.1)."""
MAXIMUM_ROWS = 100_000
"""Rows one job takes; their numbers stand in its row."""
EDIT, DELETE, ACT = "core.bulk_edit", "core.bulk_delete", "core.bulk_action"


def set_field(unit: Unit, entity: RegisteredEntity, record: Record, field: Field, raw: str, seen: str | None) -> None:
    """Set one field as a quick action does. `seen`: the dumped value the person saw.

    Raises `EditConflict` only if that very field changed meanwhile (PR-2), `Invalid` for a value that does not fit.
    """
    value = field.parse(raw)
    present = unit.read(record, field)
    dumped = "" if present is None else field.type.dump(present)
    if seen is not None and seen != dumped and present != value:
        shown = "" if present is None else field.type.text(present)
        message = _(
            "%(field)s of %(title)s was changed meanwhile and is now “%(value)s”",
            field=field.label,
            title=record.title,
            value=shown,
        )
        raise EditConflict(message, fields=(field.name,))
    if present != value:
        write_typed(unit, record, field, value)


def find_action(entity: RegisteredEntity, plugin: str, name: str) -> Action:
    """An action of a plugin that does something to records. Raises `NotFound`."""
    for owner, action in entity.actions:
        if owner == plugin and action.name == name and action.verb is not None:
            return action
    raise NotFound(_("There is no such action"))


def act(unit: Unit, entity: RegisteredEntity, record_id: int, plugin: str, action: Action) -> None:
    """Do an action to one of many records. Raises `Refused` where it is not offered, and what its verb raises."""
    record = unit.get(entity.model, record_id)
    with watched(plugin, f"action {action.name}"):
        if not action.is_for(record):
            raise Refused(_("%(action)s: not possible for %(title)s", action=action.label, title=record.title))
        assert action.verb is not None, "of an action found by `find_action`"
        action.verb(unit, record)


def act_on_several(
    unit: Unit, entity: RegisteredEntity, ids: Sequence[int], plugin: str, action: Action
) -> Sequence[Text]:
    """Do an action to each of these records and return why some were refused; of those nothing is written.

    Raises the reason when all of them were.
    """
    refused: list[Text] = []
    for record_id in ids:
        try:
            with unit.attempt():
                act(unit, entity, record_id, plugin, action)
        except (Refused, StateConflict, NotFound) as error:
            refused.append(error.message)
    if len(refused) == len(ids):
        raise Refused(refused[0])
    return refused


def bulk_payload(entity: RegisteredEntity, ids: Sequence[int], field: Field | None, value: str) -> dict[str, Any]:
    """What a bulk job needs to know; without a field it deletes. Raises `Invalid` for a value that does not fit."""
    if field is None:
        return {"entity": entity.name, "ids": list(ids)}
    field.parse(value)
    return {"entity": entity.name, "ids": list(ids), "field": field.name, "value": value}


def edit_many(job: JobRun) -> Text:
    """Set one field of the chosen records, as a click on each would."""

    def edit(unit: Unit, entity: RegisteredEntity, record: Record) -> None:
        field = entity.field(job.payload["field"])
        if field not in job.permissions.writable(unit.context.actor, entity, "edit"):
            raise Forbidden(_("You may no longer set %(field)s", field=field.label))
        set_field(unit, entity, record, field, job.payload["value"], None)

    _each(job, "edit", edit)
    numbers = _numbers(job)
    return _("%(number)s changed, %(refused)s refused", **numbers) if job.errors else _("%(number)s changed", **numbers)


def delete_many(job: JobRun) -> Text:
    """Put the chosen records into the trash."""
    _each(job, "delete", lambda unit, entity, record: delete_record(unit, record))
    numbers = _numbers(job)
    if job.errors:
        return _("%(number)s moved to the trash, %(refused)s refused", **numbers)
    return _("%(number)s moved to the trash", **numbers)


def act_on_many(job: JobRun) -> Text:
    """Do a module's action to the chosen records."""
    name, plugin = job.payload["entity"], job.payload["plugin"]
    checked: list[Unit] = []

    def one(unit: Unit, record_id: int) -> None:
        entity = unit.context.registry.entity(name)
        action = find_action(entity, plugin, job.payload["action"])
        if unit not in checked:
            job.permissions.require(unit.context.actor, action.permission)
            checked[:] = [unit]
        act(unit, entity, record_id, plugin, action)

    job.each(job.payload["ids"], one, action=f"{name}.{job.payload['action']}")
    numbers = _numbers(job)
    return _("%(number)s done, %(refused)s refused", **numbers) if job.errors else _("%(number)s done", **numbers)


def _each(job: JobRun, verb: str, work: Callable[[Unit, RegisteredEntity, Record], None]) -> None:
    name = job.payload["entity"]
    checked: list[Unit] = []

    def one(unit: Unit, record_id: int) -> None:
        entity = unit.context.registry.entity(name)
        if unit not in checked:  # rights may have gone since the step before
            job.permissions.require(unit.context.actor, entity.permission(verb))
            checked[:] = [unit]
        work(unit, entity, unit.get(entity.model, record_id))

    job.each(job.payload["ids"], one, action=f"{name}.bulk_{verb}")


def _numbers(job: JobRun) -> dict[str, str]:
    return {"number": format_integer(job.done - job.errors), "refused": format_integer(job.errors)}


BULK_JOBS = (
    Job(EDIT, _("Change of many rows"), edit_many),
    Job(DELETE, _("Deletion of many rows"), delete_many),
    Job(ACT, _("Action on many rows"), act_on_many),
)
