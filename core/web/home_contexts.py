"""What the template of the home page is given; the others stand in `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import Text
from core.web.contexts import HistoryLine, PanelBox
from core.web.first_steps import FirstStep


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of rows, and the list that shows exactly these."""

    label: Text
    tone: str | None
    number: str
    url: str
    icon: str = ""


@dataclass(frozen=True, slots=True)
class HomeCard:
    """A card of the home page: figures, or a plugin's own HTML in its box, which also tells when either failed."""

    name: str
    """Of its module and its own, for the person's choice of cards."""
    box: PanelBox
    figures: Sequence[Figure] | None = None
    lines: Sequence[HistoryLine] | None = None
    """What happened lately, on the core's own card."""


@dataclass(frozen=True, slots=True)
class HomePage:
    """The first page after sign-in: the cards in the person's order."""

    cards: Sequence[HomeCard]
    hidden: Sequence[HomeCard]
    """Those the person does not want to see; only while cards are arranged."""
    arranging: bool
    steps: Sequence[FirstStep]
    """What is to be done first; empty once the card was put away."""
