"""The field that holds the tags of a record (TP-6): ids in `extra`, found through the index of links (DESIGN 4).

A tag that was merged into another one stands for it, so merging and undoing it touch no record. What is in the trash is
not shown and not found; restored, it is on its records again.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape
from sqlalchemy import Column, ColumnElement, and_, not_, select
from sqlalchemy.sql import visitors

from core.errors import Invalid
from core.fields import Option, Samples, fold
from core.fields.base import EMPTY, FILLED, IN, Control, Operator
from core.fields.keys import excerpt
from core.fields.links import LINKS, SeveralNumbers
from core.i18n import lazy as _, lazy_context

EXTRA_KEY = "tags"
"""Where the ids stand in `extra`."""
LINK_COLUMN = f"extra.{EXTRA_KEY}"
"""What the index of links calls that place."""
BOXES_UP_TO = 30
"""So many tags a form shows as boxes; of more the names are typed."""


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A tag that can be chosen. `path`: its name behind those above it; `covers`: itself and the tags below it."""

    id: int
    name: str
    path: str
    color: str
    covers: frozenset[int]

    @property
    def code(self) -> str:
        """What stands for it in forms and addresses: a name may be a number, too."""
        return f"#{self.id}"


def _linked(column: ColumnElement[Any], wanted: Collection[int]) -> ColumnElement[bool]:
    """Whether a record has one of these tags; `column` is where its tags stand."""
    extra = next(part for part in visitors.iterate(column) if isinstance(part, Column))
    found = select(LINKS.c.record_id).where(
        LINKS.c.source_table == extra.table.name, LINKS.c.source_column == LINK_COLUMN, LINKS.c.target_id.in_(wanted)
    )
    condition: ColumnElement[bool] = extra.table.c.id.in_(found)
    return condition


def _any(column: ColumnElement[Any], *wanted: Collection[int]) -> ColumnElement[bool]:
    return _linked(column, frozenset().union(*wanted))


def _all(column: ColumnElement[Any], *wanted: Collection[int]) -> ColumnElement[bool]:
    return and_(*(_linked(column, one) for one in wanted))


def _none(column: ColumnElement[Any], *wanted: Collection[int]) -> ColumnElement[bool]:
    return not_(_any(column, *wanted))


HAS_ANY = IN._replace(label=lazy_context("operator", "include one of"), test=_any)
HAS_ALL = Operator("all", lazy_context("operator", "include all of"), "many", _all)
HAS_NONE = Operator("none", lazy_context("operator", "include none of"), "many", _none)


@dataclass(frozen=True, eq=False)
class Tags(SeveralNumbers):
    """The tags of a record, bound to those there are for its entity. `alias`: a merged tag -> the one it stands for."""

    name = "tags"
    operators = (HAS_ANY, HAS_ALL, HAS_NONE, EMPTY, FILLED)

    choices: tuple[TagChoice, ...] = ()
    alias: Mapping[int, int] | None = None

    @functools.cached_property
    def by_id(self) -> Mapping[int, TagChoice]:
        """The tags there are; a merged one is that which it stands for."""
        known = {one.id: one for one in self.choices}
        return {**known, **{old: known[new] for old, new in (self.alias or {}).items() if new in known}}

    @functools.cached_property
    def _by_word(self) -> Mapping[str, TagChoice]:
        found: dict[str, set[int]] = {}
        for one in self.choices:
            for word in {one.path, one.name}:
                found.setdefault(fold(word) or word, set()).add(one.id)
        paths = {fold(one.path) or one.path: one for one in self.choices}
        return {**{word: self.by_id[next(iter(ids))] for word, ids in found.items() if len(ids) == 1}, **paths}

    @property
    def idle(self) -> bool:
        return not self.choices

    def shown(self, value: Sequence[int] | None) -> list[TagChoice]:
        """The tags of a value, each once, in their order."""
        found = {self.by_id[number].id for number in value or () if number in self.by_id}
        return [one for one in self.choices if one.id in found]

    def find(self, text: str) -> TagChoice:
        """The tag somebody chose or typed. Raises `Invalid`."""
        word = text.strip()
        number = word.removeprefix("#")
        if word.startswith("#") and number.isdecimal() and int(number[:18]) in self.by_id:
            return self.by_id[int(number[:18])]
        found = self._by_word.get(fold(word) or word)
        if found is None:
            raise Invalid(_("There is no tag “%(name)s”. Choose one of the list.", name=excerpt(word)))
        return found

    def number_of(self, word: str) -> int:
        return self.find(word).id

    def text(self, value: tuple[int, ...]) -> str:
        return ", ".join(one.path for one in self.shown(value))

    def edit_text(self, value: tuple[int, ...]) -> str:
        shown = self.shown(value)
        return ",".join(one.code for one in shown) if self._boxes else ", ".join(one.path for one in shown)

    def html(self, value: tuple[int, ...]) -> str:
        return " ".join(f'<span class="tag">{dot(one.color)}{escape(one.name)}</span>' for one in self.shown(value))

    @property
    def _boxes(self) -> bool:
        return len(self.choices) <= BOXES_UP_TO

    def control(self) -> Control:
        options = [Option(one.code, one.path) for one in self.choices]
        return Control("checkboxes", options=options) if self._boxes else Control("text")

    def operand(self, raw: str) -> frozenset[int]:
        wanted = self.find(raw).covers
        return wanted | {old for old, new in (self.alias or {}).items() if new in wanted}

    def compare(self, column: ColumnElement[Any], operator: str, operands: Sequence[Any]) -> ColumnElement[bool]:
        if operator in (EMPTY.name, FILLED.name):
            filled = _linked(column, frozenset(self.by_id))
            return filled if operator == FILLED.name else not_(filled)
        return super().compare(column, operator, operands)

    def samples(self) -> Samples:
        good = {one.path: (one.id,) for one in self.choices}
        return Samples(good, ["#0", "no such tag", "\x00", "<b>", "#" + "9" * 1_000])


def dot(color: str) -> str:
    """The colour of a tag: a dot beside its name, so that no text rests on a colour somebody chose (UX 3.3)."""
    return (
        '<svg class="tag-dot" viewBox="0 0 8 8" width="8" height="8" aria-hidden="true">'
        f'<circle cx="4" cy="4" r="4" fill="{escape(color)}"/></svg>'
    )
