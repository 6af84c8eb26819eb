"""Boxes with something in every field, and what a list should answer about them, worked out in Python."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.data.query import ListQuery, parse
from core.features.list_rows import read_page
from core.fields import Field, fold
from core.fields.dates import today
from core.i18n import Locale
from core.registry import RegisteredEntity
from core.testing.site import Site

ENGLISH = Locale("en", "GB", "Europe/Paris")
ROWS = 70
SEED = 20_260_112
WORDS = ["Zinc", "zinc sarl", "Élan", "elan & fils", "Nord_Sud", "100 %", "Ödland", "a\\b", "Ann-Lou"]


# -- what Python answers ----------------------------------------------------------------------------------------
def plain(found: Field, value: Any) -> Any:
    """A value as conditions compare it: the key where there is one."""
    return found.type.key(value) if value is not None and found.key_column is not None else value


def holds(found: Field, operator: str, values: Sequence[str], value: Any) -> bool:
    """Whether a value of a record satisfies a condition, as people understand the words."""
    if operator == "empty":
        return value is None
    if operator == "filled":
        return value is not None
    if found.type.name == "boolean":
        return bool(value) == found.type.parse(values[0])
    if operator == "not" and value is None:
        return True
    if value is None:
        return False
    if operator in RELATIVE:
        day = value.astimezone(PARIS).date() if isinstance(value, datetime.datetime) else value
        return RELATIVE[operator](day, int(values[0]) if values else 0)
    if isinstance(value, datetime.datetime):
        start, end = found.type.span(values[0]).start, found.type.span(values[-1]).end  # type: ignore[attr-defined]
        within = start <= value < end
        return {"is": within, "not": not within, "before": value < start, "after": value >= end, "between": within}[
            operator
        ]
    if operator in ("contains", "starts"):
        whole, part = _texts(found, value, values[0])
        return part in whole if operator == "contains" else whole.startswith(part)
    mine, theirs = plain(found, value), [plain(found, found.type.parse(one)) for one in values]
    return {
        "is": lambda: mine == theirs[0], "not": lambda: mine != theirs[0], "in": lambda: mine in theirs,
        "below": lambda: mine < theirs[0], "before": lambda: mine < theirs[0],
        "above": lambda: mine > theirs[0], "after": lambda: mine > theirs[0],
        "between": lambda: min(theirs) <= mine <= max(theirs),
    }[operator]()  # fmt: skip


def _texts(found: Field, value: str, part: str) -> tuple[str, str]:
    if found.key_column is not None and found.type.name == "text":
        return fold(value) or "", fold(part) or ""
    if found.type.name == "phone":
        return found.type.key(value) or "", (found.type.key(part) or "").lstrip("0")
    return value.lower(), part.lower()


PARIS = ZoneInfo("Europe/Paris")
RELATIVE: Mapping[str, Callable[[datetime.date, int], bool]] = {
    "today": lambda day, _n: day == today(),
    "week": lambda day, _n: day.isocalendar()[:2] == today().isocalendar()[:2],
    "month": lambda day, _n: (day.year, day.month) == (today().year, today().month),
    "last": lambda day, n: 0 <= (today() - day).days <= n,
    "next": lambda day, n: 0 <= (day - today()).days <= n,
    "ago": lambda day, n: (today() - day).days > n,
}


# -- asking -----------------------------------------------------------------------------------------------------
def ask(site: Site, entity: RegisteredEntity, **arguments: Sequence[str]) -> ListQuery:
    generation = site.runtime.follow()
    alice = site.people["Alice"]
    linked = generation.permissions.linked_fields(alice, entity, generation.registry)
    allowed = generation.permissions.fields(alice, entity)
    return parse(entity, arguments, allowed, scope=None, linked=linked)


def every_id(session: Session, query: ListQuery) -> list[int]:
    """The rows by pages, to the end; and back again, which must be the same ones."""
    numbers: list[int] = []
    for _page in range(ROWS):
        page = read_page(session, query, [])
        assert page.first_number == len(numbers) + 1
        numbers += [row[0] for row in page.rows]
        if page.next is None:
            return numbers
        query = replace_place(query, page.next)
    raise AssertionError("the pages do not end")


def replace_place(query: ListQuery, place: Any) -> ListQuery:
    return parse(
        query.entity,
        {"f": [one.wire() for one in query.filters], "sort": [",".join(key.wire() for key in query.sort)],
         "at": [place.wire()], "per": [str(query.size)]},
        query.visible, scope=None, linked=query.linked,
    )  # fmt: skip


def typed(found: Field, value: Any) -> str:
    return found.type.edit_text(value) if found.type.name != "boolean" else found.type.dump(value)


def escaped(value: str) -> str:
    return quote(value, safe="")


def operands_of(chance: random.Random, operator: Any, samples: list[str]) -> Iterator[tuple[str, ...]]:
    if operator.takes == "days":
        yield from ((days,) for days in ("0", "1", "29", "30", "31"))
    elif operator.values == "none":
        yield ()
    elif samples:
        number = {"one": 1, "two": 2, "many": 3}[operator.values]
        for _time in range(3):
            chosen = tuple(chance.choice(samples) for _value in range(number))
            if operator.name in ("contains", "starts"):
                text = chosen[0].splitlines()[0]
                start = chance.randrange(max(1, len(text) - 3)) if operator.name == "contains" else 0
                chosen = (text[start : start + 4].upper().strip() or text,)
                if not any(map(str.isalnum, chosen[0])):
                    continue
            yield chosen
