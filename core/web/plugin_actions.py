"""Buttons that plugins put on sheets, into the menus of rows and into the bulk bar (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from sqlalchemy import select

from core.contract.contributions import Action, ActionPlace
from core.data.records import Record
from core.registry import RegisteredEntity
from core.web.boundary import Boundary
from core.web.contexts import ActionButton
from core.web.current import here


def offered(registered: RegisteredEntity, place: ActionPlace) -> list[tuple[str, Action]]:
    """The actions of a place that the person may use, each with its plugin."""
    return [(plugin, one) for plugin, one in registered.actions if place in one.where and here().may(one.permission)]


def record_buttons(
    registered: RegisteredEntity, record: Record, actions: Sequence[tuple[str, Action]]
) -> list[ActionButton]:
    """The buttons for one record: a failing predicate hides its own and no other."""
    buttons = []
    for plugin, action in actions:
        with Boundary(plugin, f"action {action.name}", "action"):
            if action.is_for(record):
                buttons.append(_button(registered, plugin, action, record.id))
    return buttons


def row_actions(
    registered: RegisteredEntity, actions: Sequence[tuple[str, Action]], rows: Sequence[Sequence[Any]],
    places: Mapping[str, int],
) -> list[tuple[int, ...]]:  # fmt: skip
    """Which of the actions each row has, by their places among these. `places`: field -> where its value stands in a row.

    Their records are read at once, and only if a predicate wants to see them. A failing predicate hides its own action.
    """
    records: dict[int, Record] = {}
    if any(action.when for _plugin, action in actions):
        model = registered.model
        wanted = select(model).where(model.id.in_([row[0] for row in rows]))
        records = {record.id: record for record in here().session.scalars(wanted)}

    def has(plugin: str, action: Action, row: Sequence[Any]) -> bool:
        if action.only is not None and row[places[action.only[0]]] not in action.only[1]:
            return False
        if action.when is None:
            return True
        with Boundary(plugin, f"action {action.name}", "action"):
            return row[0] in records and action.when(records[row[0]])
        return False

    return [tuple(at for at, (plugin, action) in enumerate(actions) if has(plugin, action, row)) for row in rows]


def several_buttons(registered: RegisteredEntity, place: ActionPlace) -> list[ActionButton]:
    """What sends one or more rows to an action: the buttons of the bulk bar, or the forms behind those in row menus.

    A row's button names its form and its record only: there are fifty of them on a page.
    """
    return [
        ActionButton(
            action.label, _several_url(registered, plugin, action), "post", action.icon, action.shortcut, f"a{at}"
        )
        for at, (plugin, action) in enumerate(offered(registered, place))
        if action.verb is not None
    ]


def _several_url(registered: RegisteredEntity, plugin: str, action: Action) -> str:
    return url_for("actions.run_many", entity=registered, plugin=plugin, name=action.name)


def _button(registered: RegisteredEntity, plugin: str, action: Action, record_id: int) -> ActionButton:
    if action.endpoint is not None:
        url, method = url_for(action.endpoint, record_id=record_id), "get"
    else:
        url = url_for("actions.run", entity=registered, record_id=record_id, plugin=plugin, name=action.name)
        method = "post"
    return ActionButton(action.label, url, method, action.icon, action.shortcut)
