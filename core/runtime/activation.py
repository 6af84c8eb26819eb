"""Switching modules on and off, and removing what they left, each in one transaction (MO-1 to MO-3, SECURITY 7.29).

Either everything happens or nothing: tables, references, lists, numbers, the module's own say, history, the version
all workers follow. A module that hangs or crashes while it is imported is found out in a child process beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import update

from core.contract.changes import SYSTEM, Actor, Change
from core.contract.hooks import Hooks
from core.data.tables import PluginState, bump
from core.data.unit import Unit, transaction
from core.errors import ComptoirError, PluginError, Refused, StateConflict, described
from core.i18n import lazy as _
from core.runtime.discovery import Discovery
from core.runtime.generation import Generation, read_stored
from core.runtime.installing import install
from core.runtime.rehearsal import rehearse
from core.runtime.state import Wanted, check_shown, clear_incidents, lock_state, read_wanted, runnable

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime


class _Unvetoed(Hooks):
    """The hooks of a generation, without asking other plugins' leave: a broken veto must not lock the Modules page (F27)."""

    def __init__(self, hooks: Hooks) -> None:
        self.__dict__.update(hooks.__dict__)

    def changing(self, changes: Sequence[Change], check: Callable[[], None]) -> None:
        """Nobody refuses what switching a module on or off writes, but the module itself."""


def enable(
    runtime: Runtime, name: str, *, shown_version: int | None = None, actor: Actor = SYSTEM, with_needs: bool = True
) -> list[str]:
    """Switch a module on, with those it needs; returns the names that came, in order, none when it runs already.

    `shown_version`: the version of the set the person looked at. Raises `StateConflict` when it changed since (F23),
    `Refused` when needs are off and `with_needs` is not given, `PluginError` naming the module that fails (F24).
    """
    runtime.follow()
    runtime.try_again(name)
    with runtime.database.reading() as session:
        wanted, stored = read_wanted(session), read_stored(session)
    check_shown(shown_version, wanted.version)
    running, _stopped = runnable(wanted, runtime.discovery)
    coming, names = plan_enabling(runtime.discovery, running, name, with_needs=with_needs)
    if not coming:
        return []
    with _reported(runtime):
        rehearse(runtime, names, coming)
        fresh = stored.with_shipped(map(runtime.discovery.plugin, coming))
        candidate = runtime.build(wanted.version, names, fresh, app=False)
        with _changing_set(runtime, candidate, "module.enable", coming, wanted.version, actor) as unit:
            for need in coming:
                _switch_on(runtime, unit, candidate, need)
            unit.session.flush()
            runtime.build(wanted.version + 1, names, read_stored(unit.session))
    runtime.follow()
    return coming


def plan_enabling(
    discovery: Discovery, running: Collection[str], name: str, *, with_needs: bool = True
) -> tuple[list[str], list[str]]:
    """The modules that come when this one is switched on, and the whole set then, both in order of need.

    Raises `Refused` when needs may not come along, `StateConflict` when the code on disk is not what this process has,
    `PluginError` when one is not there.
    """
    coming = [need for need in discovery.closure_needs([name]) if need not in running]
    others = ", ".join(need for need in coming if need != name)
    if others and not with_needs:
        raise Refused(
            _("The module %(name)s needs %(others)s, which must be switched on as well", name=name, others=others)
        )
    for need in coming:
        waiting = discovery.found[need].waiting
        if waiting is not None:
            raise StateConflict(_("The module %(name)s changed on disk. %(waiting)s.", name=need, waiting=waiting))
    return coming, discovery.order({*running, *coming})


@contextmanager
def _reported(runtime: Runtime) -> Iterator[None]:
    """Keep for the Modules page what a plugin did wrong, once no transaction is open any more."""
    try:
        yield
    except PluginError as error:
        runtime.report_error(error)
        raise
    finally:
        runtime.flush_incidents()


@contextmanager
def _changing_set(
    runtime: Runtime, generation: Generation, action: str, names: Sequence[str], version: int, actor: Actor
) -> Iterator[Unit]:
    """The one transaction of a change to the enabled set, under its lock; refused when `version` is no longer current."""
    context = replace(runtime.context(generation, actor), hooks=_Unvetoed(generation.hooks))
    cause = ", ".join(str(runtime.discovery.label(name)) for name in names)
    with transaction(action, cause=cause, context=context) as unit:
        lock_state(unit.session, version)
        yield unit
        bump(unit.session.connection())
        unit.noteworthy = True


def _switch_on(runtime: Runtime, unit: Unit, candidate: Generation, name: str) -> None:
    plugin = runtime.discovery.plugin(name)
    clear_incidents(unit.session.connection(), name)
    install(unit, runtime.discovery.found[name], plugin, candidate)
    unit.session.flush()
    try:
        candidate.hooks.enabled(name, unit)
        unit.session.flush()
    except (ComptoirError, KeyboardInterrupt):
        raise
    except BaseException as error:
        message = _("The module %(name)s failed when it was switched on: %(error)s", name=name, error=described(error))
        raise PluginError(name, message) from error


def disable(
    runtime: Runtime,
    name: str,
    *,
    shown_version: int | None = None,
    actor: Actor = SYSTEM,
    with_dependents: bool = False,
) -> list[str]:
    """Switch a module off; its data stays. Returns the names that went, the most dependent first.

    Raises `Refused` naming the modules that need it unless `with_dependents`, `Veto` when one of them is in the middle
    of something, `StateConflict` when the set changed since it was shown (F23).
    """
    current = runtime.follow()
    with runtime.database.reading() as session:
        wanted = read_wanted(session)
    check_shown(shown_version, wanted.version)
    known = wanted.known.get(name)
    if known is None or not (known.enabled or known.set_aside):
        return []
    going = leaving(runtime.discovery, wanted, name)
    if len(going) > 1 and not with_dependents:
        others = ", ".join(other for other in going if other != name)
        raise Refused(
            _(
                "The module %(name)s is needed by %(others)s. Switch these off as well, or leave it on.",
                name=name,
                others=others,
            )
        )
    with _reported(runtime), _changing_set(runtime, current, "module.disable", going, wanted.version, actor) as unit:
        for other in going:
            if other in current.enabled:
                current.hooks.disabling(other, unit)
        off = {"enabled": False, "set_aside": None}
        unit.session.connection().execute(update(PluginState).where(PluginState.name.in_(going)).values(off))
        unit.session.flush()
        running, _stopped = runnable(read_wanted(unit.session), runtime.discovery)
        runtime.build(wanted.version + 1, running, read_stored(unit.session))
    runtime.follow()
    return going


def leaving(discovery: Discovery, wanted: Wanted, name: str) -> list[str]:
    """A module and those that need it, the most dependent first."""
    dependents = discovery.dependents(name, wanted.enabled)
    with suppress(PluginError):  # when what one needs cannot be imported, its needs are not known: by name, then
        dependents = [other for other in discovery.closure_needs(dependents) if other in dependents]
    return [*reversed(dependents), name]
