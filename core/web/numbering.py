"""What a numbering series would give, before it is saved (TP-2, UX 2.13). The pages of series are the generic ones."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from core.data.numbering import Series
from core.web.arguments import number_argument
from core.web.current import here
from core.web.editing import edit_page, new_page
from core.web.forms import typed_values, writable_fields
from core.web.number_boxes import TOKENS, series_preview
from core.web.policy import policy
from core.web.responses import is_fragment, record_or_404

blueprint = Blueprint("numbering", __name__)


@blueprint.post("/numbering/preview")
@policy("series.edit")
def preview() -> Response:
    """The form again as typed, with what its pattern would give; with script only that. It writes nothing.

    Without script the buttons of the parts of a pattern come here, too: theirs is put at its end.
    """
    entity = here().registry.entity(Series.entity.name)
    number = number_argument(request.args, "series")
    record = None if number is None else record_or_404(Series, number)
    allowed = {found.name for found in writable_fields(entity, "create" if record is None else "edit")}
    sent = {name: value for name, value in request.form.items(multi=True) if name in allowed}
    typed = {**typed_values(entity, record, {}), **sent}
    if request.form.get("token") in dict(TOKENS):
        typed["mask"] = typed.get("mask", "").strip() + request.form["token"]
    if is_fragment():
        return Response(render_template("core/number_preview.html", preview=series_preview(entity, record, typed)))
    if record is None:
        return new_page(entity, typed, {}, 200)
    version = number_argument(request.form, "version")
    return edit_page(entity, record, typed, {}, 200, record.version if version is None else version)
