"""The conditions of a list's question as SQL: filters, the person's view, what is searched (SECURITY 7.7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select

from core.data.query import Filter, LinkedField, ListQuery, SortKey, joined_of
from core.features.list_plan import PLAIN, Plan, row_by_row
from core.features.search_index import LEAST
from core.fields import Field

LAST_CHARACTER = "\U0010ffff"
"""Sorts after every character a key can hold."""


def conditions(query: ListQuery) -> list[ColumnElement[bool]]:
    """Everything a row must satisfy."""
    deleted_at = query.entity.model.__table__.c.deleted_at
    found: list[ColumnElement[bool]] = [deleted_at.is_(None), *asked(query)]
    if query.search:
        found.append(_search(query))
    return found


def asked(query: ListQuery) -> list[ColumnElement[bool]]:
    """The view of the person and the filters."""
    known = query.scope.criterion(query.entity) if query.scope else None
    found = [] if known is None else [known]
    groups: dict[str, list[ColumnElement[bool]]] = {}
    for one in query.filters:
        groups.setdefault(one.group, []).append(_condition(query, one))
    found += groups.pop("", [])
    return found + [or_(*alternatives) for alternatives in groups.values()]


def _condition(query: ListQuery, one: Filter) -> ColumnElement[bool]:
    if not isinstance(one.field, LinkedField):
        return one.field.criterion(one.operator, one.values)
    found, link = one.field, one.field.via.column
    criterion = found.field.criterion(one.operator, one.values)
    if found.field.type.matches_nothing(one.operator, one.values):
        return or_(link.is_(None), link.not_in(linked(query, found).where(not_(criterion))))
    return link.in_(linked(query, found).where(criterion))


def linked(query: ListQuery, found: LinkedField, *columns: ColumnElement[Any]) -> Select[Any]:
    """Columns, or else the ids, of the records a link may lead to, as far as the person may know of them."""
    table: Any = found.target.model.__table__
    joined = table
    if found.field.owner is not found.target.model:
        facet = found.field.owner.__table__
        joined = table.outerjoin(facet, facet.c.record_id == table.c.id)
    statement = select(*(columns or (table.c.id,))).select_from(joined).correlate(None)
    known = query.scope.known(found.target) if query.scope else None
    return statement if known is None else statement.where(known)


def sort_column_of(query: ListQuery, key: SortKey) -> ColumnElement[Any]:
    if not isinstance(key.field, LinkedField):
        return key.field.sort_column
    found = key.field
    own: Any = query.entity.model.__table__
    table: Any = found.target.model.__table__
    if table is own:  # a link among records of one list: the inner rows are those of a table of its own
        inner = linked(query, found, table.c.id, found.field.sort_column.label("value")).subquery()
        value = select(inner.c.value).where(inner.c.id == found.via.column)
        return value.correlate(*_own_tables(query)).scalar_subquery()
    value = linked(query, found, found.field.sort_column).where(table.c.id == found.via.column)
    return value.correlate(*_own_tables(query)).scalar_subquery()


def _own_tables(query: ListQuery) -> list[Any]:
    return [query.entity.model.__table__, *(facet.__table__ for facet in query.entity.facets)]


def searched(query: ListQuery) -> list[Field]:
    fields = query.entity.fields.values() if query.search else ()
    return [found for found in fields if found.declaration.search and found.name in query.visible]


def terms_of(query: ListQuery) -> list[tuple[Field, str]]:
    terms = ((found, found.type.search_term(query.search)) for found in searched(query))
    return [(found, term) for found, term in terms if term is not None]


def _search(query: ListQuery) -> ColumnElement[bool]:
    return or_(false(), *(holds(found.sort_column, term) for found, term in terms_of(query)))


def holds(column: ColumnElement[Any], term: str) -> ColumnElement[bool]:
    """Whether a key has the term in it; one or two letters are only looked for where keys begin (PERFORMANCE 1.2)."""
    if len(term) < LEAST:
        return and_(column >= term, column < term + LAST_CHARACTER)
    return column.contains(term, autoescape=True)


def joined_with(
    statement: Select[Any], query: ListQuery, fields: Iterable[Field], filled: object = None
) -> Select[Any]:
    """The statement on the entity's table, joined with the facets these fields live in; only rows with the facet `filled`."""
    table: Any = query.entity.model.__table__
    joined = table
    used = {found.owner for found in fields}
    for facet in query.entity.facets:
        if facet in used:
            outer = facet is not filled
            joined = joined.join(facet.__table__, facet.__table__.c.record_id == table.c.id, isouter=outer)
    return statement.select_from(joined)


def used_fields(query: ListQuery) -> list[Field]:
    return [*(joined_of(one.field) for one in query.filters), *searched(query)]


def matching(query: ListQuery, *more: Field, plan: Plan = PLAIN) -> Select[Any]:
    """The ids of all rows the query selects."""
    ids = select(query.entity.model.__table__.c.id)
    return planned(joined_with(ids, query, [*used_fields(query), *more]), query, plan)


def planned(statement: Select[Any], query: ListQuery, plan: Plan) -> Select[Any]:
    """The statement with the conditions of the query, in the way of the plan."""
    wanted = conditions(query)
    if plan.exists:
        wanted = [row_by_row(one) for one in wanted]
    if plan.narrow is not None:
        wanted.append(plan.narrow)
    if plan.hint is not None:
        statement = statement.with_hint(query.entity.model.__table__, plan.hint, "sqlite")
    return statement.where(*wanted)
