"""Which rows a bulk action is for, and the job that does it when they are many (UX 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Response, request, url_for

from core.contract.contributions import Action
from core.data.records import Record
from core.data.unit import Unit, transaction
from core.errors import Refused
from core.features.bin import delete_record
from core.features.bulk import ACT, DELETE, EDIT, MAXIMUM_AT_ONCE, MAXIMUM_ROWS, bulk_payload, set_field
from core.features.list_rows import ids
from core.fields import Field
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.jobs.enqueue import enqueue
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.keeping import kept_values
from core.web.list_address import read_query_string
from core.web.picking import FOR, TEXT, Sought, make_step
from core.web.responses import came_from, home_path, page, see
from core.web.shell import make_shell


def chosen_ids(entity: RegisteredEntity) -> list[int]:
    """The numbers of the rows the form is for: those that are checked, or with `all` those of its whole list now.

    Raises `Refused` when there are none, too many, or when a filter of the list is not understood: leaving it out
    would select what the person does not see.
    """
    if request.form.get("all"):
        query = read_query_string(entity, request.form.get("query", ""))
        if query.problems:
            raise Refused(_("These rows cannot be selected at once: %(reason)s", reason=query.problems[0]))
        chosen = ids(here().session, query, MAXIMUM_ROWS + 1)
    else:
        chosen = posted_ids(request.form.getlist("id"))
    if not chosen:
        raise Refused(_("Select at least one row first"))
    if len(chosen) > MAXIMUM_ROWS:
        most = format_integer(MAXIMUM_ROWS)
        raise Refused(_("Select at most %(number)s rows at once: filter the list first", number=most))
    return chosen


def posted_ids(values: Sequence[str]) -> list[int]:
    """The numbers among what was sent, each once; what is none is left out."""
    return list(dict.fromkeys(int(value) for value in values if value.isdecimal() and len(value) < 19))


def ask_which(entity: RegisteredEntity, field: Field, sought: Sought) -> Response:
    """The step that lists the matches for the name typed as the new value; the chosen rows are carried on."""
    hidden = kept_values("value", f"value{TEXT}", f"value{FOR}")
    url = url_for("editing.bulk", entity=entity)
    step = make_step(field, sought, url=url, method="post", hidden=hidden, back=home_path(came_from()))
    return page("core/pick_step.html", 422, page=step, shell=make_shell(step.heading))


def change_rows(entity: RegisteredEntity, chosen: list[int], field: Field | None, value: str) -> Response:
    """Set a field of the chosen rows, or without one delete them: a few at once in one operation, many as a job.

    Raises `Invalid` for a value that does not fit.
    """
    if len(chosen) > MAXIMUM_AT_ONCE:
        return start_bulk_job(entity, chosen, field, value)

    def change(unit: Unit, record: Record) -> None:
        if field is None:
            delete_record(unit, record)
        else:
            set_field(unit, entity, record, field, value, None)

    return for_each(f"{entity.name}.bulk_{'delete' if field is None else 'edit'}", entity, chosen, change)


def for_each(
    action: str, entity: RegisteredEntity, chosen: list[int], work: Callable[[Unit, Record], object]
) -> Response:
    """Do something to a few rows in one operation; how many were deleted meanwhile is said."""
    with transaction(action) as unit:
        missing = 0
        for record_id in chosen:
            record: Record | None = unit.session.get(entity.model, record_id)
            if record is None or record.deleted_at is not None:
                missing += 1
            else:
                work(unit, record)
        if missing:
            unit.notice(
                lazy_plural("%(number)s row was deleted meanwhile", "%(number)s rows were deleted meanwhile", missing)
            )
    return see(came_from(), unit.operation)


def start_bulk_job(entity: RegisteredEntity, chosen: list[int], field: Field | None, value: str) -> Response:
    """Start the job, for the rows as they were selected at the click, and lead to its page."""
    payload = bulk_payload(entity, chosen, field, value)
    with transaction("job.start") as unit:
        job_id = enqueue(
            unit,
            DELETE if field is None else EDIT,
            payload,
            label=_label(entity, len(chosen), field, value),
            module=entity.plugin,
        )
    return see(url_for("jobs.show", job_id=job_id))


def start_action_job(entity: RegisteredEntity, chosen: list[int], plugin: str, action: Action) -> Response:
    """Start the job that does a module's action to the rows selected at the click, and lead to its page."""
    payload = {"entity": entity.name, "ids": chosen, "plugin": plugin, "action": action.name}
    number = format_integer(len(chosen))
    label = lazy_plural(
        "%(list)s: %(action)s, %(number)s row", "%(list)s: %(action)s, %(number)s rows", len(chosen),
        list=entity.entity.plural, action=action.label, number=number,
    )  # fmt: skip
    with transaction("job.start") as unit:
        job_id = enqueue(unit, ACT, payload, label=label, module=plugin)
    return see(url_for("jobs.show", job_id=job_id))


def _label(entity: RegisteredEntity, number: int, field: Field | None, value: str) -> Text:
    words = {"number": format_integer(number), "list": entity.entity.plural}
    if field is None:
        return lazy_plural(
            "%(list)s: %(number)s row to the trash", "%(list)s: %(number)s rows to the trash", number, **words
        )
    parsed = field.parse(value)
    shown = "" if parsed is None else field.type.text(parsed)
    return lazy_plural(
        "%(list)s: %(field)s to “%(value)s” in %(number)s row",
        "%(list)s: %(field)s to “%(value)s” in %(number)s rows",
        number, field=field.label, value=shown, **words,
    )  # fmt: skip
