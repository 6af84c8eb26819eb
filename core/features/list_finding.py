"""Finding the rows of a list in the best way there is: the plan of a question, and running its statements by it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, any_, func, or_, select, union
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.data.query import ListQuery, kind_of
from core.data.session import READING
from core.features.list_conditions import asked, holds, terms_of
from core.features.list_plan import PLAIN, UNHINTED, Branches, Plan, Sizes, measure, sets_of, sort_index
from core.features.search_index import LEAST, candidates, joined_keys, searched_keys
from core.features.time_limit import was_stopped, within_steps
from core.fields import Field
from core.fields.base import CONTAINS
from core.fields.links import LINKS
from core.fields.text import KeyedText

WALK_STEPS = 1_000
"""Thousands of SQLite's instructions for walking along a sort's index, 30 to 100 ms: where conditions hang together that
finds too little (PERFORMANCE 1.3)."""
_SIZES = "list_sizes"
"""Where a session that only reads keeps what it measured: page and count of a list ask the same."""


def plan_for(session: Session, query: ListQuery, limit: int | None, *, sort: bool = True) -> Plan:
    """How to find the first `limit` rows, or all; `sort`: in the order of the list."""
    return plans_for(session, [query], limit, sort=sort)[0]


def plans_for(session: Session, queries: Sequence[ListQuery], limit: int | None, *, sort: bool = True) -> list[Plan]:
    """The same for several lists, asking the database once at most."""
    connection = session.connection()
    sqlite = connection.dialect.name == "sqlite"
    known: dict[Any, Sizes] = session.info.get(_SIZES, {}) if session.info.get(READING) else {}
    sets = {_question(query): (query.entity.model.__table__, _sets(query, sqlite)) for query in queries}
    missing = {asked: one for asked, one in sets.items() if asked not in known and one[1]}
    if missing:
        try:
            known = {**known, **dict(zip(missing, measure(connection, list(missing.values())), strict=True))}
        except OperationalError as error:
            if not _lacks_index(error):
                raise
            return [PLAIN for _query in queries]
        if session.info.get(READING):
            session.info[_SIZES] = known
    plans = []
    for query in queries:
        sizes, key = known.get(_question(query)), query.sort[0].field
        own = isinstance(key, Field) and key.owner is query.entity.model
        walk = sort_index(kind_of(key).sort_column) if sort and own else None
        related = bool(query.search) and kind_of(key).declaration.search
        plan = PLAIN if sizes is None else sizes.plan(limit, walk, related=related)
        plans.append(plan if sqlite else _for_postgresql(query, plan))
    return plans


def _question(query: ListQuery) -> Hashable:
    """What decides how many rows there are."""
    return query.entity, query.scope, query.filters, query.search


def _sets(query: ListQuery, sqlite: bool) -> list[Branches]:
    """The sets of ids to ask for. PostgreSQL misjudges only those that come from links."""
    found = [one for condition in asked(query) for one in sets_of(condition)]
    if sqlite:
        return found + _text_sets(query)
    return [one for one in found if any(branch.get_final_froms() == [LINKS] for branch in one)]


def _for_postgresql(query: ListQuery, plan: Plan) -> Plan:
    """The plan in words PostgreSQL follows: the ids as an array, which it reads by their index, and the searched texts."""
    narrow = [] if not query.search or (text := _trigrams(query)) is None else [text]
    if plan.ids is not None:
        key = query.entity.model.__table__.c.id
        narrow.append(key == any_(func.array(select(plan.ids.subquery()).scalar_subquery())))
    return Plan(and_(*narrow) if narrow else None)


def _trigrams(query: ListQuery) -> ColumnElement[bool] | None:
    """A condition that PostgreSQL's index of the searched texts answers; None where it does not help."""
    terms = terms_of(query)
    if not terms or any(len(term) < LEAST for _found, term in terms):
        return None
    table = query.entity.model.__table__
    by_owner: dict[Any, set[str]] = {}
    for found, term in terms:
        by_owner.setdefault(found.owner.__table__, set()).add(term)
    found_in = {
        source: or_(*(joined_keys(source).contains(term, autoescape=True) for term in sorted(some)))
        for source, some in by_owner.items()
    }
    if set(found_in) == {table}:
        return found_in[table]
    ids = (select(next(iter(source.primary_key.columns))).where(some) for source, some in found_in.items())
    narrow: ColumnElement[bool] = table.c.id.in_(union(*ids))
    return narrow


def _text_sets(query: ListQuery) -> list[Branches]:
    """The ids by which SQLite's index of the searched texts finds what is searched, or filtered by a part of it."""
    sets: list[Branches] = []
    by_owner: dict[Any, set[str]] = {}
    branches: list[Select[Any]] = []
    for found, term in terms_of(query):
        source: Any = found.owner.__table__
        if len(term) < LEAST:
            branches.append(select(next(iter(source.primary_key.columns))).where(holds(found.sort_column, term)))
        else:
            by_owner.setdefault(source, set()).add(term)
    branches += [candidates(source, some) for source, some in by_owner.items()]
    if branches:
        sets.append(branches)
    for one in query.filters:
        if one.operator == CONTAINS.name and not one.group and isinstance(one.field, Field):
            kind, source = one.field.type, one.field.owner.__table__
            if isinstance(kind, KeyedText) and any(one.field.key_column is key for key in searched_keys(source)):
                part = kind.part(one.values[0])
                if len(part) >= LEAST:
                    sets.append([candidates(source, [part])])
    return sets


def run(session: Session, plan: Plan, make: Callable[[Plan], Select[Any]]) -> list[Any]:
    """The rows of a statement, in the way of the plan, or in another when that is not possible or takes too long."""
    connection = session.connection()
    try:
        if plan.otherwise is None:
            return list(connection.execute(make(plan)))
        with within_steps(connection, WALK_STEPS):
            return list(connection.execute(make(plan)))
    except OperationalError as error:
        if plan.otherwise is not None and was_stopped(error):
            return run(session, plan.otherwise, make)
        if not plan.hints or not _lacks_index(error):
            raise
        return list(connection.execute(make(UNHINTED)))


def _lacks_index(error: OperationalError) -> bool:
    """Whether SQLite lacks what a plan names: a module may have dropped it, and it may be built without FTS5."""
    reason = str(error.orig)
    return reason.startswith(("no such index", "no such table", "no such module", "no query solution"))
