"""A typed facade over pluggy: one method per hook, isolation and attribution in one place (DESIGN 3, SECURITY 7.30).

pluggy calls the implementation registered last first, so plugins are registered in reverse order of need. Each
implementation is called on its own: a crash names its plugin and never silences the others. Only `Veto` has meaning.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
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
    "import", "build", "migration", "veto", "reaction", "delivery", "demo", "panel", "tab", "widget", "menu", "field", "action", "view",
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
        for spec in (hookspecs, *specs):
            self._manager.add_hookspecs(spec)
        try:
            for name, module in reversed(modules):
                self._manager.register(module, name=name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            owner = next((name for name, module in modules if module is error.plugin), "?")
            message = _("A hook of module %(name)s does not fit: %(error)s", name=owner, error=error)
            raise PluginError(owner, message) from error

    # -- declaration hooks --------------------------------------------------------------------------------------
    def gather(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """(plugin, value) of every value the declaration hook yields, in order of need. Raises `PluginError`."""
        for plugin, call in self._calls(hook, **arguments):
            try:
                values = list(call() or ())
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
        for plugin, call in self._calls("records_changing", changes=changes):
            try:
                call()
                check()
            except (Refused, KeyboardInterrupt, PluginError):
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
        for plugin, call in self._calls("records_changed", changes=changes, unit=unit):
            with self._held(plugin, "records_changed", "reaction", PluginError, EditConflict, Busy), savepoint(plugin):
                call()

    def committed(self, plugin: str, changes: Sequence[Change], unit: Unit) -> None:
        """Deliver committed changes to one plugin; what it raises is the caller's to retry."""
        self._tell(plugin, "changes_committed", changes=changes, unit=unit)

    def enabled(self, plugin: str, unit: Unit) -> None:
        """Tell one plugin that it was switched on."""
        self._tell(plugin, "module_enabled", unit=unit)

    def disabling(self, plugin: str, unit: Unit) -> None:
        """Ask one plugin whether it may be switched off; `Veto` refuses. A crash does not hold it on (MO-8)."""
        with self._held(plugin, "module_disabling", "veto", Refused), unit.attempt():
            self._tell(plugin, "module_disabling", unit=unit)

    def demo(self, plugin: str, unit: Unit) -> None:
        """Let one plugin add its demo records."""
        self._tell(plugin, "demo_data", unit=unit)

    def listeners(self, hook: str) -> tuple[str, ...]:
        """Names of the plugins that implement `hook`, in order of need."""
        return tuple(plugin for plugin, call in self._calls(hook))

    def failed(self, plugin: str, hook: str, kind: IncidentKind, error: BaseException) -> None:
        """Report a fault of a plugin."""
        self._report(Incident(plugin, hook, kind, f"{type(error).__name__}: {error}"))

    def ask(self, hook: str, **arguments: Any) -> list[Any]:
        """Results of a hook another plugin published in its `specs.py`; a crashing answer is reported and left out."""
        answers: list[Any] = []
        for plugin, call in self._calls(hook, **arguments):
            with self._held(plugin, hook, "reaction"):
                answers.append(call())
        return [answer for answer in answers if answer is not None]

    @contextmanager
    def _held(self, plugin: str, hook: str, kind: IncidentKind, *meant: type[Exception]) -> Iterator[None]:
        """Report a crash of a plugin and go on; errors that are `meant` pass."""
        try:
            yield
        except BaseException as error:  # also SystemExit (F30)
            if isinstance(error, (KeyboardInterrupt, *meant)):
                raise
            self.failed(plugin, hook, kind, error)

    def _tell(self, plugin: str, hook: str, **arguments: Any) -> None:
        for name, call in self._calls(hook, **arguments):
            if name == plugin:
                call()

    def _calls(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
        """(plugin, what calls its implementation under the eyes of the watchdog), in order of need."""
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            yield implementation.plugin_name, partial(_call, implementation, hook, arguments)


def _call(implementation: pluggy.HookImpl, hook: str, arguments: Mapping[str, Any]) -> Any:
    with watched(implementation.plugin_name, hook):
        answer = implementation.function(*(arguments[name] for name in implementation.argnames))
        return list(answer) if isinstance(answer, Iterator) else answer  # a generator runs only now
