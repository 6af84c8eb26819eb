"""The worker: does what waits in `core_job`, one job at a time, in the enabled set of that moment (DESIGN 9)."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from core.access.sweep import sweep
from core.contract.hooks import Incident
from core.data.tables import State
from core.data.unit import Unit, transaction
from core.errors import Busy, ComptoirError
from core.features.file_care import sweep_files
from core.features.file_store import FileStore
from core.features.purge import purge_bin
from core.i18n import lazy as _
from core.jobs import queue
from core.jobs.delivery import deliver
from core.jobs.queue import Job

if TYPE_CHECKING:
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.worker")

WAKE_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 3_600.0
PERFORMED = ("changes_committed",)
"""Names of the jobs this worker does; rows of other names are somebody else's."""
RETRY_SECONDS = 5.0
"""How long to wait when the database cannot be reached."""


class _SetChanged(Exception):
    """The enabled set changed between claim and work: the job goes back and is claimed anew."""


class Worker:
    """Runs jobs until told to stop; a stop takes effect between two jobs (F54)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._swept = 0.0

    def stop(self, *_signal: object) -> None:
        """End after the job under way; fit to be a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped."""
        while not self._stop.is_set():
            try:
                self._runtime.take_in_incidents()
                self._keep_house()
                while not self._stop.is_set() and self.run_one():
                    pass
            except (Busy, DBAPIError):
                log.exception("the database cannot be reached")
                self._stop.wait(RETRY_SECONDS)
            self._stop.wait(WAKE_SECONDS)

    def run_one(self) -> bool:
        """Do the next job, if any, in the generation of now; returns whether there was one."""
        generation = self._runtime.follow()
        if not queue.anything_ready(self._runtime.database, PERFORMED, generation.enabled):
            return False
        job = queue.claim(self._runtime.database, PERFORMED, generation.enabled)
        if job is None:
            return False
        try:
            if job.attempts > queue.MAXIMUM_ATTEMPTS:
                self._failed(job, queue.LOST)
            else:
                self._perform(generation, job)
        finally:
            self._runtime.flush_incidents()
        return True

    def _perform(self, generation: Generation, job: Job) -> None:
        try:
            with transaction(job.name, cause=f"job {job.id}", context=self._runtime.context(generation)) as unit:
                if not queue.holds(unit.session, job):
                    return
                self._same_set(unit, generation)
                deliver(unit, job.plugin, int(job.payload["operation"]))
                queue.mark_done(unit.session.connection(), job)
        except _SetChanged:
            queue.put_back(self._runtime.database, job)
        except (KeyboardInterrupt, Busy):
            queue.put_back(self._runtime.database, job)
            raise
        except BaseException as error:  # also SystemExit: a plugin must not end the worker (F30)
            self._failed(job, str(error) if isinstance(error, ComptoirError) else f"{type(error).__name__}: {error}")

    def _same_set(self, unit: Unit, generation: Generation) -> None:
        """Hold the set still while the job runs: a plugin is not called once its switching off was answered (MO-1)."""
        version = unit.session.execute(select(State.version).with_for_update(read=True)).scalar_one()
        if version != generation.version:
            raise _SetChanged

    def _failed(self, job: Job, error: str) -> None:
        parked = queue.fail(self._runtime.database, job, error)
        log.error("job %s (%s of %s) failed, attempt %s: %s", job.id, job.name, job.plugin, job.attempts, error)
        if parked or job.attempts == 1:
            ending = str(_("It is given up after %(number)s attempts.", number=job.attempts)) if parked else ""
            self._runtime.report(Incident(job.plugin, job.name, "delivery", f"{error} {ending}".strip()))

    def _keep_house(self) -> None:
        if time.monotonic() - self._swept >= HOUSEKEEPING_SECONDS or not self._swept:
            self._swept = time.monotonic()
            queue.remove_done(self._runtime.database)
            sweep(self._runtime.database)
            purge_bin(self._runtime.context(self._runtime.follow()))
            sweep_files(self._runtime.database, FileStore(self._runtime.config.files))
