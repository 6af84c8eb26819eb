"""Real workers, processes of their own, for tests that kill them."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from core.config import Config
from core.data.clock import database_clock
from core.data.tables import JobRow
from core.jobs import queue
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun, Step
from core.runtime.runtime import Runtime
from core.testing.site import Site
from tests.probe.helpers import fetch, work
from tests.probe.processes import ROOT, environment

PATIENCE = 90.0
"""Seconds after which what a test waits for will not come any more."""
JOBS = JobRow.__table__


def wait_for(seen: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + patience
    while not (found := seen()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


class Workers:
    """`comptoir worker`, as often as asked for; all are ended with the test."""

    def __init__(self, site: Site, backend: str, log: Path) -> None:
        self.site = site
        self.backend = backend
        self.log = log
        self.living: list[subprocess.Popen[bytes]] = []

    def start(self, **variables: str) -> subprocess.Popen[bytes]:
        """Another one; `variables` of its environment."""
        settings = {**environment(self.site), "COMPTOIR_JOBS": self.backend, **variables}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "core.cli", "worker"]
            process = subprocess.Popen(command, env=settings, cwd=ROOT, stdout=log, stderr=log)
        self.living.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9, and what the two minutes of a lease would do."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.let_leases_end()

    def end(self, process: subprocess.Popen[bytes]) -> int:
        """SIGTERM; the exit code."""
        process.terminate()
        return process.wait(PATIENCE)

    def let_leases_end(self) -> None:
        """As if the two minutes were over after which a killed worker's job is free again."""
        let_leases_end(self.site.runtime)

    def close(self) -> None:
        """End all that live."""
        for process in self.living:
            if process.poll() is None:
                process.kill()
                process.wait()

    # -- what they do -------------------------------------------------------------------------------------------
    def put(self, name: str, number: int = 1, **payload: Any) -> list[int]:
        """So many jobs; each gets a place of its own to count at, from `place` on."""
        first = payload.pop("place", 0)
        with work(self.site, "start") as unit:
            return [enqueue(unit, name, {"place": first + at, **payload}, label=name) for at in range(number)]

    def row(self, job_id: int) -> Any:
        """A job's row."""
        (found,) = fetch(self.site, select(JOBS).where(JOBS.c.id == job_id))
        return found

    def wait(self, *job_ids: int, state: str = "done") -> None:
        """Until all these jobs are in that state."""
        others = select(JOBS.c.id).where(JOBS.c.id.in_(job_ids), JOBS.c.state != state).limit(1)
        wait_for(lambda: not fetch(self.site, others))

    def tallies(self) -> dict[int, int]:
        """How often something was done at each place."""
        return {place: number for place, number in fetch(self.site, "SELECT id, number FROM probe_tally")}

    def survive_a_kill(self) -> None:
        """How every test ends: a worker is killed in the middle of a job, a second start does the rest, once."""
        for process in self.living:
            if process.poll() is None:
                assert self.end(process) == 0
        (job_id,) = self.put("probe.steps", place=900_000, steps=8, pause=0.03)
        first = self.start()
        wait_for(lambda: self.row(job_id).step >= random.randint(1, 4))
        self.kill(first)
        second = self.start()
        self.wait(job_id)
        assert self.end(second) == 0
        done = {place: number for place, number in self.tallies().items() if place >= 900_000}
        assert done == dict.fromkeys(range(900_000, 900_008), 1)
        assert fetch(self.site, select(JOBS.c.id).where(JOBS.c.lease.is_not(None))) == []


AT_THE_CLAIM = 0
"""The step before the first."""


class Forks:
    """Workers forked from one process that has imported everything, so that one is there in a moment."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.probe.workers", "core.commands.worker", "core.runtime.runtime"])

    def start(self, config: Config, log: Path, killed_at: tuple[int, int] | None = None) -> BaseProcess:
        """`comptoir worker` on that installation. `killed_at`: the job and the step of it in which it is killed."""
        process = self._context.Process(target=_work, args=(config.environment(), str(log), killed_at))
        process.start()
        return process


def _work(variables: dict[str, str], log: str, killed_at: tuple[int, int] | None) -> None:
    """In the forked process: be `comptoir worker`."""
    from core.cli import main

    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(variables)
    if killed_at is not None:
        _arrange_kill(*killed_at)
    sys.exit(main(["worker"]))


def _arrange_kill(job_id: int, step: int) -> None:
    """Let SIGKILL come when the job was just claimed, or when a step has written everything and committed nothing."""
    claim, note = queue.claim, JobRun._note

    def claim_and_die(*arguments: Any, **named: Any) -> Any:
        claimed = claim(*arguments, **named)
        if claimed is not None and claimed.id == job_id and step == AT_THE_CLAIM:
            os.kill(os.getpid(), signal.SIGKILL)
        return claimed

    def note_and_die(run: JobRun, under_way: Step) -> None:
        note(run, under_way)
        under_way.unit.session.flush()
        if run.id == job_id and under_way.number == step:
            os.kill(os.getpid(), signal.SIGKILL)

    queue.claim, JobRun._note = claim_and_die, note_and_die  # type: ignore[method-assign]


def survive_a_kill(runtime: Runtime, forks: Forks, log: Path, job_id: int, step: int = 1) -> None:
    """How tests of jobs end: `kill -9` of the worker in the middle of this job, and a second start that does the rest.

    `step`: in which it is killed, 0 right after the claim. What was done before is not done again.
    """
    before = _rows(runtime, JOBS.c.state == "done")
    first = forks.start(runtime.config, log, (job_id, step))
    try:
        first.join(PATIENCE)
        assert first.exitcode == -signal.SIGKILL, log.read_text("utf-8")
    finally:
        first.kill()
        first.join()
    (left,) = _rows(runtime, JOBS.c.id == job_id).values()
    assert (left.state, left.step) == ("running", max(step - 1, 0)), "nothing of the step is there"
    let_leases_end(runtime)
    second = forks.start(runtime.config, log)
    try:
        wait_for(lambda: _rows(runtime, and_(JOBS.c.id == job_id, JOBS.c.state == "done")))
        second.terminate()
        second.join(PATIENCE)
        assert second.exitcode == 0, log.read_text("utf-8")
    finally:
        second.kill()
        second.join()
    after = _rows(runtime, JOBS.c.id.in_(before))
    assert after == {number: before[number] for number in after}, "what was done is not done again"
    assert _rows(runtime, JOBS.c.state == "running") == {}, "no lease is left"


def _rows(runtime: Runtime, which: ColumnElement[bool]) -> dict[int, Any]:
    with runtime.database.reading() as session:
        return {row.id: row for row in session.connection().execute(select(JOBS).where(which))}


def let_leases_end(runtime: Runtime) -> None:
    """As if the two minutes were over after which a killed worker's jobs are free again."""
    with runtime.database.connection() as connection:
        ended = database_clock(connection) - 0.001
        connection.execute(update(JobRow).where(JobRow.lease_until.is_not(None)).values(lease_until=ended))


@contextmanager
def workers_of(site: Site, backend: str, log: Path) -> Iterator[Workers]:
    """Workers for the length of a block; at its end a kill is survived."""
    made = Workers(site, backend, log)
    try:
        yield made
        made.survive_a_kill()
    finally:
        made.close()
