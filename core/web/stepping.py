"""From a record to the one before or behind it in the list one came from (UX 1.4)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, Response, request, url_for

from core.data.query import ListQuery, Place, page_statement, parse, read_row
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.last_list import COOKIE, list_address
from core.web.policy import policy
from core.web.responses import record_or_404, see

blueprint = Blueprint("stepping", __name__)
PREVIOUS, NEXT = "previous", "next"


@blueprint.get("/<entity:entity>/<int:record_id>/<any(previous, next):way>")
@policy("entity.view")
def step(entity: RegisteredEntity, record_id: int, way: str) -> Response:
    """The neighbour's sheet; at an end of the list, the list. It is looked for only now, so that a sheet costs no more."""
    record_or_404(entity.model, record_id)
    surroundings = here()
    address = list_address(entity)
    arguments = {name: values for name, values in parse_qs(urlsplit(address).query).items() if name != "at"}
    allowed = surroundings.permissions.fields(surroundings.actor, entity)
    found = _neighbour(parse(entity, arguments, allowed, scope=surroundings.scope), record_id, back=way == PREVIOUS)
    return see(address if found is None else url_for("records.sheet", entity=entity, record_id=found))


def _neighbour(query: ListQuery, record_id: int, *, back: bool) -> int | None:
    """Also of a record that the list no longer shows, by where it would stand."""
    connection = here().session.connection()
    row, _matches = read_row(here().session, query, [], record_id)
    if row is None:
        return None
    value = row[2]
    if value is not None and query.sort_field.key_column is None:
        value = query.sort_field.type.dump(value)
    behind = replace(query, place=Place(value, record_id, back))
    neighbour = connection.execute(page_statement(behind, [], 1)).first()
    return None if neighbour is None else int(neighbour[0])


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
