"""Text of one line and of many lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_
from sqlalchemy.types import TypeEngine

from core.errors import ContractError, Invalid
from core.fields.base import CONTAINS, EMPTY, FILLED, IN, IS, IS_NOT, STARTS, Control, FieldType, Operator, Samples
from core.fields.keys import KEY_LENGTH, binary_string, fold
from core.i18n import format_integer, lazy as _

_LAST = "\U0010ffff"
"""Sorts after every character a key can hold."""

_UNSTORABLE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_REFUSED_IN_LINES = re.compile(f"[{_UNSTORABLE}]")
_REFUSED_IN_LINE = re.compile(f"[{_UNSTORABLE}\\t\\n\\r\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_INVISIBLE_ENDS = "\ufeff\u200b\u2060"


class StoredText(FieldType[str]):
    """A value kept as a text of at most `maximum` characters, found by its parts as they are written."""

    maximum: int
    multiline: bool = False

    def column_type(self) -> TypeEngine[Any]:
        return binary_string(self.maximum)

    def read(self, text: str) -> str:
        return text

    def check(self, value: str) -> str:
        return clean(value, self.maximum, self.multiline)

    def load(self, text: str) -> str:
        return text

    def control(self) -> Control:
        kind = "textarea" if self.multiline else "text"
        return Control(kind, {"maxlength": str(self.maximum), **self.attributes})

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator in (CONTAINS.name, STARTS.name):
            return self.compare(column, operator, [self.fragment(values[0])])
        return super().criterion(column, operator, values)

    def fragment(self, raw: str) -> str:
        """A typed part of a text, to look for in values. Raises `Invalid`."""
        if not raw.strip():
            raise Invalid(_("Enter a value to compare with"))
        return clean(raw, KEY_LENGTH, multiline=True)

    def schema(self) -> dict[str, Any]:
        return {**self.json, "minLength": 1, "maxLength": self.maximum}

    def samples(self) -> Samples:
        kept = (
            "Martin", "<script>alert(1)</script>", "\"><img src=x onerror='a'>", "{{ 7*7 }} ${7*7} %(a)s", "=1+1",
            "'; DROP TABLE x; --", "100 %_\\/", "株式会社 サンプル", "شركة المثال", "👩‍🚀 Søren ½", "!!!", "x" * self.maximum,
        )  # fmt: skip
        good = {text: text for text in kept}
        good |= {"  Boulangerie Éloïse & fils  ": "Boulangerie Éloïse & fils", "E\u0301le\u0300ve": "Élève"}
        longer = ["x" * (self.maximum + 1), "x" * 1_000_000]
        bad = ["a\x00b", "a\x1bb", "a\x85b", "a\ud800b", "a\ufffeb", "\u200b\ufeff", *longer]
        if self.multiline:
            good["one\r\n\ttwo\rthree"] = "one\n\ttwo\nthree"
        else:
            bad += ["a\nb", "a\tb", "a\u2028b", "a\u202eb", "a\u2066b"]
        return Samples({typed: stored for typed, stored in good.items() if len(stored) <= self.maximum}, bad)


class LongText(StoredText):
    """Plain text of many lines; found by its words as written, since nobody sorts by it."""

    name = "longtext"
    operators = (CONTAINS, EMPTY, FILLED)
    maximum = 20_000
    multiline = True
    attributes = {"rows": "5"}


class KeyedText(StoredText):
    """A text compared by the normalised key beside it (PERFORMANCE D1).

    Without a key (custom fields, fields neither listed nor searched) it is compared as written.
    """

    operators: ClassVar[tuple[Operator, ...]] = (CONTAINS, IS, IS_NOT, STARTS, IN, EMPTY, FILLED)
    keyed = True

    def key(self, value: str) -> str | None:
        return fold(value)

    def part(self, raw: str) -> str:
        """A typed part of a text, to look for in keys. Raises `Invalid` when nothing of it could be found."""
        return found_by(self.key(self.fragment(raw)))

    def key_criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator == CONTAINS.name:
            return column.contains(self.part(values[0]), autoescape=True)
        if operator == STARTS.name:  # a range, so that the sort index serves it (PERFORMANCE 1.2)
            start = self.part(values[0])
            return and_(column >= start, column < start + _LAST)
        return self.compare(column, operator, [found_by(self.key(self.operand(value))) for value in values])

    def search_term(self, text: str) -> str | None:
        return self.key(text.strip()) or None


def found_by(key: str | None) -> str:
    """`key`, refused when nothing is left to compare with."""
    if not key:
        raise Invalid(_("Enter at least one letter or digit to search for"))
    return key


@dataclass(frozen=True, eq=False)
class Text(KeyedText):
    """Text of at most `maximum` characters, searched and sorted without accents, case and punctuation."""

    name = "text"

    maximum: int
    multiline: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.maximum <= KEY_LENGTH:
            raise ContractError(f"Text holds 1 to {KEY_LENGTH} characters; use LongText for more")


def clean(value: str, maximum: int, multiline: bool) -> str:
    """`value` trimmed and composed (NFC); raises `Invalid` when too long or holding what cannot be shown."""
    text = value.strip()
    if len(text) > maximum:
        raise too_long(len(text), maximum)
    if not text.isprintable():
        if multiline:
            text = _LINE_ENDS.sub("\n", text)
        refused = (_REFUSED_IN_LINES if multiline else _REFUSED_IN_LINE).search(text)
        if refused:
            raise _refusal(refused)
        while (trimmed := text.strip(_INVISIBLE_ENDS).strip()) != text:
            text = trimmed
        if all(unicodedata.category(char) in ("Cf", "Zs") for char in text):
            text = ""
    if not text:
        raise Invalid(_("Enter visible characters"))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        if len(text) > maximum:  # a few characters grow when composed
            raise too_long(len(text), maximum)
    return text


def too_long(length: int, maximum: int) -> Invalid:
    """The refusal of a text longer than its field."""
    return Invalid(
        _(
            "This text has %(length)s characters; the limit is %(limit)s. Shorten it.",
            length=format_integer(length), limit=format_integer(maximum),
        )
    )  # fmt: skip


def _refusal(found: re.Match[str]) -> Invalid:
    char = found.group()
    if char in "\n\r\u2028\u2029":
        return Invalid(_("This field holds one line. Remove the line break."))
    if char == "\t":
        return Invalid(_("This field cannot hold a tab. Replace it with a blank."))
    named = unicodedata.name(char, "")
    code = f"U+{ord(char):04X}" + (f" ({named})" if named else "")
    return Invalid(
        _(
            "Character %(position)s is invisible and cannot be stored: %(code)s. Remove it.",
            position=format_integer(found.start() + 1), code=code,
        )
    )  # fmt: skip
