"""Creating, editing, one-click status, bulk, delete and restore: generic, each one unit of work (DESIGN 8)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from core.data.query import parse
from core.data.records import Record
from core.data.unit import transaction
from core.errors import EditConflict, NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.features.bulk import MAXIMUM_AT_ONCE, set_field
from core.features.writing import write_typed
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.settings import read_settings
from core.web.bulk import chosen_ids, start_bulk_job
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
from core.web.list_page import make_one_row, make_row_page
from core.web.policy import policy
from core.web.responses import came_from, is_fragment, page, record_or_404, see
from core.web.shell import group_label, make_done, make_shell
from core.web.submissions import earlier_result

blueprint = Blueprint("editing", __name__)


# -- create -----------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/new")
@policy("entity.create")
def new(entity: RegisteredEntity) -> Response:
    """An empty form; values in the address fill fields (`?role=prospect`)."""
    return _new_page(
        entity, typed_values(entity, None, {**_setting_defaults(entity), **request.args.to_dict()}), {}, 200
    )


def _setting_defaults(entity: RegisteredEntity) -> dict[str, str]:
    """Settings called `default_<field>` are what a new record starts with."""
    plugin = here().registry.plugins.get(entity.plugin)
    if plugin is None:
        return {}
    values = read_settings(here().session, plugin.name, plugin.settings)
    return {
        name.removeprefix("default_"): str(value)
        for name, value in values.items()
        if name.startswith("default_") and value is not None
    }


def _new_label(entity: RegisteredEntity, values: Mapping[str, str]) -> Text:
    for view in entity.entity.views:
        if all(values.get(name) == value for name, value in view.defaults.items()):
            return view.new_label
    return entity.entity.new_label


def _new_page(
    entity: RegisteredEntity,
    values: Mapping[str, str],
    errors: Mapping[str, Text],
    status: int,
    message: Text | None = None,
) -> Response:
    heading = _new_label(entity, values)
    index = url_for("records.index", entity=entity)
    content = make_form_page(
        entity, heading=heading, url=url_for("editing.new", entity=entity), cancel_url=index, values=values, errors=errors,
        key=request.form.get("key"), message=message,
    )  # fmt: skip
    crumbs = [Crumb(group_label(entity.entity.group)), Crumb(entity.entity.plural, index), Crumb(heading)]
    return page("core/form.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("/<entity:entity>/new")
@policy("entity.create")
def create(entity: RegisteredEntity) -> Response:
    """Create a record from the form, or show what is wrong with everything typed still there."""
    key = request.form.get("key", "")[:64]
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    form = make_form(entity, posted(found.name for found in writable_fields(entity, "create")), "create")
    errors = {**form_errors(form), **missing_required(form)}
    typed = {
        **typed_values(entity, None, {}),
        **{name: found.typed for name, found in typed_fields(form).items() if found.submitted},
    }
    if errors:
        return _new_page(entity, typed, errors, 422)
    another = request.form.get("then") == "another"
    try:
        with transaction(f"{entity.name}.create") as unit:
            record = unit.add(entity.model())
            fields = typed_fields(form).values()
            own = [found for found in fields if found.submitted and found.data is not None]
            for found in sorted(own, key=lambda found: found.source.owner is not entity.model):
                write_typed(unit, record, found.source, found.data)
            unit.session.flush()
            location = (
                url_for("editing.new", entity=entity)
                if another
                else url_for("records.sheet", entity=entity, record_id=record.id)
            )
            if key:
                unit.claim(key, location, here().actor.id)
    except Refused as error:
        again = earlier_result(key)
        return again or _new_page(entity, typed, _by_field(entity, error), 422, error.message)
    return see(location, unit.operation)


def _by_field(entity: RegisteredEntity, error: Refused) -> dict[str, Text]:
    return {error.field: error.message} if error.field is not None and error.field in entity.fields else {}


# -- edit -------------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/<int:record_id>/edit")
@policy("entity.edit")
def edit(entity: RegisteredEntity, record_id: int) -> Response:
    """The form of a record."""
    record = record_or_404(entity.model, record_id)
    return _edit_page(entity, record, typed_values(entity, record, {}), {}, 200, record.version)


def _edit_page(
    entity: RegisteredEntity, record: Record, values: Mapping[str, str], errors: Mapping[str, Text], status: int, version: int,
    message: Text | None = None,
) -> Response:  # fmt: skip
    sheet = url_for("records.sheet", entity=entity, record_id=record.id)
    content = make_form_page(
        entity, heading=_("Edit %(title)s", title=record.title), url=url_for("editing.edit", entity=entity, record_id=record.id),
        cancel_url=sheet, values=values, errors=errors, version=version, key=request.form.get("key"), message=message,
    )  # fmt: skip
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(record.title, sheet),
        Crumb(_("Edit")),
    ]
    return page("core/form.html", status, page=content, shell=make_shell(content.heading, crumbs))


@blueprint.post("/<entity:entity>/<int:record_id>/edit")
@policy("entity.edit")
def save(entity: RegisteredEntity, record_id: int) -> Response:
    """Save the form; a stale one gets both values to choose from and loses nothing (F39)."""
    key = request.form.get("key", "")[:64]
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    record = record_or_404(entity.model, record_id)
    version = request.form.get("version", type=int)
    chosen = choose(request.form)
    names = {found.name for found in writable_fields(entity)}
    data = MultiDict([(name, value) for name, value in chosen if name in names])
    form = make_form(entity, data)
    errors = form_errors(form)
    current = typed_values(entity, record, {})
    typed = {**current, **{name: found.typed for name, found in typed_fields(form).items() if found.submitted}}
    if version is None:
        return _edit_page(
            entity,
            record,
            typed,
            {},
            422,
            record.version,
            _("This form is incomplete. Check the values and save again."),
        )
    if version != record.version:
        return make_conflict_page(entity, record, typed, version)
    if errors:
        return _edit_page(entity, record, typed, errors, 422, version)
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
    except EditConflict:
        here().fresh()
        return make_conflict_page(entity, record_or_404(entity.model, record_id), typed, version)
    except Refused as error:
        return earlier_result(key) or _edit_page(
            entity, record, typed, _by_field(entity, error), 422, version, error.message
        )
    return see(location, unit.operation)


# -- one field --------------------------------------------------------------------------------------------------
@blueprint.post("/<entity:entity>/<int:record_id>/status")
@policy("entity.edit")
def status(entity: RegisteredEntity, record_id: int) -> Response:
    """Set one field with one click, from list or sheet; the answer is the row, or the page it came from."""
    name = request.form.get("field", "")
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
    surroundings = here()
    surroundings.fresh()
    allowed = surroundings.permissions.fields(surroundings.actor, entity)
    arguments: dict[str, list[str]] = {}
    target = came_from()
    if "?" in target:
        arguments = parse_qs(target.split("?", 1)[1], keep_blank_values=True)
    query = parse(entity, arguments, allowed, scope=surroundings.scope)
    row = make_one_row(query, record_id, error)
    if row is None:
        raise NotFound(_("This record does not exist, or was deleted"))
    done = _done(operation) if operation is not None else None
    html = render_template("core/list_row.html", page=make_row_page(query, row, target), done=done)
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
    if action == "delete":
        here().require(entity.permission("delete"))
    field = entity.quick_field
    if action != "delete" and field not in writable_fields(entity):
        raise Refused(_("This list has nothing to set"))
    if len(chosen) > MAXIMUM_AT_ONCE:
        return start_bulk_job(entity, chosen, None if action == "delete" else field, request.form.get("value", ""))
    with transaction(f"{entity.name}.bulk_{'delete' if action == 'delete' else 'edit'}") as unit:
        missing = 0
        for record_id in chosen:
            record = unit.session.get(entity.model, record_id)
            if record is None or record.deleted_at is not None:
                missing += 1
            elif action == "delete":
                delete_record(unit, record)
            elif field is not None:
                set_field(unit, entity, record, field, request.form.get("value", ""), None)
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
