"""Real workers that are killed, told to end, and started again: nothing is lost, nothing done twice (F53, F54, OPS-2).

Every test ends with a `kill -9` in the middle of a job and a second start, see `Workers.survive_a_kill`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import update

from core.data.tables import JobRow
from core.data.unit import transaction
from core.jobs import queue
from core.jobs.enqueue import retry, stop
from core.runtime.processes import EXIT_CODE
from tests.probe.helpers import fetch
from tests.probe.workers import Workers, wait_for

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = pytest.mark.timeout(300)


@pytest.mark.covers("OPS-2b")
def test_two_hundred_jobs_over_two_workers(workers: Workers) -> None:
    jobs = workers.put("probe.once", 200)
    for _number in range(2):
        workers.start()
    workers.wait(*jobs)
    assert workers.tallies() == dict.fromkeys(range(200), 1)
    assert [workers.end(process) for process in workers.living] == [0, 0]


@pytest.mark.covers("OPS-2a")
def test_killed_in_the_middle_of_steps(workers: Workers) -> None:
    dice = random.Random(20261122)
    (job,) = workers.put("probe.steps", steps=24, pause=0.04)
    for kill in range(3):
        process = workers.start()
        least = kill * 7 + dice.randint(1, 6)
        wait_for(lambda least=least: workers.row(job).step >= least)  # type: ignore[misc]
        workers.kill(process)
        done = workers.row(job).step
        assert workers.tallies() == dict.fromkeys(range(done), 1), "whole steps, and as many as the row says"
    workers.start()
    workers.wait(job)
    assert workers.tallies() == dict.fromkeys(range(24), 1)
    assert (workers.row(job).done, workers.row(job).result) == (24, "24 steps")


@pytest.mark.slow
def test_a_job_that_kills_its_workers_is_parked(workers: Workers) -> None:
    (job,) = workers.put("probe.poison")
    for attempt in (1, 2, 3):
        process = workers.start()
        assert process.wait(60) == -9
        assert (workers.row(job).state, workers.row(job).attempts) == ("running", attempt)
        workers.let_leases_end()
    (other,) = workers.put("probe.once")
    workers.start()
    workers.wait(other)
    workers.wait(job, state="parked")
    assert workers.row(job).error == queue.LOST


@pytest.mark.slow
def test_a_lease_is_waited_for(workers: Workers) -> None:
    (job,) = workers.put("probe.steps", steps=50, pause=0.05)
    first = workers.start()
    wait_for(lambda: workers.row(job).step)
    first.kill()
    first.wait()
    (other,) = workers.put("probe.once", place=500)
    workers.start()
    workers.wait(other)
    found = workers.row(job)
    assert (found.state, found.attempts) == ("running", 1), "it may still be at work"
    workers.let_leases_end()
    workers.wait(job)
    assert workers.tallies() == {**dict.fromkeys(range(50), 1), 500: 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["probe.steps", "probe.slow"])
def test_sigterm_leaves_no_lease(workers: Workers, tmp_path: Path, name: str) -> None:
    begun = tmp_path / "begun"
    (job,) = workers.put(name, steps=400, pause=0.05, file=str(begun))
    process = workers.start()
    wait_for(lambda: workers.row(job).step or begun.exists())
    assert workers.end(process) == 0
    found = workers.row(job)
    assert (found.state, found.lease, found.lease_until) == ("ready", None, None)
    assert found.attempts <= 1, "being told to end is no failure"
    assert sum(workers.tallies().values()) == found.step
    with transaction("stop", context=workers.site.context()) as unit:
        assert stop(unit, job)


@pytest.mark.slow
def test_stop_and_retry(workers: Workers) -> None:
    (job,) = workers.put("probe.steps", steps=40, pause=0.05)
    workers.start()
    wait_for(lambda: workers.row(job).step)
    with transaction("stop", context=workers.site.context()) as unit:
        stop(unit, job)
    workers.wait(job, state="stopped")
    kept = workers.row(job).step
    assert 0 < kept < 40
    assert workers.tallies() == dict.fromkeys(range(kept), 1)
    with transaction("retry", context=workers.site.context()) as unit:
        retry(unit, job)
    workers.wait(job)
    assert workers.tallies() == dict.fromkeys(range(40), 1)


@pytest.mark.slow
def test_what_the_clock_missed_runs_once(workers: Workers) -> None:
    def runs() -> int:
        return len(fetch(workers.site, "SELECT id FROM core_job WHERE name = 'core.housekeeping' AND state = 'done'"))

    first = workers.start()
    wait_for(lambda: runs() == 1)
    workers.kill(first)
    with workers.site.runtime.database.connection() as connection:
        connection.exec_driver_sql("UPDATE core_job_schedule SET next_at = next_at - 259200")
    for _number in range(2):
        workers.start()
    wait_for(lambda: runs() == 2)
    jobs = workers.put("probe.once", 5)
    workers.wait(*jobs)
    assert runs() == 2


@pytest.mark.slow
def test_jobs_of_a_module_that_is_off_wait(workers: Workers) -> None:
    (job,) = workers.put("probe.steps", steps=300, pause=0.02)
    workers.start()
    wait_for(lambda: workers.row(job).step)
    workers.site.disable("probe")
    wait_for(lambda: workers.row(job).state == "ready")
    kept = workers.row(job).step
    assert workers.row(job).lease is None
    with workers.site.runtime.database.connection() as connection:
        connection.execute(update(JobRow).where(JobRow.id == job).values(payload={"place": 0, "steps": kept + 3}))
    workers.site.enable("probe")
    workers.wait(job)
    assert workers.tallies() == dict.fromkeys(range(kept + 3), 1)


@pytest.mark.slow
def test_a_job_without_a_sign_of_life_costs_its_process(workers: Workers) -> None:
    """Sooner than its lease ends; work that says that it is alive may take as long as it likes."""
    (job,) = workers.put("probe.hang")
    process = workers.start(COMPTOIR_HOOK_LIMIT="2")
    assert process.wait(60) == EXIT_CODE
    with transaction("stop", context=workers.site.context()) as unit:
        stop(unit, job)
    (other,) = workers.put("probe.steps", steps=60, pause=0.05)
    workers.let_leases_end()
    workers.start(COMPTOIR_HOOK_LIMIT="2")
    workers.wait(other)
    workers.wait(job, state="stopped")
    incidents = fetch(workers.site, "SELECT plugin, hook, kind FROM core_incident")
    assert [tuple(row) for row in incidents] == [("probe", "job", "slow")]
