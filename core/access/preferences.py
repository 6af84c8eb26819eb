"""What a person chose about the pages: kept on the account, so that it is the same on every machine (UX 1.1, 1.6, 2.14).

The choices stand in one column of the account, which every request reads anyway: they cost no statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.access.models import User
from core.data.unit import Unit

KEYS, NARROW, CARDS, HIDDEN, STARTED = "keys", "narrow", "cards", "hidden", "started"
MAXIMUM_CARDS = 200


@dataclass(frozen=True, slots=True)
class Preferences:
    """Choices of one person; the defaults are those of somebody who chose nothing."""

    keys: bool = True
    """Whether single keys and sequences of letters do something (WCAG 2.1.4)."""
    narrow: bool = False
    """Whether the menu shows icons only."""
    cards: Sequence[str] = ()
    """Cards of the home page in the person's order; others follow in their own."""
    hidden: frozenset[str] = frozenset()
    """Cards the person does not want to see."""
    started: bool = True
    """Whether the card of first steps is shown."""


def preferences_of(user: User | None) -> Preferences:
    """The choices of an account; what is stored and not understood counts as not chosen."""
    stored: Any = user.preferences if user is not None else None
    if not isinstance(stored, dict):
        return Preferences()
    return Preferences(
        keys=stored.get(KEYS) is not False,
        narrow=stored.get(NARROW) is True,
        cards=_names(stored.get(CARDS)),
        hidden=frozenset(_names(stored.get(HIDDEN))),
        started=stored.get(STARTED) is not False,
    )


def _names(stored: Any) -> tuple[str, ...]:
    names = stored if isinstance(stored, list) else ()
    return tuple(name for name in names if isinstance(name, str))[:MAXIMUM_CARDS]


def choose(unit: Unit, user_id: int, **choices: bool | Sequence[str]) -> None:
    """Set choices of an account, by the names above; the others stay."""
    user = unit.session.get_one(User, user_id)
    kept: Any = user.preferences if isinstance(user.preferences, dict) else {}
    user.preferences = {
        **kept,
        **{name: value if isinstance(value, bool) else list(value) for name, value in choices.items()},
    }
