"""Where mischief meets Comptoir: every hook there is, each of which misbehaves when asked to."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from comptoir_mischief.misdeeds import Mischief, act, asked, try_again, witness
from comptoir_mischief.models import Prank, Trick
from core.api import (
    Action,
    Change,
    Check,
    CheckResult,
    Facet,
    MenuItem,
    Panel,
    Record,
    Tab,
    Unit,
    Veto,
    Widget,
    ask,
    hookimpl,
    lazy as _,
    policy,
)
from plugins.thirdparty.api import ThirdParty

act("hooks")


@hookimpl
def entities() -> Iterable[type[Record]]:
    act("entities")
    return [Trick]


@hookimpl
def entity_fields(entity: str) -> Iterable[type[Facet]]:
    act("entity_fields")
    return [Prank] if entity == "thirdparty" else []


@hookimpl
def menus() -> Iterable[MenuItem]:
    endpoint = "no.where" if act("menus") == "nowhere" else "records.index"
    yield MenuItem(_("Tricks"), endpoint, {"entity": "trick"}, group="tools", counter=counter)


def counter(session: Session) -> int:
    if act("counter") == "sql":
        session.execute(text("SELECT nothing FROM nowhere"))
    return 0


@hookimpl
def blueprints() -> Iterable[Blueprint]:
    blueprint = Blueprint("mischief", __name__, url_prefix="/mischief")
    protect = (lambda view: view) if act("blueprints") == "nopolicy" else policy("trick.view")

    def index() -> str:
        act("view")
        return ", ".join(["mischief managed", *ask("mischief_report")])

    blueprint.add_url_rule("", "index", protect(index))
    yield blueprint


@hookimpl
def panels(entity: str) -> Iterable[Panel]:
    act("panels")
    if entity == "thirdparty":
        yield Panel("mischief", _("Mischief"), "mischief/panel.html", panel)


def panel(session: Session, record: Record) -> Mapping[str, Any]:
    def mood() -> str:
        if deed == "template":
            raise Mischief("mischief in the template")
        return "good mood"

    deed = act("panel")
    if deed == "sql":
        session.execute(text("SELECT nothing FROM nowhere"))
    return {"mood": mood}


@hookimpl
def tabs(entity: str) -> Iterable[Tab]:
    act("tabs")
    if entity == "thirdparty":
        yield Tab("mood", _("Mood"), "mischief/panel.html", tab, count=tab_count)


def tab(session: Session, record: Record) -> Mapping[str, Any]:
    if act("tab") == "sql":
        session.execute(text("SELECT nothing FROM nowhere"))
    return {"mood": lambda: "good mood"}


def tab_count(session: Session, record: Record) -> int:
    act("tab_count")
    return 3


@hookimpl
def widgets() -> Iterable[Widget]:
    act("widgets")
    yield Widget("mood", _("Mood of the house"), template="mischief/panel.html", context=card)


def card(session: Session) -> Mapping[str, Any]:
    if act("card") == "sql":
        session.execute(text("SELECT nothing FROM nowhere"))
    return {"mood": lambda: "good mood"}


@hookimpl
def actions(entity: str) -> Iterable[Action]:
    act("actions")
    if entity == "thirdparty":
        yield Action("trick", _("Play a trick"), "trick.create", verb=play, when=may_play)
        yield Action("report", _("Ask around"), "trick.view", verb=ask_around)


def may_play(record: Record) -> bool:
    act("when")
    return True


def play(unit: Unit, record: Record) -> None:
    unit.add(Trick(title="A trick", thirdparty_id=record.id))
    act("action")


def ask_around(unit: Unit, record: Record) -> None:
    answers = unit.context.hooks.ask("mischief_report")
    unit.add(Trick(title=", ".join(answers) or "nobody answers"))


@hookimpl
def checks() -> Iterable[Check]:
    act("checks")
    yield Check("mood", _("Mood"), check)


def check(session: Session) -> CheckResult:
    act("check")
    return CheckResult("ok", _("In a good mood"))


@hookimpl
def records_changing(changes: Sequence[Change]) -> None:
    if act("records_changing") == "veto":
        raise Veto(_("Mischief does not want this"))


@hookimpl
def records_changed(changes: Sequence[Change], unit: Unit) -> None:
    deed = act("records_changed")
    victims = [change.record_id for change in changes if change.entity == "thirdparty" and change.kind != "deleted"]
    if deed and victims:
        react(deed, unit, victims[0])


def react(deed: str, unit: Unit, victim: int) -> None:
    """Break a rule of the unit of work."""
    session = unit.session
    if deed == "write":
        unit.get(ThirdParty, victim).town = "Mischiefville"
        unit.add(Trick(title="never seen"))
        session.flush()
        raise Mischief("mischief after writing")
    if deed in ("commit", "rollback", "close", "reset"):
        unit.get(ThirdParty, victim).town = "Mischiefville"
        getattr(session, deed)()
    if deed == "connection":
        unit.get(ThirdParty, victim).town = "Mischiefville"
        session.flush()
        session.connection().commit()
    if deed == "socket":
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
    if deed == "bulk":
        session.execute(update(ThirdParty).values(town="Mischiefville"))
    if deed == "delete":
        session.delete(unit.get(ThirdParty, victim))
    if deed == "dirty":
        session.add(Trick())
    if deed == "echo":
        third_party = unit.get(ThirdParty, victim)
        third_party.town = f"{third_party.town or ''}!"[-80:]


@hookimpl
def changes_committed(changes: Sequence[Change], unit: Unit) -> None:
    deed = act("changes_committed")
    if deed.startswith("fail:"):
        try_again(int(deed.removeprefix("fail:")))
    witness(changes[0].operation)


@hookimpl
def module_enabled(unit: Unit) -> None:
    act("module_enabled")


@hookimpl
def module_disabling(unit: Unit) -> None:
    if act("module_disabling") == "veto":
        raise Veto(_("Mischief is not managed yet"))


@hookimpl
def demo_data(unit: Unit) -> None:
    act("demo_data")
    if not asked("demo_data"):
        unit.add(Trick(title="A trick for the demo"))
