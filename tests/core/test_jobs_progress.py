"""How far a job is, the files it makes, and what the clock starts (F17, F55)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from core.data.tables import JobSchedule
from core.errors import Refused
from core.jobs import queue, results
from core.jobs.run import JobRun
from core.jobs.schedule import start_due
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.probe.helpers import fetch
from tests.probe.jobbing import doing, put, row
from tests.probe.work import count

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = pytest.mark.usefixtures("shop_survives_a_kill")


@pytest.fixture
def worker(shop: Site) -> Worker:
    return Worker(shop.runtime)


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
