"""Files on a sheet: several at once, any type, only ever downloaded (TP-5, SECURITY 7.16)."""

from __future__ import annotations

import datetime
import secrets

from flask import Blueprint, Response, request, url_for
from werkzeug.datastructures import FileStorage

from core.data.records import Record, now
from core.data.unit import transaction
from core.errors import ComptoirError, NotFound, Refused
from core.exchange.images import THUMBNAIL_TYPE, draw_later
from core.features.files import (
    MAXIMUM_FILE,
    MAXIMUM_NAME,
    MEGABYTE,
    KeptFile,
    StoredFile,
    attach_file,
    bytes_since,
    forget_files,
    keep_file,
    rename_file,
)
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormControl, FormGroup, FormPage
from core.web.parts import part_of_unit, part_or_404, sheet_url
from core.web.policy import policy, takes_body
from core.web.responses import alert, attachment, is_fragment, own_picture, page, record_or_404, see
from core.web.sheet_page import show_sheet
from core.web.shell import group_label, make_shell
from core.web.submissions import earlier_result, form_key

blueprint = Blueprint("files", __name__)
MAXIMUM_AT_ONCE = 20
MAXIMUM_UPLOAD = 6 * MAXIMUM_FILE + MEGABYTE
"""Bytes of one form: enough to tell of a file that is too large by its name, while the others are kept."""
MAXIMUM_A_DAY = 2 * 1024 * MEGABYTE
"""Bytes of files one person may add within 24 hours."""


@blueprint.post("/<entity:entity>/<int:record_id>/files")
@policy("entity.edit")
@takes_body(MAXIMUM_UPLOAD)
def add(entity: RegisteredEntity, record_id: int) -> Response:
    """Keep the files that can be kept; the others come back with a sentence each."""
    key = form_key()
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    record = record_or_404(entity.model, record_id)
    sent = [found for found in request.files.getlist("files") if found.filename]
    if not 0 < len(sent) <= MAXIMUM_AT_ONCE:
        text = _("Choose 1 to %(number)s files", number=MAXIMUM_AT_ONCE)
        return _refused(entity, record, [text], None)
    if _is_enough():
        limit = MAXIMUM_A_DAY // (1024 * MEGABYTE)
        text = _("In one day you can add %(limit)s GB of files. Go on tomorrow, or ask an administrator.", limit=limit)
        return _refused(entity, record, [text], None)
    kept, refused = _keep(sent)
    operation = _attach(entity, record_id, kept, key if not refused else "") if kept else None
    if refused:
        return _refused(entity, record, refused, operation)
    return see(sheet_url(entity, record_id, "files"), operation)


def _is_enough() -> bool:
    """Whether the files sent would be more than one person fills the disk with in a day (T79)."""
    surroundings = here()
    used = bytes_since(surroundings.session, surroundings.actor.id or 0, now() - datetime.timedelta(days=1))
    return used + (request.content_length or 0) > MAXIMUM_A_DAY


def _keep(sent: list[FileStorage]) -> tuple[list[KeptFile], list[Text]]:
    """What is in the store now, and why the rest is not."""
    store = here().files
    kept: list[KeptFile] = []
    refused: list[Text] = []
    for upload in sent:
        try:
            kept.append(keep_file(store, upload.stream, upload.filename or ""))  # type: ignore[arg-type]
        except Refused as error:
            refused.append(error.message)
    return kept, refused


def _attach(entity: RegisteredEntity, record_id: int, kept: list[KeptFile], key: str) -> int | None:
    try:
        with transaction("file.add") as unit:
            owner = unit.get(entity.model, record_id)
            draw_later(unit, [attach_file(unit, owner, found) for found in kept])
            if key:
                unit.claim(key, sheet_url(entity, record_id, "files"), here().actor.id)
    except ComptoirError:  # nothing was committed; after any other fault nobody knows, and the sweep looks
        forget_files(here().files, kept)
        raise
    return unit.operation


def _refused(entity: RegisteredEntity, record: Record, texts: list[Text], operation: int | None) -> Response:
    if is_fragment():
        return alert(" ".join(str(text) for text in texts), 422)
    here().fresh()
    fresh = record_or_404(entity.model, record.id)
    return show_sheet(entity, fresh, tab="files", errors=[("files", text) for text in texts], operation=operation)


@blueprint.get("/<entity:entity>/<int:record_id>/files/<int:file_id>")
@policy("entity.view")
def download(entity: RegisteredEntity, record_id: int, file_id: int) -> Response:
    """The file itself, as a download whatever is asked (T12)."""
    file = part_or_404(entity, record_id, StoredFile, file_id)[1]
    content = here().files.open(file.stored)
    if content is None:
        raise NotFound(_("%(name)s is missing on the server. Tell an administrator.", name=file.name))
    return attachment(content, file.name, file.content_type)


@blueprint.get("/<entity:entity>/<int:record_id>/files/<int:file_id>/thumbnail")
@policy("entity.view")
def thumbnail(entity: RegisteredEntity, record_id: int, file_id: int) -> Response:
    """The small picture of a picture, which this server drew anew."""
    file = part_or_404(entity, record_id, StoredFile, file_id)[1]
    content = here().files.open(file.thumbnail) if file.thumbnail else None
    if content is None:
        raise NotFound(_("There is no small picture of this file"))
    return own_picture(content, THUMBNAIL_TYPE)


@blueprint.get("/<entity:entity>/<int:record_id>/files/<int:file_id>/rename")
@policy("entity.edit")
def rename(entity: RegisteredEntity, record_id: int, file_id: int) -> Response:
    """The form of a file's name."""
    owner, file = part_or_404(entity, record_id, StoredFile, file_id)
    return _name_form(entity, owner, file, file.name)


@blueprint.post("/<entity:entity>/<int:record_id>/files/<int:file_id>/rename")
@policy("entity.edit")
def save_name(entity: RegisteredEntity, record_id: int, file_id: int) -> Response:
    """Give a file another name."""
    owner, file = part_or_404(entity, record_id, StoredFile, file_id)
    name = request.form.get("name", "")
    try:
        with transaction("file.rename") as unit:
            version = number_argument(request.form, "version") or 0
            rename_file(unit, part_of_unit(unit, entity, record_id, StoredFile, file_id, version), name)
    except Refused as error:
        return _name_form(entity, owner, file, name, error.message)
    return see(sheet_url(entity, record_id, "files"), unit.operation)


def _name_form(
    entity: RegisteredEntity, owner: Record, file: StoredFile, name: str, error: Text | None = None
) -> Response:
    heading = _("Rename %(name)s", name=file.name)
    back = sheet_url(entity, owner.id, "files")
    attributes = {"maxlength": str(MAXIMUM_NAME)}
    control = FormControl("name", _("File name"), "text", attributes, (), name, True, None, error)
    content = FormPage(
        heading=heading,
        url=url_for("files.rename", entity=entity, record_id=owner.id, file_id=file.id),
        groups=[FormGroup("", [control], True)],
        errors=[("name", error)] if error else [],
        cancel_url=back,
        key=secrets.token_urlsafe(18),
        version=file.version,
        create_another=False,
    )
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(owner.title, back),
        Crumb(heading),
    ]
    return page("core/form.html", 422 if error else 200, page=content, shell=make_shell(heading, crumbs))
