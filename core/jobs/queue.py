"""The job rows (DESIGN 9, SECURITY 7.31): claimed with a lease in database time, tried again later, parked in the end.

A row is written in the transaction that causes the work; what a killed worker had claimed is free again when its lease
ends. Every claim has a token of its own: whoever holds another one writes nothing any more. Marking a row done belongs
into the transaction of the work itself where the work is one.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update
from sqlalchemy.orm import Session

from core.data.clock import database_clock
from core.data.engine import Database
from core.data.tables import JobRow
from core.features.notifications import job_ended
from core.i18n import Text

LEASE_SECONDS = 120.0
"""Longer than the watchdog lets any work go without a sign of life: a lease that ends belongs to a worker that is gone."""
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 3_600.0
MAXIMUM_PUT_OFF = 6
"""So often in a row, some two minutes, a job that meets something busy is put off before that counts as a failure."""
ERROR_LENGTH = 2_000
MAXIMUM_NOTES = 100
"""So many sentences on what was refused are kept; the others are counted."""
LOST = "the worker that did it ended before it was done"

READY, RUNNING, DONE, FAILED, STOPPED, PARKED = "ready", "running", "done", "failed", "stopped", "parked"
FINISHED = (DONE, FAILED, STOPPED, PARKED)
UNFINISHED = (READY, RUNNING)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed row; `lease` is the token of this very claim."""

    id: int
    name: str
    plugin: str
    payload: dict[str, Any]
    attempts: int
    lease: str
    owner_id: int | None
    label: str | None
    cursor: dict[str, Any] | None
    step: int
    done: int
    total: int | None
    errors: int
    notes: list[str] | None
    stop_requested: bool
    request_id: str | None

    def own(self) -> tuple[ColumnElement[bool], ...]:
        """What its row is found by as long as nobody else has claimed it since."""
        return (JobRow.id == self.id, JobRow.state == RUNNING, JobRow.lease == self.lease)


_COLUMNS = tuple(JobRow.__table__.columns[name] for name in Claim.__dataclass_fields__)


def claimable(names: Collection[str], plugins: Collection[str], moment: float) -> ColumnElement[bool]:
    """Rows that may be taken now: due, or claimed by a worker whose lease ended; of work this worker knows how to do."""
    due = and_(JobRow.state == READY, JobRow.run_at <= moment)
    left = and_(JobRow.state == RUNNING, JobRow.lease_until < moment)
    return and_(JobRow.name.in_(names), JobRow.plugin.in_(plugins), or_(due, left))


def claim(
    database: Database, names: Collection[str], plugins: Collection[str], *, only: int | None = None
) -> Claim | None:
    """Take the next job of these names and plugins, or None. Jobs of plugins that are off wait, untouched.

    One conditional UPDATE: two workers never get the same row. The attempt counts from here, so that a job that takes
    its worker down with it is parked too (F53). `only`: this row or none.
    """
    with database.writing() as session:
        moment = database_clock(session)
        free = claimable(names, plugins, moment)
        if only is not None:
            free = and_(free, JobRow.id == only)
        oldest = select(JobRow.id).where(free).order_by(JobRow.run_at, JobRow.id).limit(1)
        take = (
            update(JobRow)
            .where(JobRow.id == oldest.with_for_update(skip_locked=True).scalar_subquery(), free)
            .values(
                state=RUNNING, lease=secrets.token_hex(16), lease_until=moment + LEASE_SECONDS,
                attempts=JobRow.attempts + 1, started_at=moment, started_done=JobRow.done, finished_at=None,
            )
            .returning(*_COLUMNS)
        )  # fmt: skip
        row = session.connection().execute(take).first()
        session.commit()
    return None if row is None else Claim(*row)


def anything_ready(
    database: Database, names: Collection[str], plugins: Collection[str], *, besides: int | None = None
) -> bool:
    """Whether a claim would find something; a read, so that an idle worker takes no write lock. `besides`: not this row."""
    with database.reading() as session:
        free = claimable(names, plugins, database_clock(session))
        if besides is not None:
            free = and_(free, JobRow.id != besides)
        return session.execute(select(JobRow.id).where(free).limit(1)).first() is not None


