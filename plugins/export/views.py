"""The two pages of the export: the file itself, and how it is to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, request, url_for
from werkzeug.utils import redirect

from core.api import (
    CsvForm,
    RegisteredEntity,
    attachment,
    lazy as _,
    policy,
    reading_session,
    rows_asked_for,
    show_page,
    transaction,
)
from plugins.export import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer

blueprint = Blueprint("export", __name__, url_prefix="/export")


@blueprint.get("/<entity:entity>")
@policy("entity.export")
def options(entity: RegisteredEntity) -> Response:
    """How the list's rows are to be written; its question stands in the address."""
    rows = rows_asked_for(entity)
    number = rows.count(reading_session(), services.AT_ONCE + 1)
    list_url = url_for("records.index", entity=entity) + (f"?{rows.text}" if rows.text else "")
    return show_page(
        "export/options.html", _("Export"), above=[(entity.entity.plural, list_url)],
        number=number, many=number > services.AT_ONCE, rows=rows, list_url=list_url,
        separators=services.SEPARATORS, usual=services.usual_form(),
    )  # fmt: skip


@blueprint.post("/<entity:entity>")
@policy("entity.export")
def run(entity: RegisteredEntity) -> Response | Answer:
    """The file, or the page of the job that writes it."""
    rows = rows_asked_for(entity)
    usual = services.usual_form()
    separator = request.form.get("separator", "")
    known = separator in services.SEPARATORS
    form = CsvForm(separator, "mark" in request.form) if known else usual
    number = rows.count(reading_session(), services.AT_ONCE + 1)
    services.refuse_nothing(number)
    if number > services.AT_ONCE:
        with transaction("export.start") as unit:
            job_id = services.start(unit, rows, form)
        return redirect(url_for("jobs.show", job_id=job_id), 303)
    with transaction("export.rows") as unit:
        rows.note(unit, number)
    content = services.written(rows, reading_session(), form)
    return attachment(content, services.file_name(rows), services.CSV)
