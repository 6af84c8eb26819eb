"""Cards of the home page: what plugins want seen first, each behind the error boundary (DESIGN 3, UX 0.1.6)."""

from __future__ import annotations

from collections.abc import Collection

from flask import render_template, url_for

from core.contract.contributions import Widget
from core.data.query import Filter, ListQuery, parse
from core.features.facets import count_within
from core.features.list_rows import count
from core.fields import Field, Option, occurring
from core.fields.base import EMPTY, IS
from core.i18n import format_integer, lazy as _
from core.registry import RegisteredEntity
from core.web.boundary import Boundary
from core.web.contexts import PanelBox
from core.web.current import here
from core.web.home_contexts import Figure, HomeCard

SECONDS = 0.25
"""How long counting the rows of a card may take."""


def card_name(plugin: str, widget: Widget) -> str:
    """What a person's choice calls a card."""
    return f"{plugin}.{widget.name}"


def make_cards(hidden: Collection[str] = ()) -> list[HomeCard]:
    """The cards the person may see, but those called so in `hidden`; one that fails names its module in its place."""
    cards = []
    for plugin, widget in here().registry.widgets:
        if widget.permission is not None and not here().may(widget.permission):
            continue
        if card_name(plugin, widget) in hidden:
            continue
        label = here().registry.plugins[plugin].label
        card: HomeCard | None = HomeCard(card_name(plugin, widget), PanelBox(widget.label, None, label, plugin))
        with Boundary(plugin, f"widget {widget.name}", "widget"):
            card = _counted(plugin, widget) if widget.entity else _drawn(plugin, widget)
        if card is not None:
            cards.append(card)
    return cards


def _drawn(plugin: str, widget: Widget) -> HomeCard:
    assert widget.context is not None, "a widget has an entity, or a template and its context"
    html = render_template(widget.template, **widget.context(here().session))
    return HomeCard(
        card_name(plugin, widget), PanelBox(widget.label, html, here().registry.plugins[plugin].label, plugin)
    )


def _counted(plugin: str, widget: Widget) -> HomeCard | None:
    """The figures of a list, counted by the very question its links ask; None for who may not see what is counted."""
    surroundings = here()
    registered = surroundings.registry.entity(widget.entity)
    if not surroundings.may(registered.permission("view")):
        return None
    allowed = surroundings.permissions.fields(surroundings.actor, registered)
    query = parse(registered, {"f": widget.filters}, allowed, scope=surroundings.scope)
    if query.problems or (widget.by is not None and widget.by not in allowed):
        return None
    if widget.by is not None:
        figures = _by_value(registered, widget, query, registered.field(widget.by))
    else:
        number = count(surroundings.session, query, None)
        figures = [Figure(registered.entity.plural, None, format_integer(number), _list_url(registered, widget))]
    box = PanelBox(widget.label, "", surroundings.registry.plugins[plugin].label, plugin)
    return HomeCard(card_name(plugin, widget), box, figures)


def _by_value(registered: RegisteredEntity, widget: Widget, query: ListQuery, field: Field) -> list[Figure]:
    """A figure for each value that occurs, in the order of the list of values; what is no longer in it has no filter.

    Where counting takes long, the values without numbers: the first page after sign-in waits for nothing.
    """
    counted = count_within(here().session, query, field, SECONDS)
    numbers = {None if value is None else field.type.dump(value): number for value, number in (counted or {}).items()}
    figures = []
    for option in (*occurring(field.type), Option("", _("empty"))):
        number = numbers.get(option.code or None, 0)
        if counted is None and option.code:
            url = _list_url(registered, widget, Filter(field, IS.name, (option.code,)).wire())
            figures.append(Figure(option.label, option.tone, "", url, option.icon))
        elif number:
            one = Filter(field, IS.name, (option.code,)) if option.code else Filter(field, EMPTY.name, ())
            url = _list_url(registered, widget, one.wire())
            figures.append(Figure(option.label, option.tone, format_integer(number), url, option.icon))
    return figures


def _list_url(registered: RegisteredEntity, widget: Widget, *more: str) -> str:
    return url_for("records.index", entity=registered, f=[*widget.filters, *more])
