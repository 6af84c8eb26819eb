"""The answer to a change made in a list: the row as it is now, with the message out of band (UX 2.1)."""

from __future__ import annotations

from flask import Response, render_template

from core.errors import NotFound
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.describe import load_summary
from core.web.list_address import read_query_string
from core.web.list_page import make_one_row
from core.web.responses import came_from
from core.web.shell import make_done


def row_answer(entity: RegisteredEntity, record_id: int, error: Text | None, operation: int | None) -> Response:
    """The row of the list the change was made in; with `error` the old value stands, and the sentence below it.

    Raises `NotFound` when the record is gone.
    """
    here().fresh()
    target = came_from()
    query = read_query_string(entity, target.partition("?")[2])
    row = make_one_row(query, record_id, error)
    if row is None:
        raise NotFound(_("This record does not exist, or was deleted"))
    summary = load_summary(here().session, operation) if operation is not None else None
    done = make_done(summary) if summary is not None else None
    html = render_template("core/list_row.html", row=row, return_url=target, done=done)
    return Response(html, 200 if error is None else 422)
