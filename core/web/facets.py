"""Facets of a list: links with numbers over what its filters select (UX 2.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from flask import Blueprint, Response, request, url_for

from core.data.query import Filter, ListQuery
from core.features.facets import FACET_SECONDS, count_facet, facet_fields, filters_of
from core.fields import Field, Option, occurring
from core.fields.base import EMPTY, IN, IS
from core.fields.choices import NO, YES
from core.i18n import format_integer, lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import Crumb
from core.web.current import here
from core.web.list_address import asked, list_url, shown_string
from core.web.list_contexts import FacetBox, FacetsPage, FacetValue
from core.web.policy import policy
from core.web.responses import is_fragment, page
from core.web.shell import make_shell

blueprint = Blueprint("facets", __name__)
FIELD = "count_field"
"""Names the facet that is counted however long it takes."""


@blueprint.get("/<entity:entity>/facets")
@policy("entity.view")
def index(entity: RegisteredEntity) -> Response:
    """The facets of the list that the rest of the address asks for."""
    query = replace(asked(entity, request.args.to_dict(flat=False)), place=None)
    boxes = [_box(query, field) for field in facet_fields(query)]
    content = FacetsPage(_("Facets"), list_url(query), boxes)
    if is_fragment():
        return page("core/facets.html", page=content)
    crumbs = [Crumb(entity.entity.plural, content.list_url), Crumb(content.heading)]
    return page("core/facets_page.html", page=content, shell=make_shell(content.heading, crumbs))


def facets_url(query: ListQuery, **more: str) -> str | None:
    """The address of the facets of a list, None when none of its fields takes a few values."""
    if not facet_fields(query):
        return None
    arguments = parse_qs(shown_string(replace(query, place=None)), keep_blank_values=True)
    return url_for("facets.index", entity=query.entity, **dict[str, Any]({**arguments, **more}))


def _box(query: ListQuery, field: Field) -> FacetBox:
    whole = request.args.get(FIELD) == field.name
    numbers = count_facet(here().session, query, field, None if whole else FACET_SECONDS)
    if numbers is None:
        return FacetBox(field.label, (), facets_url(query, **{FIELD: field.name}))
    dumped = {None if value is None else field.type.dump(value): number for value, number in numbers.items()}
    chosen = {code for one in filters_of(query, field) for code in (one.values or ("",))}
    options = occurring(field.type) or (Option("true", YES), Option("false", NO))
    values = [
        FacetValue(
            option.label, format_integer(dumped[code]), _toggled(query, field, option.code), option.code in chosen
        )
        for option in (*(one for one in options if one.code), Option("", _("empty")))
        if (code := option.code or None) in dumped
    ]
    return FacetBox(field.label, values)


def _toggled(query: ListQuery, field: Field, code: str) -> str:
    """The list with a value added to those of the facet, or taken away; several are joined by "or"."""
    mine = [one for one in filters_of(query, field) if one.wire() not in query.fixed]
    others = tuple(one for one in query.filters if one not in mine)
    chosen = [value for one in mine for value in one.values]
    if not code:
        added = [] if any(one.operator == EMPTY.name for one in mine) else [Filter(field, EMPTY.name, ())]
    else:
        codes = [value for value in chosen if value != code] + ([] if code in chosen else [code])
        several = any(operator.name == IN.name for operator in field.type.operators)
        codes = codes if several else codes[-1:]
        added = [Filter(field, IN.name if len(codes) > 1 else IS.name, tuple(codes))] if codes else []
    return list_url(replace(query, filters=(*others, *added)), facets="1")
