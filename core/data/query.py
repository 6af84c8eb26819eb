"""The question a list asks (DESIGN 11): filters, search, sort and place, all in the URL, all resolved by the registry.

Names become columns through the registry only; an unknown one is a notice on pages and an error in the API, and never
reaches SQL (SECURITY 7.7). Lists read Core rows, page by key, and count up to a cap (PERFORMANCE D5, D6, D8).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlalchemy import ColumnElement, Select, and_, asc, desc, false, func, nulls_first, nulls_last, or_, select
from sqlalchemy.orm import Session

from core.errors import Invalid, Refused
from core.fields import Field
from core.fields.links import MAXIMUM_ID
from core.i18n import Text, lazy as _

if TYPE_CHECKING:
    from core.data.scopes import Scope
    from core.registry import RegisteredEntity

PAGE_SIZE = 50
COUNT_CAP = 1001
MAXIMUM_FILTERS = 50
MAXIMUM_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: a field of the registry, an operator's name, values as typed."""

    field: Field
    operator: str
    values: tuple[str, ...]

    def wire(self) -> str:
        """As it stands in the URL; `:` and `,` in values are escaped once more (DESIGN 11)."""
        values = ",".join(quote(value, safe="") for value in self.values)
        return f"{self.field.name}:{self.operator}" + (f":{values}" if self.values else "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the sorted list a page starts: the sort value and id of the row before it, and which way to go."""

    value: Any
    id: int
    backward: bool = False
    number: int = 1

    def wire(self) -> str:
        """An opaque token for the URL."""
        raw = json.dumps([self.value, self.id, self.backward, self.number], default=str, ensure_ascii=False)
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed question. Made by `parse`; the same object feeds page, count, bulk and export."""

    entity: RegisteredEntity
    filters: tuple[Filter, ...]
    search: str
    sort_field: Field
    descending: bool
    """Whether the greatest comes first."""
    view: str
    columns: tuple[Field, ...]
    place: Place | None
    notices: tuple[Text, ...]
    visible: frozenset[str]
    scope: Scope | None
    """Whose view this is; None: that of the system itself."""

    def without(self, one: Filter) -> ListQuery:
        """The same question without one filter, from the first page."""
        return replace(self, filters=tuple(kept for kept in self.filters if kept is not one), place=None)


def parse_filter(entity: RegisteredEntity, text: str, allowed: frozenset[str]) -> Filter:
    """`field:op:value,value` as a filter. Raises `Invalid`; a hidden field is answered like an unknown one (T04)."""
    name, operator, raw = ([*text.split(":", 2), "", ""])[:3]
    found = entity.fields.get(name) if name in allowed else None
    if found is None:
        raise Invalid(_("The filter on “%(name)s” was left out: there is no such field", name=name[:60]))
    values = tuple(unquote(value) for value in raw.split(",")) if raw else ()
    one = Filter(found, operator, values)
    try:
        found.criterion(operator, values)
    except Invalid as error:
        raise Invalid(_("A filter was left out: %(reason)s", reason=error.message)) from error
    return one


def parse(
    entity: RegisteredEntity,
    arguments: Mapping[str, Sequence[str]],
    allowed: frozenset[str],
    *,
    scope: Scope | None,
) -> ListQuery:
    """The question in a query string. `allowed`: names of the fields the user may see; `scope`: whose view this is.

    What cannot be understood becomes a notice and is left out; the list still opens (UX 2.1).
    """
    notices: list[Text] = []
    filters: list[Filter] = []
    view = (arguments.get("view") or [""])[0]
    built_in = {found.name: found for found in entity.entity.views}
    if view and view not in built_in:
        notices.append(_("There is no view “%(name)s”", name=view[:60]))
        view = ""
    wanted = [*(built_in[view].filters if view else ()), *arguments.get("f", ())]
    if len(wanted) > MAXIMUM_FILTERS:
        notices.append(_("Only the first %(number)s filters were used", number=MAXIMUM_FILTERS))
    for text in wanted[:MAXIMUM_FILTERS]:
        try:
            filters.append(parse_filter(entity, text, allowed))
        except Invalid as error:
            notices.append(error.message)
    search = (arguments.get("q") or [""])[0].strip()
    if len(search) > MAXIMUM_SEARCH:
        notices.append(_("The search is longer than %(number)s characters and was cut", number=MAXIMUM_SEARCH))
        search = search[:MAXIMUM_SEARCH]
    sort_field, descending = _parse_sort(entity, (arguments.get("sort") or [""])[0], allowed, notices)
    return ListQuery(
        entity=entity,
        filters=tuple(filters),
        search=search,
        sort_field=sort_field,
        descending=descending,
        view=view,
        columns=_parse_columns(entity, arguments.get("c", ()), allowed, notices),
        place=_parse_place((arguments.get("at") or [""])[0], sort_field, notices),
        notices=tuple(notices),
        visible=allowed,
        scope=scope,
    )


def _parse_sort(
    entity: RegisteredEntity, text: str, allowed: frozenset[str], notices: list[Text]
) -> tuple[Field, bool]:
    for wanted in (text, entity.entity.default_sort):
        name = wanted.removeprefix("-")
        if name in allowed and name in entity.fields:
            return entity.fields[name], wanted.startswith("-")
        if wanted and wanted == text:
            notices.append(_("The list cannot be sorted by “%(name)s”", name=name[:60]))
    return entity.fields["created_at"], True


def _parse_columns(
    entity: RegisteredEntity, names: Iterable[str], allowed: frozenset[str], notices: list[Text]
) -> tuple[Field, ...]:
    chosen = []
    for name in names:
        if name in allowed and name in entity.fields:
            chosen.append(entity.fields[name])
        else:
            notices.append(_("The column “%(name)s” was left out: there is no such field", name=name[:60]))
    if chosen:
        return tuple(dict.fromkeys([entity.title_field, *chosen]))
    listed = [found for found in entity.fields.values() if found.declaration.listed and found.name in allowed]
    return tuple(dict.fromkeys([entity.title_field, *listed]))


def _parse_place(text: str, sort: Field, notices: list[Text]) -> Place | None:
    if not text:
        return None
    try:
        value, record_id, backward, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = Place(value, int(record_id), bool(backward), int(number))
        if not (0 < place.id <= MAXIMUM_ID and 0 < place.number <= MAXIMUM_ID):
            raise ValueError("not the number of a record")
        if value is not None:
            _check_place(value, sort)
        return place
    except (Refused, ValueError, TypeError, ArithmeticError, binascii.Error, RecursionError):
        notices.append(_("This page of the list does not exist; this is the first one"))
        return None


def _check_place(value: object, sort: Field) -> None:
    """Raise `ValueError` or what `load` raises for a value no row can have had: the database would refuse it."""
    if not isinstance(value, str) or "\0" in value or value.encode("utf-8", "replace").decode() != value:
        raise ValueError("not the text of a value")
    if sort.key_column is None:
        loaded = sort.type.load(value)
        if sort.type.dump(loaded) != value:
            raise ValueError("not a value as it is dumped")
        if type(loaded) in (int, Decimal) and abs(int(value.replace(".", ""))) > MAXIMUM_ID:
            raise ValueError("more than a column holds")


# -- statements -------------------------------------------------------------------------------------------------
def conditions(query: ListQuery) -> list[ColumnElement[bool]]:
    """Everything a row must satisfy."""
    deleted_at = query.entity.model.__table__.c.deleted_at
    found: list[ColumnElement[bool]] = [deleted_at.is_(None)]
    known = query.scope.criterion(query.entity) if query.scope else None
    if known is not None:
        found.append(known)
    found += [one.field.criterion(one.operator, one.values) for one in query.filters]
    if query.search:
        found.append(_search(query))
    return found


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
    return [*(one.field for one in query.filters), *_searched(query)]


def _matching(query: ListQuery) -> Select[Any]:
    """The ids of all rows the query selects."""
    ids = select(query.entity.model.__table__.c.id)
    return _from(ids, query, _used(query)).where(*conditions(query))


def page_statement(query: ListQuery, columns: Sequence[Field], limit: int) -> Select[Any]:
    """Rows of one page: id, version, sort value, then the columns; facets joined only when used."""
    table = query.entity.model.__table__
    sort = query.sort_field
    statement = select(table.c.id, table.c.version, sort.sort_column, *(found.column for found in columns))
    statement = _from(statement, query, [*columns, *_used(query), sort]).where(*conditions(query))
    backward = query.place is not None and query.place.backward
    down = query.descending != backward
    if query.place is not None:
        statement = statement.where(_beyond(query, query.place, table.c.id, down))
    order: Any = desc(sort.sort_column) if down else asc(sort.sort_column)
    if sort.nullable:  # one rule on both engines: empty first when rising, last when falling (PERFORMANCE 1.4)
        order = nulls_last(order) if down else nulls_first(order)
    return statement.order_by(order, desc(table.c.id) if down else asc(table.c.id)).limit(limit)


def _beyond(query: ListQuery, place: Place, identity: ColumnElement[int], down: bool) -> ColumnElement[bool]:
    column = query.sort_field.sort_column
    later_id = identity < place.id if down else identity > place.id
    if place.value is None:
        same = and_(column.is_(None), later_id)
        return same if down else or_(same, column.is_not(None))
    value = query.sort_field.type.load(place.value) if query.sort_field.key_column is None else place.value
    later = column < value if down else column > value
    beyond = or_(later, and_(column == value, later_id))
    return or_(beyond, column.is_(None)) if down and query.sort_field.nullable else beyond


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows: each is (id, version, sort value, *columns); with the places before and after it."""

    rows: Sequence[Sequence[Any]]
    first_number: int
    previous: Place | None
    next: Place | None


def read_page(session: Session, query: ListQuery, columns: Sequence[Field], size: int = PAGE_SIZE) -> Page:
    """The page the query asks for, and how to go on. A place that cannot be compared falls back to the first page."""
    place = query.place
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
        previous=_place_at(query, rows[0], True, first_number) if rows and has_previous else None,
        next=_place_at(query, rows[-1], False, first_number + len(rows)) if rows and has_next else None,
    )


def _place_at(query: ListQuery, row: Sequence[Any], backward: bool, number: int) -> Place:
    value = row[2]
    if value is not None and query.sort_field.key_column is None:
        value = query.sort_field.type.dump(value)
    return Place(value, row[0], backward, number)


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
