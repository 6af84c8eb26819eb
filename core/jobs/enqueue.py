"""Starting, stopping and repeating jobs: always inside the unit of whoever asks, so that both happen or neither does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.data.clock import database_clock
from core.data.tables import JobRow
from core.data.unit import Unit
from core.errors import ContractError, Refused, StateConflict
from core.i18n import Text, lazy as _
from core.jobs.queue import FAILED, PARKED, READY, RUNNING, STOPPED, UNFINISHED

MAXIMUM_WAITING = 50
"""Jobs a person may have waiting or running at a time (T79)."""
LABEL_LENGTH = 200
KEY_LENGTH = 120


def enqueue(
    unit: Unit,
    name: str,
    payload: Mapping[str, Any],
    *,
    label: Text,
    unique_key: str | None = None,
    run_at: float | None = None,
    owner: int | Literal["actor"] | None = "actor",
    module: str | None = None,
) -> int:
    """Write a job into the unit and return its number; a worker does it once the unit is committed.

    `name`: a registered job. `payload`: what JSON can hold. `label`: what people see. `unique_key`: with a key that
    was used before nothing is written, and the number is that of the first, whatever became of it. `run_at`: not
    before then, in seconds of database time. `owner`: the account it works for, whoever the unit works for unless
    said; None is nobody, that is the system with all rights. `module`: whose records a job of the core works on; it
    waits while that module is off, as a module's own jobs do.

    Raises `ContractError` for a name nobody registers (T28), and `Refused` when the owner has too many waiting (T79).
    """
    if name not in unit.context.registry.jobs:
        raise ContractError(f"no enabled module registers a job {name!r}")
    if unique_key is not None and len(unique_key) > KEY_LENGTH:
        raise ContractError(f"the key of a job has at most {KEY_LENGTH} characters")
    owner_id = unit.context.actor.id if owner == "actor" else owner
    connection = unit.session.connection()
    values = {
        "name": name, "plugin": module or plugin_of(name), "payload": dict(payload), "owner_id": owner_id,
        "label": str(label)[:LABEL_LENGTH] or None, "unique_key": unique_key, "state": READY,
        "run_at": database_clock(unit.session) if run_at is None else run_at,
    }  # fmt: skip
    if unique_key is not None:
        known = select(JobRow.id).where(JobRow.unique_key == unique_key)
        found = connection.execute(known).scalar()
        if found is None:
            _refuse_flood(unit, owner_id)
            upsert: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(JobRow)
            row = upsert.values(values).on_conflict_do_nothing(index_elements=["unique_key"]).returning(JobRow.id)
            found = connection.execute(row).scalar()
        return int(found if found is not None else connection.execute(known).scalar_one())
    _refuse_flood(unit, owner_id)
    return int(connection.execute(insert(JobRow).values(values).returning(JobRow.id)).scalar_one())


def plugin_of(name: str) -> str:
    """Who registers a job of this name."""
    return name.partition(".")[0]


def _refuse_flood(unit: Unit, owner_id: int | None) -> None:
    if owner_id is None:
        return
    waiting = select(func.count()).where(JobRow.owner_id == owner_id, JobRow.state.in_(UNFINISHED))
    if unit.session.connection().execute(waiting).scalar_one() >= MAXIMUM_WAITING:
        raise Refused(_("%(number)s jobs of yours are not done yet. Wait for some of them.", number=MAXIMUM_WAITING))


def stop(unit: Unit, job_id: int) -> bool:
    """Ask a job to end: at once when it waits, else after the step under way. Returns whether it has ended already.

    What its steps did stays. Raises `StateConflict` when there is nothing to stop.
    """
    connection = unit.session.connection()
    own = (JobRow.id == job_id, JobRow.state == READY)
    ended = {"state": STOPPED, "stop_requested": True, "finished_at": database_clock(unit.session)}
    if connection.execute(update(JobRow).where(*own).values(ended)).rowcount:
        return True
    running = update(JobRow).where(JobRow.id == job_id, JobRow.state == RUNNING).values(stop_requested=True)
    if not connection.execute(running).rowcount:
        raise StateConflict(_("This job has ended already"))
    return False


def retry(unit: Unit, job_id: int) -> None:
    """Let a job that was stopped, failed or parked go on where it ended. Raises `StateConflict` for any other."""
    fresh = {
        "state": READY, "attempts": 0, "put_off": 0, "stop_requested": False, "error": None, "finished_at": None, "handed_at": None,
        "run_at": database_clock(unit.session),
    }  # fmt: skip
    again = update(JobRow).where(JobRow.id == job_id, JobRow.state.in_((FAILED, PARKED, STOPPED))).values(fresh)
    if not unit.session.connection().execute(again).rowcount:
        raise StateConflict(_("Only a job that was stopped or failed can be tried again"))
