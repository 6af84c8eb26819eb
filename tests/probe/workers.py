"""Real workers, processes of their own, for tests that kill them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from core.data.clock import database_clock
from core.data.tables import JobRow
from core.jobs.enqueue import enqueue
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
        with self.site.runtime.database.connection() as connection:
            ended = database_clock(connection) - 0.001
            connection.execute(update(JobRow).where(JobRow.lease_until.is_not(None)).values(lease_until=ended))

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


@contextmanager
def workers_of(site: Site, backend: str, log: Path) -> Iterator[Workers]:
    """Workers for the length of a block; at its end a kill is survived."""
    made = Workers(site, backend, log)
    try:
        yield made
        made.survive_a_kill()
    finally:
        made.close()
