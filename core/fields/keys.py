"""Normalised keys: what texts are sorted, searched and compared by, the same on both databases (PERFORMANCE D1).

Also the few text helpers every field type shares.
"""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

from sqlalchemy import ColumnElement, String, func, or_
from sqlalchemy.types import TypeEngine

KEY_LENGTH = 255
"""Keys are cut here; no keyed text is longer."""

_STRIPPED = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)  # fmt: skip
"""Accents of alphabets that are read without them. Marks of other scripts (Thai, Devanagari, kana) are letters."""

_SPELLED = {
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i", "ŋ": "n",
}  # fmt: skip
"""Letters that no Unicode decomposition takes apart, though people type them so."""


class _Folding(dict[int, str]):
    """Code point -> its folded text, worked out once."""

    def __missing__(self, code: int) -> str:
        folded = "".join(map(self.letter, unicodedata.normalize("NFKD", chr(code).casefold())))
        self[code] = folded
        return folded

    @staticmethod
    def letter(char: str) -> str:
        """One decomposed, lower-case character: itself, nothing, or a blank."""
        if any(first <= ord(char) <= last for first, last in _STRIPPED):
            return ""
        char = char.casefold()
        if char.isalnum():
            return _SPELLED.get(char, char)
        category = unicodedata.category(char[:1])
        if category in ("Mn", "Mc"):
            return char
        return "" if category in ("Cf", "Me") else " "


_folding = _Folding()


def fold(text: str, limit: int = KEY_LENGTH) -> str | None:
    """`L'Œuvre & Søn, S.A.` -> `l oeuvre son s a`; None when no letter or digit remains."""
    folded = text[: 4 * limit].translate(_folding)
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded)
    return " ".join(folded.split())[:limit].rstrip() or None


_NARROW = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(
    map(ord, "\N{IDEOGRAPHIC SPACE}\u00a0\u202f\u2009\u2007\t"), " "
)


def narrow(text: str) -> str:
    """Full-width characters (Japanese keyboards) and odd blanks as the ASCII ones; other scripts' digits stay."""
    return text.translate(_NARROW)


def digits(text: str) -> str | None:
    """Only the digits of `text`, None when there is none: the key of telephone numbers."""
    return "".join(char for char in narrow(text) if "0" <= char <= "9")[:KEY_LENGTH] or None


def binary_string(length: int | None = None) -> TypeEngine[Any]:
    """A text column ordered by code point on both databases (SQLite's BINARY is PostgreSQL's "C")."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def in_any_case(column: ColumnElement[Any], test: Literal["contains", "startswith"], part: str) -> ColumnElement[bool]:
    """Whether a text holds or begins with `part`, in capitals or not.

    Both databases lower only ASCII letters in our collation, so accented capitals are asked for as well.
    """
    spellings = sorted({spelling.translate(_ASCII_LOWER) for spelling in (part, part.lower(), part.upper())})
    lowered = getattr(func.lower(column), test)
    return or_(*(lowered(spelling, autoescape=True) for spelling in spellings))


def key_column_type() -> TypeEngine[Any]:
    """The SQL type of the key column beside a keyed field."""
    return binary_string(KEY_LENGTH)


def excerpt(text: str, limit: int = 40) -> str:
    """The beginning of a typed text, safe to repeat in a message."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:limit])
    return shown + "…" if len(text) > limit else shown
