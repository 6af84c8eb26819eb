"""One search over every list a person may see (UX 1.3): each asks what its own search asks, all in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    literal,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session

from core.data.query import ListQuery, SortKey
from core.features.list_conditions import LAST_CHARACTER
from core.features.list_finding import plans_for
from core.features.list_plan import Plan
from core.features.list_rows import page_statement
from core.fields import Field
from core.fields.text import StoredText
from core.registry import RegisteredEntity

DETAILS = 2
"""Fields that tell records of one name apart."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, and what tells it from others of its name."""

    id: int
    title: str
    details: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one list; `more`: whether there is more than was asked for."""

    entity: RegisteredEntity
    hits: Sequence[Hit]
    more: bool


def is_searchable(registered: RegisteredEntity, visible: frozenset[str]) -> bool:
    """Whether a list is searched at all, by a field the person may see."""
    fields = registered.fields.values()
    return registered.entity.pages and any(found.declaration.search and found.name in visible for found in fields)


def find_everywhere(session: Session, queries: Sequence[ListQuery], limit: int) -> list[Found]:
    """At most `limit` records of each list, those first whose name begins with what is searched; one statement.

    `queries`: a list's own question each, with its search, filters and scope, so that a list shows what is found here.
    Lists without a hit are left out.
    """
    asked = [query for query in queries if query.search]
    if not asked:
        return []
    asked = [replace(query, sort=(SortKey(query.entity.title_field),), place=None) for query in asked]
    plans = plans_for(session, asked, limit + 1)
    few = (_few(place, query, limit + 1, plan) for place, (query, plan) in enumerate(zip(asked, plans, strict=True)))
    parts = [select(one.subquery()) for one in few]
    rows = session.connection().execute(union_all(*parts) if len(parts) > 1 else parts[0]).all()
    found = []
    for place, query in enumerate(asked):
        fields = _details(query)
        hits = [
            Hit(
                row[1],
                str(row[2]),
                [_told(field, raw) for field, raw in zip(fields, row[3 : 3 + len(fields)], strict=True) if raw],
            )
            for row in rows
            if row[0] == place
        ]
        if hits:
            found.append(Found(query.entity, hits[:limit], len(hits) > limit))
    return found


def read_titles(session: Session, query: ListQuery, numbers: Sequence[int]) -> list[Hit]:
    """Those of the numbered records the person may know of, in the order of the numbers."""
    table: Any = query.entity.model.__table__
    fields = _details(query)
    columns = [table.c.id, query.entity.title_field.column, *(found.column for found in fields)]
    statement = page_statement(query, [], len(numbers)).with_only_columns(*columns).where(table.c.id.in_(numbers))
    rows = session.connection().execute(statement.order_by(None))
    hits = {
        row[0]: Hit(row[0], str(row[1]), [_told(f, raw) for f, raw in zip(fields, row[2:], strict=True) if raw])
        for row in rows
    }
    return [hits[number] for number in numbers if number in hits]


def _few(place: int, query: ListQuery, limit: int, plan: Plan) -> Select[Any]:
    """The first rows whose name begins with what is searched, then the first others, each by the index of names."""
    table: Any = query.entity.model.__table__
    title = query.entity.title_field
    columns: list[ColumnElement[Any]] = [_text(title.column), *(_text(found.column) for found in _details(query))]
    columns += [cast(null(), String)] * (1 + DETAILS - len(columns))
    term = title.type.search_term(query.search)
    parts = []
    for turn, first in enumerate((true(),) if term is None else _beginning(title.sort_column, term)):
        shown = [
            literal(place).label("place"),
            table.c.id,
            *(column.label(f"c{at}") for at, column in enumerate(columns)),
        ]
        order = [literal(turn).label("turn"), title.sort_column.label("title")]
        statement = page_statement(query, [], limit, plan=plan).with_only_columns(*shown, *order)
        parts.append(select(statement.where(first).subquery()))
    found = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    return select(found).order_by(found.c.turn, found.c.title, found.c.id).limit(limit)


def _beginning(column: ColumnElement[Any], term: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether a name begins with the term, or not, as ranges of its index."""
    end = term + LAST_CHARACTER
    return and_(column >= term, column < end), or_(column.is_(None), column < term, column >= end)


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Columns of one union must be of one type; what is stored is text already."""
    return type_coerce(column, String) if isinstance(column.type, String) else cast(column, String)


def _details(query: ListQuery) -> list[Field]:
    fields = query.entity.fields.values()
    return [
        found
        for found in fields
        if found.declaration.listed
        and found is not query.entity.title_field
        and found.owner is query.entity.model
        and found.name in query.visible
        and isinstance(found.type, StoredText)
        and not found.type.multiline
    ][:DETAILS]


def _told(field: Field, raw: Any) -> str:
    return field.type.text(field.type.load(str(raw)))
