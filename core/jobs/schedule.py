"""Jobs that run by themselves: what was missed while nobody worked runs once, late, not ten times (F55).

The database remembers when each is due next, so any number of workers start it once. Modules that are off start
nothing; when one comes back, what it missed runs once.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.contract.contributions import Job
from core.data.clock import database_clock
from core.data.engine import Database
from core.data.tables import JobRow, JobSchedule
from core.jobs.enqueue import plugin_of
from core.jobs.queue import READY, UNFINISHED
from core.registry import Registry


def start_due(database: Database, registry: Registry) -> int:
    """Start what is due; returns how many. One that is still under way is not started beside itself."""
    timed = {job.name: job for job in registry.jobs.values() if job.every is not None}
    if not timed:
        return 0
    with database.reading() as session:
        moment = database_clock(session)
        planned = {
            row.name: row.next_at for row in session.connection().execute(select(JobSchedule.name, JobSchedule.next_at))
        }
    due = [job for name, job in timed.items() if _is_due(job, planned.get(name), moment)]
    return sum(_start(database, job, planned.get(job.name)) for job in due)


def _is_due(job: Job, planned: float | None, moment: float) -> bool:
    """Never planned, or its time has come; or the clock was set back so far that it never would."""
    return planned is None or planned <= moment or planned > moment + _every(job)


def _every(job: Job) -> float:
    assert job.every is not None
    return job.every.total_seconds()


def _start(database: Database, job: Job, planned: float | None) -> bool:
    """Plan the next time and write the row, both or neither; only one of several workers gets that far."""
    with database.connection() as connection:
        moment = database_clock(connection)
        values = {"name": job.name, "plugin": plugin_of(job.name), "next_at": moment + _every(job)}
        if planned is None:
            upsert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(JobSchedule)
            mine = connection.execute(upsert.values(values).on_conflict_do_nothing()).rowcount
        else:
            seen = (JobSchedule.name == job.name, JobSchedule.next_at == planned)
            mine = connection.execute(update(JobSchedule).where(*seen).values(values)).rowcount
        under_way = select(JobRow.id).where(JobRow.name == job.name, JobRow.state.in_(UNFINISHED)).limit(1)
        if not mine or connection.execute(under_way).first() is not None:
            return False
        row = {"name": job.name, "plugin": plugin_of(job.name), "payload": {}, "state": READY, "run_at": moment}
        connection.execute(insert(JobRow).values(row))
    return True
