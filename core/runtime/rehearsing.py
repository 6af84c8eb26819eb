"""The child process of a rehearsal: imports and builds plugins, and says what it is about to do before it does it.

Run as `python -m core.runtime.rehearsing`, with the task on standard input; each answer is one JSON line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pkgutil import resolve_name
from typing import Any, TextIO

from core.config import Config
from core.errors import PluginError
from core.i18n import Locale, set_locale
from core.runtime.discovery import Discovery
from core.runtime.generation import import_hooks, read_stored
from core.runtime.rehearsal import additions
from core.runtime.runtime import Runtime


def main(source: TextIO, target: TextIO) -> int:
    """Do the task on `source`; what is said goes to `target`, which plugins do not get to write to."""
    task = json.load(source)

    def say(**values: Any) -> None:
        target.write(json.dumps(values) + "\n")
        target.flush()

    try:
        if "manifest" in task:
            say(plugin=task["manifest"], step="import")
            discovery = Discovery()
            discovery.scan(only={task["manifest"]})
            discovery.plugin(task["manifest"])
            say(done=True)
        else:
            say(done=True, additions=_build(task, say))
    except PluginError as error:
        say(plugin=error.plugin, error=str(error), kind=error.kind)
    return 0


def _build(task: dict[str, Any], say: Callable[..., None]) -> dict[str, tuple[str, ...]]:
    set_locale(Locale(*task["locale"]))
    factory = resolve_name(task["factory"]) if task["factory"] else None
    runtime = Runtime(Config.from_environment(), app_factory=factory)
    tried: list[str] = []
    for name in task["names"]:
        say(plugin=name, step="import")
        tried.append(name)
        runtime.discovery.scan(only=tried)
        import_hooks(runtime.discovery.plugin(name))
    runtime.discovery.scan(only={*tried, *task["others"]})  # hook specifications of plugins that are off count too
    with runtime.database.reading() as session:
        stored = read_stored(session).with_shipped(map(runtime.discovery.plugin, task["coming"]))
    for number, name in enumerate(task["names"], 1):
        if name in task["coming"] or number == len(task["names"]):
            say(plugin=name, step="build")
            generation = runtime.build(0, task["names"][:number], stored)
    return asdict(additions(generation, set(task["coming"])))


if __name__ == "__main__":
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a plugin prints must not be taken for an answer
    sys.exit(main(sys.stdin, pipe))
