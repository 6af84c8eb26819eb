"""What a job can rely on: who it works for, steps, progress, how it ends (DESIGN 9, F53 to F55, F17, T28, T79)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from core.access.models import ADMINISTRATOR
from core.contract.changes import SYSTEM, Actor
from core.data.tables import JobRow, JobSchedule
from core.data.unit import transaction
from core.errors import ContractError, Forbidden, Refused
from core.jobs import queue, results
from core.jobs.enqueue import enqueue, retry, stop
from core.jobs.run import JobRun, LeaseLost
from core.jobs.schedule import start_due
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.probe import script
from tests.probe.helpers import fetch, work
from tests.probe.work import count

pytest_plugins = ["tests.probe.fixtures"]


@pytest.fixture
def worker(shop: Site) -> Worker:
    return Worker(shop.runtime)


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
        shop.add_person("Alice", "user")
        alice = shop.people["Alice"]
        actors: list[Actor] = []
        doing(lambda job: actors.append(job.context.actor))
        put(shop, actor=alice)
        put(shop, actor=alice, owner=None)
        while worker.run_one():
            pass
        assert [actor.id for actor in actors] == [alice.id, None]
        assert actors[0].roles == {"user"}

    def test_what_its_owner_may_not_do_it_does_not(self, shop: Site, worker: Worker) -> None:
        shop.add_person("Alice", "user")
        shop.add_person("Adam", ADMINISTRATOR)
        doing(lambda job: "done")
        refused = put(shop, "probe.restricted", shop.people["Alice"])
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
        assert worker.run_one()
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
        shop.add_person("Alice", "user")

        def run(job: JobRun) -> None:
            for place in range(2):
                with job.step("step") as step:
                    count(step.unit, place)
                with shop.runtime.database.connection() as connection:
                    connection.exec_driver_sql("UPDATE core_user SET active = FALSE")

        doing(run)
        number = put(shop, actor=shop.people["Alice"])
        assert worker.run_one()
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


class TestProgress:
    def test_at_most_once_a_second_and_the_lease_lives_on(
        self, shop: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renewed: list[dict[str, Any]] = []
        renew = queue.renew

        def counting(*arguments: Any, **values: Any) -> Any:
            renewed.append(values)
            return renew(*arguments, **values)

        monkeypatch.setattr(queue, "renew", counting)
        clock = [100.0]
        monkeypatch.setattr("core.jobs.run.time.monotonic", lambda: clock[0])
        leases: list[float] = []

        def run(job: JobRun) -> None:
            for number in range(30):
                job.progress(number, 30, 0)
                clock[0] += 0.1
            leases.append(row(shop, job.id).lease_until)

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert len(renewed) == 2
        assert leases[0] > time.time() + queue.LEASE_SECONDS / 2
        assert (row(shop, number).done, row(shop, number).total) == (29, 30)

    def test_inside_a_step_it_waits_for_the_step(self, shop: Site, worker: Worker) -> None:
        def run(job: JobRun) -> None:
            with job.step("step") as step:
                job.progress(total=7)
                count(step.unit, 1)
                step.advance(done=2)

        doing(run)
        number = put(shop)
        assert worker.run_one()
        assert (row(shop, number).done, row(shop, number).total) == (2, 7)


class TestFiles:
    def test_there_as_a_whole_or_not_at_all(self, shop: Site, worker: Worker) -> None:
        var = shop.config.var

        def run(job: JobRun) -> None:
            with job.file("list.csv", "text/csv") as handle:
                handle.write(b"half")
                assert [file.suffix for file in results.folder_of(var).iterdir()] == [".part"]
                assert row(shop, job.id).file is None
                if job.payload.get("fails"):
                    raise Refused("no")

        doing(run)
        refused, made = put(shop, payload={"fails": True}), put(shop)
        while worker.run_one():
            pass
        assert row(shop, refused).file is None
        (file,) = results.folder_of(var).iterdir()
        assert row(shop, made).file == file.name
        assert file.read_bytes() == b"half"

    def test_leftovers_are_swept(self, tmp_path: Path) -> None:
        import os

        folder = results.folder_of(tmp_path)
        for name in ("named", "old.part", "young.part"):
            (folder / name).write_bytes(b"")
        for name in ("named", "old.part"):
            os.utime(folder / name, (1, 1))
        assert results.sweep(tmp_path, {"named"}) == 1
        assert {file.name for file in folder.iterdir()} == {"named", "young.part"}

    def test_a_row_leads_nowhere_else(self, tmp_path: Path) -> None:
        assert results.path_of(tmp_path, "../../etc/passwd").parent == results.folder_of(tmp_path)


class TestTheClock:
    NAME = "leads.recount"

    def plan(self, site: Site, next_at: float) -> None:
        with site.runtime.database.connection() as connection:
            connection.execute(update(JobSchedule).where(JobSchedule.name == self.NAME).values(next_at=next_at))

    def started(self, site: Site) -> int:
        return len(fetch(site, f"SELECT id FROM core_job WHERE name = '{self.NAME}'"))  # noqa: S608

    def test_what_was_missed_runs_once_late(self, shop: Site, worker: Worker) -> None:
        database, registry = shop.runtime.database, shop.context().registry
        start_due(database, registry)
        while worker.run_one():
            pass
        assert self.started(shop) == 1
        self.plan(shop, time.time() - 3 * 86_400)
        for _look in range(3):
            start_due(database, registry)
            while worker.run_one():
                pass
        assert self.started(shop) == 2, "three days late, and once"

    def test_a_clock_that_was_set_back_does_not_silence_it(self, shop: Site, worker: Worker) -> None:
        database, registry = shop.runtime.database, shop.context().registry
        start_due(database, registry)
        while worker.run_one():
            pass
        self.plan(shop, time.time() + 10 * 86_400)
        start_due(database, registry)
        assert self.started(shop) == 2

    def test_never_beside_itself(self, shop: Site) -> None:
        database, registry = shop.runtime.database, shop.context().registry
        start_due(database, registry)
        self.plan(shop, 0.0)
        start_due(database, registry)
        assert self.started(shop) == 1

    def test_nothing_of_a_module_that_is_off(self, shop: Site) -> None:
        shop.disable("leads")
        start_due(shop.runtime.database, shop.context().registry)
        assert self.started(shop) == 0
