"""Home: cards in the order each person wants them, first steps, and what happened last (UX 2.14, UI-5)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from core.access.preferences import CARDS, HIDDEN, STARTED, choose, preferences_of
from core.data.history import Operation, summarise_all
from core.data.unit import transaction
from core.errors import NotFound
from core.i18n import lazy as _
from core.registry import CORE
from core.web.contexts import HistoryLine, PanelBox
from core.web.current import here
from core.web.describe import describe_operations
from core.web.first_steps import first_steps
from core.web.home_contexts import HomeCard, HomePage
from core.web.policy import SIGNED_IN, policy
from core.web.responses import page, see
from core.web.shell import make_shell
from core.web.widgets import make_cards

blueprint = Blueprint("home", __name__)
SHOWN = 10
RECENT = f"{CORE}.recent"
UP, DOWN, HIDE, SHOW = "up", "down", "hide", "show"


@blueprint.get("/")
@policy(SIGNED_IN)
def index() -> Response:
    """The first page after sign-in; with `?arrange=1` its cards are moved, put away and brought back."""
    arranging = "arrange" in request.args
    chosen = preferences_of(here().user)
    cards = _cards(() if arranging else chosen.hidden)
    content = HomePage(
        cards=[card for card in cards if card.name not in chosen.hidden],
        hidden=[card for card in cards if card.name in chosen.hidden],
        arranging=arranging,
        steps=first_steps() if chosen.started else [],
    )
    return page("core/home.html", page=content, shell=make_shell(_("Home")))


def _cards(hidden: frozenset[str] | tuple[()]) -> list[HomeCard]:
    """The cards in the person's order; what he never placed follows as modules declare it."""
    places = {name: place for place, name in enumerate(preferences_of(here().user).cards)}
    cards = make_cards(hidden)
    if RECENT not in hidden:
        cards.append(HomeCard(RECENT, PanelBox(_("Latest changes"), "", ""), lines=_recent()))
    return sorted(cards, key=lambda card: places.get(card.name, len(places)))


def _recent() -> list[HistoryLine]:
    surroundings = here()
    statement = (
        select(Operation).where(Operation.actor_id == surroundings.actor.id).order_by(Operation.id.desc()).limit(SHOWN)
    )
    operations = surroundings.session.scalars(statement).all()
    said = describe_operations(summarise_all(surroundings.session, operations))
    return [
        HistoryLine(operation.at, operation.actor_name, what, operation.cause, [])
        for operation, what in zip(operations, said, strict=True)
    ]


@blueprint.post("/home/cards")
@policy(SIGNED_IN)
def arrange() -> Response:
    """Move a card by one place, put it away, or bring it back: for this person only."""
    chosen = preferences_of(here().user)
    names = [card.name for card in _cards(())]
    name, do = request.form.get("card", ""), request.form.get("do")
    if name not in names:
        raise NotFound(_("There is no such card"))
    hidden = set(chosen.hidden)
    if do in (HIDE, SHOW):
        hidden = hidden | {name} if do == HIDE else hidden - {name}
    elif do in (UP, DOWN):
        shown = [one for one in names if one not in hidden]
        if name in shown:
            place = shown.index(name)
            other = shown[max(0, min(place + (1 if do == DOWN else -1), len(shown) - 1))]
            one, two = names.index(name), names.index(other)
            names[one], names[two] = names[two], names[one]
    user_id = here().actor.id
    assert user_id is not None, "who is signed in has an account"
    here().fresh()
    with transaction("preferences") as unit:
        choose(unit, user_id, **{CARDS: names, HIDDEN: sorted(hidden)})
    return see(url_for("home.index", arrange=1))


@blueprint.post("/home/started")
@policy(SIGNED_IN)
def started() -> Response:
    """Put the card of first steps away, or bring it back."""
    user_id = here().actor.id
    assert user_id is not None, "who is signed in has an account"
    here().fresh()
    with transaction("preferences") as unit:
        choose(unit, user_id, **{STARTED: request.form.get("shown") == "on"})
    return see(url_for("home.index"))
