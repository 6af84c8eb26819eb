"""Creating, editing, one-click status, bulk, delete and restore: generic, each one unit of work (DESIGN 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from core.data.records import Likeness, Record
from core.data.unit import transaction
from core.errors import EditConflict, Invalid, NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.features.bulk import MAXIMUM_AT_ONCE, set_field
from core.features.writing import write_typed
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.bulk import ask_which, chosen_ids, start_bulk_job
from core.web.conflict import choose, make_conflict_page
from core.web.contexts import Crumb, Done
from core.web.current import here
from core.web.describe import load_summary
from core.web.forms import (
    form_errors,
    make_form,
    make_form_page,
    missing_required,
    posted,
    typed_fields,
    typed_values,
    writable_fields,
)
from core.web.last_list import list_address
from core.web.list_address import read_query_string
from core.web.list_page import make_one_row
from core.web.new_records import MORE, filled, new_label, next_page, setting_defaults
from core.web.number_boxes import NUMBER_SERIES, series_preview
from core.web.picking import FIND, Sought, read_link, read_links, target_of
from core.web.policy import policy
from core.web.responses import came_from, is_fragment, page, record_or_404, see
from core.web.shell import group_label, make_done, make_shell
from core.web.similar import certain, make_hint
from core.web.submissions import earlier_result, form_key

blueprint = Blueprint("editing", __name__)


# -- create -----------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/new")
@policy("entity.create")
def new(entity: RegisteredEntity) -> Response:
    """An empty form; values in the address fill fields (`?role=prospect`)."""
    return new_page(entity, typed_values(entity, None, {**setting_defaults(entity), **filled(entity)}), {}, 200)


def new_page(
    entity: RegisteredEntity,
    values: Mapping[str, str],
    errors: Mapping[str, Text],
    status: int,
    message: Text | None = None,
    stopped_by: Sequence[Likeness] = (),
) -> Response:
    heading = new_label(entity, values)
    index = url_for("records.index", entity=entity)
    content = make_form_page(
        entity, heading=heading, url=url_for("editing.new", entity=entity, **dict[str, Any](filled(entity))), cancel_url=index,
        values=values, errors=errors,
        key=form_key(), message=message, preview=series_preview(entity, None, values),
        similar=make_hint(entity, None, stopped_by),
    )  # fmt: skip
    crumbs = [Crumb(group_label(entity.entity.group)), Crumb(entity.entity.plural, index), Crumb(heading)]
    return page("core/form.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("/<entity:entity>/new")
@policy("entity.create")
def create(entity: RegisteredEntity) -> Response:
    """Create a record from the form, or show what is wrong with everything typed still there."""
    key = form_key()
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    sent = MultiDict(list(request.form.items(multi=True)))
    allowed = writable_fields(entity, "create")
    unclear = read_links(allowed, sent)
    form = make_form(entity, posted((found.name for found in allowed), sent), "create")
    errors = {**form_errors(form), **missing_required(form), **unclear}
    typed = {
        **typed_values(entity, None, {}),
        **{name: found.typed for name, found in typed_fields(form).items() if found.submitted},
    }
    if request.form.get("then") in (FIND, MORE):
        return new_page(entity, typed, unclear, 200)
    if errors:
        return new_page(entity, typed, errors, 422)
    if same := certain(entity, typed):
        return new_page(entity, typed, {}, 409, stopped_by=same)
    here().form_again = lambda status, message: new_page(entity, typed, {}, status, message)
    try:
        with transaction(f"{entity.name}.create") as unit:
            record = unit.add(entity.model())
            if (series := number_argument(request.form, NUMBER_SERIES)) is not None:
                unit.number_from(record, series)
            fields = typed_fields(form).values()
            own = [found for found in fields if found.submitted and found.data is not None]
            for found in sorted(own, key=lambda found: found.source.owner is not entity.model):
                write_typed(unit, record, found.source, found.data)
            unit.session.flush()
            location = next_page(entity, typed, record.id)
            if key:
                unit.claim(key, location, here().actor.id)
    except Refused as error:
        errors, message = _places(entity, error)
        return earlier_result(key) or new_page(entity, typed, errors, 422, message)
    return see(location, unit.operation)


def _places(entity: RegisteredEntity, error: Refused) -> tuple[dict[str, Text], Text | None]:
    """Where the sentence of a refusal stands, once: at its field, or above a form that does not show that field."""
    if error.field is not None and any(found.name == error.field for found in writable_fields(entity)):
        return {error.field: error.message}, None
    return {}, error.message


@blueprint.post("/<entity:entity>/check")
@policy("entity.view")
def check(entity: RegisteredEntity) -> Response:
    """What is wrong with one typed value, by the very field that will read it; empty when it fits (UX 2.4).

    A POST, because what people type does not belong into addresses and logs. It writes nothing.
    """
    may_create = here().may(entity.permission("create"))
    known = [*writable_fields(entity), *(writable_fields(entity, "create") if may_create else [])]
    found = next((one for one in known if one.name == request.form.get("field")), None)
    if found is None:
        raise NotFound(_("There is no such field"))
    value = request.form.get("value", "")
    said = ""
    if value.strip():
        try:
            found.parse(value)
        except Invalid as error:
            said = str(error.message)
    return Response(said, content_type="text/plain; charset=utf-8")


# -- edit -------------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/<int:record_id>/edit")
@policy("entity.edit")
def edit(entity: RegisteredEntity, record_id: int) -> Response:
    """The form of a record."""
    record = record_or_404(entity.model, record_id)
    return edit_page(entity, record, typed_values(entity, record, {}), {}, 200, record.version)


def edit_page(
    entity: RegisteredEntity, record: Record, values: Mapping[str, str], errors: Mapping[str, Text], status: int, version: int,
    message: Text | None = None,
) -> Response:  # fmt: skip
    sheet = url_for("records.sheet", entity=entity, record_id=record.id)
    content = make_form_page(
        entity, heading=_("Edit %(title)s", title=record.title), url=url_for("editing.edit", entity=entity, record_id=record.id),
        cancel_url=sheet, values=values, errors=errors, version=version, key=form_key(), message=message,
        preview=series_preview(entity, record, values), similar=make_hint(entity, record.id),
    )  # fmt: skip
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, list_address(entity)),
        Crumb(record.title, sheet),
        Crumb(_("Edit")),
    ]
    return page("core/form.html", status, page=content, shell=make_shell(content.heading, crumbs))


@blueprint.post("/<entity:entity>/<int:record_id>/edit")
@policy("entity.edit")
def save(entity: RegisteredEntity, record_id: int) -> Response:
    """Save the form; a stale one gets both values to choose from and loses nothing (F39)."""
    key = form_key()
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    record = record_or_404(entity.model, record_id, deleted=True)
    version = number_argument(request.form, "version")
    sent = MultiDict(choose(request.form))
    unclear = read_links(writable_fields(entity), sent)
    form = make_form(entity, posted((found.name for found in writable_fields(entity)), sent))
    errors = {**form_errors(form), **unclear}
    current = typed_values(entity, record, {})
    typed = {**current, **{name: found.typed for name, found in typed_fields(form).items() if found.submitted}}
    if record.deleted_at is not None:
        return _deleted_page(entity, record, typed)
    if version is None:
        return edit_page(
            entity,
            record,
            typed,
            {},
            422,
            record.version,
            _("This form is incomplete. Check the values and save again."),
        )
    if request.form.get("then") == FIND:
        return edit_page(entity, record, typed, unclear, 200, version)
    if version != record.version and not unclear:
        return make_conflict_page(entity, record, typed, version)
    if errors:
        return edit_page(entity, record, typed, errors, 422, version)
    here().form_again = lambda status, message: _edit_again(entity, record_id, typed, status, version, message)
    location = url_for("records.sheet", entity=entity, record_id=record_id)
    try:
        with transaction(f"{entity.name}.edit") as unit:
            fresh = unit.get(entity.model, record_id, version=version)
            for name, found in typed_fields(form).items():
                if (
                    found.typed != current.get(name)
                    and found.submitted
                    and unit.read(fresh, found.source) != found.data
                ):
                    write_typed(unit, fresh, found.source, found.data)
            if key:
                unit.claim(key, location, here().actor.id)
    except NotFound:  # deleted between reading it and writing it
        here().fresh()
        return _deleted_page(entity, record_or_404(entity.model, record_id, deleted=True), typed)
    except EditConflict:
        here().fresh()
        return make_conflict_page(entity, record_or_404(entity.model, record_id), typed, version)
    except Refused as error:
        errors, message = _places(entity, error)
        return earlier_result(key) or edit_page(entity, record, typed, errors, 422, version, message)
    return see(location, unit.operation)


def _edit_again(
    entity: RegisteredEntity, record_id: int, typed: Mapping[str, str], status: int, version: int, message: Text
) -> Response:
    return edit_page(entity, record_or_404(entity.model, record_id), typed, {}, status, version, message)


def _deleted_page(entity: RegisteredEntity, record: Record, typed: Mapping[str, str]) -> Response:
    """The form of a record somebody deleted meanwhile: what was typed can be saved once it is restored."""
    message = _(
        "%(title)s was deleted meanwhile. Nothing you typed is lost: restore it from the trash in another tab, then save.",
        title=record.title,
    )
    return edit_page(entity, record, typed, {}, 404, record.version, message)


# -- one field --------------------------------------------------------------------------------------------------
@blueprint.post("/<entity:entity>/<int:record_id>/status")
@policy("entity.edit")
def status(entity: RegisteredEntity, record_id: int) -> Response:
    """Set one field with one click, from list or sheet; the answer is the row, or the page it came from.

    A form that names none is for the quick field: the strips of a list leave it out.
    """
    quick = entity.quick_field
    name = request.form.get("field") or (quick.name if quick is not None else "")
    field = next((found for found in writable_fields(entity) if found.name == name), None)
    if field is None:
        raise Refused(_("This field cannot be set here"))
    try:
        with transaction(f"{entity.name}.status") as unit:
            record = unit.get(entity.model, record_id)
            set_field(unit, entity, record, field, request.form.get("value", ""), request.form.get("seen"))
    except (Refused, EditConflict) as error:
        if not is_fragment() or request.form.get("sheet"):
            raise
        return _row(entity, record_id, error.message, None)
    if is_fragment() and not request.form.get("sheet"):
        return _row(entity, record_id, None, unit.operation)
    return see(came_from(), unit.operation)


def _row(entity: RegisteredEntity, record_id: int, error: Text | None, operation: int | None) -> Response:
    """The row as it is now, with the message out of band; the old value stays when the change was refused."""
    here().fresh()
    target = came_from()
    query = read_query_string(entity, target.partition("?")[2])
    row = make_one_row(query, record_id, error)
    if row is None:
        raise NotFound(_("This record does not exist, or was deleted"))
    done = _done(operation) if operation is not None else None
    html = render_template("core/list_row.html", row=row, return_url=target, done=done)
    return Response(html, 200 if error is None else 422)


def _done(operation: int) -> Done | None:
    summary = load_summary(here().session, operation)
    return None if summary is None else make_done(summary)


# -- many -------------------------------------------------------------------------------------------------------
@blueprint.post("/<entity:entity>/bulk")
@policy("entity.edit")
def bulk(entity: RegisteredEntity) -> Response:
    """Set the quick field of the chosen rows, or delete them: a few at once in one operation, many as a job (UX 2.1)."""
    chosen = chosen_ids(entity)
    action = request.form.get("action", "set")
    if action not in ("set", "delete"):
        raise Refused(_("This list has no such action"))
    if action == "delete":
        here().require(entity.permission("delete"))
    field = entity.quick_field
    if action != "delete" and field not in writable_fields(entity):
        raise Refused(_("This list has nothing to set"))
    value = request.form.get("value", "")
    if action == "set" and field is not None and (target := target_of(field)) is not None:
        read = read_link(target, request.form, "value")
        if isinstance(read, Sought):
            return ask_which(entity, field, read)
        value = read
    if len(chosen) > MAXIMUM_AT_ONCE:
        return start_bulk_job(entity, chosen, None if action == "delete" else field, value)
    with transaction(f"{entity.name}.bulk_{'delete' if action == 'delete' else 'edit'}") as unit:
        missing = 0
        for record_id in chosen:
            record = unit.session.get(entity.model, record_id)
            if record is None or record.deleted_at is not None:
                missing += 1
            elif action == "delete":
                delete_record(unit, record)
            elif field is not None:
                set_field(unit, entity, record, field, value, None)
        if missing:
            unit.notice(
                lazy_plural("%(number)s row was deleted meanwhile", "%(number)s rows were deleted meanwhile", missing)
            )
    return see(came_from(), unit.operation)


# -- bin --------------------------------------------------------------------------------------------------------
@blueprint.post("/<entity:entity>/<int:record_id>/delete")
@policy("entity.delete")
def delete(entity: RegisteredEntity, record_id: int) -> Response:
    """Put a record into the trash; the list it was in tells so and offers Undo."""
    with transaction(f"{entity.name}.delete") as unit:
        delete_record(unit, unit.get(entity.model, record_id))
    return see(url_for("records.index", entity=entity), unit.operation)


@blueprint.post("/<entity:entity>/<int:record_id>/restore")
@policy("entity.delete")
def restore(entity: RegisteredEntity, record_id: int) -> Response:
    """Take a record out of the trash."""
    with transaction(f"{entity.name}.restore") as unit:
        restore_record(unit, unit.get(entity.model, record_id, deleted=True))
    return see(url_for("records.sheet", entity=entity, record_id=record_id), unit.operation)
