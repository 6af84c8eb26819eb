"""Survives a plugin that hangs: its process is ended and replaced, and the third time the plugin is set aside (MO-8).

A thread cannot be stopped from outside, so the whole process goes; the supervisor starts another, and the transaction
that hung is rolled back by the database. What happened is left in a file, for the database may be locked by the very
transaction that hangs; the next process that starts, or the job worker, takes the file in.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.orm import Session

from core.contract.hooks import Incident, Running, running
from core.data.engine import Database
from core.data.tables import PluginIncident, PluginState
from core.i18n import Text, lazy as _, lazy_plural
from core.runtime.discovery import IMPORT_HOOK
from core.runtime.processes import EXIT_CODE
from core.runtime.state import CORE, SLOW_LIMIT, lock_state, set_aside, write_incidents

log = logging.getLogger("comptoir.watchdog")

HOOK_LIMIT_SECONDS = 5.0
LIMITS = {IMPORT_HOOK: 20.0, "changes_committed": 60.0, "job": 100.0}
"""Longer limits: the first import on a cold disk, side effects, for which nobody waits, and a job between two signs of
life."""
LIMIT_VARIABLE = "COMPTOIR_HOOK_LIMIT"
"""For tests: one limit for everything, in seconds."""
FOLDER = "incidents"


def limit_of(hook: str) -> float:
    """How long a call of this hook may take."""
    given = os.environ.get(LIMIT_VARIABLE)
    return float(given) if given else LIMITS.get(hook, HOOK_LIMIT_SECONDS)


class Watchdog:
    """Looks at the hook calls under way in this process, from a daemon thread."""

    def __init__(self, var: Path) -> None:
        self._var = var
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="comptoir-watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End watching; for tests and orderly ends."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        every = min(0.5, limit_of("") / 5)
        while not self._stop.wait(every):
            overdue = find_overdue(running)
            if overdue is not None:
                end_process(self._var, overdue)


def find_overdue(calls: Mapping[int, Running]) -> Running | None:
    """A call that takes longer than it may."""
    moment = time.monotonic()
    return next((call for call in list(calls.values()) if moment - call.started > limit_of(call.hook)), None)


def end_process(var: Path, call: Running) -> None:
    """Leave an incident file and end this process at once; its supervisor replaces it."""
    detail = f"took longer than {limit_of(call.hook):g} seconds; process {os.getpid()} was replaced"
    log.critical("module %s, %s: %s", call.plugin, call.hook, detail)
    try:
        write_file(var, Incident(call.plugin, call.hook, "slow", detail))
    finally:
        os._exit(EXIT_CODE)


def write_file(var: Path, incident: Incident) -> Path:
    """Keep an incident in a file that is there as a whole or not at all."""
    folder = var / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{time.time_ns()}-{secrets.token_hex(4)}.json"
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(incident)), "utf-8")
    temporary.rename(target)
    return target


def take_in(database: Database, var: Path) -> int:
    """Move incident files into the database, set aside what was too slow too often; returns how many files there were.

    One process at a time: the lock on the folder is held until the files are gone. One that ends in between leaves
    files that are taken in twice, which is better than not at all.
    """
    folder = var / FOLDER
    if not folder.is_dir() or not any(folder.glob("*.json")):
        return 0
    with (folder / ".lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        files = sorted(folder.glob("*.json"))
        incidents = [found for file in files if (found := _read(file)) is not None]
        if incidents:
            with database.connection() as connection:
                lock_state(connection)
                write_incidents(connection, incidents)
                _set_slow_aside(connection, {incident.plugin for incident in incidents if incident.kind == "slow"})
        for file in files:
            file.unlink()
    return len(files)


def _read(file: Path) -> Incident | None:
    try:
        content = json.loads(file.read_text("utf-8"))
        return Incident(str(content["plugin"]), str(content["hook"]), content["kind"], str(content["detail"]))
    except (ValueError, KeyError, TypeError, OSError):
        log.warning("%s is no incident and is dropped", file)
        return None


def _set_slow_aside(connection: Connection, plugins: Iterable[str]) -> None:
    already = set(connection.execute(select(PluginState.name).where(PluginState.set_aside.is_not(None))).scalars())
    suspects = PluginIncident.plugin.in_(set(plugins) - already - {CORE})
    for name, number in connection.execute(_too_slow(suspects).order_by(PluginIncident.plugin)).all():
        reason = lazy_plural(
            "It took too long %(number)s time, and its process had to be replaced",
            "It took too long %(number)s times, and its process had to be replaced each time",
            number,
        )
        log.critical("module %s is set aside: %s", name, reason)
        set_aside(connection, name, str(reason))


def _too_slow(condition: ColumnElement[bool]) -> Select[str, int]:
    """Of the plugins whose incidents fulfil a condition, those that took too long too often, and how often."""
    slow = (PluginIncident.kind == "slow", PluginIncident.cleared.is_(False), condition)
    counted = select(PluginIncident.plugin, func.count()).where(*slow).group_by(PluginIncident.plugin)
    return counted.having(func.count() >= SLOW_LIMIT)


def unsafe_imports(session: Session) -> dict[str, Text]:
    """Plugins whose very import hung too often: they are not imported again until somebody switches them on."""
    hanging = session.execute(_too_slow(PluginIncident.hook == IMPORT_HOOK))
    return {name: _("Its import does not end") for name, _number in hanging}
