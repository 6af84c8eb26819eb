"""Links from one record to another, and to rows of the installation's lists: its people, teams and companies.

The registry binds a list when it is built, as it does for dictionaries; what is stored is the id of the list's row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field as attribute
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Integer, cast, column, select, table
from sqlalchemy.types import TypeEngine

from core.errors import Invalid
from core.fields.base import EMPTY, FILLED, IN, Control, Dumped, FieldType, Operator, Option, Samples
from core.fields.choices import Listed
from core.fields.keys import narrow
from core.i18n import lazy as _, lazy_context

MAXIMUM_ID = 2**63 - 1
PEOPLE = "core.people"
TEAMS = "core.teams"
COMPANIES = "core.companies"
MAXIMUM_CHOSEN = 50
"""Rows one value of several may hold."""
LINKS = table("core_link", *map(column, ("source_table", "source_column", "record_id", "target_id")))
"""The ids that fields of several values hold, one a row, so that filters and scopes find records by them."""


def id_column_type() -> TypeEngine[Any]:
    """The SQL type of record ids and of columns that point at them; SQLite counts only plain INTEGER keys."""
    return BigInteger().with_variant(Integer(), "sqlite")


@dataclass(frozen=True, eq=False)
class RecordId(FieldType[int]):
    """The id of a record; what it is a record of, the types below say.

    `on_merge`: the link moves to the surviving record, lists of both are united, or it stays. `on_delete`: the target
    cannot be deleted, this record goes to the bin with it, or the link is emptied.
    """

    json = {"type": "integer", "minimum": 1, "maximum": MAXIMUM_ID}

    on_merge: Literal["move", "unite", "keep"] = attribute(kw_only=True)
    on_delete: Literal["refuse", "bin", "unlink"] = attribute(kw_only=True)

    def column_type(self) -> TypeEngine[Any]:
        return id_column_type()

    def read(self, text: str) -> int:
        number = narrow(text.removeprefix("#"))
        if not (number.isascii() and number.isdecimal() and len(number) <= 19):
            raise _unknown()
        return int(number)

    def check(self, value: int) -> int:
        if not 1 <= value <= MAXIMUM_ID:
            raise _unknown()
        return value

    def load(self, text: str) -> int:
        if not 1 <= (number := int(text)) <= MAXIMUM_ID:
            raise ValueError("not the number of a record")
        return number

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        return cast(super().seat(extra, key), BigInteger)

    def text(self, value: int) -> str:
        """The bare reference; pages show the title of the record instead."""
        return f"#{value}"

    def samples(self) -> Samples:
        good = {"1": 1, "#42": 42, " 7 ": 7, "１２": 12, str(MAXIMUM_ID): MAXIMUM_ID}
        bad = ["0", "-1", "1.5", "1e3", "1,000", "x", "NaN", "٣", "1\x00", "<b>1</b>", str(2**63), "9" * 1_000_000]
        return Samples(good, bad)


@dataclass(frozen=True, eq=False)
class Link(RecordId):
    """The id of a record of the table `to`."""

    name = "link"

    to: str

    def foreign_keys(self) -> Sequence[ForeignKey]:
        return [ForeignKey(f"{self.to}.id")]

    def control(self) -> Control:
        return Control("link", {"data-to": self.to})


@dataclass(frozen=True, eq=False)
class AnyLink(RecordId):
    """The id of a record of any entity; the column `entity_in` of the same row names the entity (DESIGN 6).

    There is no foreign key: the unit of work checks that the record is there, and what points at a record so is found
    through `core_reference`.
    """

    name = "any_link"

    entity_in: str


def _unknown() -> Invalid:
    return Invalid(_("This is not the number of a record. Choose a record from the list."))


def holds(source: Any, wanted: Sequence[int] | frozenset[int]) -> ColumnElement[bool]:
    """Whether the field of several values in column `source` holds one of these ids; found through the index of links."""
    found = select(LINKS.c.record_id).where(
        LINKS.c.source_table == source.table.name, LINKS.c.source_column == source.name, LINKS.c.target_id.in_(wanted)
    )
    identity = next(iter(source.table.primary_key.columns))
    condition: ColumnElement[bool] = identity.in_(found)
    return condition


HAS = Operator("has", lazy_context("operator", "includes"), "one", lambda column, *wanted: holds(column, wanted))
HAS_ONE_OF = IN._replace(test=HAS.test)


class Installed(Listed):
    """What both types share: a list of the installation, whose codes are the ids of its rows."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose: no row, or only the one company everything belongs to (TP-14)."""
        return len(self.options) < (2 if self.dictionary == COMPANIES else 1)

    def name_of(self, number: int) -> str:
        """The name of a row; its number when it is gone."""
        return self.label_of(str(number), f"#{number}")


