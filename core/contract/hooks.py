"""A typed facade over pluggy: one method per hook, isolation and attribution in one place (DESIGN 3, SECURITY 7.30).

pluggy calls the implementation registered last first, so plugins are registered in reverse order of need. Each
implementation is called on its own: a crash names its plugin and never silences the others. Only `Veto` has meaning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from core.contract import hookspecs
from core.contract.changes import Change
from core.errors import Busy, EditConflict, PluginError, Refused, Veto
from core.i18n import lazy as _

if TYPE_CHECKING:
    from core.data.unit import Unit

IncidentKind = Literal[
    "import", "build", "migration", "veto", "reaction", "delivery", "demo", "panel", "menu", "field", "action", "view",
    "check", "slow", "job",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incident:
    """A fault of a plugin, for the log and the Modules page."""

    plugin: str
    hook: str
    kind: IncidentKind
    detail: str


@dataclass(frozen=True, slots=True)
class Running:
    """A hook call under way, for the watchdog."""

    plugin: str
    hook: str
    started: float


running: dict[int, Running] = {}
"""Hook calls under way in this process, by thread; the watchdog reads it."""
spent: dict[str, float] = {}
"""Seconds in code of each plugin since this process began, for the metrics; time in another one's code counts for both."""
_spending = threading.Lock()


@contextmanager
def watched(plugin: str, hook: str) -> Iterator[None]:
    """Let the watchdog see that `plugin` runs `hook` in this thread (MO-8)."""
    thread = threading.get_ident()
    outer = running.get(thread)
    began = time.monotonic()
    running[thread] = Running(plugin, hook, began)
    try:
        yield
    finally:
        with _spending:
            spent[plugin] = spent.get(plugin, 0.0) + time.monotonic() - began
        if outer is None:
            running.pop(thread, None)
        else:
            running[thread] = outer


def alive() -> None:
    """Let the watchdog see that the call under way in this thread gets on: its time begins anew."""
    thread = threading.get_ident()
    if thread in running:
        running[thread] = replace(running[thread], started=time.monotonic())


class Hooks:
    """The hooks of one enabled set. Built once per generation and never changed afterwards."""

    def __init__(
        self, modules: Sequence[tuple[str, ModuleType]], specs: Sequence[ModuleType], report: Callable[[Incident], None]
    ) -> None:
        """`modules`: (plugin name, hooks module) in order of need; `specs`: published by any discovered plugin.

        Raises `PluginError` naming the plugin whose hook has a wrong name or signature.
        """
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._report = report
        self._manager.add_hookspecs(hookspecs)
        for spec in specs:
            self._manager.add_hookspecs(spec)
        for name, module in reversed(modules):
            try:
                self._manager.register(module, name=name)
            except pluggy.PluginValidationError as error:
                raise PluginError(
                    name, _("A hook of module %(name)s does not fit: %(error)s", name=name, error=error)
                ) from error
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            owner = self._manager.get_name(error.plugin) or "?"
            raise PluginError(
                owner, _("Module %(name)s implements an unknown hook: %(error)s", name=owner, error=error)
            ) from error
        self.order = tuple(name for name, module in modules)

    # -- declaration hooks --------------------------------------------------------------------------------------
    def gather(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """(plugin, value) of every value the declaration hook yields, in order of need. Raises `PluginError`."""
        for plugin, call in self._calls(hook):
            try:
                with watched(plugin, hook):
                    values = list(call(arguments) or ())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also SystemExit (F30)
                raise PluginError(
                    plugin, _("%(hook)s of module %(name)s failed: %(error)r", hook=hook, name=plugin, error=error)
                ) from error
            for value in values:
                yield plugin, value

    # -- lifecycle hooks ----------------------------------------------------------------------------------------
    def changing(self, changes: Sequence[Change], check: Callable[[], None]) -> None:
        """Phase 1: let every plugin refuse. A crash refuses too, in words (fail closed, F27).

        `check` raises when the plugin that was asked just now wrote something.
        """
        for plugin, call in self._calls("records_changing"):
            try:
                with watched(plugin, "records_changing"):
                    call({"changes": changes})
                    check()
            except Refused:
                raise
            except (KeyboardInterrupt, PluginError):
                raise
            except BaseException as error:
                self.failed(plugin, "records_changing", "veto", error)
                raise Veto(
                    _(
                        "Module %(name)s could not check this change, so it was not made. An administrator can switch the module off.",
                        name=plugin,
                    )
                ) from error

    def changed(
        self, changes: Sequence[Change], unit: Unit, savepoint: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        """Phase 2: let every plugin react, each in a savepoint of its own; a crash is undone alone and reported.

        That somebody else was first, or holds the database, is no crash: the whole unit ends and may be tried again.
        """
        for plugin, call in self._calls("records_changed"):
            try:
                with savepoint(plugin), watched(plugin, "records_changed"):
                    call({"changes": changes, "unit": unit})
            except (KeyboardInterrupt, PluginError, EditConflict, Busy):
                raise
            except BaseException as error:
                self.failed(plugin, "records_changed", "reaction", error)

    def committed(self, plugin: str, changes: Sequence[Change], unit: Unit) -> None:
        """Deliver committed changes to one plugin; what it raises is the caller's to retry."""
        for name, call in self._calls("changes_committed"):
            if name == plugin:
                with watched(plugin, "changes_committed"):
                    call({"changes": changes, "unit": unit})

    def enabled(self, plugin: str, unit: Unit) -> None:
        """Tell one plugin that it was switched on."""
        self._one(plugin, "module_enabled", unit)

    def disabling(self, plugin: str, unit: Unit) -> None:
        """Ask one plugin whether it may be switched off; `Veto` refuses. A crash does not hold it on (MO-8)."""
        try:
            with unit.attempt():
                self._one(plugin, "module_disabling", unit)
        except (Refused, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.failed(plugin, "module_disabling", "veto", error)

    def demo(self, plugin: str, unit: Unit) -> None:
        """Let one plugin add its demo records."""
        self._one(plugin, "demo_data", unit)

    def listeners(self, hook: str) -> tuple[str, ...]:
        """Names of the plugins that implement `hook`, in order of need."""
        return tuple(plugin for plugin, call in self._calls(hook))

    def failed(self, plugin: str, hook: str, kind: IncidentKind, error: BaseException) -> None:
        """Report a fault of a plugin."""
        self._report(Incident(plugin, hook, kind, f"{type(error).__name__}: {error}"))

    def ask(self, hook: str, **arguments: Any) -> list[Any]:
        """Results of a hook another plugin published in its `specs.py`; a crashing answer is reported and left out."""
        answers: list[Any] = []
        for plugin, call in self._calls(hook):
            try:
                with watched(plugin, hook):
                    answer = call(arguments)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.failed(plugin, hook, "reaction", error)
            else:
                if answer is not None:
                    answers.append(answer)
        return answers

    def _one(self, plugin: str, hook: str, unit: Unit) -> None:
        for name, call in self._calls(hook):
            if name == plugin:
                with watched(plugin, hook):
                    call({"unit": unit})

    def _calls(self, hook: str) -> Iterable[tuple[str, Callable[[dict[str, Any]], Any]]]:
        caller = getattr(self._manager.hook, hook)
        for implementation in reversed(caller.get_hookimpls()):
            names = implementation.argnames
            function = implementation.function

            def call(
                arguments: dict[str, Any], names: Sequence[str] = names, function: Callable[..., Any] = function
            ) -> Any:
                return function(*(arguments[name] for name in names))

            yield implementation.plugin_name, call
