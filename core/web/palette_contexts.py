"""What the templates of the search and of the command palette are given (UX 1.3); see `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import Text


@dataclass(frozen=True, slots=True)
class PaletteOption:
    """Something to open or to do. With `fields` a form with these values is sent to `url`, else it is a link."""

    label: Text
    url: str
    icon: str
    detail: str = ""
    keys: str = ""
    fields: Sequence[tuple[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class PaletteGroup:
    """Options of one kind, under their heading."""

    label: Text
    options: Sequence[PaletteOption]


@dataclass(frozen=True, slots=True)
class Palette:
    """What the palette shows for what is typed in it; `all_url` is empty while nothing is."""

    groups: Sequence[PaletteGroup]
    number: Text
    all_url: str = ""
    all_label: Text = ""


@dataclass(frozen=True, slots=True)
class SearchGroup:
    """What was found in one list; `more_url` leads to the list with all of it."""

    label: Text
    icon: str
    hits: Sequence[PaletteOption]
    more_url: str
    more_label: Text


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The results of a search (UX 1.3)."""

    text: str
    groups: Sequence[SearchGroup]
    number: Text | None
    lists: Sequence[Text]
    """What is searched, said while nothing was asked for."""
