"""Forms of what belongs to a record and has fields of its own, such as addresses; made from these fields (TP-4).

The owner is loaded first: who may edit it may edit its parts. Adding one is the affair of the panel that shows them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.datastructures import MultiDict

from core.data.records import Record
from core.data.unit import transaction
from core.errors import EditConflict, NotFound, Refused
from core.features.bulk import set_field
from core.features.parts import Part
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.forms import (
    form_errors,
    make_form,
    make_form_page,
    posted,
    typed_fields,
    typed_values,
    writable_fields,
)
from core.web.parts import find_kind, part_of_unit, part_or_404, sheet_url
from core.web.policy import policy
from core.web.responses import page, see
from core.web.shell import group_label, make_shell

blueprint = Blueprint("part_forms", __name__)


def _typed_kind(entity: RegisteredEntity, kind: str) -> tuple[RegisteredEntity, type[Part]]:
    """The parts of that name which people fill in. Raises `NotFound`."""
    registered, model = find_kind(entity, kind)
    if not model.typed:
        raise NotFound(_("There is no such list"))
    return registered, model


@blueprint.get("/<entity:entity>/<int:record_id>/<string:kind>/<int:part_id>/edit")
@policy("entity.edit")
def edit(entity: RegisteredEntity, record_id: int, kind: str, part_id: int) -> Response:
    """All fields of one part."""
    registered, model = _typed_kind(entity, kind)
    owner, part = part_or_404(entity, record_id, model, part_id)
    return _form(entity, owner, registered, part, typed_values(registered, part, {}), {}, 200)


@blueprint.post("/<entity:entity>/<int:record_id>/<string:kind>/<int:part_id>/edit")
@policy("entity.edit")
def save(entity: RegisteredEntity, record_id: int, kind: str, part_id: int) -> Response:
    """Save them; when somebody else was faster, what was typed comes back (F39)."""
    registered, model = _typed_kind(entity, kind)
    owner, part = part_or_404(entity, record_id, model, part_id)
    sent = MultiDict(list(request.form.items(multi=True)))
    form = make_form(registered, posted((found.name for found in writable_fields(registered)), sent))
    errors = form_errors(form)
    current = typed_values(registered, part, {})
    typed = {**current, **{name: found.typed for name, found in typed_fields(form).items() if found.submitted}}
    if errors:
        return _form(entity, owner, registered, part, typed, errors, 422)
    version = number_argument(request.form, "version") or 0
    try:
        with transaction(f"{registered.name}.edit") as unit:
            fresh = part_of_unit(unit, entity, record_id, model, part_id, version)
            for name, found in typed_fields(form).items():
                changed = found.submitted and found.typed != current.get(name)
                if changed and unit.read(fresh, found.source) != found.data:
                    unit.write(fresh, found.source, found.data)
    except EditConflict:
        here().fresh()
        owner, part = part_or_404(entity, record_id, model, part_id)
        message = _("Somebody changed this meanwhile. Nothing you typed is lost: save again to keep it.")
        return _form(entity, owner, registered, part, typed, {}, 409, message)
    except Refused as error:
        known: dict[str, Text] = {error.field: error.message} if error.field and error.field in typed else {}
        return _form(entity, owner, registered, part, typed, known, 422, None if known else error.message)
    return see(sheet_url(entity, record_id, "activity"), unit.operation)


@blueprint.post("/<entity:entity>/<int:record_id>/<string:kind>/<int:part_id>/set")
@policy("entity.edit")
def set_one(entity: RegisteredEntity, record_id: int, kind: str, part_id: int) -> Response:
    """Set one field with one click, such as a toggle of an address."""
    registered, model = _typed_kind(entity, kind)
    part_or_404(entity, record_id, model, part_id)
    name = request.form.get("field", "")
    field = next((found for found in writable_fields(registered) if found.name == name), None)
    if field is None:
        raise Refused(_("This field cannot be set here"))
    with transaction(f"{registered.name}.edit") as unit:
        part = part_of_unit(unit, entity, record_id, model, part_id)
        set_field(unit, registered, part, field, request.form.get("value", ""), request.form.get("seen"))
    return see(sheet_url(entity, record_id, "activity"), unit.operation)


def _form(
    entity: RegisteredEntity, owner: Record, registered: RegisteredEntity, part: Part, values: Mapping[str, str],
    errors: Mapping[str, Text], status: int, message: Text | None = None,
) -> Response:  # fmt: skip
    heading = _("%(entity)s of %(title)s", entity=registered.entity.label, title=owner.title)
    back = sheet_url(entity, owner.id, "activity")
    place: dict[str, Any] = {"record_id": owner.id, "kind": registered.entity.slug, "part_id": part.id}
    content = make_form_page(
        registered, heading=heading, url=url_for("part_forms.edit", entity=entity, **place), cancel_url=back,
        values=values, errors=errors, version=part.version, key=secrets.token_urlsafe(18), message=message,
    )  # fmt: skip
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(owner.title, back),
        Crumb(heading),
    ]
    return page("core/form.html", status, page=replace(content, checks_url=None), shell=make_shell(heading, crumbs))
