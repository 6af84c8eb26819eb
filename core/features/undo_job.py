"""Taking back what a job did: its operations, the newest first, each as Undo would (US-4, UX 2.0)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.contract.changes import Actor
from core.contract.contributions import Job
from core.data.history import Operation, RecordChange
from core.data.records import now
from core.errors import Forbidden, NotFound, Refused, StateConflict
from core.features.undo import DONE_BY_UNDO, UNDO_HOURS, undo_in
from core.i18n import Text, format_integer, lazy as _

if TYPE_CHECKING:
    from core.jobs.run import JobRun

UNDO = "core.undo"


def operations_of(session: Session, job_id: int) -> Mapping[int, int]:
    """The operations of a job that changed records, the newest first, each with its number of changes."""
    statement = (
        select(Operation.id, func.count())
        .join(RecordChange, RecordChange.operation_id == Operation.id)
        .where(Operation.job_id == job_id, Operation.action.not_in(DONE_BY_UNDO))
        .group_by(Operation.id)
        .order_by(Operation.id.desc())
    )
    return {operation: number for operation, number in session.execute(statement)}


def standing(session: Session, job_id: int) -> list[int]:
    """Those of its operations that nobody has taken back, the newest first."""
    operations = operations_of(session, job_id)
    undone = set(session.scalars(select(Operation.undo_of).where(Operation.undo_of.in_(operations))))
    return [operation for operation in operations if operation not in undone]


def may_undo_job(session: Session, job_id: int, actor: Actor) -> bool:
    """Whether Undo is offered: the actor's own doing of the last 24 hours, of which something still stands."""
    newest = session.get(Operation, next(iter(standing(session, job_id)), 0))
    if newest is None or newest.actor_id != actor.id:
        return False
    return bool(now() - newest.at < datetime.timedelta(hours=UNDO_HOURS))


def undo_job(job: JobRun) -> Text:
    """Take back the operations the payload names, in its order; what changed since stays, and is said.

    They are those of the click: the job they are of may be tried again meanwhile, and do more.
    """
    operations: list[int] = job.payload["operations"]
    with job.context.database.reading() as session:
        changes = operations_of(session, job.payload["job"])
    job.total = sum(changes.get(operation, 0) for operation in operations)
    while (at := int(job.cursor.get("at", 0))) < len(operations):
        operation = operations[at]
        number = changes.get(operation, 0)
        cursor = {"at": at + 1}
        try:
            with job.step("undo", undo_of=operation) as step:
                refused = undo_in(step.unit, operation).refused
                step.advance(cursor, done=number, errors=len(refused), notes=refused)
        except (Refused, Forbidden, NotFound, StateConflict) as error:
            with job.step("undo") as step:
                step.advance(cursor, done=number, errors=number, notes=[error.message])
    numbers = {"number": format_integer(job.done - job.errors), "refused": format_integer(job.errors)}
    if job.errors:
        return _("%(number)s taken back, %(refused)s not", **numbers)
    return _("%(number)s taken back", **numbers)


UNDO_JOBS = (Job(UNDO, _("Undo"), undo_job),)