def holds(session: Session, claimed: Claim) -> bool:
    """Whether this worker still holds the job: a lease that ended may have been taken over."""
    return session.execute(select(JobRow.id).where(*claimed.own())).first() is not None


def mark_finished(connection: Connection, claimed: Claim, state: str, moment: float, **values: Any) -> bool:
    """End a job inside the transaction of `connection`, and tell its owner; returns whether it was still this claim's."""
    ended = {"state": state, "lease": None, "lease_until": None, "handed_at": None, "finished_at": moment}
    written = bool(connection.execute(update(JobRow).where(*claimed.own()).values(**ended, **values)).rowcount)
    if written:
        job_ended(connection, claimed.owner_id, claimed.id, claimed.label or claimed.name, state)
    return written


def finish(database: Database, claimed: Claim, state: str, **values: Any) -> bool:
    """End a job in a transaction of its own."""
    with database.writing() as session:
        ended = mark_finished(session.connection(), claimed, state, database_clock(session), **values)
        session.commit()
    return ended


_FREE: dict[str, Any] = {"state": READY, "lease": None, "lease_until": None, "handed_at": None}


def put_back(database: Database, claimed: Claim, *, behind: bool = False) -> None:
    """Give a job back, because the worker ends or the enabled set changed under it; the attempt does not count.

    `behind`: behind all that is due at this moment, for a job that lets others have their turn.
    """
    with database.connection() as connection:
        values = {**_FREE, "run_at": database_clock(connection)} if behind else _FREE
        connection.execute(update(JobRow).where(*claimed.own()).values(attempts=JobRow.attempts - 1, **values))


def put_off(database: Database, claimed: Claim) -> bool:
    """Give a job back for a while, ever longer, because something was busy; the attempt does not count.

    Returns False, having done nothing, when that happened too often in a row: then it counts as a failure.
    """
    with database.writing() as session:
        connection, moment = session.connection(), database_clock(session)
        times = connection.execute(select(JobRow.put_off).where(*claimed.own())).scalar()
        if times is not None and times >= MAXIMUM_PUT_OFF:
            return False
        values = {**_FREE, "run_at": moment + delay((times or 0) + 1), "put_off": JobRow.put_off + 1}
        connection.execute(update(JobRow).where(*claimed.own()).values(attempts=JobRow.attempts - 1, **values))
        session.commit()
    return True


def fail(database: Database, claimed: Claim, error: str, attempts: int) -> tuple[int, bool]:
    """Note a failed attempt: later again, or parked with the reason after `attempts`.

    Returns which attempt it was, and whether it is parked now. An attempt that got on counts as the first again.
    """
    with database.writing() as session:
        connection, moment = session.connection(), database_clock(session)
        tried = connection.execute(select(JobRow.attempts).where(*claimed.own())).scalar() or claimed.attempts
        parked = tried >= attempts
        reason = error[:ERROR_LENGTH]
        if parked:
            mark_finished(connection, claimed, PARKED, moment, error=reason)
        else:
            again = update(JobRow).where(*claimed.own()).values(run_at=moment + delay(tried), error=reason, **_FREE)
            connection.execute(again)
        session.commit()
    return tried, parked


def shortened(text: Text | None) -> str | None:
    """A sentence as the row keeps it."""
    return None if text is None else str(text)[:ERROR_LENGTH]


def delay(attempts: int) -> float:
    """Seconds until the next attempt: doubling, and spread so that many failures do not come back at once."""
    longest = min(FIRST_DELAY_SECONDS * float(2 ** (attempts - 1)), LONGEST_DELAY_SECONDS)
    return longest * random.uniform(0.5, 1.0)


def renew(database: Database, claimed: Claim, wait: float, **values: Any) -> bool | None:
    """Extend the lease and note progress; returns whether somebody asked for the end, None when the lease was lost.

    Raises `Busy` when SQLite cannot be written to within `wait` seconds.
    """
    with database.connection(wait=wait) as connection:
        lease_until = database_clock(connection) + LEASE_SECONDS
        statement = update(JobRow).where(*claimed.own()).values(lease_until=lease_until, **values)
        return connection.execute(statement.returning(JobRow.stop_requested)).scalar_one_or_none()
