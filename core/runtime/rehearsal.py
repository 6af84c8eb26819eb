"""Imports and builds plugins in a child process first, with a time limit (MO-8).

The child says what it is about to do before it does it, one JSON line each, so that a plugin that hangs or takes the
interpreter down is named. What the child does stands in `core.runtime.rehearsing`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.config import Config
from core.contract.hooks import IncidentKind
from core.errors import PluginError, StateConflict
from core.i18n import Text, current_locale, lazy as _
from core.runtime.generation import AppFactory, Generation, read_stored

if TYPE_CHECKING:
    from core.registry import RegisteredEntity
    from core.runtime.runtime import Runtime

LIMIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Additions:
    """What the modules that would come add to a generation, in words, for the impact page."""

    menus: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Names of the entities in code."""


def rehearse(runtime: Runtime, names: Sequence[str], coming: Collection[str]) -> Additions:
    """Import and build the set `names`, in order, in a child process; `coming`: those of them that do not run yet.

    Modules this process has imported before need no child: their import ended once, and the watchdog sees their
    declarations. Raises `PluginError` naming the module that fails, hangs or ends the child.
    """
    plugins = [runtime.discovery.plugin(name) for name in names if name in coming]
    if all(plugin.hooks in sys.modules for plugin in plugins):
        with runtime.database.reading() as session:
            stored = read_stored(session).with_shipped(plugins)
        return additions(runtime.build(0, names, stored, app=False), coming)
    task = {
        "names": list(names),
        "coming": [plugin.name for plugin in plugins],
        "others": sorted(runtime.discovery.plugins),
        "locale": list(current_locale()),
        "factory": _path(runtime.app_factory),
    }
    answer = _ask(runtime.config, task)
    return Additions(**{name: tuple(values) for name, values in answer["additions"].items()})


def try_manifest(config: Config, name: str) -> Text | None:
    """Import one plugin's manifest in a child process; a sentence when that fails or does not end."""
    try:
        _ask(config, {"manifest": name})
    except (PluginError, StateConflict) as error:
        return error.message
    return None


def _ask(config: Config, task: dict[str, Any]) -> dict[str, Any]:
    """Run the child and return its last line. Raises `PluginError`, and `StateConflict` when no plugin is to blame."""
    command = [sys.executable, "-m", "core.runtime.rehearsing"]
    environment = {**config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        child = subprocess.run(
            command, input=json.dumps(task), env=environment, timeout=LIMIT_SECONDS, capture_output=True, text=True, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = _said((error.stdout or b"").decode("utf-8", "replace"))
        if said and "done" in said[-1]:  # it only took too long to end
            return said[-1]
        name, step = _last_step(said, "it takes too long to start")
        message = _(
            "The module %(name)s was not ready after %(limit)s seconds, so it was not switched on",
            name=name,
            limit=f"{LIMIT_SECONDS:g}",
        )
        raise PluginError(name, message, kind=step) from error
    said = _said(child.stdout)
    answer = said[-1] if said else {}
    if "error" in answer:
        raise PluginError(answer["plugin"], answer["error"], kind=answer["kind"])
    if "done" not in answer:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        name, step = _last_step(said, reason)
        message = _("The module %(name)s ended the process that tried it: %(reason)s", name=name, reason=reason)
        raise PluginError(name, message, kind=step)
    return answer


def _said(output: str) -> list[dict[str, Any]]:
    """What the child said, line by line; the last may have been cut off."""
    said = []
    for line in output.splitlines():
        try:
            said.append(json.loads(line))
        except ValueError:
            break
    return said


def _last_step(said: Sequence[dict[str, Any]], reason: str) -> tuple[str, IncidentKind]:
    """The plugin the child was busy with, and whether it was importing or building. Raises `StateConflict` for none."""
    if not said:
        message = _("Modules cannot be tried now, so nothing was changed: %(reason)s", reason=reason)
        raise StateConflict(message)
    return said[-1]["plugin"], said[-1]["step"]


def _path(factory: AppFactory | None) -> str | None:
    """How the child finds the application factory; None for one that has no name outside its function."""
    name = getattr(factory, "__qualname__", "<")
    module = getattr(factory, "__module__", "__main__")
    return None if "<" in name or module == "__main__" else f"{module}:{name}"


def _part(found: RegisteredEntity, label: Text) -> str:
    """What a plugin adds to an entity, in the language of who asks."""
    return str(_("%(entity)s: %(part)s", entity=found.entity.label, part=label))


def additions(generation: Generation, coming: Collection[str]) -> Additions:
    """What the plugins `coming` contribute to a generation that has them."""
    registry = generation.registry
    entities = registry.entities.values()
    own = [found for found in entities if found.plugin in coming]
    fields = [(found, field) for found in entities for field in found.fields.values() if field.plugin in coming]
    facets = {field.owner.__tablename__ for found, field in fields}
    return Additions(
        menus=tuple(str(item.label) for plugin, item in registry.menu if plugin in coming),
        entities=tuple(str(found.entity.plural) for found in own),
        fields=tuple(_part(found, field.label) for found, field in fields if found not in own),
        panels=tuple(
            _part(found, panel.label) for found in entities for plugin, panel in found.panels if plugin in coming
        ),
        actions=tuple(
            _part(found, action.label) for found in entities for plugin, action in found.actions if plugin in coming
        ),
        commands=tuple(str(found.label) for plugin, found in generation.hooks.gather("commands") if plugin in coming),
        permissions=tuple(
            str(permission.label) for name in coming for permission in registry.plugins[name].permissions
        ),
        jobs=tuple(
            str(job.label) for job in registry.jobs.values() if job.every and job.name.partition(".")[0] in coming
        ),
        names=tuple(found.name for found in own),
        tables=tuple(sorted({*facets, *(found.model.__tablename__ for found in own)})),
    )
