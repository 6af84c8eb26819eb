"""Any field of many rows at once, and whose they are: the steps that ask which field and which value (UX 2.1).

Like the tag of many rows it is a page in between: it carries the selection on, works without script, and the count
stands on its button.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, Response, request, url_for
from werkzeug.datastructures import MultiDict

from core.errors import Invalid, NotFound
from core.features.tag_field import EXTRA_KEY
from core.fields import Field
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.bulk import change_rows, chosen_ids
from core.web.contexts import Crumb
from core.web.form_contexts import FormControl
from core.web.forms import make_control, writable_fields
from core.web.keeping import kept_values
from core.web.last_list import list_address
from core.web.picking import FIND, FOR, TEXT, Sought, read_link, read_links, target_of
from core.web.policy import policy
from core.web.responses import came_from, home_path, page
from core.web.shell import group_label, make_shell

blueprint = Blueprint("bulk_fields", __name__)
NEW = "new"
"""The control of the new value: a field of an administrator's may be called like something of the form."""
SAVE = "save"
OWN = ("field", "then", "value", f"value{TEXT}", f"value{FOR}", "action", NEW, f"{NEW}{TEXT}", f"{NEW}{FOR}")
"""What the steps ask for themselves, and what the bar sends for its own choices: nothing to carry on."""


@dataclass(frozen=True, slots=True)
class BulkStep:
    """A question about the chosen rows: which field (`fields`), or its new value (`control`). `hidden` is carried on."""

    heading: Text
    url: str
    hidden: Sequence[tuple[str, str]]
    back_url: str
    submit: Text
    then: str = ""
    fields: Sequence[tuple[str, Text]] = ()
    control: FormControl | None = None


def fields_of_many(entity: RegisteredEntity) -> list[Field]:
    """The fields that may hold one value in many rows: not what names one or tells it apart, nor tags, which are added."""
    return [
        found
        for found in writable_fields(entity)
        if found.name != EXTRA_KEY and not found.declaration.unique and found is not entity.title_field
    ]


def assigned_field(entity: RegisteredEntity) -> Field | None:
    """Who is responsible for a record, where the person may say so (TP-7)."""
    ownership = entity.entity.ownership
    owner = ownership.owner if ownership is not None and ownership.part_of is None else None
    return next((found for found in fields_of_many(entity) if found.name == owner), None)


@blueprint.post("/<entity:entity>/bulk/edit")
@policy("entity.edit")
def edit(entity: RegisteredEntity) -> Response:
    """Give a field of the chosen rows a value: asks which field, then which value; many rows are a job."""
    chosen = chosen_ids(entity)
    known = fields_of_many(entity)
    name = request.form.get("field", "")
    if not name:
        return _ask_field(entity, known, len(chosen))
    field = next((found for found in known if found.name == name), None)
    if field is None:
        raise NotFound(_("There is no such field"))
    then = request.form.get("then")
    if then not in (SAVE, FIND):
        return _ask_value(entity, field, len(chosen), "", None, 200)
    typed, error = _read(field)
    if error is None and then == SAVE:
        try:
            return change_rows(entity, chosen, field, typed)
        except Invalid as wrong:
            error = wrong.message
    return _ask_value(entity, field, len(chosen), typed, error, 200 if error is None else 422)


def _read(field: Field) -> tuple[str, Text | None]:
    """What was typed, and what is unclear about it: a linked record is typed by its name."""
    sent: MultiDict[str, str] = MultiDict(list(request.form.items(multi=True)))
    target = target_of(field)
    if target is not None and f"{NEW}{TEXT}" in sent:
        found = read_link(target, sent, NEW, find=sent.get("then") == FIND)
        if isinstance(found, Sought):
            for part in ("", TEXT, FOR):  # the control finds its matches under the field's own name
                sent.setlist(f"{field.name}{part}", sent.getlist(f"{NEW}{part}"))
            return "", read_links([field], sent).get(field.name)
        return found, None
    values = sent.getlist(NEW)
    return ",".join(filter(None, values)) if field.type.multiple else (values or [""])[-1], None


def _ask_field(entity: RegisteredEntity, known: Sequence[Field], number: int) -> Response:
    heading = lazy_plural("Edit %(number)s row", "Edit %(number)s rows", number, number=format_integer(number))
    fields = [(found.name, found.label) for found in known]
    step = _step(entity, heading, _("Continue"), kept_values(*OWN))
    return _page(entity, replace(step, fields=fields), 200)


def _ask_value(
    entity: RegisteredEntity, field: Field, number: int, typed: str, error: Text | None, status: int
) -> Response:
    figures = {"number": format_integer(number), "field": field.label}
    if field is assigned_field(entity):
        heading: Text = lazy_plural("Assign %(number)s row", "Assign %(number)s rows", number, **figures)
        submit = heading
    else:
        heading = lazy_plural("%(field)s: edit %(number)s row", "%(field)s: edit %(number)s rows", number, **figures)
        submit = lazy_plural("Edit %(number)s row", "Edit %(number)s rows", number, **figures)
    control = replace(make_control(entity, field, typed, error), name=NEW)
    step = _step(entity, heading, submit, [*kept_values(*OWN), ("field", field.name)])
    return _page(entity, replace(step, then=SAVE, control=control), status)


def _step(entity: RegisteredEntity, heading: Text, submit: Text, hidden: Sequence[tuple[str, str]]) -> BulkStep:
    url = url_for("bulk_fields.edit", entity=entity)
    return BulkStep(heading, url, hidden, home_path(came_from()), submit)


def _page(entity: RegisteredEntity, step: BulkStep, status: int) -> Response:
    crumbs = [
        Crumb(group_label(entity.entity.group)), Crumb(entity.entity.plural, list_address(entity)), Crumb(step.heading),
    ]  # fmt: skip
    return page("core/bulk_step.html", status, page=step, shell=make_shell(step.heading, crumbs))
