"""How many rows of a list have each value of a field, within a time that a person does not notice (UX 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.data.query import Filter, ListQuery
from core.features.list_rows import count_by
from core.features.time_limit import at_most, was_stopped
from core.fields import Boolean, Field, occurring
from core.fields.base import EMPTY, IN, IS

FACET_SECONDS = 0.2
"""What one facet may take before it is left to a click."""
MAXIMUM_FACETS = 8
CHOSEN = frozenset({IS.name, IN.name})


def facet_fields(query: ListQuery) -> list[Field]:
    """The fields of a list that take a few values, in their order."""
    fields = (found for name, found in query.entity.fields.items() if name in query.visible)
    few = [
        found
        for found in fields
        if not found.type.multiple and (occurring(found.type) or isinstance(found.type, Boolean))
    ]
    return few[:MAXIMUM_FACETS]


def filters_of(query: ListQuery, field: Field) -> list[Filter]:
    """The filters a facet of the field has made, or might have."""
    return [
        one for one in query.filters if one.field is field and not one.group and one.operator in {*CHOSEN, EMPTY.name}
    ]


def count_facet(
    session: Session, query: ListQuery, field: Field, seconds: float | None = FACET_SECONDS
) -> Mapping[Any, int] | None:
    """Value -> number of rows, of all that the other filters select; None when counting took longer than `seconds`."""
    mine = [one for one in filters_of(query, field) if one.wire() not in query.fixed]
    rest = replace(query, filters=tuple(one for one in query.filters if one not in mine), place=None)
    return count_by(session, rest, field) if seconds is None else count_within(session, rest, field, seconds)


def count_within(session: Session, query: ListQuery, field: Field, seconds: float) -> Mapping[Any, int] | None:
    """Value -> number of rows of the question itself; None when counting took longer than `seconds`."""
    try:
        with at_most(session.connection(), seconds):
            return count_by(session, query, field)
    except OperationalError as error:
        if was_stopped(error):
            return None
        raise
