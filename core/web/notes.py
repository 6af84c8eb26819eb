"""Notes on a sheet: written in the tab Activity, changed on a page of their own (TP-5)."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, request, url_for

from core.data.records import Record
from core.data.unit import transaction
from core.errors import EditConflict, Refused
from core.features.notes import Note, add_note, change_note
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import is_ticked, number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormGroup, FormPage
from core.web.part_boxes import note_controls, note_fields, parse_note
from core.web.parts import part_of_unit, part_or_404, sheet_url
from core.web.policy import policy
from core.web.responses import page, record_or_404, see
from core.web.sheet_page import show_sheet
from core.web.shell import group_label, make_shell
from core.web.submissions import earlier_result, form_key

blueprint = Blueprint("notes", __name__)


@blueprint.post("/<entity:entity>/<int:record_id>/notes")
@policy("entity.edit")
def add(entity: RegisteredEntity, record_id: int) -> Response:
    """Keep a new note; an empty one comes back with a sentence."""
    key = form_key()
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    record = record_or_404(entity.model, record_id)
    text, error = parse_note(request.form.get("text", ""))
    if error is not None:
        return show_sheet(entity, record, tab="activity", errors=[("text", error)])
    location = sheet_url(entity, record_id, "activity")
    with transaction("note.add") as unit:
        add_note(unit, unit.get(entity.model, record_id), text, private=is_ticked(request.form, "private"))
        if key:
            unit.claim(key, location, here().actor.id)
    return see(location, unit.operation)


@blueprint.get("/<entity:entity>/<int:record_id>/notes/<int:note_id>/edit")
@policy("entity.edit")
def edit(entity: RegisteredEntity, record_id: int, note_id: int) -> Response:
    """The form of a note."""
    owner, note = part_or_404(entity, record_id, Note, note_id)
    return _form(entity, owner, note, note_fields()["text"].type.edit_text(note.text), note.private)


@blueprint.post("/<entity:entity>/<int:record_id>/notes/<int:note_id>/edit")
@policy("entity.edit")
def save(entity: RegisteredEntity, record_id: int, note_id: int) -> Response:
    """Change a note; when somebody else was faster, what was typed comes back beside what stands now (F39)."""
    owner, note = part_or_404(entity, record_id, Note, note_id)
    raw, private = request.form.get("text", ""), is_ticked(request.form, "private")
    text, error = parse_note(raw)
    if error is not None:
        return _form(entity, owner, note, raw, private, error=error)
    version = number_argument(request.form, "version") or 0
    try:
        with transaction("note.edit") as unit:
            change_note(unit, part_of_unit(unit, entity, record_id, Note, note_id, version), text, private=private)
    except EditConflict:
        here().fresh()
        owner, note = part_or_404(entity, record_id, Note, note_id)
        now = note_fields()["text"].type.text(note.text)
        message = _("Somebody changed this note meanwhile. It is now: “%(text)s”. Save again to keep yours.", text=now)
        return _form(entity, owner, note, raw, private, message=message, status=409)
    except Refused as refused:
        return _form(entity, owner, note, raw, private, message=refused.message)
    return see(sheet_url(entity, record_id, "activity"), unit.operation)


def _form(
    entity: RegisteredEntity, owner: Record, note: Note, text: str, private: bool, *,
    error: Text | None = None, message: Text | None = None, status: int | None = None,
) -> Response:  # fmt: skip
    heading = _("Edit note")
    back = sheet_url(entity, owner.id, "activity")
    content = FormPage(
        heading=heading,
        url=url_for("notes.edit", entity=entity, record_id=owner.id, note_id=note.id),
        groups=[FormGroup("", note_controls(text, private, error), True)],
        errors=[("text", error)] if error else [],
        cancel_url=back,
        key=secrets.token_urlsafe(18),
        version=note.version,
        create_another=False,
        message=message,
    )
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(owner.title, back),
        Crumb(heading),
    ]
    code = status or (422 if error or message else 200)
    return page("core/form.html", code, page=content, shell=make_shell(heading, crumbs))
