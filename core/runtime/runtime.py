"""The process's own: database, discovered plugins, the current generation, and where faults of plugins go (DESIGN 5).

Nothing is global: everything hangs on one `Runtime`, and tests make as many as they like.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import logs
from core.access import audit
from core.access.models import User
from core.config import Config
from core.contract.changes import SYSTEM, Actor
from core.contract.hooks import Incident
from core.data.context import Context
from core.data.engine import Database
from core.data.guards import is_inside_unit
from core.data.migrations import CORE_FOLDER, fingerprint, migrate
from core.data.numbering import Series
from core.data.references import declare_references
from core.data.tables import PluginState, State, bump
from core.errors import Busy, PluginError
from core.exchange.accounts import settle_user
from core.features import notifications
from core.features.numbering import settle_series
from core.i18n import Text
from core.runtime import installing, rehearsal, watchdog
from core.runtime.discovery import Discovery
from core.runtime.generation import (
    CORE_ENTITIES,
    AppFactory,
    Generation,
    Stored,
    build_generation,
    read_stored,
)
from core.runtime.state import CORE, incident_of, keep, lock_state, read_wanted, runnable, set_aside, write_incidents

if TYPE_CHECKING:
    from flask import Flask

    from core.data.scopes import Scope
    from core.metrics import Metrics

log = logging.getLogger("comptoir.runtime")

RULES = {User.entity.name: settle_user, Series.entity.name: settle_series}
"""What accounts send, and what masks must fit, is the business of rooms above theirs."""
MAXIMUM_QUEUE = 1_000
"""Incidents kept while the database cannot take them; all of them are in the log as well."""
REPEAT_SECONDS = 10.0
"""The same fault of the same hook is written at most once in this time."""


class Runtime:
    """Made once per process. `start()` makes it ready, `follow()` gives the generation to work with."""

    def __init__(self, config: Config, *, app_factory: AppFactory | None = None) -> None:
        """`app_factory` makes the Flask application of a generation; processes that serve no pages have none."""
        self.config = config
        self.database = Database(config.database_url)
        self.discovery = Discovery()
        self.stopped: dict[str, Text] = {}
        """Modules that are on but do not run in the current generation, with the reason."""
        self.app_factory = app_factory
        self._rehearse = functools.partial(rehearsal.try_manifest, config)
        self._generation: Generation | None = None
        self._served: Generation | None = None
        """The newest one whose application was made."""
        self._refused_version: int | None = None
        self._lock = threading.RLock()
        self._incidents: deque[Incident] = deque(maxlen=MAXIMUM_QUEUE)
        self._recent: dict[Incident, float] = {}
        self._watchdog = watchdog.Watchdog(config.var)
        self.trail = audit.Trail(self.database)
        """Events of requests for the audit."""

    @functools.cached_property
    def metrics(self) -> Metrics:
        """The figures of this process; the library is loaded by processes that serve pages only."""
        from core.metrics import Metrics

        return Metrics()

    # -- life ---------------------------------------------------------------------------------------------------
    def start(self) -> Generation:
        """Bring the core's tables up to date, find plugins, run those that are on; a broken one is set aside (MO-8).

        Raises `PluginError` when the core's own migration fails, and database errors: then nothing can run.
        """
        self._migrate_core()
        self._watchdog.start()
        self.take_in_incidents()
        generation = self.follow()
        if installing.upgrade_all(self, generation):
            generation = self.follow()
        return generation

    def close(self) -> None:
        """Stop watching and close all connections."""
        self._watchdog.stop()
        self.flush_incidents()
        self.database.dispose()

    def _migrate_core(self) -> None:
        wanted = fingerprint(CORE_FOLDER)
        with self.database.reading() as session:
            done = None
            if inspect(session.connection()).has_table(PluginState.__tablename__):
                done = session.scalar(select(PluginState.migrations).where(PluginState.name == CORE))
        if done == wanted:
            return
        with self.database.connection() as connection:
            migrate(connection, CORE, CORE_FOLDER)
            declare_references(Session(connection), CORE, CORE_ENTITIES)
            if connection.execute(select(State.version)).first() is None:
                connection.execute(insert(State).values(id=1, version=1))
            keep(connection, CORE, migrations=wanted)

    # -- generations --------------------------------------------------------------------------------------------
    @property
    def generation(self) -> Generation:
        """The generation this process works with now, without asking the database."""
        return self._generation or self.follow()

    def follow(self) -> Generation:
        """The generation of the version in the database; built when it changed, while other threads wait (MO-1).

        When building fails for a reason that is no plugin's, the old generation goes on; without one it raises.
        """
        version = int(self.database.scalar(_VERSION))
        current = self._generation
        if current is not None and version in (current.version, self._refused_version):
            return current
        with self._lock:
            try:
                self._generation = self._renew()
            except (Busy, DBAPIError):
                raise  # the next request tries again: the old set must not serve after the click was answered
            except Exception:
                if self._generation is None:
                    raise
                self._go_on(self._generation, version)
            return self._generation

    def application(self) -> Flask:
        """What answers requests now: the application of the generation of the version in the database.

        A plugin that it cannot hold is set aside, and the rest is tried.
        """
        while True:
            generation = self.follow()
            try:
                generation.app  # noqa: B018 - made here, when nobody asked for it before
            except (Busy, DBAPIError):
                raise
            except PluginError as error:
                if error.plugin not in generation.enabled:
                    raise
                self.set_aside(error)
                continue
            except Exception:
                if self._served is None:
                    raise
                generation = self._go_on(self._served, generation.version)
            if self._served is None or generation.version > self._served.version:
                self._served = generation
            return generation.app

    def _go_on(self, generation: Generation, refused: int) -> Generation:
        """Keep to a generation, since a later version failed for a reason that is no plugin's. Within its `except`."""
        log.exception("version %s could not be built; version %s goes on", refused, generation.version)
        with self._lock:
            self._generation, self._refused_version = generation, refused
        return generation

    def _renew(self) -> Generation:
        """Build what the database asks for; a plugin that cannot be built is set aside, and the rest is tried."""
        while True:
            with self.database.reading() as session:
                wanted = read_wanted(session)
                stored = read_stored(session)
            if self._generation is not None and self._generation.version == wanted.version:
                return self._generation
            self._scan(wanted.enabled)
            names, self.stopped = runnable(wanted, self.discovery)
            try:
                built = self.build(wanted.version, names, stored, app=False)
                logs.mask_fields(built.registry.personal)
                return built
            except PluginError as error:
                if error.plugin not in names:
                    raise
                self.set_aside(error)

    def build(self, version: int, names: Iterable[str], stored: Stored, *, app: bool = True) -> Generation:
        """Build a generation without using it. Raises `PluginError` naming the plugin that does not fit."""
        return build_generation(self, version, names, stored, app=app)

    def set_aside(self, error: PluginError) -> None:
        """Keep a plugin from running after a failure, and say why on the Modules page."""
        log.error("module %s is set aside: %s", error.plugin, error)
        with self.database.connection() as connection:
            lock_state(connection)
            set_aside(connection, error.plugin, str(error))
            write_incidents(connection, [incident_of(error)])

    def rescan(self) -> None:
        """Look for plugins again (`Reload list`): new ones are tried in a child process first; all workers follow."""
        self._scan(self.discovery.found)
        with self.database.connection() as connection:
            lock_state(connection)
            bump(connection)
        if self.app_factory is None:
            self.follow()
        else:
            self.application()  # what does not fit is set aside before the list is shown

    def try_again(self, name: str) -> None:
        """Look anew at one plugin that could not be imported, though it hung before: somebody wants it switched on."""
        found = self.discovery.found.get(name)
        if found is None or found.plugin is None:
            self._scan([name], spared=[name])

    def _scan(self, again: Collection[str], spared: Collection[str] = ()) -> None:
        with self._lock:
            with self.database.reading() as session:
                unsafe = {name: why for name, why in watchdog.unsafe_imports(session).items() if name not in spared}
            rehearse = None if self._generation is None else self._rehearse
            self.discovery.scan(skip=unsafe, rehearse=rehearse, again=again)

    def context(
        self,
        generation: Generation,
        actor: Actor = SYSTEM,
        request_id: str | None = None,
        scope: Scope | None = None,
    ) -> Context:
        """What a unit of work needs to know, for somebody working in `generation`; without `scope`, the system itself."""
        return Context(
            generation.registry, generation.hooks, self.database, actor, request_id, scope,
            watchers=WATCHERS, secret_keys=self.config.secret_keys, public_url=self.config.public_url, rules=RULES,
        )  # fmt: skip

    # -- faults of plugins --------------------------------------------------------------------------------------
    def report(self, incident: Incident) -> None:
        """Log a fault of a plugin and keep it for the Modules page: at once, or after the unit this thread is in."""
        log.error("module %s, %s (%s): %s", incident.plugin, incident.hook, incident.kind, incident.detail)
        if self._is_repeated(incident):
            return
        self._incidents.append(incident)
        if not is_inside_unit():
            self.flush_incidents()

    def _is_repeated(self, incident: Incident) -> bool:
        """Whether the same fault was kept a moment ago: a broken panel must not fill the table at every page view."""
        moment = time.monotonic()
        recent = {kept: at for kept, at in self._recent.items() if moment - at < REPEAT_SECONDS}
        repeated = incident in recent
        self._recent = recent if repeated else {**recent, incident: moment}
        return repeated

    def report_error(self, error: PluginError) -> None:
        """Report a plugin's broken contract that ended an operation."""
        self.report(incident_of(error))

    def take_in_incidents(self) -> None:
        """Move what the watchdogs of ended processes left into the database (MO-8)."""
        watchdog.take_in(self.database, self.config.var)

    def flush_incidents(self) -> None:
        """Write the incidents that waited; when the database cannot take them, they wait on."""
        if not self._incidents or is_inside_unit():
            return
        taken: list[Incident] = []
        while self._incidents:
            taken.append(self._incidents.popleft())
        try:
            with self.database.connection() as connection:
                write_incidents(connection, taken)
        except (Busy, DBAPIError):
            log.warning("%s incidents could not be written yet", len(taken))
            self._incidents.extendleft(reversed(taken))


WATCHERS = (audit.watch, notifications.watch)
"""What looks at every unit of work (`Context.watchers`)."""
_VERSION = "SELECT version FROM core_state"
"""The one statement every request makes."""
