"""The job rows (DESIGN 9, SECURITY 7.31): claimed with a lease in database time, tried again later, parked in the end.

A row is written in the transaction that causes the work; what a killed worker had claimed is free again when its lease
ends. Marking it done belongs into the transaction of the work itself.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from core.data.clock import database_clock
from core.data.engine import Database
from core.data.tables import JobRow

LEASE_SECONDS = 120.0
"""Longer than the watchdog lets any hook run: a lease that ends belongs to a worker that is gone."""
MAXIMUM_ATTEMPTS = 5
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 3_600.0
KEPT_SECONDS = 24 * 3_600.0
"""How long rows that are done are kept for whoever wonders what happened."""
ERROR_LENGTH = 2_000
LOST = "the worker that did it ended before it was done"


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row."""

    id: int
    name: str
    plugin: str
    payload: dict[str, Any]
    attempts: int


def _claimable(names: Collection[str], plugins: Collection[str], moment: float) -> ColumnElement[bool]:
    """Rows that may be taken now: due, or claimed by a worker whose lease ended; of work this worker knows how to do."""
    due = and_(JobRow.state == "ready", JobRow.run_at <= moment)
    left = and_(JobRow.state == "running", JobRow.lease_until < moment)
    return and_(JobRow.name.in_(names), JobRow.plugin.in_(plugins), or_(due, left))


def claim(database: Database, names: Collection[str], plugins: Collection[str]) -> Job | None:
    """Take the next job of these names and plugins, or None. Jobs of plugins that are off wait, untouched.

    One conditional UPDATE: two workers never get the same row. The attempt counts from here, so that a job that takes
    its worker down with it is parked too (F53).
    """
    with database.writing() as session:
        moment = database_clock(session)
        free = _claimable(names, plugins, moment)
        oldest = select(JobRow.id).where(free).order_by(JobRow.run_at, JobRow.id).limit(1)
        columns = (JobRow.id, JobRow.name, JobRow.plugin, JobRow.payload, JobRow.attempts)
        take = (
            update(JobRow)
            .where(JobRow.id == oldest.with_for_update(skip_locked=True).scalar_subquery(), free)
            .values(state="running", lease_until=moment + LEASE_SECONDS, attempts=JobRow.attempts + 1)
            .returning(*columns)
        )
        row = session.connection().execute(take).first()
        session.commit()
    return None if row is None else Job(*row)


def anything_ready(database: Database, names: Collection[str], plugins: Collection[str]) -> bool:
    """Whether a claim would find something; a read, so that an idle worker takes no write lock."""
    with database.reading() as session:
        free = _claimable(names, plugins, database_clock(session))
        return session.execute(select(JobRow.id).where(free).limit(1)).first() is not None


def mark_done(connection: Connection, job: Job) -> None:
    """Part of the transaction that does the work: both are kept, or neither."""
    values = {"state": "done", "lease_until": None, "error": None}
    connection.execute(update(JobRow).where(JobRow.id == job.id).values(values))


def put_back(database: Database, job: Job) -> None:
    """Give a job back untried, because the enabled set changed under it; the attempt does not count."""
    with database.connection() as connection:
        values = {"state": "ready", "lease_until": None, "attempts": job.attempts - 1}
        connection.execute(update(JobRow).where(JobRow.id == job.id, JobRow.state == "running").values(values))


def fail(database: Database, job: Job, error: str) -> bool:
    """Note a failed attempt: later again, or parked with the error kept. Returns whether it is parked."""
    parked = job.attempts >= MAXIMUM_ATTEMPTS
    with database.writing() as session:
        values = {"state": "failed" if parked else "ready", "lease_until": None, "error": error[:ERROR_LENGTH]}
        run_at = database_clock(session) + delay(job.attempts)
        own = (JobRow.id == job.id, JobRow.state == "running", JobRow.attempts == job.attempts)
        session.connection().execute(update(JobRow).where(*own).values(run_at=run_at, **values))
        session.commit()
    return parked


def delay(attempts: int) -> float:
    """Seconds until the next attempt: doubling, and spread so that many failures do not come back at once."""
    longest = min(FIRST_DELAY_SECONDS * float(2 ** (attempts - 1)), LONGEST_DELAY_SECONDS)
    return longest * random.uniform(0.5, 1.0)


def remove_done(database: Database) -> int:
    """Delete rows that have been done for long; returns how many."""
    with database.writing() as session:
        old = (JobRow.state == "done", JobRow.run_at < database_clock(session) - KEPT_SECONDS)
        removed = session.connection().execute(delete(JobRow).where(*old)).rowcount
        session.commit()
    return int(removed)


def holds(session: Session, job: Job) -> bool:
    """Whether this worker still holds the job, under a lock on its row: a lease that ended may have been taken over."""
    statement = select(JobRow.attempts).where(JobRow.id == job.id, JobRow.state == "running").with_for_update()
    return session.execute(statement).scalar_one_or_none() == job.attempts