@dataclass(frozen=True, eq=False)
class OneOf(Installed, RecordId):
    """One row of a list of the installation, such as the owner of a record (TP-3)."""

    name = "one_of"

    dictionary: str
    """`core.people`, `core.teams` or `core.companies`."""
    options: Sequence[Option] = ()
    to: str = "core_user"
    on_merge: Literal["move", "unite", "keep"] = attribute(default="keep", kw_only=True)
    on_delete: Literal["refuse", "bin", "unlink"] = attribute(default="refuse", kw_only=True)

    def foreign_keys(self) -> Sequence[ForeignKey]:
        return [ForeignKey(f"{self.to}.id")]

    def read(self, text: str) -> int:
        return int(self.find(text))

    def check(self, value: int) -> int:
        return int(self.known(str(value)))

    def text(self, value: int) -> str:
        return self.name_of(value)

    def control(self) -> Control:
        return Control("select", options=self.allowed)

    def samples(self) -> Samples:
        return Samples({code: int(code) for code in self.by_code}, ["0", "-1", "nobody", "\x00", "<b>"])


class SeveralNumbers(FieldType[tuple[int, ...]]):
    """Ids of several rows, each once and in order; `HAS` and the like find them through the index of links."""

    merge = "unite"
    multiple = True
    json = {"type": "array", "items": RecordId.json, "maxItems": MAXIMUM_CHOSEN}

    @abstractmethod
    def number_of(self, word: str) -> int:
        """The id of the row somebody chose or typed. Raises `Invalid`."""

    def allowed_number(self, number: int) -> int:
        """The id, where it may be held; raises `Invalid` otherwise."""
        return int(number)

    def column_type(self) -> TypeEngine[Any]:
        return Dumped(self, 20 * MAXIMUM_CHOSEN)

    def parse(self, raw: str) -> tuple[int, ...] | None:
        return super().parse(raw) or None

    def read(self, text: str) -> tuple[int, ...]:
        return tuple(self.number_of(part) for part in text.split(",")[: MAXIMUM_CHOSEN + 1] if part.strip())

    def check(self, value: tuple[int, ...]) -> tuple[int, ...]:
        chosen = tuple(sorted({self.allowed_number(number) for number in value}))
        if len(chosen) > MAXIMUM_CHOSEN:
            raise Invalid(_("Choose at most %(number)s", number=MAXIMUM_CHOSEN))
        return chosen

    def dump(self, value: tuple[int, ...]) -> str:
        return ",".join(map(str, value))

    def load(self, text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split(",") if part)


@dataclass(frozen=True, eq=False)
class SeveralOf(Installed, SeveralNumbers):
    """Several rows of a list of the installation, such as the representatives of a third party (TP-7, TP-14)."""

    name = "several_of"
    operators = (HAS, HAS_ONE_OF, EMPTY, FILLED)

    dictionary: str
    """As for `OneOf`."""
    options: Sequence[Option] = ()

    def number_of(self, word: str) -> int:
        return int(self.find(word.strip()))

    def allowed_number(self, number: int) -> int:
        return int(self.known(str(number)))

    def text(self, value: tuple[int, ...]) -> str:
        return ", ".join(map(self.name_of, value))

    def control(self) -> Control:
        return Control("checkboxes", options=self.allowed)

    def operand(self, raw: str) -> int:
        return self.number_of(raw)

    def samples(self) -> Samples:
        good: dict[str, tuple[int, ...]] = {code: (int(code),) for code in self.by_code}
        if len(good) > 1:
            low, high = sorted(map(int, list(good)[:2]))
            good[f"{high}, {low}"] = (low, high)
        return Samples(good, ["0", "-1", "nobody", "\x00", "<b>", "1,x"])
