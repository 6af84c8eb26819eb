"""The stored state of the enabled set: its version, which modules are on, and why some of them do not run.

Only what somebody decided or what went wrong is stored. That a module waits because one it needs does not run is
worked out anew each time, so it comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import Session

from core.contract.hooks import Incident
from core.data.records import now
from core.data.tables import PluginIncident, PluginState, State, bump
from core.errors import PluginError, StateConflict
from core.i18n import Text, lazy as _
from core.runtime.discovery import IMPORT_HOOK, Discovery

CORE = "core"
"""The core keeps the fingerprint of its own migrations in a row of `core_plugin`."""
DETAIL_LENGTH = 2000
SLOW_LIMIT = 3
"""After so many uncleared calls over the time limit a module is set aside (MO-8)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of one module."""

    name: str
    enabled: bool
    version: str
    migrations: str
    set_aside: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the database says should run: read version first, so that a set never looks older than it is."""

    version: int
    known: Mapping[str, Known]

    @property
    def enabled(self) -> list[str]:
        """Modules that are switched on, whether they run or not."""
        return [name for name, known in self.known.items() if known.enabled]


def read_wanted(session: Session | Connection) -> Wanted:
    """Read version and modules."""
    version = session.execute(select(State.version)).scalar_one()
    rows = session.execute(select(PluginState.__table__).where(PluginState.name != CORE).order_by(PluginState.name))
    return Wanted(version, {row.name: Known(*row) for row in rows})


def lock_state(session: Session | Connection, shown: int | None = None) -> int:
    """Take the lock under which the enabled set changes, and return its version.

    `shown`: the version the person looked at. Raises `StateConflict` when somebody was faster.
    """
    version = int(session.execute(select(State.version).with_for_update()).scalar_one())
    check_shown(shown, version)
    return version


def check_shown(shown: int | None, present: int) -> None:
    """Raise `StateConflict` when the version a person looked at is no longer that of now (F23)."""
    if shown is not None and shown != present:
        raise StateConflict(_("Somebody changed the modules meanwhile. Look at the page again, then decide."))


def runnable(wanted: Wanted, discovery: Discovery) -> tuple[list[str], dict[str, Text]]:
    """The modules that can run, in order, and for each of the others that are on the reason why it cannot."""
    stopped: dict[str, Text] = {}
    for name in wanted.enabled:
        found = discovery.found.get(name)
        if wanted.known[name].set_aside:
            stopped[name] = str(wanted.known[name].set_aside)
        elif found is None:
            stopped[name] = _("It is not installed any more. Install it again, or switch it off.")
        elif found.plugin is None:
            stopped[name] = found.error or ""
    running = [name for name in wanted.enabled if name not in stopped]
    while True:
        needs = {name: [need for need in discovery.plugin(name).requires if need not in running] for name in running}
        waiting = {name: ", ".join(missing) for name, missing in needs.items() if missing}
        if not waiting:
            return running, stopped
        running = [name for name in running if name not in waiting]
        for name, missing in waiting.items():
            stopped[name] = _("It needs %(missing)s, which does not run", missing=missing)


def keep(connection: Connection, name: str, **values: object) -> None:
    """Store these facts of a module, of one that was never stored too."""
    if not connection.execute(update(PluginState).where(PluginState.name == name).values(values)).rowcount:
        connection.execute(insert(PluginState).values(name=name, **values))


def set_aside(connection: Connection, name: str, reason: str) -> None:
    """Keep a module from running until somebody switches it on again; it stays enabled (MO-8)."""
    keep(connection, name, set_aside=reason[:DETAIL_LENGTH])
    bump(connection)


def incident_of(error: PluginError) -> Incident:
    """What is kept of an error of a plugin."""
    return Incident(error.plugin, IMPORT_HOOK if error.kind == "import" else "build", error.kind, str(error))


def write_incidents(connection: Connection, incidents: Iterable[Incident]) -> None:
    """Keep faults of modules for the Modules page."""
    rows = [
        {
            "plugin": incident.plugin[:40], "hook": incident.hook[:80], "kind": incident.kind,
            "detail": incident.detail[:DETAIL_LENGTH], "at": now(), "cleared": False,
        }
        for incident in incidents
    ]  # fmt: skip
    if rows:
        connection.execute(insert(PluginIncident), rows)


def clear_incidents(connection: Connection, name: str) -> None:
    """Forget the faults of a module and let it run again."""
    connection.execute(update(PluginIncident).where(PluginIncident.plugin == name).values(cleared=True))
    connection.execute(update(PluginState).where(PluginState.name == name).values(set_aside=None))
