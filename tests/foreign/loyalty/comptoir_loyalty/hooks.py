"""Where loyalty meets Comptoir; each line delegates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import Blueprint

from comptoir_loyalty import services, views
from comptoir_loyalty.models import Loyalty, Reward
from core.api import Action, Change, Facet, MenuItem, Panel, Record, Unit, hookimpl, lazy as _


@hookimpl
def entities() -> Iterable[type[Record]]:
    return [Reward]


@hookimpl
def entity_fields(entity: str) -> Iterable[type[Facet]]:
    return [Loyalty] if entity == "thirdparty" else []


@hookimpl
def menus() -> Iterable[MenuItem]:
    gold = {"entity": "thirdparty", "f": "loyalty.tier:is:gold"}
    yield MenuItem(_("Gold customers"), "records.index", gold, order=20, icon="star")
    yield MenuItem(_("Best customers"), "loyalty.index", order=21, icon="star", permission="thirdparty.view")
    yield MenuItem(_("Rewards"), "records.index", {"entity": "reward"}, group="marketing", icon="star")


@hookimpl
def blueprints() -> Iterable[Blueprint]:
    yield views.blueprint


@hookimpl
def panels(entity: str) -> Iterable[Panel]:
    if entity == "thirdparty":
        yield Panel("loyalty", _("Loyalty"), "loyalty/panel.html", services.standing)


@hookimpl
def actions(entity: str) -> Iterable[Action]:
    if entity == "thirdparty":
        yield Action(
            "reward", _("Give a reward"), "loyalty.reward",
            verb=services.give_reward, when=services.has_points, icon="star", where=("sheet", "bulk"),
        )  # fmt: skip


@hookimpl
def records_changed(changes: Sequence[Change], unit: Unit) -> None:
    services.earn(changes, unit)


@hookimpl(optionalhook=True)
def mischief_report() -> str:
    return "loyalty is well"
