"""One field edited in place: on the sheet and in a list with script, on a page of its own without (UX 2.1, 2.3).

In a list (`list`) a saved value answers with the row; the list's own form, linked from the menu of its row, does without
script.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from core.data.records import Record, value_of
from core.data.unit import transaction
from core.errors import EditConflict, Invalid, NotFound, Refused
from core.features.bulk import set_field
from core.fields import Country, Field
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FieldForm
from core.web.forms import country_of, make_control, writable_fields
from core.web.one_row import row_answer
from core.web.picking import FIND, read_links
from core.web.policy import policy
from core.web.responses import is_fragment, page, record_or_404, see
from core.web.shell import group_label, make_shell

blueprint = Blueprint("one_field", __name__)


def _field(entity: RegisteredEntity, name: str) -> Field:
    """A field the person may change. Raises `NotFound`, also for one he may not see (T39)."""
    found = next((one for one in writable_fields(entity) if one.name == name), None)
    if found is None:
        raise NotFound(_("There is no such field"))
    return found


@blueprint.get("/<entity:entity>/<int:record_id>/field/<name>")
@policy("entity.edit")
def edit(entity: RegisteredEntity, record_id: int, name: str) -> Response:
    """The control of one field, with Save and Cancel."""
    record = record_or_404(entity.model, record_id)
    field = _field(entity, name)
    value = value_of(record, field)
    typed = "" if value is None else field.type.edit_text(value)
    return _form(entity, record, field, typed, _dumped(record, field), None, 200)


@blueprint.post("/<entity:entity>/<int:record_id>/field/<name>")
@policy("entity.edit")
def save(entity: RegisteredEntity, record_id: int, name: str) -> Response:
    """Save it; a conflict only if that very field changed meanwhile (PR-2), and nothing typed is lost."""
    record = record_or_404(entity.model, record_id)
    field = _field(entity, name)
    sent = MultiDict(list(request.form.items(multi=True)))
    unclear = read_links([field], sent)
    values = sent.getlist(name)
    typed = ",".join(filter(None, values)) if field.type.multiple else (values or [""])[-1]
    seen = request.form.get("seen")
    if unclear or request.form.get("then") == FIND:
        return _form(entity, record, field, typed, seen, unclear.get(name), 422 if unclear else 200)
    try:
        with transaction(f"{entity.name}.edit") as unit:
            set_field(unit, entity, unit.get(entity.model, record_id), field, typed, seen)
    except EditConflict as error:
        here().fresh()
        record = record_or_404(entity.model, record_id)
        return _form(entity, record, field, typed, _dumped(record, field), error.message, 409)
    except (Invalid, Refused) as error:
        return _form(entity, record, field, typed, seen, error.message, 422)
    if _in_list():
        answer = row_answer(entity, record_id, None, unit.operation)
        answer.headers["HX-Retarget"] = f"#row-{record_id}"
        answer.headers["HX-Reswap"] = "outerMorph"
        return answer
    return see(url_for("records.sheet", entity=entity, record_id=record_id), unit.operation)


def _in_list() -> bool:
    """Whether the field stands in a cell of a list; the answer is a part of its page then."""
    return is_fragment() and "list" in request.values


def _dumped(record: Record, field: Field) -> str:
    value = value_of(record, field)
    return "" if value is None else field.type.dump(value)


def _form(
    entity: RegisteredEntity,
    record: Record,
    field: Field,
    typed: str,
    seen: str | None,
    error: Text | None,
    status: int,
) -> Response:
    sheet = url_for("records.sheet", entity=entity, record_id=record.id)
    url = url_for("one_field.edit", entity=entity, record_id=record.id, name=field.name)
    places = {one.name: _dumped(record, one) for one in entity.fields.values() if isinstance(one.type, Country)}
    country = country_of(entity, places)
    form = FieldForm(url, make_control(entity, field, typed, error, country), seen or "", sheet)
    form = FieldForm(url, make_control(entity, field, typed, error), seen or "", sheet, _in_list())
    if is_fragment():
        html = render_template("core/field_form.html", form=form)
        return Response(html, status, content_type="text/html; charset=utf-8")
    heading = _("Edit %(field)s", field=field.label)
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(record.title, sheet),
        Crumb(heading),
    ]
    return page("core/field_page.html", status, heading=heading, form=form, shell=make_shell(heading, crumbs))
