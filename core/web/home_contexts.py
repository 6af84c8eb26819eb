"""What the template of the home page is given; the others stand in `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import Text
from core.web.contexts import HistoryLine, PanelBox


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of rows, and the list that shows exactly these."""

    label: Text
    tone: str | None
    number: str
    url: str


@dataclass(frozen=True, slots=True)
class HomeCard:
    """A card of the home page: figures, or a plugin's own HTML in its box, which also tells when either failed."""

    box: PanelBox
    figures: Sequence[Figure] | None = None


@dataclass(frozen=True, slots=True)
class HomePage:
    """The first page after sign-in: cards of plugins, and the user's latest operations."""

    cards: Sequence[HomeCard]
    recent: Sequence[HistoryLine]
