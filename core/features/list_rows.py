"""The statements of a list: its rows by pages, their number, one row, ids (PERFORMANCE D5, D6, D8).

Lists read Core rows, page by key, and count up to a cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    and_,
    asc,
    desc,
    false,
    func,
    literal,
    nulls_first,
    nulls_last,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.data.query import LinkedField, ListQuery, Place, SortKey, joined_of, kind_of
from core.errors import Invalid, Refused
from core.features.list_conditions import (
    LAST_CHARACTER,
    conditions,
    joined_with,
    matching,
    planned,
    sort_column_of,
    used_fields,
)
from core.features.list_finding import plan_for, run
from core.features.list_plan import PLAIN, Plan, sort_index
from core.features.time_limit import at_most, was_stopped, within_steps
from core.fields import Field
from core.i18n import lazy as _

COUNT_CAP = 10_001
"""Rows are counted exactly below it (UX 2.1)."""
COUNT_SECONDS, COUNT_STEPS = 0.05, 1_500
"""What counting for a page may take, on SQLite in thousands of its instructions; else only up to `FEW_CAP` (D6)."""
FEW_CAP = 1_001
MANY = 20_001
"""From so many rows on SQLite is faster through the whole table than along an index and to each of them."""
FIRST_COLUMN = 2
"""Where the columns of a row begin: its id and version stand before."""
Segment = Literal["whole", "empty", "filled"]
"""Rows of a list whose first sort value is empty, or is not: each part is in the order of an index (PERFORMANCE C)."""


def page_statement(
    query: ListQuery,
    columns: Sequence[Field],
    limit: int,
    *,
    backward: bool = False,
    plan: Plan = PLAIN,
    segment: Segment = "whole",
) -> Select[Any]:
    """Rows of one page: id, version, the columns, then the sort values; facets joined only when used."""
    table = query.entity.model.__table__
    backward = query.place.backward if query.place is not None else backward
    keys = [(key, sort_column_of(query, key), key.descending != backward) for key in query.sort]
    statement = select(
        table.c.id, table.c.version, *(found.column for found in columns), *(column for _key, column, _down in keys)
    )
    used = [*columns, *used_fields(query), *(joined_of(key.field) for key in query.sort)]
    first_owner = query.sort[0].field.owner if isinstance(query.sort[0].field, Field) else None
    of_facet = segment != "whole" and first_owner in query.entity.facets
    filled = first_owner if of_facet and segment == "filled" else None
    statement = planned(joined_with(statement, query, used, filled), query, plan)
    if filled is not None and plan.hints and (index := sort_index(keys[0][1])) is not None:
        statement = statement.with_hint(filled.__table__, f'INDEXED BY "{index}"', "sqlite")
    first, last = keys[0][1], keys[-1][2]
    if segment != "whole":
        statement = statement.where(_is_empty(query, first) if segment == "empty" else first.is_not(None))
    if query.place is not None and _is_within(query.place, segment):
        statement = statement.where(_beyond(keys, query.place, table.c.id, last, segment))
    orders: list[Any] = []
    identity = table.c.id
    if of_facet and filled is None:
        keys = keys[1:]  # all of them are empty: the order of the others is that of the list's own index
    elif filled is not None:
        identity = filled.__table__.c.record_id  # the same number, where the facet's index has it
    for at, (key, column, down) in enumerate(keys):
        order: Any = desc(column) if down else asc(column)
        if _nullable(key) and (at or segment == "whole" or len(keys) < len(query.sort)):
            # one rule on both engines: empty first when rising, last when falling (PERFORMANCE 1.4)
            order = nulls_last(order) if down else nulls_first(order)
        orders.append(order)
    return statement.order_by(*orders, desc(identity) if last else asc(identity)).limit(limit)


def _is_empty(query: ListQuery, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a sort value is empty; of a facet in words by which PostgreSQL knows that most rows may be meant."""
    owner = query.sort[0].field.owner if isinstance(query.sort[0].field, Field) else query.entity.model
    if owner is query.entity.model or not isinstance(column, Column):
        return column.is_(None)
    facet = owner.__table__.alias()
    filled = select(facet.c.record_id).where(
        facet.c.record_id == query.entity.model.__table__.c.id, facet.c[column.name].is_not(None)
    )
    return ~filled.correlate(query.entity.model.__table__).exists()


def _is_within(place: Place, segment: Segment) -> bool:
    """Whether a place lies in a segment; else all of that comes after it."""
    return segment == "whole" or (place.values[0] is None) == (segment == "empty")


def _segments(query: ListQuery, plan: Plan, *, sqlite: bool) -> Sequence[Segment]:
    """The parts of a list that its page may have rows of, one after the other."""
    key, place = query.sort[0], query.place
    if plan.drives or isinstance(key.field, LinkedField) or not key.field.nullable:
        return ("whole",)
    falling = key.descending != (place is not None and place.backward)
    if place is None:
        if sqlite and key.field.owner is query.entity.model:
            return ("whole",)  # its indexes have empty values where we want them
        return ("filled", "empty") if falling else ("empty", "filled")
    if place.values[0] is None:
        return ("empty",) if falling else ("empty", "filled")
    return ("filled", "empty") if falling else ("filled",)


def _nullable(key: SortKey) -> bool:
    return isinstance(key.field, LinkedField) or key.field.nullable


