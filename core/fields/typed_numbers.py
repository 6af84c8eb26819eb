"""Numbers as people type them: thousands marks, `,` or `.` before decimals, true minus signs (UX 2.4)."""

from __future__ import annotations

import re
from typing import NamedTuple

from babel import numbers

from core.fields.keys import narrow
from core.i18n import babel_locale, current_locale, decimal_mark

LONGEST = 60
"""More characters than any number needs."""
_GLYPHS = str.maketrans(
    dict.fromkeys("\u00a0\u202f\u2009\u2007\t", " ")
    | dict.fromkeys("\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}", "'")
    | dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}\N{NON-BREAKING HYPHEN}\N{HYPHEN}", "-")
)
_WHOLE = re.compile(
    r"[0-9]*|[0-9]{1,3}(?P<mark>[ ',.])[0-9]{3}(?:(?P=mark)[0-9]{3})*|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"  # 12,34,567 in India
)
_BODY = re.compile(r"([+-]?) ?([0-9 ',.]*[0-9][0-9 ',.]*)")
_SEPARATORS = str.maketrans("", "", " ',.")


class Typed(NamedTuple):
    """A number taken apart: sign, digits before and after the decimal mark."""

    sign: str
    whole: str
    decimals: str
    usual: bool
    """Whether the decimal mark is the region's own."""


def take_apart(raw: str) -> Typed | None:
    """The parts of a typed number; None when it is none. Where `1,234` has two readings the region decides."""
    if raw.isdecimal() and raw.isascii() and len(raw) <= LONGEST:
        return Typed("", raw, "", True)
    found = _BODY.fullmatch(narrow(raw).translate(_GLYPHS)) if len(raw) <= LONGEST else None
    if found is None:
        return None
    sign, body = found.groups()
    last = max(body.rfind(","), body.rfind("."))
    mark, whole, decimals, usual = body[last], body[:last], body[last + 1 :], True
    if last < 0 or mark in whole or _groups(mark, whole, decimals):
        whole, decimals = body, ""
    else:
        usual = mark == decimal_mark()
    if not _WHOLE.fullmatch(whole) or (decimals and not decimals.isdecimal()):
        return None
    return Typed(sign.replace("+", ""), whole.translate(_SEPARATORS) or "0", decimals, usual)


def _groups(mark: str, whole: str, decimals: str) -> bool:
    """Whether a lone mark parts thousands: `1,234` in Great Britain, not in France."""
    if len(decimals) != 3 or not whole.isdecimal() or len(whole) > 3 or whole.startswith("0"):
        return False
    return mark != decimal_mark() and mark == numbers.get_group_symbol(babel_locale(current_locale()))
