"""The worker: does what waits in `core_job`, one job at a time, in the enabled set of that moment (DESIGN 9)."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from core.contract.contributions import Job
from core.contract.hooks import Incident, IncidentKind, watched
from core.data.context import use_context
from core.errors import Busy, Forbidden, NotFound, Refused
from core.i18n import lazy as _, use_locale
from core.jobs import queue, schedule
from core.jobs.endings import GivesWay, HandedBack, LeaseLost, Stopped, said
from core.jobs.queue import Claim
from core.jobs.rounds import Rounds
from core.jobs.run import JobRun
from core.logs import Work, use_work
from core.registry import CORE

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.worker")

SCHEDULE_SECONDS = 5.0
WATCHED = "job"
"""What the watchdog calls a job: its time begins anew with every step and progress."""


class Worker(Rounds):
    """Runs jobs until told to stop; a stop takes effect between two steps (F54)."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(self._round, "the jobs could not be looked after")
        self._runtime = runtime
        self._looked = 0.0

    @property
    def runtime(self) -> Runtime:
        """The process it works in."""
        return self._runtime

    def _round(self) -> None:
        self.look_around()
        while not self.stopping and self.run_one():
            self.look_around()

    def look_around(self) -> None:
        """Every few seconds do the chores: take in what watchdogs left, and start what the clock starts.

        A chore that fails costs neither the other nor the jobs: it is logged, and tried again in the next round.
        """
        if self._looked and time.monotonic() - self._looked < SCHEDULE_SECONDS:
            return
        self._looked = time.monotonic()
        for chore in (self._runtime.take_in_incidents, self._start_due):
            try:
                chore()
            except (Busy, DBAPIError):  # the database itself: waited for as a whole
                raise
            except Exception:
                log.exception("a chore failed")

    def _start_due(self) -> None:
        schedule.start_due(self._runtime.database, self._runtime.follow().registry)

    def run_one(self, only: int | None = None) -> bool:
        """Do the next job, if any, in the generation of now; returns whether there was one. `only`: this one or none."""
        registry = self._runtime.follow().registry
        names, plugins = registry.jobs, (CORE, *registry.plugins)
        database = self._runtime.database
        if only is None and not queue.anything_ready(database, names, plugins):
            return False
        claimed = queue.claim(database, names, plugins, only=only)
        if claimed is None:
            return False
        try:
            job = registry.jobs[claimed.name]
            with use_work(Work(claimed.id, claimed.name, claimed.request_id)):
                self._deal_with(job, claimed)
        finally:
            self._runtime.flush_incidents()
        return True

    def _deal_with(self, job: Job, claimed: Claim) -> None:
        if claimed.stop_requested:  # of a worker that ended before it could
            queue.finish(self._runtime.database, claimed, queue.STOPPED)
        elif claimed.attempts > job.attempts:
            self._failed(job, claimed, queue.LOST)
        else:
            self._perform(job, claimed)

    def _perform(self, job: Job, claimed: Claim) -> None:
        database = self._runtime.database
        try:
            self._do(job, claimed)
        except HandedBack:
            queue.put_back(database, claimed)
        except GivesWay:
            queue.put_back(database, claimed, behind=True)
        except LeaseLost:
            log.warning("job %s (%s): its lease was lost, another worker may have it", claimed.id, claimed.name)
        except Stopped as end:
            queue.finish(database, claimed, queue.STOPPED, result=queue.shortened(end.reason) or None)
        except KeyboardInterrupt:
            queue.put_back(database, claimed)
            raise
        except Busy as error:  # a lock, a deadlock: others go on meanwhile
            log.warning("job %s (%s) is put off: %s", claimed.id, claimed.name, error)
            if not queue.put_off(database, claimed):
                self._failed(job, claimed, said(error))
        except (Refused, Forbidden, NotFound) as error:  # it said why, and would say the same again
            queue.finish(database, claimed, queue.FAILED, error=queue.shortened(error.message))
        except BaseException as error:  # also SystemExit: a plugin must not end the worker (F30)
            self._failed(job, claimed, said(error), error)

    def _do(self, job: Job, claimed: Claim) -> None:
        run = JobRun(self._runtime, claimed, lambda: self.stopping, lambda: self._others_wait(claimed))
        with use_locale(run.locale):
            with use_context(run.context), watched(claimed.plugin, WATCHED):
                result = job.run(run)
            if not run.finished:
                state = queue.STOPPED if run.was_stopped else queue.DONE
                values = {"done": run.done, "total": run.total, "errors": run.errors, "notes": run.notes or None}
                shown = queue.shortened(result)
                queue.finish(self._runtime.database, claimed, state, error=None, result=shown, **values)

    def _others_wait(self, claimed: Claim) -> bool:
        registry = self._runtime.follow().registry
        names, plugins = registry.jobs, (CORE, *registry.plugins)
        return queue.anything_ready(self._runtime.database, names, plugins, besides=claimed.id)

    def _failed(self, job: Job, claimed: Claim, error: str, cause: BaseException | None = None) -> None:
        attempt, parked = queue.fail(self._runtime.database, claimed, error, job.attempts)
        message = "job %s (%s of %s) failed, attempt %s: %s"
        log.error(message, claimed.id, job.name, claimed.plugin, attempt, error, exc_info=cause)
        if claimed.plugin != CORE and (parked or attempt == 1):
            ending = str(_("It is given up after %(number)s attempts.", number=attempt)) if parked else ""
            kind: IncidentKind = "delivery" if job.name == DELIVERY else "job"
            self._runtime.report(Incident(claimed.plugin, job.name, kind, f"{error} {ending}".strip()))


DELIVERY = "changes_committed"
"""The name of the jobs that tell a module what was committed."""
