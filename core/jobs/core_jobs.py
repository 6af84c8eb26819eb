"""The jobs of the engine itself: telling modules what was committed, and sweeping up."""

from __future__ import annotations

import datetime

from sqlalchemy import and_, delete, func, or_, select

from core.access.sweep import sweep
from core.contract.contributions import Job
from core.data.clock import database_clock
from core.data.engine import Database
from core.data.tables import JobRow
from core.errors import PluginError, Refused
from core.features.file_care import sweep_files
from core.features.file_store import FileStore
from core.features.notifications import sweep_notifications
from core.features.purge import purge_bin
from core.i18n import lazy as _
from core.jobs import results
from core.jobs.delivery import deliver
from core.jobs.queue import DONE, FAILED, PARKED, STOPPED
from core.jobs.run import JobRun
from core.jobs.worker import DELIVERY

KEPT_SECONDS = 24 * 3_600.0
"""How long rows of nobody that are done are kept for whoever wonders what happened."""
RESULT_SECONDS = 7 * 24 * 3_600.0
"""How long people find their jobs that are done, and the files these made (UX 2.8)."""
TROUBLE_SECONDS = 30 * 24 * 3_600.0
"""How long jobs can be tried again that were stopped, failed or parked; those of nobody stay."""
DELIVERY_ATTEMPTS = 16
"""Four hours, more or less: what a module tells is often out of reach for a while, and is not done by hand."""


def tell(job: JobRun) -> None:
    """Call `changes_committed` of one module; what it writes and that it was told are kept together, or neither."""
    try:
        with job.step(DELIVERY, cause=f"job {job.id}") as step:
            deliver(step.unit, job.plugin, int(job.payload["operation"]))
            step.finish()
    except Refused as error:  # by what others did meanwhile: worth another try
        raise PluginError(job.plugin, error.message) from error


def keep_house(job: JobRun) -> None:
    """Delete what was kept long enough: sign-ins, forms' keys, job rows and their files, records in the bin, stray files."""
    database = job.context.database
    sweep(database)
    sweep_notifications(database)
    remove_old(database)
    job.progress()
    with database.reading() as session:
        named = {file for file in session.scalars(select(JobRow.file)) if file is not None}
    results.sweep(job.var, named)
    job.progress()
    purge_bin(job.context)
    job.progress()
    sweep_files(database, FileStore(job.files))


def remove_old(database: Database) -> int:
    """Delete rows of jobs that ended long ago; their files go later, so that none is ever named and gone."""
    with database.writing() as session:
        moment = database_clock(session)
        ended = func.coalesce(JobRow.finished_at, JobRow.run_at)
        nobodys = (JobRow.owner_id.is_(None), JobRow.state == DONE, JobRow.run_at < moment - KEPT_SECONDS)
        done = (JobRow.owner_id.is_not(None), JobRow.state == DONE, ended < moment - RESULT_SECONDS)
        trouble = (
            JobRow.owner_id.is_not(None), JobRow.state.in_((FAILED, STOPPED, PARKED)), ended < moment - TROUBLE_SECONDS,
        )  # fmt: skip
        old = or_(*(and_(*group) for group in (nobodys, done, trouble)))
        removed = session.connection().execute(delete(JobRow).where(old)).rowcount
        session.commit()
    return int(removed)


CORE_JOBS = (
    Job(DELIVERY, _("Tell modules what was changed"), tell, attempts=DELIVERY_ATTEMPTS),
    Job("core.housekeeping", _("Housekeeping"), keep_house, every=datetime.timedelta(hours=1)),
)
"""Registered beside those of other rooms of the core, in `core.runtime.generation`."""