def _beyond(
    keys: Sequence[tuple[SortKey, ColumnElement[Any], bool]],
    place: Place,
    identity: ColumnElement[int],
    down: bool,
    segment: Segment,
) -> ColumnElement[bool]:
    """What comes after the place, key by key: a row is, when its first different key is."""
    beyond: ColumnElement[bool] = identity < place.id if down else identity > place.id
    for at, ((key, column, falling), stored) in reversed(list(enumerate(zip(keys, place.values, strict=True)))):
        alone = at == 0 and segment != "whole"
        if stored is None:
            if not alone:
                later: ColumnElement[bool] = false() if falling else column.is_not(None)
                beyond = or_(later, and_(column.is_(None), beyond))
            continue
        found = kind_of(key.field)
        value = literal(found.type.load(stored) if found.key_column is None else stored, column.type)
        whole = alone or not _nullable(key)
        if whole and len(keys) == 1:
            place_of, row = tuple_(value, literal(place.id)), tuple_(column, identity)
            return row < place_of if falling else row > place_of
        later = column < value if falling else column > value
        if falling and not whole:
            later = or_(later, column.is_(None))
        beyond = or_(later, and_(column == value, beyond))
        if at == 0 and (whole or not falling):  # where to begin in the index
            beyond = and_(column <= value if falling else column >= value, beyond)
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
        found = first_rows(session, query, columns, size + 1)
    except (Refused, ValueError, TypeError):
        if place is None:
            raise
        query, place = replace(query, place=None), None
        found = first_rows(session, query, columns, size + 1)
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


def first_rows(session: Session, query: ListQuery, columns: Sequence[Field], limit: int) -> list[Any]:
    """The first rows from the query's place on, in its direction, as `page_statement` has them."""
    plan = plan_for(session, query, limit)
    found: list[Any] = []
    for segment in _segments(query, plan, sqlite=session.connection().dialect.name == "sqlite"):

        def make(chosen: Plan, segment: Segment = segment, rest: int = limit - len(found)) -> Select[Any]:
            return page_statement(query, columns, rest, plan=chosen, segment=segment)

        found += run(session, plan, make)
        if len(found) >= limit:
            break
    return found


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
    key, column = query.sort[0], sort_column_of(query, query.sort[0])
    found = kind_of(key.field)
    value = found.type.parse(typed)
    if value is not None and found.key_column is not None:
        text = found.type.key(value)
        value = text + LAST_CHARACTER if text and key.descending else text
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
    return place_at(start, row, False, _number_before(session, start, before) + 1)


def _number_before(session: Session, query: ListQuery, before: ColumnElement[bool]) -> int:
    """How many rows come before a value of the first sort key."""
    connection, table = session.connection(), query.entity.model.__table__
    plan, field = plan_for(session, query, None, sort=False), query.sort[0].field
    own = isinstance(field, Field) and field.owner is query.entity.model and sort_index(field.sort_column) is not None
    if plan is PLAIN and own and connection.dialect.name == "sqlite":
        some = select(literal(1)).select_from(table).where(before).limit(MANY).subquery()
        if connection.execute(select(func.count()).select_from(some)).scalar_one() == MANY:
            # each row is looked up, to leave out the bin: of many in the order in which they are stored
            plan = Plan(hint="NOT INDEXED")

    def make(chosen: Plan) -> Select[Any]:
        rows = matching(query, joined_of(field), plan=chosen).where(before).subquery()
        return select(func.count()).select_from(rows)

    return int(run(session, plan, make)[0][0])


def read_row(
    session: Session, query: ListQuery, columns: Sequence[Field], record_id: int
) -> tuple[Sequence[Any] | None, bool]:
    """One row by id, and whether the query still selects it; None when the record is in the bin or gone."""
    table = query.entity.model.__table__
    alone = replace(query, filters=(), search="", place=None)
    row = session.connection().execute(page_statement(alone, columns, 1).where(table.c.id == record_id)).first()
    if row is None:
        return None, False
    matches = matching(query).where(table.c.id == record_id)
    return row, session.connection().execute(matches).first() is not None


def count(session: Session, query: ListQuery, cap: int | None = COUNT_CAP) -> int:
    """How many rows match, counted up to `cap` if there is one."""

    def make(plan: Plan) -> Select[Any]:
        return select(func.count()).select_from(matching(query, plan=plan).limit(cap).subquery())

    return int(run(session, plan_for(session, query, cap, sort=False), make)[0][0])


def count_for_page(session: Session, query: ListQuery) -> tuple[int, bool]:
    """How many rows match, and whether counting ended there: at the cap, or sooner where it took too long."""
    known = query.scope.criterion(query.entity) if query.scope else None
    if known is None and not query.filters and not query.search:
        number = count(session, query)
        return number, number >= COUNT_CAP
    connection = session.connection()
    sqlite = connection.dialect.name == "sqlite"
    try:
        with within_steps(connection, COUNT_STEPS) if sqlite else at_most(connection, COUNT_SECONDS):
            number = count(session, query)
    except OperationalError as error:
        if not was_stopped(error):
            raise
        number = count(session, query, FEW_CAP)
        return number, number >= FEW_CAP
    return number, number >= COUNT_CAP


def count_by(session: Session, query: ListQuery, field: Field) -> dict[Any, int]:
    """How many rows match for each value of a field, all of them counted."""
    numbers = joined_with(select(field.column, func.count()), query, [*used_fields(query), field]).where(
        *conditions(query)
    )
    return {value: number for value, number in session.connection().execute(numbers.group_by(field.column))}


def ids(session: Session, query: ListQuery, limit: int) -> list[int]:
    """Ids of the matching rows, at most `limit`; for bulk actions."""
    key = query.entity.model.__table__.c.id
    plan = plan_for(session, query, limit, sort=False)
    found = run(session, plan, lambda chosen: matching(query, plan=chosen).order_by(key).limit(limit))
    return [row[0] for row in found]
