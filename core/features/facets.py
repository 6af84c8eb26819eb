"""How many rows of a list have each value of a field, within a time that a person does not notice (UX 2.1)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.data.query import Filter, ListQuery
from core.features.list_rows import count_by
from core.fields import Boolean, Field, occurring
from core.fields.base import EMPTY, IN, IS

FACET_SECONDS = 0.2
"""What one facet may take before it is left to a click."""
MAXIMUM_FACETS = 8
_STEPS = 1_000
"""Instructions of SQLite between two looks at the clock."""
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
        with _at_most(session.connection(), seconds):
            return count_by(session, query, field)
    except OperationalError as error:
        if _was_stopped(error):
            return None
        raise


def _was_stopped(error: OperationalError) -> bool:
    return "interrupted" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "57014"


@contextmanager
def _at_most(connection: Connection, seconds: float) -> Iterator[None]:
    """Let the database end what takes longer in the block; the transaction goes on."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        deadline = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
        return
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
        yield
    finally:
        savepoint.rollback()  # the limit goes with it; nothing was written
