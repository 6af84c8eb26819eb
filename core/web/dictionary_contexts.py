"""What the templates of the lists of values are given; see `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from core.fields import Option
from core.i18n import Text


@dataclass(frozen=True, slots=True)
class ListLine:
    """One list: its first values as they look, and the fields that are chosen from it."""

    label: Text
    url: str
    places: str
    shown: Markup


@dataclass(frozen=True, slots=True)
class ListGroup:
    """The lists of one module."""

    label: Text
    lines: Sequence[ListLine]


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One value of a list, and what can be done with it. `labels`: by language; an empty one is missing."""

    name: str
    shown: Markup
    labels: Sequence[tuple[str, str]]
    code: str
    countries: str
    active: bool
    edit_url: str
    move_url: str
    switch_url: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class ValuesPage:
    """The values of one list in their order."""

    heading: Text
    places: str
    url: str
    new_url: str
    languages: Sequence[tuple[str, str]]
    by_country: bool
    lines: Sequence[ValueLine]


@dataclass(frozen=True, slots=True)
class RemovePage:
    """Which value takes the place of one that is removed; `options` are empty when nothing has it."""

    heading: Text
    url: str
    version: int
    said: Sequence[Text]
    options: Sequence[Option]
    error: Text | None
    cancel_url: str
