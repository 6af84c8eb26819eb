"""Values chosen from a list of the installation: one of its people, teams or companies, or several of them.

The registry binds the list when it is built, as it does for dictionaries; what is stored is the id of the list's row.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from markupsafe import escape
from sqlalchemy import ColumnElement, ForeignKey, String, column, select, table
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import Invalid
from core.fields.base import EMPTY, FILLED, IN, Control, FieldType, LinkLike, Operator, Option, Samples
from core.fields.keys import excerpt, fold
from core.fields.links import id_column_type
from core.i18n import lazy as _, lazy_context

PEOPLE = "core.people"
TEAMS = "core.teams"
COMPANIES = "core.companies"
MAXIMUM_CHOSEN = 50
"""Rows one value of several may hold."""
HAS = Operator("has", lazy_context("operator", "includes"), "one")

LINKS = table(
    "core_link",
    *(column(name) for name in ("source_table", "source_column", "record_id", "target_id")),
)
"""The ids that fields of several values hold, one a row, so that filters and scopes find records by them."""


@dataclass(frozen=True, eq=False)
class Listed:
    """What both types share: the list, and how its rows are named."""

    dictionary: str
    """`core.people`, `core.teams` or `core.companies`."""
    options: tuple[Option, ...] = ()
    """The rows there are, by id; none while the list is not bound."""

    def bound(self, options: Sequence[Option]) -> Self:
        """This type with the rows of its list."""
        return replace(self, options=tuple(options))

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose: no row, or only the one company everything belongs to (TP-14)."""
        return len(self.options) < (2 if self.dictionary == COMPANIES else 1)

    @functools.cached_property
    def by_id(self) -> dict[int, Option]:
        """The rows by their ids."""
        return {int(option.code): option for option in self.options}

    @functools.cached_property
    def ids_by_name(self) -> dict[str, int]:
        """Folded name -> id; a name two rows share means neither."""
        found: dict[str, set[int]] = {}
        for option in self.options:
            found.setdefault(fold(str(option.label)) or str(option.label), set()).add(int(option.code))
        return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}

    def find(self, text: str) -> int:
        """The id a person typed, or that of the name. Raises `Invalid`."""
        if text.isascii() and text.isdecimal() and len(text) < 19 and int(text) in self.by_id:
            return int(text)
        found = self.ids_by_name.get(fold(text) or text[:MAXIMUM_CHOSEN])
        if found is None:
            raise self.unknown(text)
        return found

    def unknown(self, text: str) -> Invalid:
        """What to say of a value that is not in the list."""
        return Invalid(_("%(text)s is not in the list. Choose one of its values.", text=excerpt(text)))

    def name_of(self, number: int) -> str:
        """The name of a row; its number when it is gone."""
        option = self.by_id.get(number)
        return f"#{number}" if option is None else str(option.label)


@dataclass(frozen=True, eq=False)
class OneOf(Listed, LinkLike[int]):
    """One row of a list of the installation, such as the owner of a record (TP-3)."""

    name = "one_of"

    to: str = "core_user"
    on_merge: ClassVar[Literal["keep"]] = "keep"
    on_delete: ClassVar[Literal["refuse"]] = "refuse"

    def foreign_keys(self) -> Sequence[Any]:
        return [ForeignKey(f"{self.to}.id")]

    def column_type(self) -> TypeEngine[Any]:
        return id_column_type()

    def read(self, text: str) -> int:
        return self.find(text)

    def check(self, value: int) -> int:
        if value not in self.by_id:
            raise self.unknown(str(value))
        return value

    def load(self, text: str) -> int:
        return int(text)

    def text(self, value: int) -> str:
        return self.name_of(value)

    def edit_text(self, value: int) -> str:
        return str(value)

    def control(self) -> Control:
        return Control("select", options=self.options)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1}

    def samples(self) -> Samples:
        return Samples({option.code: int(option.code) for option in self.options}, ["0", "-1", "nobody", "\x00", "<b>"])


class Numbers(TypeDecorator[tuple[int, ...]]):
    """Ids kept in one column as `3,17`."""

    impl = String(20 * MAXIMUM_CHOSEN)
    cache_ok = True

    def process_bind_param(self, value: tuple[int, ...] | None, dialect: Any) -> str | None:
        """The text of the ids."""
        return ",".join(map(str, value)) if value else None

    def process_result_value(self, value: str | None, dialect: Any) -> tuple[int, ...] | None:
        """The ids of the text."""
        return tuple(map(int, value.split(","))) if value else None


@dataclass(frozen=True, eq=False)
class SeveralOf(Listed, FieldType[tuple[int, ...]]):
    """Several rows of a list of the installation, such as the representatives of a third party (TP-7, TP-14)."""

    name = "several_of"
    operators = (HAS, IN, EMPTY, FILLED)
    merge = "unite"
    multiple = True

    def column_type(self) -> TypeEngine[Any]:
        return Numbers()

    def read(self, text: str) -> tuple[int, ...]:
        return self.check(
            tuple(self.find(part.strip()) for part in text.split(",")[: MAXIMUM_CHOSEN + 1] if part.strip())
        )

    def check(self, value: tuple[int, ...]) -> tuple[int, ...]:
        chosen = tuple(sorted(set(value)))
        if len(chosen) > MAXIMUM_CHOSEN:
            raise Invalid(_("Choose at most %(number)s", number=MAXIMUM_CHOSEN))
        for number in chosen:
            if number not in self.by_id:
                raise self.unknown(str(number))
        return chosen

    def parse(self, raw: str) -> tuple[int, ...] | None:
        return super().parse(raw) or None

    def dump(self, value: tuple[int, ...]) -> str:
        return ",".join(map(str, value))

    def load(self, text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(",") if part)

    def text(self, value: tuple[int, ...]) -> str:
        return ", ".join(self.name_of(number) for number in value)

    def html(self, value: tuple[int, ...]) -> str:
        return str(escape(self.text(value)))

    def edit_text(self, value: tuple[int, ...]) -> str:
        return self.dump(value)

    def control(self) -> Control:
        return Control("checkboxes", options=self.options)

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator == EMPTY.name:
            return column.is_(None)
        if operator == FILLED.name:
            return column.is_not(None)
        return holds(column, [self.find(value.strip()) for value in values])

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": MAXIMUM_CHOSEN}

    def samples(self) -> Samples:
        good: dict[str, tuple[int, ...]] = {option.code: (int(option.code),) for option in self.options}
        if len(self.options) > 1:
            numbers = tuple(sorted(int(option.code) for option in self.options[:2]))
            good[f"{numbers[1]}, {numbers[0]}"] = numbers
        return Samples(good, ["0", "-1", "nobody", "\x00", "<b>", "1,x"])


def holds(source: Any, wanted: Sequence[int] | frozenset[int]) -> ColumnElement[bool]:
    """Whether the field of several values in column `source` holds one of these ids; found through the index of links."""
    found = select(LINKS.c.record_id).where(
        LINKS.c.source_table == source.table.name, LINKS.c.source_column == source.name, LINKS.c.target_id.in_(wanted)
    )
    identity = next(iter(source.table.primary_key.columns))
    condition: ColumnElement[bool] = identity.in_(found)
    return condition
