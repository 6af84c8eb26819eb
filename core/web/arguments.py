"""What stands in addresses and forms, read the same way everywhere."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

LARGEST_NUMBER = 2**63 - 1
"""What a database can hold; anything larger is nobody's number."""
_LONGEST = len(str(LARGEST_NUMBER))


def number_argument(values: MultiDict[str, str], name: str) -> int | None:
    """The whole number called `name` in `request.args` or `request.form`.

    None when it is missing, is no whole number, or is one no database could hold: it would fail only there (issue A,
    bad input).
    """
    text = values.get(name, "").strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST):
        return None
    number = int(text)
    return number if abs(number) <= LARGEST_NUMBER else None


def last_values(values: MultiDict[str, str]) -> dict[str, str]:
    """Each name with the last of its values: a checkbox sends "off" always, and "on" after it when it is ticked."""
    return dict(values.items(multi=True))


def is_ticked(values: MultiDict[str, str], name: str) -> bool:
    """Whether a checkbox was sent ticked."""
    return last_values(values).get(name) == "on"
