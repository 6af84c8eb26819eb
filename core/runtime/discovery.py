"""Which plugins there are: the entry-point group `comptoir.plugins`, bundled and foreign alike (MO-9).

A plugin that cannot be imported is held with its error, never raised: it must not keep the others from running.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from types import MappingProxyType, ModuleType

from core.contract.hooks import watched
from core.contract.plugin import CONTRACT, Plugin
from core.errors import ContractError, PluginError, described
from core.i18n import Text, add_catalogues, lazy as _

GROUP = "comptoir.plugins"
BUNDLED = "comptoir"
IMPORT_HOOK = "import"
"""What the watchdog calls the import of a plugin, which is no hook but can hang like one."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """One entry point: its manifest, or why there is none. `version` is its distribution's."""

    name: str
    plugin: Plugin | None
    error: Text | None
    distribution: str
    version: str
    package: str
    folder: Path | None
    specs: ModuleType | None = None
    waiting: Text | None = None
    """Set when the environment changed under the running process: what `comptoir restart` would bring."""
    unsafe: bool = False
    """It failed or hung in another process and was therefore not imported in this one."""

    @property
    def label(self) -> Text:
        """The name people read."""
        return self.name if self.plugin is None else self.plugin.label

    def subfolder(self, name: str) -> Path | None:
        """The plugin's folder `static`, `templates`, `migrations` or `translations`, if it has one."""
        if self.folder is None or not (self.folder / name).is_dir():
            return None
        return self.folder / name


Rehearse = Callable[[str], Text | None]
"""Imports a plugin in a child process; a sentence when that fails or takes too long."""


class Discovery:
    """The plugins of this process's environment. Scanning imports manifests only, never a plugin's hooks."""

    def __init__(self) -> None:
        self.found: dict[str, Discovered] = {}
        self.clashes: tuple[Discovered, ...] = ()
        """Entry points whose name another distribution has already taken."""

    def scan(
        self,
        *,
        skip: Mapping[str, Text] = MappingProxyType({}),
        rehearse: Rehearse | None = None,
        again: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> None:
        """Look at the environment, first or anew.

        What was imported stays as it is; a new version of it waits for a restart. `skip`: plugins not to import, with
        the reason. `rehearse` is asked before a plugin this process has not tried yet is imported, and for those of
        `again` even if they were refused before. `only`: names to look at, for a child process that tries one.
        """
        importlib.invalidate_caches()
        found: dict[str, Discovered] = {}
        clashes: list[Discovered] = []
        for point in sorted(importlib.metadata.entry_points(group=GROUP), key=_rank):
            if only is not None and point.name not in only:
                continue
            if point.name in found:
                taken = _(
                    "The name %(name)s is taken by %(origin)s", name=point.name, origin=found[point.name].distribution
                )
                clashes.append(_held(point, taken))
            else:
                found[point.name] = self._look(point, skip, rehearse, again)
        for name, known in self.found.items():
            if name not in found and known.plugin is not None:
                found[name] = replace(known, waiting=_("It is no longer installed; it runs until `comptoir restart`"))
        self.found = found
        self.clashes = tuple(clashes)

    def _look(
        self,
        point: importlib.metadata.EntryPoint,
        skip: Mapping[str, Text],
        rehearse: Rehearse | None,
        again: Collection[str],
    ) -> Discovered:
        known = self.found.get(point.name)
        if known is not None and known.plugin is not None:
            return _compared(known, point)
        if point.name in skip:
            return replace(_held(point, skip[point.name]), unsafe=True)
        if known is not None and known.unsafe and point.name not in again and known.version == _version(point):
            return known
        if rehearse is not None and (known is None or known.unsafe):
            problem = rehearse(point.name)
            if problem is not None:
                return replace(_held(point, problem), unsafe=True)
        return _load(point)

    @property
    def plugins(self) -> dict[str, Plugin]:
        """The manifests that could be read, by name."""
        return {name: found.plugin for name, found in self.found.items() if found.plugin is not None}

    def plugin(self, name: str) -> Plugin:
        """A plugin's manifest. Raises `PluginError` when it is not installed or cannot be imported."""
        found = self.found.get(name)
        if found is None:
            raise PluginError(name, _("The module %(name)s is not installed", name=name))
        if found.plugin is None:
            raise PluginError(name, _("The module %(name)s cannot be used: %(error)s", name=name, error=found.error))
        return found.plugin

    def label(self, name: str) -> Text:
        """The name people read; that in code for what is not installed."""
        return self.found[name].label if name in self.found else name

    def specs(self) -> list[ModuleType]:
        """The hook specifications published by discovered plugins, enabled or not."""
        return [found.specs for found in self.found.values() if found.specs is not None]

    # -- order --------------------------------------------------------------------------------------------------
    def closure_needs(self, names: Iterable[str]) -> list[str]:
        """`names` and all they need, in order. Raises `PluginError` naming what is missing."""
        wanted: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting.extend(self.plugin(name).requires)
        return self.order(wanted)

    def dependents(self, name: str, enabled: Collection[str]) -> list[str]:
        """Those of `enabled` that need `name`, directly or not, by name."""
        plugins = [plugin for plugin in self.plugins.values() if plugin.name in enabled]
        needing = {name}
        for _step in plugins:  # a chain of needs is no longer than that
            needing |= {plugin.name for plugin in plugins if needing & set(plugin.requires)}
        return sorted(needing - {name})

    def order(self, names: Iterable[str]) -> list[str]:
        """`names` with each after what it needs and comes after; ties by name (DESIGN 3).

        Raises `PluginError` that names a need which is not among them, or prints the cycle.
        """
        chosen = {name: self.plugin(name) for name in names}
        before: dict[str, set[str]] = {}
        for name, plugin in chosen.items():
            missing = [need for need in plugin.requires if need not in chosen]
            if missing:
                message = _(
                    "The module %(name)s needs %(missing)s, which is not on", name=name, missing=", ".join(missing)
                )
                raise PluginError(name, message)
            before[name] = {other for other in (*plugin.requires, *plugin.after) if other in chosen}
        sorter = TopologicalSorter(before)
        try:
            sorter.prepare()
        except CycleError as error:
            cycle = _from_first(error.args[1])
            message = _("These modules wait for each other: %(cycle)s", cycle=" → ".join(cycle))
            raise PluginError(cycle[0], message) from error
        ready: list[str] = []
        done: list[str] = []
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()])
            done.append(ready.pop(0))
            sorter.done(done[-1])
        return done


