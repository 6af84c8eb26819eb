"""Links from one record to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field as attribute
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Integer, cast
from sqlalchemy.types import TypeEngine

from core.errors import Invalid
from core.fields.base import Control, FieldType, Samples
from core.fields.keys import narrow
from core.i18n import lazy as _

MAXIMUM_ID = 2**63 - 1


def id_column_type() -> TypeEngine[Any]:
    """The SQL type of record ids and of columns that point at them; SQLite counts only plain INTEGER keys."""
    return BigInteger().with_variant(Integer(), "sqlite")


@dataclass(frozen=True, eq=False)
class RecordId(FieldType[int]):
    """The id of a record; what it is a record of, the two types below say.

    `on_merge`: the link moves to the surviving record, lists of both are united, or it stays. `on_delete`: the target
    cannot be deleted, this record goes to the bin with it, or the link is emptied.
    """

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

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": MAXIMUM_ID}

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

    There is no foreign key: the unit of work checks that the record is there,
    and what points at a record so is found through `core_reference`.
    """

    name = "any_link"

    entity_in: str


def _unknown() -> Invalid:
    return Invalid(_("This is not the number of a record. Choose a record from the list."))
