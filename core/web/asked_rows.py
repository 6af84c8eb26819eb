"""The rows that a command of a list was sent for: those chosen in the bulk bar, or all of the list as it is shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from core.errors import Refused
from core.exchange.list_files import ListRows, make_rows
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.bulk import posted_ids
from core.web.current import here
from core.web.responses import came_from


def rows_asked_for(entity: RegisteredEntity) -> ListRows:
    """What a command of context `list` or `rows` was pressed for: by its address, or by the form that was sent.

    Raises `Forbidden` without the right to export them, `Refused` when no row was chosen, or for a question nobody
    understands.
    """
    if request.method != "POST":
        text, ids = request.query_string.decode("utf-8", "replace"), None
    elif request.form.get("all"):
        text, ids = request.form.get("query", ""), None
    else:
        text, ids = urlsplit(came_from()).query, posted_ids(request.form.getlist("id"))
        if not ids:
            raise Refused(_("Select at least one row first"))
    surroundings = here()
    return make_rows(
        surroundings.registry, entity, text, ids, surroundings.permissions, surroundings.actor, surroundings.scope
    )
