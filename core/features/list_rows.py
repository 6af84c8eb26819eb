"""The statements of a list: its rows by pages, their number, one row, ids (PERFORMANCE D5, D6, D8).

Lists read Core rows, page by key, and count up to a cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    asc,
    desc,
    false,
    func,
    literal,
    not_,
    nulls_first,
    nulls_last,
    or_,
    select,
)
from sqlalchemy.orm import Session

from core.data.query import Filter, LinkedField, ListQuery, Place, SortKey, joined_of, kind_of
from core.errors import Invalid, Refused
from core.fields import Field
from core.i18n import lazy as _

COUNT_CAP = 10_001
"""Rows are counted exactly below it (UX 2.1)."""
FIRST_COLUMN = 2
"""Where the columns of a row begin: its id and version stand before."""
_LAST = "\U0010ffff"
"""Sorts after every character a key can hold."""


def conditions(query: ListQuery) -> list[ColumnElement[bool]]:
    """Everything a row must satisfy."""
    deleted_at = query.entity.model.__table__.c.deleted_at
    found: list[ColumnElement[bool]] = [deleted_at.is_(None)]
    known = query.scope.criterion(query.entity) if query.scope else None
    if known is not None:
        found.append(known)
    groups: dict[str, list[ColumnElement[bool]]] = {}
    for one in query.filters:
        groups.setdefault(one.group, []).append(_condition(query, one))
    found += groups.pop("", [])
    found += [or_(*alternatives) for alternatives in groups.values()]
    if query.search:
        found.append(_search(query))
    return found


def _condition(query: ListQuery, one: Filter) -> ColumnElement[bool]:
    if not isinstance(one.field, LinkedField):
        return one.field.criterion(one.operator, one.values)
    found, link = one.field, one.field.via.column
    criterion = found.field.criterion(one.operator, one.values)
    if found.field.type.matches_nothing(one.operator, one.values):
        return or_(link.is_(None), link.not_in(_linked(query, found).where(not_(criterion))))
    return link.in_(_linked(query, found).where(criterion))


def _linked(query: ListQuery, found: LinkedField, *columns: ColumnElement[Any]) -> Select[Any]:
    """Columns, or else the ids, of the records a link may lead to, as far as the person may know of them."""
    table: Any = found.target.model.__table__
    joined = table
    if found.field.owner is not found.target.model:
        facet = found.field.owner.__table__
        joined = table.outerjoin(facet, facet.c.record_id == table.c.id)
    statement = select(*(columns or (table.c.id,))).select_from(joined).correlate(None)
    known = query.scope.known(found.target) if query.scope else None
    return statement if known is None else statement.where(known)


def _sort_column(query: ListQuery, key: SortKey) -> ColumnElement[Any]:
    if not isinstance(key.field, LinkedField):
        return key.field.sort_column
    found = key.field
    own: Any = query.entity.model.__table__
    table: Any = found.target.model.__table__
    if table is own:  # a link among records of one list: the inner rows are those of a table of its own
        inner = _linked(query, found, table.c.id, found.field.sort_column.label("value")).subquery()
        value = select(inner.c.value).where(inner.c.id == found.via.column)
        return value.correlate(*_own_tables(query)).scalar_subquery()
    value = _linked(query, found, found.field.sort_column).where(table.c.id == found.via.column)
    return value.correlate(*_own_tables(query)).scalar_subquery()


def _own_tables(query: ListQuery) -> list[Any]:
    return [query.entity.model.__table__, *(facet.__table__ for facet in query.entity.facets)]


def _searched(query: ListQuery) -> list[Field]:
    fields = query.entity.fields.values() if query.search else ()
    return [found for found in fields if found.declaration.search and found.name in query.visible]


def _search(query: ListQuery) -> ColumnElement[bool]:
    terms = ((found.sort_column, found.type.search_term(query.search)) for found in _searched(query))
    return or_(false(), *(column.contains(term, autoescape=True) for column, term in terms if term is not None))


def _from(statement: Select[Any], query: ListQuery, fields: Iterable[Field]) -> Select[Any]:
    """The statement on the entity's table, joined with the facets these fields live in."""
    table: Any = query.entity.model.__table__
    joined = table
    used = {found.owner for found in fields}
    for facet in query.entity.facets:
        if facet in used:
            joined = joined.outerjoin(facet.__table__, facet.__table__.c.record_id == table.c.id)
    return statement.select_from(joined)


def _used(query: ListQuery) -> list[Field]:
    return [*(joined_of(one.field) for one in query.filters), *_searched(query)]


def _matching(query: ListQuery, *more: Field) -> Select[Any]:
    """The ids of all rows the query selects."""
    ids = select(query.entity.model.__table__.c.id)
    return _from(ids, query, [*_used(query), *more]).where(*conditions(query))


def page_statement(query: ListQuery, columns: Sequence[Field], limit: int, *, backward: bool = False) -> Select[Any]:
    """Rows of one page: id, version, the columns, then the sort values; facets joined only when used."""
    table = query.entity.model.__table__
    backward = query.place.backward if query.place is not None else backward
    keys = [(key, _sort_column(query, key), key.descending != backward) for key in query.sort]
    statement = select(
        table.c.id, table.c.version, *(found.column for found in columns), *(column for _key, column, _down in keys)
    )
    used = [*columns, *_used(query), *(joined_of(key.field) for key in query.sort)]
    statement = _from(statement, query, used).where(*conditions(query))
    last = keys[-1][2]
    if query.place is not None:
        statement = statement.where(_beyond(keys, query.place, table.c.id, last))
    orders: list[Any] = []
    for key, column, down in keys:
        order: Any = desc(column) if down else asc(column)
        if _nullable(key):  # one rule on both engines: empty first when rising, last when falling (PERFORMANCE 1.4)
            order = nulls_last(order) if down else nulls_first(order)
        orders.append(order)
    return statement.order_by(*orders, desc(table.c.id) if last else asc(table.c.id)).limit(limit)


