"""Jobs whose effects are counted: each step adds one to a row of its own, so what is lost is 0 and what is doubled 2."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from core.api import Job, JobRun, Unit
from tests.probe import script
from tests.probe.models import Tally


def count(unit: Unit, number: int) -> None:
    """One more at this place."""
    row = unit.session.get(Tally, number) or Tally(id=number, number=0)
    row.number += 1
    unit.session.add(row)


def once(job: JobRun) -> None:
    """One step, at the place the payload names."""
    if not job.cursor:
        with job.step("probe.once") as step:
            count(step.unit, job.payload["place"])
            step.advance({"done": True}, done=1)


def steps(job: JobRun) -> str:
    """So many steps from a place on; each takes a while, in the middle of its transaction."""
    job.total = job.payload["steps"]
    while (at := job.cursor.get("at", 0)) < job.payload["steps"]:
        with job.step("probe.step") as step:
            count(step.unit, job.payload["place"] + at)
            step.unit.session.flush()
            time.sleep(job.payload.get("pause", 0))
            step.advance({"at": at + 1}, done=1)
    return f"{job.done} steps"


def file(job: JobRun) -> None:
    """Makes a file; the first time its worker is killed when half of it is written."""
    marker = Path(job.payload["marker"])
    with job.file("list.csv", "text/csv") as handle:
        handle.write(b"half of it, ")
        handle.flush()
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        handle.write(b"and the rest")


def poison(job: JobRun) -> None:
    """Takes its worker down."""
    os.kill(os.getpid(), signal.SIGKILL)


def slow(job: JobRun) -> None:
    """Says that it began, and then only that it is alive."""
    Path(job.payload["file"]).write_text("begun", "utf-8")
    while True:
        time.sleep(0.02)
        job.progress(done=job.done + 1)


def hang(job: JobRun) -> None:
    """Gives no sign of life."""
    time.sleep(600)


def scripted(job: JobRun) -> object:
    """What a test says."""
    return script.probe.job(job)


JOBS = (
    Job("probe.once", "Once", once),
    Job("probe.steps", "Steps", steps),
    Job("probe.file", "File", file),
    Job("probe.poison", "Poison", poison),
    Job("probe.slow", "Slow", slow),
    Job("probe.hang", "Hang", hang),
    Job("probe.scripted", "Scripted", scripted),
    Job("probe.restricted", "Restricted", scripted, permission="modules.manage"),
)
