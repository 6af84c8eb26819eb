"""From a record to the one before or behind it in the list one came from (UX 1.4)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, url_for
from sqlalchemy import func, select

from core.data.query import ListQuery
from core.features.list_rows import COUNT_CAP, count, first_rows, page_statement, place_at, read_row
from core.i18n import Text, format_integer, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.last_list import COOKIE, list_address
from core.web.list_address import read_query_string
from core.web.policy import policy
from core.web.responses import is_fragment, page, record_or_404, see

blueprint = Blueprint("stepping", __name__)
PREVIOUS, NEXT = "previous", "next"


@blueprint.get("/<entity:entity>/<int:record_id>/<any(previous, next):way>")
@policy("entity.view")
def step(entity: RegisteredEntity, record_id: int, way: str) -> Response:
    """The neighbour's sheet; at an end of the list, the list. It is looked for only now, so that a sheet costs no more."""
    record_or_404(entity.model, record_id)
    address = list_address(entity)
    query = replace(read_query_string(entity, urlsplit(address).query), place=None)
    found = _neighbour(query, record_id, back=way == PREVIOUS)
    return see(address if found is None else url_for("records.sheet", entity=entity, record_id=found))


@blueprint.get("/<entity:entity>/<int:record_id>/place")
@policy("entity.view")
def place(entity: RegisteredEntity, record_id: int) -> Response:
    """Which row of that list the record is, and of how many (UX 2.3); asked for when the sheet is there.

    Nothing for a record the list does not show, or that stands behind the rows a list counts.
    """
    record_or_404(entity.model, record_id)
    if not is_fragment():
        return see(url_for("records.sheet", entity=entity, record_id=record_id))
    query = replace(read_query_string(entity, urlsplit(list_address(entity)).query), place=None)
    session = here().session
    row, matches = read_row(session, query, [], record_id)
    said: Text = ""
    if row is not None and matches:
        before = page_statement(replace(query, place=place_at(query, row, True, 1)), [], COUNT_CAP)
        rows = before.with_only_columns(entity.model.__table__.c.id).subquery()
        number = 1 + int(session.connection().execute(select(func.count()).select_from(rows)).scalar_one())
        total = count(session, query)
        if number < COUNT_CAP:
            words = {"number": format_integer(number), "total": format_integer(min(total, COUNT_CAP - 1))}
            said = (
                _("%(number)s of %(total)s+", **words) if total >= COUNT_CAP else _("%(number)s of %(total)s", **words)
            )
    return page("core/place.html", said=said)


def _neighbour(query: ListQuery, record_id: int, *, back: bool) -> int | None:
    """Also of a record that the list no longer shows, by where it would stand."""
    row, _matches = read_row(here().session, query, [], record_id)
    if row is None:
        return None
    behind = replace(query, place=place_at(query, row, back, 1))
    found = first_rows(here().session, behind, [], 1)
    return int(found[0][0]) if found else None


def step_links(entity: RegisteredEntity, record_id: int) -> list[tuple[str, Text, str, str]]:
    """(way, words, address, icon) of both; none for who did not come from the list."""
    if COOKIE not in request.cookies:
        return []
    return [
        (way, words, url_for("stepping.step", entity=entity, record_id=record_id, way=way), icon)
        for way, words, icon in (
            (PREVIOUS, _("Previous record"), "chevron-left"), (NEXT, _("Next record"), "chevron-right"),
        )
    ]  # fmt: skip
