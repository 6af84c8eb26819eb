"""Short ways to say what tests of jobs say often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from core.contract.changes import SYSTEM, Actor
from core.data.tables import JobRow
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun
from core.testing.site import Site
from tests.probe import script
from tests.probe.helpers import fetch, work


def put(site: Site, name: str = "probe.scripted", actor: Actor = SYSTEM, **options: Any) -> int:
    """Start a job; returns its number."""
    payload = options.pop("payload", {})
    with work(site, "start", actor) as unit:
        return enqueue(unit, name, payload, label="A job", **options)


def row(site: Site, number: int) -> Any:
    (found,) = fetch(site, select(JobRow.__table__).where(JobRow.__table__.c.id == number))
    return found


def doing(job: Callable[[JobRun], object]) -> None:
    script.probe.job = job


def due(site: Site) -> None:
    """As if the wait between two attempts were over."""
    with site.runtime.database.connection() as connection:
        connection.execute(update(JobRow).values(run_at=0.0))


def tallies(site: Site) -> dict[int, int]:
    return {place: number for place, number in fetch(site, "SELECT id, number FROM probe_tally")}
