"""Numbers a series has left out: between the first and the last that live records have, and what became of them (TP-2).

A code is read by its mask, whose parts have fixed widths. What is counted apart (a period, a type, a customer) is looked
at apart. Codes typed by hand count when they look like the series' own.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, select
from sqlalchemy.orm import Session

from core.data.history import Operation, RecordChange
from core.data.numbering import number_field
from core.fields import Field
from core.masks import Mask, Part
from core.registry import RegisteredEntity

MOST_GAPS = 100
MOST_DELETED = 500
"""Deleted records looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted record that had a number. `record_id`: while it is in the trash. `title`: for who may know of it."""

    code: str
    title: str | None
    who: str | None
    at: datetime.datetime | None
    record_id: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """So many numbers are missing between two codes."""

    after: str
    before: str
    missing: int
    deleted: list[Deleted] = field(default_factory=list)


def find_gaps(
    session: Session, registered: RegisteredEntity, mask: Mask, known: ColumnElement[bool] | None, *, all_titles: bool
) -> tuple[list[Gap], bool]:
    """The gaps of a series, the newest first, and whether there are more than `MOST_GAPS`.

    `known`: the condition on records the person may know of; None: on all. `all_titles`: also of what was purged.
    """
    connection = session.connection()
    rows = connection.execute(_boundaries(registered, mask).limit(MOST_GAPS + 1)).all()
    gaps = [Gap(after, before, int(value) - int(last) - 1) for before, value, after, last in rows[:MOST_GAPS]]
    if gaps:
        reader = _Reader(mask)
        bounds = [(gap, *_bounds(reader, gap)) for gap in gaps]
        for one in (*_in_trash(session, registered, mask, known), *_purged(session, registered, all_titles)):
            place = reader.read(one.code)
            for gap, group, low, high in bounds:
                if place is not None and place[0] == group and low < place[1] < high:
                    gap.deleted.append(one)
    return gaps, len(rows) > MOST_GAPS


# -- reading a code by its mask ---------------------------------------------------------------------------------
def _pattern(mask: Mask, *, named: bool) -> str:
    """A regular expression that the codes of a mask match, the same for Python and both databases."""
    pieces, seen = [], set()
    for part in mask.parts:
        if not part.name:
            pieces.append(re.escape(part.text))
            continue
        piece = f"[0-9]{{{part.width}}}" if part.name in "ymd0" else f".{{{part.width}}}"
        name = {"0": "counter"}.get(part.name, part.name)
        pieces.append(f"(?P<{name}>{piece})" if named and name not in seen else piece)
        seen.add(name)
    return f"^{''.join(pieces)}$"


def _apart(mask: Mask) -> list[str]:
    """The letters of the parts that say which counter a code is of."""
    letters = [] if mask.reset.every == "never" else ["y", "m"] if mask.reset.every == "month" else ["y"]
    return [*letters, *([mask.apart.name] if mask.apart else [])]


def _fiscal(mask: Mask) -> bool:
    """Whether the year printed is that of the date, though the period begins in another month than January."""
    return mask.reset.every == "year" and mask.reset.year == "date" and mask.reset.month > 1


class _Reader:
    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._expression = re.compile(_pattern(mask, named=True))

    def read(self, code: str) -> tuple[tuple[Any, ...], int] | None:
        """Which counter a code is of, and its number; None for a code of another look."""
        found = self._expression.match(code)
        if found is None:
            return None
        group: list[Any] = [found.group(letter) for letter in _apart(self._mask)]
        if _fiscal(self._mask):
            group[0] = (int(found.group("y")) * 12 + int(found.group("m")) - self._mask.reset.month) // 12
        return tuple(group), int(found.group("counter"))


def _bounds(reader: _Reader, gap: Gap) -> tuple[tuple[Any, ...], int, int]:
    low, high = reader.read(gap.after), reader.read(gap.before)
    assert low is not None and high is not None, "the database found both by the same expression"  # noqa: PT018
    return low[0], low[1], high[1]


def _boundaries(registered: RegisteredEntity, mask: Mask) -> Select[Any]:
    """Code and number after each gap, code and number before it."""
    table = registered.model.__table__
    code = table.c[number_field(registered)]
    fits = code.regexp_match(_pattern(mask, named=False))
    number = case((fits, cast(_cut(code, mask, "0"), BigInteger)))  # only then, or PostgreSQL could try to read others
    groups: list[ColumnElement[Any]] = [_cut(code, mask, letter) for letter in _apart(mask)]
    if _fiscal(mask):
        year, month = (case((fits, cast(_cut(code, mask, letter), BigInteger))) for letter in "ym")
        groups[0] = (year * 12 + month - mask.reset.month) // 12
    window: dict[str, Any] = {"partition_by": groups or None, "order_by": number}
    rows = (
        select(
            code.label("code"), number.label("number"), func.lag(code).over(**window).label("code_before"),
            func.lag(number).over(**window).label("number_before"),
        )
        .where(fits, table.c.deleted_at.is_(None)).subquery()
    )  # fmt: skip
    return select(rows).where(rows.c.number - rows.c.number_before > 1).order_by(rows.c.code.desc())


def _cut(code: ColumnElement[str], mask: Mask, letter: str) -> ColumnElement[str]:
    """The text of the first part of that letter."""
    at = 1
    for part in mask.parts:
        if part.name == letter:
            return func.substr(code, at, part.width)
        at += _width(part)
    raise AssertionError(f"the mask {mask.pattern} prints no {letter}")


def _width(part: Part) -> int:
    return part.width if part.name else len(part.text)


# -- what became of them ----------------------------------------------------------------------------------------
def _in_trash(
    session: Session, registered: RegisteredEntity, mask: Mask, known: ColumnElement[bool] | None
) -> Iterator[Deleted]:
    table = registered.model.__table__
    code = table.c[number_field(registered)]
    title: ColumnElement[Any] = table.c[registered.title_field.attribute]
    columns = (table.c.id, code, title if known is None else case((known, title)), table.c.deleted_at)
    rows = session.connection().execute(
        select(*columns).where(table.c.deleted_at.is_not(None), code.regexp_match(_pattern(mask, named=False)))
        .order_by(table.c.deleted_at.desc()).limit(MOST_DELETED)
    ).all()  # fmt: skip
    who = _deleters(session, registered, [row[0] for row in rows])
    for number, text, name, at in rows:
        yield Deleted(text, name, who.get(number), at, number if name is not None else None)


def _deleters(session: Session, registered: RegisteredEntity, ids: Sequence[int]) -> dict[int, str]:
    """Who deleted records last."""
    found = (
        select(RecordChange.record_id, Operation.actor_name).join(Operation, RecordChange.operation_id == Operation.id)
        .where(RecordChange.entity == registered.name, RecordChange.record_id.in_(ids), RecordChange.kind == "deleted")
        .order_by(RecordChange.id)
    )  # fmt: skip
    return {number: name for number, name in session.execute(found)}


def _purged(session: Session, registered: RegisteredEntity, all_titles: bool) -> Iterator[Deleted]:
    """Records that are gone for good, by what history kept of them."""
    table = registered.model.__table__
    there = select(table.c.id).where(table.c.id == RecordChange.record_id).exists()
    gone = (
        select(RecordChange.record_id, RecordChange.title, Operation.actor_name, Operation.at)
        .join(Operation, RecordChange.operation_id == Operation.id)
        .where(RecordChange.entity == registered.name, RecordChange.kind == "deleted", ~there)
        .order_by(RecordChange.id.desc()).limit(MOST_DELETED)
    )  # fmt: skip
    ends = {number: (title, who, at) for number, title, who, at in reversed(session.execute(gone).all())}
    name = _number(registered).name
    said = select(RecordChange.record_id, RecordChange.fields).where(
        RecordChange.entity == registered.name, RecordChange.record_id.in_(ends)
    )
    codes: dict[int, str] = {}
    for number, fields in session.execute(said.order_by(RecordChange.id)):
        code = fields[name][1] if name in (fields or {}) else None
        if code is not None:
            codes[number] = code
    for number, code in codes.items():
        title, who, at = ends[number]
        yield Deleted(code, title if all_titles else None, who, at, None)


def _number(registered: RegisteredEntity) -> Field:
    return registered.fields[number_field(registered)]
