"""What a job can rely on: who it works for, steps, progress, how it ends (DESIGN 9, F53 to F55, F17, T28, T79)."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import update

from core.access.models import ADMINISTRATOR
from core.contract.changes import Actor
from core.data.tables import JobRow
from core.data.unit import transaction
from core.errors import ContractError, Forbidden, Refused
from core.jobs.endings import LeaseLost
from core.jobs.enqueue import enqueue, retry, stop
from core.jobs.run import JobRun
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.probe.helpers import fetch, work
from tests.probe.jobbing import doing, due, put, row, tallies
from tests.probe.work import count

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = pytest.mark.usefixtures("shop_survives_a_kill")


@pytest.fixture
def worker(shop: Site) -> Worker:
    return Worker(shop.runtime)


class TestStarting:
    def test_only_what_is_registered(self, shop: Site) -> None:
        with work(shop) as unit:
            for name in ("os.system", "core.jobs.worker", "probe.nothing", "mailing.send", ""):
                with pytest.raises(ContractError, match="registers"):
                    enqueue(unit, name, {}, label="no")

    def test_a_row_whose_name_nobody_registers_is_never_run(self, shop: Site, worker: Worker) -> None:
        number = put(shop)
        with shop.runtime.database.connection() as connection:
            connection.execute(update(JobRow).values(name="os.system"))
        assert not worker.run_one()
        assert row(shop, number).state == "ready"

    def test_it_is_there_with_the_unit_or_not_at_all(self, shop: Site) -> None:
        def start_and_refuse() -> None:
            with work(shop) as unit:
                enqueue(unit, "probe.scripted", {}, label="gone")
                raise Refused("no")

        with pytest.raises(Refused):
            start_and_refuse()
        assert fetch(shop, "SELECT id FROM core_job") == []

    def test_a_key_is_used_once(self, shop: Site, worker: Worker) -> None:
        first = put(shop, unique_key="import:1")
        assert put(shop, unique_key="import:1") == first
        assert worker.run_one()
        assert put(shop, unique_key="import:1") == first, "also when it is done"
        assert put(shop, unique_key="import:2") != first

    def test_not_before_its_time(self, shop: Site, worker: Worker) -> None:
        put(shop, run_at=time.time() + 3_600)
        assert not worker.run_one()

    def test_who_it_works_for(self, shop: Site, worker: Worker) -> None:
        shop.add_person("Ulla", "user")
        alice = shop.people["Ulla"]
        actors: list[Actor] = []
        doing(lambda job: actors.append(job.context.actor))
        put(shop, actor=alice)
        put(shop, actor=alice, owner=None)
        while worker.run_one():
            pass
        assert [actor.id for actor in actors] == [alice.id, None]
        assert actors[0].roles == {"user"}

    def test_what_its_owner_may_not_do_it_does_not(self, shop: Site, worker: Worker) -> None:
        shop.add_person("Ulla", "user")
        shop.add_person("Adam", ADMINISTRATOR)
        doing(lambda job: "done")
        refused = put(shop, "probe.restricted", shop.people["Ulla"])
        allowed = put(shop, "probe.restricted", shop.people["Adam"])
        while worker.run_one():
            pass
        assert row(shop, refused).state == "failed"
        assert row(shop, allowed).state == "done"


class TestEnding:
    def test_with_a_sentence_in_the_owners_language(self, shop: Site, worker: Worker) -> None:
        from core.i18n import lazy as _

        shop.add_person("Lea", "user", language="fr")
        doing(lambda job: _("Nothing was changed"))
        number = put(shop, actor=shop.people["Lea"])
        while worker.run_one():
            pass
        assert row(shop, number).result == "Rien n’a été modifié"

    @pytest.mark.parametrize("error", [Refused("It is full"), Forbidden("You may not")])
    def test_what_says_no_is_not_asked_again(self, shop: Site, worker: Worker, error: Exception) -> None:
        def refuse(job: JobRun) -> None:
            raise error

        doing(refuse)
        number = put(shop)
        assert worker.run_one()
        found = row(shop, number)
        assert (found.state, found.attempts, found.error) == ("failed", 1, str(error))

    @pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), MemoryError()])
    def test_what_breaks_is_tried_three_times_and_parked(
        self, shop: Site, worker: Worker, error: BaseException
    ) -> None:
        def fail(job: JobRun) -> None:
            raise error

        doing(fail)
        number = put(shop)
        for attempt in (1, 2):
            assert worker.run_one()
            assert (row(shop, number).state, row(shop, number).attempts) == ("ready", attempt)
            assert not worker.run_one(), "not at once"
            due(shop)
        assert worker.run_one()
        found = row(shop, number)
        assert (found.state, found.attempts, found.lease) == ("parked", 3, None)
        assert type(error).__name__ in found.error
        assert not worker.run_one()
        with work(shop) as unit:
            retry(unit, number)
        doing(lambda job: None)
        assert worker.run_one()
        assert row(shop, number).state == "done"

    def test_attempts_that_get_on_do_not_count(self, shop: Site, worker: Worker) -> None:
        def one_step_each_time(job: JobRun) -> None:
            at = job.cursor.get("at", 0)
            with job.step("step") as step:
                count(step.unit, at)
                step.advance({"at": at + 1})
            if at < 9:
                raise ValueError("again")

        doing(one_step_each_time)
        number = put(shop)
        for _attempt in range(10):
            assert worker.run_one()
            due(shop)
        assert row(shop, number).state == "done"
        assert tallies(shop) == dict.fromkeys(range(10), 1)

    def test_with_its_only_step(self, shop: Site, worker: Worker) -> None:
        def once(job: JobRun) -> None:
            with job.step("step") as step:
                count(step.unit, 1)
                step.finish("counted")
            raise ValueError("too late to matter")

        doing(once)
        number = put(shop)
        assert worker.run_one()
        assert (row(shop, number).state, row(shop, number).result) == ("done", "counted")
        assert not worker.run_one()
        assert tallies(shop) == {1: 1}


class TestSteps:
    def test_effects_and_cursor_are_one(self, shop: Site, worker: Worker) -> None:
        def half(job: JobRun) -> None:
            with job.step("step") as step:
                count(step.unit, 1)
                step.advance({"at": 1}, done=1)
            with job.step("step") as step:
                count(step.unit, 2)
                step.advance({"at": 2}, done=1)
                raise ValueError("in the middle")

        doing(half)
        number = put(shop)
        assert worker.run_one()
        assert tallies(shop) == {1: 1}
        found = row(shop, number)
        assert (found.cursor, found.done, found.step) == ({"at": 1}, 1, 1)

    def test_whoever_lost_the_lease_writes_nothing(self, shop: Site, worker: Worker) -> None:
        seen: list[type] = []

        def lose(job: JobRun) -> None:
            try:
                with job.step("step") as step:
                    count(step.unit, 1)
                    with_other_lease = update(JobRow).values(lease="somebody else's")
                    step.unit.session.connection().execute(with_other_lease)
            except LeaseLost:
                seen.append(LeaseLost)
                raise

        doing(lose)
        put(shop)
        assert worker.run_one()
        assert seen == [LeaseLost]
        assert tallies(shop) == {}

    def test_a_module_that_goes_between_two_steps_takes_its_job_along(self, shop: Site, worker: Worker) -> None:
        def run(job: JobRun) -> None:
            while (at := job.cursor.get("at", 0)) < 3:
                with job.step("step") as step:
                    count(step.unit, at)
                    step.advance({"at": at + 1}, done=1)
                if at == 0:
                    shop.disable("probe")

        doing(run)
        number = put(shop)
        assert worker.run_one()
        found = row(shop, number)
        assert (found.state, found.lease, found.cursor) == ("ready", None, {"at": 1})
        assert not worker.run_one(), "it waits for its module"
        shop.enable("probe")
        while worker.run_one():
            pass
        assert row(shop, number).state == "done"
        assert tallies(shop) == dict.fromkeys(range(3), 1)

    def test_an_owner_who_is_deactivated_between_two_steps(self, shop: Site, worker: Worker) -> None:
        shop.add_person("Ulla", "user")

        def run(job: JobRun) -> None:
            for place in range(2):
                with job.step("step") as step:
                    count(step.unit, place)
                with shop.runtime.database.connection() as connection:
                    connection.exec_driver_sql("UPDATE core_user SET active = FALSE")

        doing(run)
        number = put(shop, actor=shop.people["Ulla"])
        while worker.run_one():
            pass
        found = row(shop, number)
        assert found.state == "stopped"
        assert "deactivated" in found.result
        assert tallies(shop) == {0: 1}

    def test_history_knows_the_job(self, shop: Site, worker: Worker) -> None:
        from plugins.leads.models import Lead

        def run(job: JobRun) -> None:
            with job.step("step") as step:
                step.unit.add(Lead(name="made"))

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert fetch(shop, "SELECT job_id, cause FROM core_operation WHERE action = 'step'") == [
            (number, f"A job (job {number})")
        ]


class TestStopping:
    def test_between_two_steps_keeping_what_is_done(self, shop: Site, worker: Worker) -> None:
        def run(job: JobRun) -> None:
            for place in range(5):
                with job.step("step") as step:
                    count(step.unit, place)
                    step.advance({"at": place + 1}, done=1)
                if place == 1:
                    with transaction("stop", context=shop.context()) as unit:
                        stop(unit, job.id)

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert (row(shop, number).state, row(shop, number).done) == ("stopped", 2)
        assert tallies(shop) == {0: 1, 1: 1}

    def test_a_run_that_looks_ends_with_its_own_words(
        self, shop: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.jobs.run.PROGRESS_SECONDS", 0.0)

        def run(job: JobRun) -> str:
            with transaction("stop", context=shop.context()) as unit:
                stop(unit, job.id)
            return "half of it" if job.stopped else "all of it"

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert (row(shop, number).state, row(shop, number).result) == ("stopped", "half of it")

    def test_progress_ends_it_too(self, shop: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("core.jobs.run.PROGRESS_SECONDS", 0.0)

        def run(job: JobRun) -> None:
            job.progress(3, 10)
            with transaction("stop", context=shop.context()) as unit:
                stop(unit, job.id)
            job.progress(4)
            raise AssertionError("not reached")

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert (row(shop, number).state, row(shop, number).done, row(shop, number).total) == ("stopped", 4, 10)

    def test_a_worker_that_ends_hands_it_back(self, shop: Site, worker: Worker) -> None:
        def run(job: JobRun) -> None:
            for place in range(5):
                with job.step("step") as step:
                    count(step.unit, place)
                    step.advance({"at": place + 1}, done=1)
                worker.stop()

        doing(run)
        number = put(shop)
        assert worker.run_one()
        found = row(shop, number)
        assert (found.state, found.lease, found.lease_until, found.cursor) == ("ready", None, None, {"at": 1})
        assert tallies(shop) == {0: 1}
