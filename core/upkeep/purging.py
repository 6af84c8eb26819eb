"""Removing what a module that is off has left behind: never a part of switching it off (MO-3).

Tables are found by their prefix, not by importing the module, whose code may be broken or gone. History stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, delete, inspect, select
from sqlalchemy.orm import Session

from core.contract.changes import SYSTEM, Actor
from core.data.links import forget_links
from core.data.migrations import drop_owner
from core.data.numbering import Counter, Series
from core.data.records import Row
from core.data.references import Reference, remove_pointing_at
from core.data.tables import (
    CustomField,
    JobRow,
    JobSchedule,
    PluginIncident,
    PluginState,
    SettingValue,
    bump,
)
from core.data.unit import transaction
from core.errors import Refused, StateConflict
from core.features import search_index
from core.features.demo import DemoRecord
from core.features.dictionaries import DictionaryEntry
from core.features.file_store import FileStore
from core.i18n import lazy as _
from core.runtime.discovery import Discovery
from core.runtime.state import lock_state, read_wanted
from core.upkeep.dumps import DumpPlan, entities_of, keep_dump
from core.upkeep.overview import count, tables_of

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

DUMPS = "dumps"
DUMP_NAME = re.compile(r"\w+-\d{8}-\d{6}-\d{6}\.zip", re.ASCII)


def dump_folder(runtime: Runtime) -> Path:
    """Where dumps go unless somebody says otherwise."""
    return runtime.config.var / DUMPS


def kept_dump(runtime: Runtime, file_name: str) -> Path | None:
    """A dump among those that were kept, by its name; None for anything else."""
    path = dump_folder(runtime) / file_name
    return path if DUMP_NAME.fullmatch(file_name) and path.is_file() else None


def plan_dump(runtime: Runtime, session: Session, name: str, entities: tuple[str, ...]) -> DumpPlan:
    """What a dump of a module's data holds. Raises `StateConflict` when there is none, or the module is at work."""
    if name in runtime.generation.enabled:
        raise StateConflict(_("Disable the module first"))
    known = read_wanted(session).known
    tables = tables_of(session.connection(), name, {*runtime.discovery.found, *known}) if name in known else []
    if not tables:
        raise StateConflict(_("The module %(name)s has no data", name=name))
    return _plan(runtime, name, tables, entities)


def _plan(runtime: Runtime, name: str, tables: list[str], entities: tuple[str, ...]) -> DumpPlan:
    kept = [
        (model.__tablename__, select(model.__table__).where(where))
        for model, where in _administered(runtime.discovery, name, entities)
    ]
    return DumpPlan(name, tables, entities, FileStore(runtime.config.files), kept)


def purge(runtime: Runtime, name: str, *, actor: Actor = SYSTEM, dump_to: Path | None) -> Path | None:
    """Drop a module's tables and everything the core keeps of it; returns the dump written before.

    `dump_to`: the folder for the dump (see `core.upkeep.dumps`), None for no dump. Raises `StateConflict`
    while the module is on, and `Refused` while tables of another module point at its records.
    """
    runtime.follow()
    entities = entities_of(runtime, name)
    context = runtime.context(runtime.generation, actor)
    written: Path | None = None
    try:
        with transaction("module.purge", cause=str(runtime.discovery.label(name)), context=context) as unit:
            lock_state(unit.session)
            tables = check_purge(runtime, unit.session, name)
            connection = unit.session.connection()
            if dump_to is not None and tables:
                written = keep_dump(unit.session, _plan(runtime, name, tables, entities), dump_to)
            remove_pointing_at(unit.session, entities)
            search_index.drop(connection, tables)
            drop_owner(connection, name, tables)
            for each in tables:
                forget_links(connection, each)
            _forget(connection, runtime.discovery, name, entities)
            bump(connection)
            unit.noteworthy = True
    except BaseException:
        if written is not None:
            written.unlink(missing_ok=True)
        raise
    runtime.follow()
    return written


def check_purge(runtime: Runtime, session: Session, name: str) -> list[str]:
    """The tables a purge would drop. Raises `StateConflict` and `Refused` as `purge` does."""
    known = read_wanted(session).known
    if name not in known:
        raise StateConflict(_("The module %(name)s has no data", name=name))
    if known[name].enabled:
        raise StateConflict(_("The module %(name)s is on. Switch it off before its data is removed.", name=name))
    connection = session.connection()
    tables = tables_of(connection, name, {*runtime.discovery.found, *known})
    blocking = _pointing_at(connection, tables)
    if blocking:
        where = ", ".join(f"{each} ({number})" for each, number in blocking.items())
        raise Refused(
            _(
                "Tables of other modules point at the data of %(name)s: %(where)s rows. Remove the data of those modules first.",
                name=name,
                where=where,
            )
        )
    return tables


def _pointing_at(connection: Connection, tables: Iterable[str]) -> dict[str, int]:
    """Foreign tables with a foreign key into `tables`, and how many rows they have."""
    own = set(tables)
    pointing = {
        each
        for (_schema, each), keys in inspect(connection).get_multi_foreign_keys().items()
        if each not in own and any(key["referred_table"] in own for key in keys)
    }
    return {each: count(connection, each) for each in sorted(pointing)}


def _administered(
    discovery: Discovery, name: str, entities: tuple[str, ...]
) -> list[tuple[type[Row], ColumnElement[bool]]]:
    """What administrators made of a module and the core keeps: settings, dictionaries, own fields, numbering; in the
    order in which it can be deleted.
    """
    own = {found.name for found in discovery.plugins[name].dictionaries} if name in discovery.plugins else set()
    others = {
        found.name for plugin in discovery.plugins.values() if plugin.name != name for found in plugin.dictionaries
    }
    series = select(Series.id).where(Series.target.in_(entities))
    return [
        (SettingValue, SettingValue.name.startswith(f"{name}.", autoescape=True)),
        (DictionaryEntry, DictionaryEntry.dictionary.in_(own - others)),
        (CustomField, CustomField.entity.in_(entities)),
        (Counter, Counter.series_id.in_(series)),
        (Series, Series.target.in_(entities)),
    ]


def _forget(connection: Connection, discovery: Discovery, name: str, entities: tuple[str, ...]) -> None:
    """Delete what the core keeps of a module, by statement: nobody listens to the end of a module that is off."""
    for of_plugin in (Reference, DemoRecord, JobRow, JobSchedule, PluginIncident):
        connection.execute(delete(of_plugin).filter_by(plugin=name))
    for model, where in _administered(discovery, name, entities):
        connection.execute(delete(model).where(where))
    connection.execute(delete(PluginState).where(PluginState.name == name))
