"""What the Modules page and `comptoir plugin list` show: every module with its state, and what a click would do (MO-2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, func, inspect, select, table, update
from sqlalchemy.orm import Session

from core.contract.changes import Actor
from core.contract.contributions import CheckResult
from core.contract.hooks import Incident, watched
from core.contract.plugin import Plugin
from core.data.tables import PluginIncident
from core.data.unit import transaction
from core.errors import PluginError, StateConflict, described
from core.i18n import Text, lazy as _
from core.runtime.activation import leaving, plan_enabling
from core.runtime.discovery import Discovered, Discovery
from core.runtime.rehearsal import Additions, additions, rehearse
from core.runtime.state import Known, Wanted, read_wanted, runnable

if TYPE_CHECKING:
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

ModuleStatus = Literal["enabled", "disabled", "set aside", "unavailable"]


@dataclass(frozen=True, slots=True)
class Module:
    """One module: `status` in one word, `reason` when it is on but does not run, or cannot be switched on.

    `waiting` says what a restart would bring, `incidents` counts the faults nobody has cleared.
    """

    name: str
    label: Text
    version: str
    status: ModuleStatus
    reason: Text | None
    waiting: Text | None
    incidents: int
    plugin: Plugin | None
    distribution: str
    has_data: bool


@dataclass(frozen=True, slots=True)
class Impact:
    """What switching a module on or off would do. `version` goes back with the form as `shown_version`.

    `others`: for enabling the needed modules that come along, for disabling those that go as well. `rows`: for
    disabling how many rows each table keeps. `problem`: why it cannot be done.
    """

    name: str
    label: Text
    version: int
    additions: Additions = field(default_factory=Additions)
    others: tuple[tuple[str, Text], ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    problem: Text | None = None


def modules(runtime: Runtime) -> list[Module]:
    """Every module that is installed or was ever on, by name; asks no plugin code (SECURITY 7.30)."""
    runtime.follow()
    with runtime.database.reading() as session:
        wanted = read_wanted(session)
        open_incidents = select(PluginIncident.plugin, func.count()).where(PluginIncident.cleared.is_(False))
        counts = {name: number for name, number in session.execute(open_incidents.group_by(PluginIncident.plugin))}
    _running, stopped = runnable(wanted, runtime.discovery)
    found = runtime.discovery.found
    names = sorted(found.keys() | wanted.known.keys())
    return [_module(name, found.get(name), wanted.known.get(name), stopped, counts.get(name, 0)) for name in names]


def _module(
    name: str, found: Discovered | None, known: Known | None, stopped: Mapping[str, Text], incidents: int
) -> Module:
    plugin = found.plugin if found else None
    reason = stopped.get(name)
    status: ModuleStatus = "disabled"
    if plugin is None:
        status = "unavailable"
        reason = found.error if found else _("It is not installed any more")
    elif known and (known.set_aside or name in stopped):
        status = "set aside"
        reason = known.set_aside or reason
    elif known and known.enabled:
        status = "enabled"
    return Module(
        name=name,
        label=found.label if found else name,
        version=plugin.version if plugin else found.version if found else known.version if known else "",
        status=status,
        reason=reason,
        waiting=found.waiting if found else None,
        incidents=incidents,
        plugin=plugin,
        distribution=found.distribution if found else "",
        has_data=known is not None,
    )


def incidents_of(session: Session, name: str, limit: int = 20) -> list[PluginIncident]:
    """The newest faults of a module, cleared ones included."""
    newest = select(PluginIncident).filter_by(plugin=name).order_by(PluginIncident.id.desc())
    return list(session.scalars(newest.limit(limit)))


def clear_faults(runtime: Runtime, name: str, actor: Actor) -> None:
    """Count the faults of a module anew; what is set aside stays so until it is switched on again. The audit tells who."""
    context = runtime.context(runtime.follow(), actor)
    with transaction("module.clear", cause=str(runtime.discovery.label(name)), context=context) as unit:
        open_ones = update(PluginIncident).where(PluginIncident.plugin == name, PluginIncident.cleared.is_(False))
        unit.session.connection().execute(open_ones.values(cleared=True))


def impact(runtime: Runtime, name: str) -> Impact:
    """What a click on the module's button would do: disable it when it is on, else enable it (UX 2.12)."""
    generation = runtime.follow()
    runtime.try_again(name)
    with runtime.database.reading() as session:
        wanted = read_wanted(session)
        known = wanted.known.get(name)
        on = known is not None and known.enabled
        if on and (name in generation.enabled or name not in runtime.discovery.plugins):
            return _of_disabling(runtime, generation, session, wanted, name)
    return _of_enabling(runtime, wanted, name)


def _of_enabling(runtime: Runtime, wanted: Wanted, name: str) -> Impact:
    discovery = runtime.discovery
    running, _stopped = runnable(wanted, discovery)
    try:
        coming, names = plan_enabling(discovery, running, name)
        added = rehearse(runtime, names, coming)
    except (PluginError, StateConflict) as error:
        return Impact(name, discovery.label(name), wanted.version, problem=error.message)
    return Impact(name, discovery.label(name), wanted.version, added, _others(discovery, name, coming))


def _of_disabling(runtime: Runtime, generation: Generation, session: Session, wanted: Wanted, name: str) -> Impact:
    discovery, connection = runtime.discovery, session.connection()
    going = leaving(discovery, wanted, name)
    lost = additions(generation, [other for other in going if other in generation.enabled])
    owners = {*discovery.found, *wanted.known}
    counted = {each: count(connection, each) for other in going for each in tables_of(connection, other, owners)}
    return Impact(name, discovery.label(name), wanted.version, lost, _others(discovery, name, going), counted)


def _others(discovery: Discovery, name: str, names: list[str]) -> tuple[tuple[str, Text], ...]:
    return tuple((other, discovery.label(other)) for other in names if other != name)


def tables_of(connection: Connection, name: str, owners: set[str]) -> list[str]:
    """A plugin's tables that are in the database, by prefix: its code may be gone. Its version table is not among them.

    `owners`: all known plugins, since `mail_merge` begins like `mail`.
    """
    longer = tuple(f"{owner}_" for owner in owners if owner.startswith(f"{name}_"))
    found = sorted(inspect(connection).get_table_names())
    own = [each for each in found if each.startswith(f"{name}_") and not (longer and each.startswith(longer))]
    return [each for each in own if each != f"{name}_migration"]


def count(connection: Connection, name: str) -> int:
    """The number of rows of a table."""
    return int(connection.execute(select(func.count()).select_from(table(name))).scalar_one())


def run_checks(runtime: Runtime) -> list[tuple[str, Text, CheckResult]]:
    """(plugin, label, result) of every health check; one that crashes is an error of its own, and is reported."""
    generation = runtime.follow()
    results: list[tuple[str, Text, CheckResult]] = []
    with runtime.database.reading() as session:
        for plugin, check in generation.registry.checks:
            try:
                with watched(plugin, check.name):
                    result = check.run(session)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also SystemExit (F30)
                runtime.report(Incident(plugin, check.name, "check", described(error)))
                result = CheckResult("error", _("The check failed: %(error)s", error=str(error)))
                session.rollback()
            results.append((plugin, check.label, result))
    return results
