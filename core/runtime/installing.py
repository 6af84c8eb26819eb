"""Bringing a plugin's part of the database up to its code: tables, references, lists, numbering (OPS-3, SECURITY 7.29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core.contract.plugin import Plugin
from core.data.migrations import fingerprint, migrate
from core.data.numbering import Series
from core.data.records import Record
from core.data.references import declare_references
from core.data.tables import bump
from core.data.unit import Unit, transaction
from core.errors import PluginError
from core.features import search_index
from core.features.dictionaries import seed_dictionary
from core.i18n import lazy as _
from core.runtime.discovery import Discovered
from core.runtime.generation import Generation
from core.runtime.state import Known, keep, lock_state, read_wanted

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime


def install(unit: Unit, found: Discovered, plugin: Plugin, generation: Generation) -> None:
    """Migrate a plugin's tables and write what the core keeps of it, inside a unit that works in `generation`.

    Raises `PluginError` naming the step that fails; the unit is then rolled back as a whole.
    """
    connection = unit.session.connection()
    folder = found.subfolder("migrations")
    mapped = [model for model in generation.registry.models if model.__tablename__.startswith(f"{plugin.name}_")]
    if folder is not None:
        known = read_wanted(unit.session).known.get(plugin.name)
        if known is None or known.migrations != current_steps(found):  # triggers would keep steps from changing columns
            search_index.drop(connection, [model.__tablename__ for model in mapped])
        migrate(connection, plugin.name, folder)
    search_index.build(connection, search_index.outdated(connection, mapped))
    models = [model for owner, model in generation.hooks.gather("entities") if owner == plugin.name]
    declare_references(unit.session, plugin.name, models)
    for dictionary in plugin.dictionaries:
        seed_dictionary(unit.session, dictionary)
    for model in models:
        _seed_series(unit, model)
    keep(connection, plugin.name, enabled=True, version=plugin.version, migrations=current_steps(found))


def current_steps(found: Discovered) -> str:
    """The fingerprint of a plugin's migration steps as installed."""
    folder = found.subfolder("migrations")
    return "" if folder is None else fingerprint(folder)


def _seed_series(unit: Unit, model: type[Record]) -> None:
    """The first numbering series of an entity; one an administrator changed or put in the bin stays as it is."""
    numbering = model.entity.numbering
    if numbering is None:
        return
    known = select(Series.__table__.c.id).where(Series.__table__.c.target == model.entity.name).limit(1)
    if unit.session.connection().execute(known).first() is None:
        unit.add(Series(name=str(numbering.label), target=model.entity.name, mask=numbering.mask, is_default=True))


def is_behind(known: Known | None, found: Discovered, plugin: Plugin) -> bool:
    """Whether the database was made for other code than what is installed."""
    return known is None or (known.migrations, known.version) != (current_steps(found), plugin.version)


def upgrade_all(runtime: Runtime, generation: Generation) -> bool:
    """At start: bring every running plugin that was upgraded up to date, each in a transaction of its own.

    Returns whether anything changed; a plugin that cannot be upgraded is set aside.
    """
    changed = False
    for name in generation.enabled:
        found, plugin = runtime.discovery.found[name], runtime.discovery.plugin(name)
        with runtime.database.reading() as session:
            behind = is_behind(read_wanted(session).known.get(name), found, plugin)
        if behind:
            changed = True
            try:
                _upgrade(runtime, generation, found, plugin)
            except PluginError as error:
                runtime.set_aside(PluginError(name, error.message, kind="migration"))
    _index_texts(runtime, generation)
    return changed


def _index_texts(runtime: Runtime, generation: Generation) -> None:
    """Make the search indexes that no plugin's steps made: those of the core, and where a field came to be searched."""
    models = generation.registry.models
    with runtime.database.reading() as session:
        behind = search_index.outdated(session.connection(), models)
    if behind:
        with runtime.database.connection() as connection:
            search_index.build(connection, search_index.outdated(connection, models))


def _upgrade(runtime: Runtime, generation: Generation, found: Discovered, plugin: Plugin) -> None:
    cause = str(_("%(module)s %(version)s", module=plugin.label, version=plugin.version))
    with transaction("module.upgrade", cause=cause, context=runtime.context(generation)) as unit:
        lock_state(unit.session)
        if is_behind(read_wanted(unit.session).known.get(plugin.name), found, plugin):  # another process was faster?
            install(unit, found, plugin, generation)
            bump(unit.session.connection())
            unit.noteworthy = True