def _nullable(key: SortKey) -> bool:
    return isinstance(key.field, LinkedField) or key.field.nullable


def _beyond(
    keys: Sequence[tuple[SortKey, ColumnElement[Any], bool]], place: Place, identity: ColumnElement[int], down: bool
) -> ColumnElement[bool]:
    """What comes after the place, key by key: a row is, when its first different key is."""
    beyond: ColumnElement[bool] = identity < place.id if down else identity > place.id
    for (key, column, falling), stored in reversed(list(zip(keys, place.values, strict=True))):
        if stored is None:
            later: ColumnElement[bool] = false() if falling else column.is_not(None)
            beyond = or_(later, and_(column.is_(None), beyond))
            continue
        found = kind_of(key.field)
        value = literal(found.type.load(stored) if found.key_column is None else stored, column.type)
        later = column < value if falling else column > value
        if falling and _nullable(key):
            later = or_(later, column.is_(None))
        beyond = or_(later, and_(column == value, beyond))
    return beyond


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows: each is (id, version, *columns, *sort values); with the places before and after it."""

    rows: Sequence[Sequence[Any]]
    first_number: int
    previous: Place | None
    next: Place | None


def read_page(session: Session, query: ListQuery, columns: Sequence[Field], size: int | None = None) -> Page:
    """The page the query asks for, and how to go on. A place that cannot be compared falls back to the first page."""
    place, size = query.place, query.size if size is None else size
    try:
        statement = page_statement(query, columns, size + 1)
    except (Refused, ValueError, TypeError):
        query, place = replace(query, place=None), None
        statement = page_statement(query, columns, size + 1)
    found: list[Any] = list(session.connection().execute(statement))
    more, rows = len(found) > size, found[:size]
    backward = place is not None and place.backward
    if backward:
        rows.reverse()
    number = 1 if place is None else place.number
    first_number = max(1, number - len(rows)) if backward else number
    has_next = backward or more
    has_previous = more if backward else place is not None
    return Page(
        rows=rows,
        first_number=first_number,
        previous=place_at(query, rows[0], True, first_number) if rows and has_previous else None,
        next=place_at(query, rows[-1], False, first_number + len(rows)) if rows and has_next else None,
    )


def place_at(query: ListQuery, row: Sequence[Any], backward: bool, number: int) -> Place:
    """The place beside a row of `page_statement`."""
    values = []
    for key, value in zip(query.sort, row[-len(query.sort) :], strict=True):
        found = kind_of(key.field)
        values.append(found.type.dump(value) if value is not None and found.key_column is None else value)
    return Place(tuple(values), row[0], backward, number)


def go_to(session: Session, query: ListQuery, typed: str) -> Place | None:
    """The place from which the first row is the one whose sort value is `typed`, or comes after it; None: the first page.

    Raises `Invalid` for what is no value of the first sort key.
    """
    key, column = query.sort[0], _sort_column(query, query.sort[0])
    found = kind_of(key.field)
    value = found.type.parse(typed)
    if value is not None and found.key_column is not None:
        text = found.type.key(value)
        value = text + _LAST if text and key.descending else text
    if value is None:
        raise Invalid(_("Enter a value of %(field)s to go to", field=key.field.label))
    sought = literal(value, column.type)
    before = column > sought if key.descending else column < sought
    if not key.descending and _nullable(key):
        before = or_(before, column.is_(None))
    start = replace(query, place=None)
    row = session.connection().execute(page_statement(start, [], 1, backward=True).where(before)).first()
    if row is None:
        return None
    rows = _matching(start, joined_of(key.field)).where(before).subquery()
    number = int(session.connection().execute(select(func.count()).select_from(rows)).scalar_one())
    return place_at(start, row, False, number + 1)


def read_row(
    session: Session, query: ListQuery, columns: Sequence[Field], record_id: int
) -> tuple[Sequence[Any] | None, bool]:
    """One row by id, and whether the query still selects it; None when the record is in the bin or gone."""
    table = query.entity.model.__table__
    alone = replace(query, filters=(), search="", place=None)
    row = session.connection().execute(page_statement(alone, columns, 1).where(table.c.id == record_id)).first()
    if row is None:
        return None, False
    matches = _matching(query).where(table.c.id == record_id)
    return row, session.connection().execute(matches).first() is not None


def count(session: Session, query: ListQuery, cap: int | None = COUNT_CAP) -> int:
    """How many rows match, counted up to `cap` if there is one."""
    some = _matching(query).limit(cap).subquery()
    return int(session.connection().execute(select(func.count()).select_from(some)).scalar_one())


def count_by(session: Session, query: ListQuery, field: Field) -> dict[Any, int]:
    """How many rows match for each value of a field, all of them counted."""
    numbers = _from(select(field.column, func.count()), query, [*_used(query), field]).where(*conditions(query))
    return {value: number for value, number in session.connection().execute(numbers.group_by(field.column))}


def ids(session: Session, query: ListQuery, limit: int) -> list[int]:
    """Ids of the matching rows, at most `limit`; for bulk actions."""
    statement = _matching(query).order_by(query.entity.model.__table__.c.id).limit(limit)
    return list(session.connection().execute(statement).scalars())
