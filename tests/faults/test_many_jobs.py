"""2,000 jobs over three workers, of which one is killed now and then: none lost, none twice (F53, OPS-2)."""

from __future__ import annotations

import random
import time

import pytest

from tests.probe.helpers import fetch
from tests.probe.workers import Workers, wait_for

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

JOBS = 2_000
KILLS = 5


def left(workers: Workers) -> int:
    return int(fetch(workers.site, "SELECT count(*) FROM core_job WHERE state IN ('ready', 'running')")[0][0])


def test_none_lost_none_twice(workers: Workers) -> None:
    jobs = workers.put("probe.once", JOBS)
    for _number in range(3):
        workers.start()
    wait_for(lambda: left(workers) == 0, 600)
    assert workers.tallies() == dict.fromkeys(range(JOBS), 1)
    assert len(jobs) == JOBS


def test_none_lost_none_twice_while_workers_die(workers: Workers) -> None:
    dice = random.Random(20261122)
    workers.put("probe.once", JOBS)
    running = [workers.start() for _number in range(3)]
    for kill in range(KILLS):
        goal = JOBS * (KILLS - kill) // (KILLS + 1)
        wait_for(lambda goal=goal: left(workers) <= goal, 600)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.05))
        workers.kill(running.pop(0))
        running.append(workers.start())
    wait_for(lambda: left(workers) == 0, 600)
    assert workers.tallies() == dict.fromkeys(range(JOBS), 1)