def _from_first(cycle: Sequence[str]) -> list[str]:
    """A cycle in which each waits for the next, beginning and ending with the first by name; given the other way round."""
    names = list(reversed(cycle[1:]))
    start = names.index(min(names))
    return [*names[start:], *names[: start + 1]]


# -- loading ----------------------------------------------------------------------------------------------------
def _rank(point: importlib.metadata.EntryPoint) -> tuple[str, bool, str]:
    """Bundled plugins first, so that no other distribution takes their names."""
    return point.name, _origin(point) != BUNDLED, _origin(point)


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def _version(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.version if point.dist is not None else ""


def _held(point: importlib.metadata.EntryPoint, error: Text) -> Discovered:
    return Discovered(point.name, None, error, _origin(point), _version(point), point.module, None)


def _compared(known: Discovered, point: importlib.metadata.EntryPoint) -> Discovered:
    version = _version(point)
    if version == known.version:
        return replace(known, waiting=None)
    message = _("Version %(new)s is installed; %(old)s runs until `comptoir restart`", new=version, old=known.version)
    return replace(known, waiting=message)


def _load(point: importlib.metadata.EntryPoint) -> Discovered:
    """Import an entry point's manifest and what belongs to it; every error is held."""
    try:
        with watched(point.name, IMPORT_HOOK):
            module = importlib.import_module(point.module)
            plugin = getattr(module, point.attr)
            _check(point, plugin)
            package = module.__name__ if hasattr(module, "__path__") else (module.__package__ or module.__name__)
            specs = _specs(package) if package != module.__name__ or hasattr(module, "__path__") else None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit: an import must not end the process (F30)
        return _held(point, str(error) if isinstance(error, ContractError) else described(error))
    folder = _folder(package)
    found = Discovered(point.name, plugin, None, _origin(point), _version(point), package, folder, specs)
    translations = found.subfolder("translations")
    if translations is not None:
        add_catalogues(translations)
    return found


def _folder(package: str) -> Path | None:
    """The package's own folder; a single module has none, for the one it stands in belongs to everybody."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def _specs(package: str) -> ModuleType | None:
    # Looked for before it is imported: an ImportError inside specs.py is the plugin's fault, not its absence.
    name = f"{package}.specs"
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def _check(point: importlib.metadata.EntryPoint, plugin: object) -> None:
    if not isinstance(plugin, Plugin):
        raise ContractError(f"{point.value} is not a Plugin")
    if plugin.name != point.name:
        raise ContractError(f"the entry point is called {point.name!r}, the plugin {plugin.name!r}: they must be equal")
    if not compatible(plugin.core, CONTRACT):
        raise ContractError(f"it was written for the core {plugin.core}, this is {CONTRACT}")


_BOUND = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)")
_COMPARISONS = {">=": ge, "<=": le, ">": gt, "<": lt, "==": eq, "!=": ne}


def compatible(wanted: str, version: str) -> bool:
    """Whether a version lies in a range such as `>=0.1,<2`. Raises `ContractError` for a range that is none."""
    present = _numbers(version)
    for part in wanted.split(","):
        bound = _BOUND.fullmatch(part.strip())
        if bound is None:
            raise ContractError(f"{wanted!r} is not a range of versions")
        if not _COMPARISONS[bound[1]](present, _numbers(bound[2])):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """`0.1.0rc1` -> (0, 1); trailing zeros dropped so that 1 and 1.0 are equal."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else [0]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
