"""Nobody waits for a long job, nor for one that meets something busy; a log line leads to its job and request (F53, OPS-4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text, update

from core import logs
from core.data.tables import JobRow
from core.errors import Busy
from core.jobs import queue
from core.jobs.run import JobRun
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.probe.jobbing import doing, due, put, row, tallies
from tests.probe.work import count

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = pytest.mark.usefixtures("shop_survives_a_kill")


@pytest.fixture
def worker(shop: Site) -> Worker:
    return Worker(shop.runtime)


@pytest.fixture
def turns_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every step took ten seconds."""
    monkeypatch.setattr("core.jobs.run.TURN_SECONDS", 0.0)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[Path]:
    """The log of the process, as JSON."""
    import logging

    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    file = tmp_path / "log"
    with file.open("w") as stream:
        logs.set_up("json", stream)
        yield file
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.usefixtures("turns_end_at_once")
class TestTurns:
    PAYLOAD = {"place": 0, "steps": 3}

    def test_a_long_job_lets_others_go_first(self, shop: Site, worker: Worker) -> None:
        long = put(shop, "probe.steps", payload=self.PAYLOAD)
        short = put(shop, "probe.once", payload={"place": 900})
        assert worker.run_one()
        found = row(shop, long)
        assert (found.state, found.step, found.attempts, found.lease) == ("ready", 1, 0, None)
        assert worker.run_one()
        assert row(shop, short).state == "done"
        assert worker.run_one()
        assert row(shop, long).state == "done"
        assert tallies(shop) == {0: 1, 1: 1, 2: 1, 900: 1}

    def test_two_long_jobs_take_turns(self, shop: Site, worker: Worker) -> None:
        jobs = [put(shop, "probe.steps", payload={"place": place, "steps": 3}) for place in (0, 10)]
        steps = []
        while worker.run_one():
            steps.append([row(shop, job).step for job in jobs])
        assert steps[:4] == [[1, 0], [1, 1], [2, 1], [2, 2]]
        assert steps[-1] == [3, 3]

    def test_alone_it_goes_on(self, shop: Site, worker: Worker) -> None:
        long = put(shop, "probe.steps", payload=self.PAYLOAD)
        put(shop, "probe.once", payload={"place": 900}, run_at=4e9)
        assert worker.run_one()
        assert row(shop, long).state == "done", "nobody else is due"

    def test_without_a_cursor_nothing_would_be_won(self, shop: Site, worker: Worker) -> None:
        def run(job: JobRun) -> None:
            for place in range(3):
                with job.step("step") as step:
                    count(step.unit, place)

        doing(run)
        first = put(shop)
        put(shop, "probe.once", payload={"place": 900})
        assert worker.run_one()
        assert row(shop, first).state == "done"
        assert tallies(shop) == dict.fromkeys(range(3), 1)


class TestBusy:
    def test_it_is_put_off_while_others_go_on(self, shop: Site, worker: Worker) -> None:
        def meet_a_lock(job: JobRun) -> None:
            raise Busy("a deadlock")

        doing(meet_a_lock)
        first = put(shop)
        second = put(shop, "probe.once", payload={"place": 1})
        assert worker.run_one()
        found = row(shop, first)
        assert (found.state, found.attempts, found.put_off, found.lease) == ("ready", 0, 1, None)
        assert worker.run_one()
        assert row(shop, second).state == "done"
        assert not worker.run_one(), "not at once"
        doing(lambda job: None)
        due(shop)
        assert worker.run_one()
        assert row(shop, first).state == "done"

    def test_what_is_always_busy_counts_in_the_end(self, shop: Site, worker: Worker) -> None:
        def meet_a_lock(job: JobRun) -> None:
            raise Busy("a lock nobody gives back")

        doing(meet_a_lock)
        number = put(shop)
        for _time in range(queue.MAXIMUM_PUT_OFF + 3):
            assert worker.run_one()
            due(shop)
        found = row(shop, number)
        assert (found.state, found.error) == ("parked", "a lock nobody gives back")

    def test_getting_on_begins_the_count_anew(self, shop: Site, worker: Worker) -> None:
        def one_step_each_time(job: JobRun) -> None:
            at = job.cursor.get("at", 0)
            with job.step("step") as step:
                count(step.unit, at)
                step.advance({"at": at + 1})
            if at < 9:
                raise Busy("again")

        doing(one_step_each_time)
        number = put(shop)
        for _time in range(10):
            assert worker.run_one()
            due(shop)
        assert row(shop, number).state == "done"
        assert tallies(shop) == dict.fromkeys(range(10), 1)


class TestWords:
    def test_no_statement_in_what_the_owner_reads(self, shop: Site, worker: Worker) -> None:
        def break_it(job: JobRun) -> None:
            with job.step("step") as step:
                step.unit.session.connection().execute(text("SELECT secret_column FROM core_job"))

        doing(break_it)
        number = put(shop)
        assert worker.run_one()
        assert "SELECT" not in row(shop, number).error
        assert "Error" in row(shop, number).error

    def test_a_line_names_the_job_and_the_request_that_caused_it(
        self, shop: Site, worker: Worker, events: Path
    ) -> None:
        def fail(job: JobRun) -> None:
            put(shop, "probe.once", payload={"place": 1})  # what a job causes was caused by that request too
            raise ValueError("no")

        doing(fail)
        with logs.use_facts(logs.Facts("abc123")):
            number = put(shop)
        assert worker.run_one()
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        (failed,) = [line for line in lines if "failed" in line["message"]]
        assert (failed["job"], failed["job_name"], failed["request"]) == (number, "probe.scripted", "abc123")
        assert row(shop, number + 1).request_id == "abc123"
        assert logs.origin() is None

    def test_what_tells_modules_of_a_change_knows_the_request(self, shop: Site) -> None:
        from plugins.leads.models import Lead
        from tests.probe.helpers import add, fetch

        with logs.use_facts(logs.Facts("abc123")):
            add(shop, Lead(name="One"))
        told = fetch(shop, "SELECT request_id FROM core_job WHERE name = 'changes_committed'")
        assert told
        assert {request for (request,) in told} == {"abc123"}


def test_a_lease_that_was_lost_is_not_put_off(shop: Site, worker: Worker) -> None:
    def lose_it(job: JobRun) -> None:
        with shop.runtime.database.connection() as connection:
            connection.execute(update(JobRow).values(lease="somebody else's"))
        raise Busy("late")

    doing(lose_it)
    number = put(shop)
    assert worker.run_one()
    assert (row(shop, number).state, row(shop, number).put_off) == ("running", 0)
