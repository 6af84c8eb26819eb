"""What a job is given to work with: payload, context, progress, steps (DESIGN 9).

    def run(job: JobRun) -> Text | None:
        while (start := job.cursor.get("at", 0)) < len(job.payload["ids"]):
            with job.step("leads.rate") as step:
                services.rate(step.unit, job.payload["ids"][start : start + 500])
                step.advance({"at": start + 500}, done=500)

A step is a unit of work that notes in the job's row, in the same transaction, how far it got. A worker killed anywhere
leaves whole steps; the next one calls `run` again, which goes on from the cursor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from sqlalchemy import select, update

from core.access.models import User
from core.access.users import actor_of
from core.access.views import scope_of
from core.contract.changes import SYSTEM, Actor
from core.contract.hooks import alive
from core.data.clock import database_clock
from core.data.context import Context, use_context
from core.data.guards import is_inside_unit
from core.data.tables import JobRow, State
from core.data.unit import Unit, transaction
from core.errors import Busy, NotFound, Refused, StateConflict
from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, Text, lazy as _
from core.jobs import queue, results
from core.jobs.endings import GivesWay, HandedBack, LeaseLost, Stopped
from core.jobs.queue import Claim

if TYPE_CHECKING:
    from core.data.scopes import Scope
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

STEP_ROWS = 500
PROGRESS_SECONDS = 1.0
"""Progress is written at most this often."""
RENEW_SECONDS = queue.LEASE_SECONDS / 3
SHORT_WAIT, LONG_WAIT = 0.2, 15.0
"""How long progress waits for the database: it may be left out, until the lease must be extended."""
TURN_SECONDS = 10.0
"""How long a job of many steps is done at a stretch while others wait (F53)."""
SET_TRIES = 10
YIELD_SECONDS = 0.01
"""A pause between two steps on SQLite, longer than its other writers wait before they look again: they get their turn."""
NAME_LENGTH = 200

T = TypeVar("T")


class _SetChanged(Exception):
    """The enabled set changed between looking and locking."""


@dataclass(slots=True)
class Step:
    """One unit of work of a job; what it notes is committed with what it did, or not at all."""

    unit: Unit
    number: int
    """Counts the steps of this job; (job, number) is the key of what the step does outside."""
    cursor: dict[str, Any] | None = None
    done: int = 0
    errors: int = 0
    notes: list[Text] = field(default_factory=list)
    finished: bool = False
    result: Text | None = None

    def advance(
        self, cursor: Mapping[str, Any] | None = None, *, done: int = 0, errors: int = 0, notes: Sequence[Text] = ()
    ) -> None:
        """Note where the next step begins, how many things are handled by this one, and what was refused and why."""
        if cursor is not None:
            self.cursor = dict(cursor)
        self.done += done
        self.errors += errors
        self.notes += notes

    def finish(self, result: Text | None = None) -> None:
        """Let the job be done with this very step; for jobs whose only step must not be done twice."""
        self.finished = True
        self.result = result


class JobRun:
    """One attempt at a job; handed to the `run` of its contribution."""

    def __init__(
        self, runtime: Runtime, claimed: Claim, stopping: Callable[[], bool], others_wait: Callable[[], bool]
    ) -> None:
        """`stopping`: whether the worker was told to end. `others_wait`: whether other jobs are due."""
        self._runtime = runtime
        self._claimed = claimed
        self._stopping = stopping
        self._others_wait = others_wait
        self._begun = time.monotonic()
        self._got_on = False
        self._wanted_end = False
        self._noticed_end = False
        self._written = self._renewed = time.monotonic()
        self._number = claimed.step
        self._stepped = False
        self.payload: Mapping[str, Any] = claimed.payload
        self.cursor: dict[str, Any] = dict(claimed.cursor or {})
        """Where the step before ended; empty in the beginning."""
        self.done, self.total, self.errors = claimed.done, claimed.total, claimed.errors
        self.notes = list(claimed.notes or ())
        self.finished = False
        self.locale = Locale()
        """How the owner reads; results are written so."""
        self.context = self.follow()

    @property
    def id(self) -> int:
        """The job's number."""
        return self._claimed.id

    @property
    def plugin(self) -> str:
        """Whose work it is: the module that registers it, or that changes are told to."""
        return self._claimed.plugin

    @property
    def var(self) -> Path:
        """The folder for files of this installation."""
        return self._runtime.config.var

    @property
    def files(self) -> Path:
        """The folder for files attached to records."""
        return self._runtime.config.files

    @property
    def public_url(self) -> str:
        """The address people reach this installation at, for what is sent to them."""
        return self._runtime.config.public_url

    @property
    def label(self) -> Text:
        """What people see."""
        job = self.context.registry.jobs[self._claimed.name]
        return self._claimed.label or job.label

    # -- surroundings -------------------------------------------------------------------------------------------
    def follow(self) -> Context:
        """The surroundings of now: the current generation, and the owner as the account is today.

        Raises `HandedBack` when the job's module is off, `Stopped` when the owner is gone, `Forbidden` when the owner
        may no longer do this.
        """
        generation = self._runtime.follow()
        job = generation.registry.job(self._claimed.name, self.plugin)
        if job is None:
            raise HandedBack
        self.permissions = generation.permissions
        actor, scope = self._owner(generation)
        if job.permission is not None:
            self.permissions.require(actor, job.permission)
        self._version = generation.version
        self.context = replace(self._runtime.context(generation, actor, scope=scope), job_id=self.id)
        return self.context

    def _owner(self, generation: Generation) -> tuple[Actor, Scope | None]:
        """Who it works for, and what he may know of today."""
        if self._claimed.owner_id is None:
            return SYSTEM, None
        with self._runtime.database.reading() as session:
            user = session.get(User, self._claimed.owner_id)
            if user is None or not user.active:
                raise Stopped(_("The account it worked for was deactivated"))
            language = user.language if user.language in LANGUAGES else "en"
            self.locale = Locale(language, user.region or DEFAULT_REGION[language], user.timezone or "UTC")
            actor = actor_of(user)
            return actor, scope_of(session, user, actor, generation.registry, generation.permissions)

    # -- progress -----------------------------------------------------------------------------------------------
    def progress(self, done: int | None = None, total: int | None = None, errors: int | None = None) -> None:
        """Say how far it got, and that it is alive; to be called at least every minute while no step is taken.

        Written at most once a second, in a transaction of its own; inside a step it is written with the step. Raises
        what ends a run between two steps: somebody asked for the end, the worker ends, the lease was lost.
        """
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.errors = self.errors if errors is None else errors
        alive()
        if is_inside_unit():
            return
        self._check_worker()
        self._write_progress()
        if self._wanted_end:
            raise Stopped("")

    @property
    def stopped(self) -> bool:
        """Whether a person asked for the end. A run that has seen this and returns has been stopped, with its result."""
        if not is_inside_unit():
            self._write_progress()
        self._noticed_end = self._noticed_end or self._wanted_end
        return self._wanted_end

    @property
    def was_stopped(self) -> bool:
        """Whether the run was told that a person asked for the end."""
        return self._noticed_end

    def _check_worker(self) -> None:
        if self._stopping():
            raise HandedBack

    def _give_way(self) -> None:
        """Let other jobs have their turn, once this one had its own and got on in it."""
        if self._got_on and time.monotonic() - self._begun >= TURN_SECONDS and self._others_wait():
            raise GivesWay

    def _write_progress(self) -> None:
        moment = time.monotonic()
        if moment - self._written < PROGRESS_SECONDS:
            return
        wait = SHORT_WAIT if moment - self._renewed < RENEW_SECONDS else LONG_WAIT
        values = {"done": self.done, "total": self.total, "errors": self.errors}
        try:
            wanted = queue.renew(self.context.database, self._claimed, wait, **values)
        except Busy:
            if wait == LONG_WAIT:
                raise
            return
        if wanted is None:
            raise LeaseLost
        self._wanted_end = wanted
        self._written = self._renewed = time.monotonic()

    # -- steps --------------------------------------------------------------------------------------------------
    @contextmanager
    def step(self, action: str, *, cause: str | None = None, undo_of: int | None = None) -> Iterator[Step]:
        """One unit of work in the enabled set of now. `action`, `cause`, `undo_of`: as of `transaction`.

        On entering it raises what ends a run between two steps, as `progress` does, and `Forbidden`; also, after ten
        seconds in which the cursor moved, what lets other jobs that are due go first. On leaving it raises what
        `transaction` raises: then nothing of it was written, and it may be tried again in smaller parts.
        """
        if self._stepped and self.context.database.is_sqlite:
            time.sleep(YIELD_SECONDS)
        self._stepped = True
        self._give_way()
        for _try in range(SET_TRIES):
            self._check_worker()
            alive()
            context = self.follow()
            why = cause or str(_("%(label)s (job %(number)s)", label=self.label, number=self.id))
            try:
                with transaction(action, cause=why, undo_of=undo_of, context=context) as unit, use_context(context):
                    self._hold(unit)
                    step = Step(unit, self._number + 1)
                    yield step
                    self._note(step)
            except _SetChanged:
                continue
            self._take(step)
            return
        raise HandedBack

    def _hold(self, unit: Unit) -> None:
        """Hold the set still while the step runs: a plugin is not called once its switching off was answered (MO-1)."""
        version = unit.session.execute(select(State.version).with_for_update(read=True)).scalar_one()
        if version != self._version:
            raise _SetChanged
        row = unit.session.execute(select(JobRow.stop_requested).where(*self._claimed.own())).first()
        if row is None:
            raise LeaseLost
        if row.stop_requested:
            raise Stopped("")

    def _note(self, step: Step) -> None:
        """Write how far the job got into the step's transaction; whoever lost the lease fails here, and all of it with it."""
        connection, moment = step.unit.session.connection(), database_clock(step.unit.session)
        values: dict[str, Any] = {
            "step": step.number, "done": self.done + step.done, "total": self.total,
            "errors": self.errors + step.errors, "notes": self._notes(step) or None,
        }  # fmt: skip
        if step.finished:
            values |= {"error": None, "result": queue.shortened(step.result)}
            written = queue.mark_finished(connection, self._claimed, queue.DONE, moment, **values)
        else:
            values["lease_until"] = moment + queue.LEASE_SECONDS
            if step.cursor is not None and step.cursor != self.cursor:
                values |= {
                    "cursor": step.cursor,
                    "attempts": 1,
                    "put_off": 0,
                }  # it gets on: attempts count those that do not
            written = bool(connection.execute(update(JobRow).where(*self._claimed.own()).values(values)).rowcount)
        if not written:
            raise LeaseLost

    def _notes(self, step: Step) -> list[str]:
        return [*self.notes, *(str(note) for note in step.notes)][: queue.MAXIMUM_NOTES]

    def _take(self, step: Step) -> None:
        """The step is committed: what it noted is so."""
        self._number = step.number
        self.done += step.done
        self.errors += step.errors
        self.notes = self._notes(step)
        if step.cursor is not None and step.cursor != self.cursor:
            self.cursor = step.cursor
            self._got_on = True
        self.finished = step.finished
        self._written = self._renewed = time.monotonic()
        alive()

    # -- many things --------------------------------------------------------------------------------------------
    def each(
        self, items: Sequence[T], work: Callable[[Unit, T], None], *, action: str, cause: str | None = None,
        size: int = STEP_ROWS,
    ) -> None:  # fmt: skip
        """Do `work` for every item, in steps of `size`; one that is refused is counted and noted, the others are done.

        Where somebody refuses a step as a whole, as a plugin's veto does, it is done again in halves, down to the item
        that is to blame. The cursor is `each`'s own: a job uses it for one sequence, and gets the same one each time.
        """
        self.total = len(items)
        while (start := int(self.cursor.get("at", 0))) < len(items):
            self._some(items, start, min(start + size, len(items)), work, action, cause)

    def _some(
        self, items: Sequence[T], start: int, end: int, work: Callable[[Unit, T], None], action: str, cause: str | None
    ) -> None:
        try:
            with self.step(action, cause=cause) as step:
                refused = [reason for item in items[start:end] if (reason := _tried(step.unit, item, work)) is not None]
                step.advance({"at": end}, done=end - start, errors=len(refused), notes=refused)
        except (Refused, StateConflict) as error:
            if end - start == 1:
                with self.step(action, cause=cause) as step:
                    step.advance({"at": end}, done=1, errors=1, notes=[error.message])
                return
            middle = (start + end) // 2
            self._some(items, start, middle, work, action, cause)
            self._some(items, middle, end, work, action, cause)

    # -- result -------------------------------------------------------------------------------------------------
    @contextmanager
    def file(self, name: str, content_type: str) -> Iterator[BinaryIO]:
        """A file for the owner to download: written aside, synced, renamed, and only then in the row (F17)."""
        with results.written(self.var) as (stored, handle):
            yield handle
        values = {"file": stored, "file_name": name[:NAME_LENGTH], "file_type": content_type}
        if queue.renew(self.context.database, self._claimed, LONG_WAIT, **values) is None:
            raise LeaseLost


def _tried(unit: Unit, item: T, work: Callable[[Unit, T], None]) -> Text | None:
    """Why the item was refused, and nothing of it written; None when it was done."""
    try:
        with unit.attempt():
            work(unit, item)
    except (Refused, StateConflict, NotFound) as error:
        return error.message
    return None
