"""The parts of a sheet that show its notes and its files (TP-5, UX 2.3)."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request, url_for

from core.data.records import Record
from core.errors import Invalid
from core.features.files import MAXIMUM_FILE, StoredFile
from core.features.notes import Note
from core.features.parts import parts_of
from core.fields import Field
from core.i18n import Text, format_size, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import is_ticked, number_argument
from core.web.current import here
from core.web.form_contexts import FormControl
from core.web.part_contexts import Composer, FileItem, FilesBox, NoteItem, NotesBox, UploadForm
from core.web.parts import author_names, newest, sheet_url

NOTES_SHOWN = 20
FILES_SHOWN = 50


def make_notes_box(entity: RegisteredEntity, record: Record, *, may_edit: bool) -> NotesBox:
    """The newest notes the person may see; what was typed and refused stands in the form again."""
    surroundings = here()
    before = number_argument(request.args, "notes_before")
    found = parts_of(surroundings.session, Note, record, surroundings.actor, limit=NOTES_SHOWN + 1, before=before)
    shown, last = newest(found, NOTES_SHOWN)
    names = author_names(shown)
    place: dict[str, Any] = {"entity": entity, "record_id": record.id}
    field = note_fields()["text"]
    items = [
        NoteItem(
            html=field.type.html(note.text),
            title=note.title,
            private=note.private,
            who=names.get(note.author_id, ""),
            at=note.created_at,
            edit_url=url_for("notes.edit", note_id=note.id, **place) if may_edit else None,
            delete_url=url_for("parts.delete", kind="notes", part_id=note.id, **place) if may_edit else None,
        )
        for note in shown
    ]
    older = url_for("records.sheet", tab="activity", notes_before=last, **place) if last else None
    return NotesBox(items, _composer(place) if may_edit else None, older)


def note_fields() -> dict[str, Field]:
    """The fields of notes in this enabled set."""
    return dict(here().registry.entity(Note.entity.name).fields)


def _composer(place: dict[str, Any]) -> Composer:
    typed = request.form if request.endpoint == "notes.add" else {}
    error = parse_note(typed.get("text", ""))[1] if typed else None
    controls = note_controls(typed.get("text", ""), bool(typed) and is_ticked(request.form, "private"), error)
    return Composer(url_for("notes.add", **place), typed.get("key") or secrets.token_urlsafe(18), controls)


def note_controls(text: str, private: bool, error: Text | None) -> list[FormControl]:
    """The text and whether it is private, for the form on the sheet and the one that changes a note."""
    fields = note_fields()
    kind = fields["text"].type.control()
    return [
        FormControl("text", fields["text"].label, kind.kind, dict(kind.attributes), (), text, True, None, error),
        FormControl(
            "private", _("Private: only you and administrators see it"), "checkbox", {}, (), "on" if private else "",
            False, None, None,
        ),
    ]  # fmt: skip


def parse_note(raw: str) -> tuple[str, Text | None]:
    """The cleaned markup of what was typed, or the sentence on why it cannot be kept."""
    try:
        return str(note_fields()["text"].parse(raw)), None
    except Invalid as error:
        return "", error.message


def make_files_box(entity: RegisteredEntity, record: Record, *, may_edit: bool) -> FilesBox:
    """The newest files of a record."""
    surroundings = here()
    before = number_argument(request.args, "files_before")
    found = parts_of(surroundings.session, StoredFile, record, surroundings.actor, limit=FILES_SHOWN + 1, before=before)
    shown, last = newest(found, FILES_SHOWN)
    names = author_names(shown)
    place: dict[str, Any] = {"entity": entity, "record_id": record.id}
    items = [
        FileItem(
            name=file.name,
            size=format_size(file.size),
            who=names.get(file.author_id, ""),
            at=file.created_at,
            url=url_for("files.download", file_id=file.id, **place),
            picture_url=url_for("files.thumbnail", file_id=file.id, **place) if file.thumbnail else None,
            rename_url=url_for("files.rename", file_id=file.id, **place) if may_edit else None,
            delete_url=url_for("parts.delete", kind="files", part_id=file.id, **place) if may_edit else None,
        )
        for file in shown
    ]
    return FilesBox(items, url_for("records.sheet", tab="files", files_before=last, **place) if last else None)


def make_upload_form(entity: RegisteredEntity, record: Record) -> UploadForm:
    """Where to send files."""
    url = url_for("files.add", entity=entity, record_id=record.id)
    return UploadForm(url, secrets.token_urlsafe(18), MAXIMUM_FILE, sheet_url(entity, record.id, "files"))
