"""How the rows of a list are found: from the smallest set of its conditions, or along the index they are sorted by.

SQLite has no idea how many rows a condition selects, and either choice is ruinous where the other is right (PERFORMANCE
D4, 1.3): so it is asked, up to a cap. PostgreSQL knows, and is told only where a searched text may be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Null,
    Select,
    case,
    func,
    select,
    union,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList, ExpressionClauseList, Grouping
from sqlalchemy.sql.selectable import ScalarSelect

from core.fields.links import LINKS

PROBE_CAP, PROBE_SHARE = 6_001, 50
"""Rows of one condition are counted up to here, and of a large list up to one in so many of its rows."""
UNKNOWN_SHARE = 10
"""A condition of more rows is taken for one that selects a tenth of the list."""
FETCH_COST = 1.5
"""What a row found by its id and then sorted costs, in rows read along the sort index."""
MOST_NARROWED = 2
"""So many other sets narrow the smallest before its rows are read."""
_SARGABLE = frozenset(
    {operators.eq, operators.in_op, operators.lt, operators.le, operators.gt, operators.ge, operators.between_op,
     operators.is_, operators.is_not}
)  # fmt: skip
"""Comparisons an index answers."""

Branches = Sequence[Select[Any]]
"""Selects of ids whose union holds every row of a condition, and perhaps more."""


@dataclass(frozen=True)
class Plan:
    """What is added to a statement so that it finds its rows fast; without any, the database decides.

    `narrow`: a condition every row satisfies anyhow, that an index answers. `ids`: the select in it, where it is one of
    ids. `hint`: of SQLite, for the list's table.
    `drives`: whether the rows come from `narrow` and are sorted then. `exists`: whether what is found through links is
    asked row by row. `hints`: whether indexes may be named at all. `otherwise`: what to do when this takes too
    long.
    """

    narrow: ColumnElement[bool] | None = None
    ids: Any = None
    hint: str | None = None
    drives: bool = False
    exists: bool = False
    hints: bool = True
    otherwise: Plan | None = None


PLAIN = Plan()
UNHINTED = Plan(hints=False)


@dataclass(frozen=True)
class Sizes:
    """How many rows the table of a list has about, and each set of ids, up to the cap."""

    table: FromClause
    total: int
    sets: Sequence[tuple[int, Branches]]

    @property
    def cap(self) -> int:
        """What is as large as this was not counted further."""
        return max(PROBE_CAP, self.total // PROBE_SHARE)

    def plan(self, limit: int | None, walk: str | None, *, related: bool = False) -> Plan:
        """The plan for the first `limit` rows, or all; `walk`: the index they are sorted by, if there is one.

        `related`: the rows are sorted by what is searched, so that they stand together somewhere in that order.
        """
        if not self.sets:
            return PLAIN
        ordered = sorted(self.sets, key=lambda one: one[0])
        ids = self._ids(ordered)
        drive = Plan(self.table.c.id.in_(ids), ids, "NOT INDEXED", drives=True, exists=True)
        if limit is None or walk is None:
            return drive if ordered[0][0] < self.cap else Plan(exists=True)
        share = 1.0
        for size, _branches in ordered:
            guess = size if size < self.cap else max(size, self.total // UNKNOWN_SHARE)
            share *= min(1.0, max(guess, 0.5) / max(self.total, 1))
        walked = min(self.total, limit / share)
        if ordered[0][0] < self.cap and (related or FETCH_COST * ordered[0][0] <= walked):
            return drive
        return Plan(hint=f'INDEXED BY "{walk}"', exists=True, otherwise=drive)

    def _ids(self, ordered: Sequence[tuple[int, Branches]]) -> Any:
        """The ids of the smallest set that are in the next ones, too, as far as their indexes tell without a row."""
        ids = _united(ordered[0][1])
        others = [branches[0] for _size, branches in ordered[1:] if len(branches) == 1 and _is_exact(branches[0])]
        for other in others[:MOST_NARROWED]:
            ids = other.where(other.selected_columns[0].in_(ids))
        return ids


def _is_exact(branch: Select[Any]) -> bool:
    """Whether a set is looked into with an id by one step in its index: values are compared for equality."""
    compared = (part for part in visitors.iterate(branch.whereclause) if isinstance(part, BinaryExpression))
    return all(part.operator in (operators.eq, operators.in_op) for part in compared)


def _united(branches: Branches) -> Any:
    return branches[0] if len(branches) == 1 else union(*branches)


def measure(connection: Connection, lists: Sequence[tuple[FromClause, Sequence[Branches]]]) -> list[Sizes]:
    """Ask of some lists, each a table and its sets of ids, how large these are; one statement."""
    asked: list[Any] = []
    for table, sets in lists:
        total = select(func.max(table.c.id)).scalar_subquery()
        asked.append(total)
        share = func.coalesce(total // PROBE_SHARE, 0)  # whole: SQLite takes no fraction as a limit
        cap = case((share > PROBE_CAP, share), else_=PROBE_CAP)
        branches = (branch.limit(cap).subquery() for one in sets for branch in one)
        asked += [select(func.count()).select_from(branch).scalar_subquery() for branch in branches]
    found = iter(connection.execute(select(*asked)).one())
    return [
        Sizes(table, next(found) or 0, [(sum(next(found) for _branch in one), one) for one in sets])
        for table, sets in lists
    ]


# -- what an index answers --------------------------------------------------------------------------------------
def sets_of(condition: ColumnElement[bool]) -> list[Branches]:
    """The sets of ids by which the rows of a condition can be found, each of them alone; none where no index helps."""
    condition = _bare(condition)
    found = branches_of(condition)
    parts = condition.clauses if _joins(condition, operators.and_) and _branch(condition) is None else ()
    several = [one for part in parts for one in sets_of(part)]
    return several or ([found] if found else [])


def branches_of(condition: ColumnElement[bool]) -> Branches | None:
    """One such set; None where no index helps."""
    condition = _bare(condition)
    if _joins(condition, operators.or_):
        parts = [branches_of(part) for part in condition.clauses]
        return None if None in parts else [branch for part in parts for branch in part or ()]
    branch = _branch(condition)
    if branch is None and _joins(condition, operators.and_):
        return next((found for part in condition.clauses if (found := branches_of(part))), None)
    return None if branch is None else [branch]


def _bare(condition: Any) -> Any:
    return condition.element if isinstance(condition, Grouping) else condition


def _joins(condition: object, word: object) -> bool:
    return isinstance(condition, BooleanClauseList) and condition.operator is word


def _branch(condition: Any) -> Select[Any] | None:
    """The ids of a condition that is a look into the links, or compares one indexed column."""
    linked = _linked(condition)
    if linked is not None:
        return linked
    columns = set()
    for part in visitors.iterate(condition):
        if isinstance(part, Column):
            columns.add(part)
        elif isinstance(part, BinaryExpression):
            if part.operator not in _SARGABLE:
                return None
        elif not (
            _joins(part, operators.and_) or isinstance(part, BindParameter | Null | Grouping | ExpressionClauseList)
        ):
            return None
    if len(columns) != 1:
        return None
    column = columns.pop()
    identity = next(iter(column.table.primary_key.columns))
    if "id" not in column.table.columns and column.nullable and _asks_for_nothing(condition):
        return None  # of a facet: records without a row of it are meant, too
    if sort_index(column) is None:
        return None
    return select(identity).where(condition)


def _asks_for_nothing(condition: Any) -> bool:
    return any(isinstance(part, Null) for part in visitors.iterate(condition))


def sort_index(column: object) -> str | None:
    """The index that has a column's values in order, and those of one value by id."""
    if not isinstance(column, Column) or column.table is None:
        return None
    for index in column.table.indexes:
        names = [one.name for one in index.columns]
        if names == [column.name, next(iter(column.table.primary_key.columns)).name]:
            return str(index.name)
    return None


def _linked(condition: Any) -> Select[Any] | None:
    """The look into the links of `id IN (SELECT record_id FROM core_link ...)`."""
    if not (isinstance(condition, BinaryExpression) and condition.operator is operators.in_op):
        return None
    return _inner(condition)


def _inner(condition: BinaryExpression[Any]) -> Select[Any] | None:
    found = condition.right.element if isinstance(condition.right, ScalarSelect) else None
    return found if isinstance(found, Select) and found.get_final_froms() == [LINKS] else None


def row_by_row(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, asking the links of each row: to make a set of all of them first costs more than a page."""

    if not any(isinstance(part, ScalarSelect) for part in visitors.iterate(condition)):
        return condition

    def replaced(element: Any, **_options: Any) -> Any:
        if not isinstance(element, BinaryExpression) or element.operator not in (operators.in_op, operators.not_in_op):
            return None
        inner = _inner(element)
        if inner is None:
            return None
        asked = inner.where(LINKS.c.record_id == element.left).correlate(element.left.table).exists()
        return asked if element.operator is operators.in_op else ~asked

    found: ColumnElement[bool] = visitors.replacement_traverse(condition, {}, replaced)
    return found
