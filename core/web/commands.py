"""Menu entries and commands of plugins: that they lead somewhere, who may use them, where they lead (UX 1.3, 1.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, current_app, url_for
from werkzeug.routing import BuildError

from core.contract.contributions import Command, CommandContext
from core.contract.hooks import Hooks
from core.errors import ComptoirError, PluginError
from core.i18n import lazy as _
from core.registry import RegisteredEntity, Registry
from core.web.contexts import ActionButton
from core.web.current import here
from core.web.shell import HOME_KEY

_KEPT = "comptoir.commands"


def check_menu(app: Flask, registry: Registry) -> None:
    """Raise `PluginError` for a menu entry that leads nowhere, which would break every page, or whose letter is taken."""
    letters: dict[tuple[str, str], object] = {("g", HOME_KEY): _("Home")}
    for plugin, first, key, label in _letters(registry):
        if (other := letters.setdefault((first, key), label)) is not label:
            message = _("%(one)s and %(other)s share the keys %(keys)s", one=label, other=other, keys=f"{first} {key}")
            raise PluginError(plugin, message)
    with app.test_request_context():
        for plugin, item in registry.menu:
            try:
                url_for(item.endpoint, **dict[str, Any](item.values))
            except (BuildError, ComptoirError) as error:
                message = _("The menu entry %(label)s of module %(name)s leads nowhere", label=item.label, name=plugin)
                raise PluginError(plugin, message) from error


def _letters(registry: Registry) -> Iterator[tuple[str, str, str, object]]:
    """(plugin, first letter, second letter, label) of every sequence of two letters that opens or creates (UX 1.6)."""
    for plugin, item in registry.menu:
        if item.key is not None:
            yield plugin, "g", item.key, item.label
    for registered in registry.slugs.values():
        for made in registered.entity.views or (registered.entity,):
            if made.key is not None:
                yield registered.plugin, "c", made.key, made.label


def collect_commands(app: Flask, hooks: Hooks, registry: Registry) -> None:
    """Keep what plugins declare with the application. Raises `PluginError` for one that leads nowhere."""
    found = tuple(sorted(hooks.gather("commands"), key=lambda pair: pair[1].order))
    names: set[tuple[str, str]] = set()
    with app.test_request_context():
        for plugin, command in found:
            if (plugin, command.name) in names:
                message = _(
                    "The command %(name)s of module %(module)s is there twice", name=command.name, module=plugin
                )
                raise PluginError(plugin, message)
            names.add((plugin, command.name))
            try:
                for registered in _entities(command, registry):
                    _url(command, registered, 1)
            except (BuildError, ComptoirError) as error:
                message = _("The command %(label)s of module %(name)s leads nowhere", label=command.label, name=plugin)
                raise PluginError(plugin, message) from error
    app.extensions[_KEPT] = found


def _entities(command: Command, registry: Registry) -> Sequence[RegisteredEntity | None]:
    """Those whose pages offer it; one that is offered anywhere is for none of them."""
    if command.context == "any":
        return [None]
    return [registry.entity(command.entity)] if command.entity else list(registry.slugs.values())


def offered_commands(context: CommandContext, registered: RegisteredEntity | None = None) -> list[Command]:
    """The commands of a context that the person may use, in a list or on a record those for its entity."""
    kept: Sequence[tuple[str, Command]] = current_app.extensions[_KEPT]
    return [
        command
        for _plugin, command in kept
        if command.context == context
        and (not command.entity or (registered is not None and command.entity == registered.name))
        and _may_use(command, registered)
    ]


def _may_use(command: Command, registered: RegisteredEntity | None) -> bool:
    permission = command.permission
    if permission is not None and registered is not None and permission.startswith("entity."):
        permission = registered.permission(permission.removeprefix("entity."))
    return permission is None or here().may(permission)


def command_url(
    command: Command, registered: RegisteredEntity | None = None, record_id: int | None = None, query: str = ""
) -> str:
    """Where a command leads; a link from a list carries the list's question."""
    carried = parse_qsl(query) if command.context == "list" and command.method == "get" else []
    return _url(command, registered, record_id, carried)


def _url(
    command: Command,
    registered: RegisteredEntity | None,
    record_id: int | None,
    carried: Sequence[tuple[str, str]] = (),
) -> str:
    values: dict[str, Any] = dict(command.values)
    for name, value in carried:
        values.setdefault(name, [])
        if isinstance(values[name], list):
            values[name].append(value)
    if registered is not None and not command.entity:
        values["entity"] = registered
    if command.context == "record":
        values["record_id"] = record_id
    return url_for(command.endpoint, **values)


def list_buttons(registered: RegisteredEntity, query: str) -> list[ActionButton]:
    """What *More actions* of a list offers; `query`: the list's question."""
    return [
        ActionButton(
            command.label, command_url(command, registered, query=query), command.method, command.icon, again=True
        )
        for command in offered_commands("list", registered)
        if command.pin
    ]


def rows_buttons(registered: RegisteredEntity) -> list[ActionButton]:
    """What the bulk bar offers for the chosen rows beside the actions on each of them."""
    return [
        ActionButton(command.label, command_url(command, registered), "post", command.icon, again=True)
        for command in offered_commands("rows", registered)
    ]
