"""The hooks of the core, three families (MO-5): entity fields, menus and their like, lifecycle events.

Declaration hooks run once per generation, when it is built, without session or request, and return frozen values.
Runtime hooks run inside a unit of work or an activation. `docs/hooks.md` documents each; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from core.contract.changes import Change
from core.contract.contributions import Action, Check, Command, Job, MenuItem, Panel, Tab, Widget

if TYPE_CHECKING:
    from flask import Blueprint

    from core.data.unit import Unit

PROJECT = "comptoir"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def entities() -> Iterable[type[Any]]:  # type: ignore[empty-body]
    """Record classes the plugin owns."""


@hookspec
def entity_fields(entity: str) -> Iterable[type[Any]]:  # type: ignore[empty-body]
    """Facets: fields for somebody else's entity, in a table of the plugin's own."""


@hookspec
def menus() -> Iterable[MenuItem]:  # type: ignore[empty-body]
    """Entries of the main menu."""


@hookspec
def blueprints() -> Iterable[Blueprint]:  # type: ignore[empty-body]
    """Routes beyond the generic pages; every endpoint declares its policy."""


@hookspec
def panels(entity: str) -> Iterable[Panel]:  # type: ignore[empty-body]
    """Boxes on the sheet of an entity."""


@hookspec
def tabs(entity: str) -> Iterable[Tab]:  # type: ignore[empty-body]
    """Tabs on the sheet of an entity."""


@hookspec
def widgets() -> Iterable[Widget]:  # type: ignore[empty-body]
    """Cards on the home page."""


@hookspec
def actions(entity: str) -> Iterable[Action]:  # type: ignore[empty-body]
    """Buttons for the records of an entity: on sheets, in lists, in the bulk bar."""


@hookspec
def commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """Commands of the palette, of lists and of chosen rows."""


@hookspec
def checks() -> Iterable[Check]:  # type: ignore[empty-body]
    """Health checks of the Modules page."""


@hookspec
def jobs() -> Iterable[Job]:  # type: ignore[empty-body]
    """Work for the background, started by `enqueue` or by the clock."""


@hookspec
def records_changing(changes: Sequence[Change]) -> None:
    """Phase 1, in the transaction, once per plugin and round: refuse by raising `Veto`. Must not write."""


@hookspec
def records_changed(changes: Sequence[Change], unit: Unit) -> None:
    """Phase 2, in the transaction, once per plugin and round: react; may write through the unit."""


@hookspec
def changes_committed(changes: Sequence[Change], unit: Unit) -> None:
    """After the commit, by the worker, at least once: side effects. `unit` is a new one, for a record of the effect."""


@hookspec
def module_enabled(unit: Unit) -> None:
    """The plugin was switched on, in the transaction: seed defaults. Must be repeatable without harm."""


@hookspec
def demo_data(unit: Unit) -> None:
    """Fill an empty installation with fictitious records, the same each time."""


@hookspec
def module_disabling(unit: Unit) -> None:
    """The plugin is about to be switched off: raise `Veto` while its work is under way."""
