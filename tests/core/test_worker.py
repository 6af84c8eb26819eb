"""Side effects reach plugins at least once, whatever dies in between (DESIGN 3, 9, SECURITY F30, F53, F54).

Every test ends with a `kill -9` in the middle of a telling and a second start, see the fixture `listener`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.data.tables import JobRow, PluginIncident, bump
from core.data.unit import transaction
from core.errors import Busy
from core.jobs import queue
from core.jobs.core_jobs import DELIVERY_ATTEMPTS, remove_old
from core.jobs.delivery import committed_changes
from core.jobs.worker import DELIVERY, Worker
from core.runtime.activation import disable, enable
from core.runtime.runtime import Runtime
from tests.probe.workers import Forks, survive_a_kill

pytest_plugins = ["tests.probe.fixtures"]

LISTENING = """
SEEN = []
ERRORS = []

@hookimpl
def changes_committed(changes, unit):
    for change in changes:
        SEEN.append((change.kind, change.entity, dict(change.old), dict(change.new), change["name"], change.actor.name))
    if ERRORS:
        raise ERRORS.pop(0)
    if changes[0]["name"] == "echo":
        unit.add(Thing(name="written by the side effect"))
"""
ECHO = "written by the side effect"


class Listener:
    """An installation with one plugin that listens to what was committed."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self.runtime = runtime
        self.name = name
        self.worker = Worker(runtime)
        module = sys.modules[f"{name}_package.hooks"]
        self.seen: list[tuple[Any, ...]] = module.SEEN
        self.errors: list[BaseException] = module.ERRORS
        self.seen.clear()
        self.errors.clear()

    def add(self, name: str) -> int:
        """A new record; returns its id."""
        with transaction("test.add", context=self.runtime.context(self.runtime.follow())) as unit:
            record = unit.add(self.runtime.generation.registry.entity(f"{self.name}_thing").model(name=name))
        return int(record.id)

    def rename(self, record_id: int, name: str) -> None:
        """Change a record."""
        model = self.runtime.generation.registry.entity(f"{self.name}_thing").model
        with transaction("test.rename", context=self.runtime.context(self.runtime.generation)) as unit:
            unit.get(model, record_id).name = name  # type: ignore[attr-defined]

    def jobs(self) -> list[tuple[str, int, str | None]]:
        """State, attempts and error of every job of the plugin."""
        own = select(JobRow).where(JobRow.plugin == self.name).order_by(JobRow.id)
        with self.runtime.database.reading() as session:
            return [(row.state, row.attempts, row.error) for row in session.scalars(own)]

    def due(self) -> None:
        """Let every waiting job be due now."""
        with self.runtime.database.connection() as connection:
            connection.execute(update(JobRow).values(run_at=0.0))

    def names(self) -> list[str]:
        """The records' names, in order."""
        with self.runtime.database.reading() as session:
            return list(session.connection().execute(text(f"SELECT name FROM {self.name}_thing ORDER BY id")).scalars())  # noqa: S608


@pytest.fixture
def listener(workshop: Any, processes: Any, forks: Forks, tmp_path: Path) -> Iterator[Listener]:
    """At the end of every test a worker is killed while it tells the plugin of a change, and a second start does it."""
    name = workshop.plugin("listener", entity=True, hooks=LISTENING)
    runtime = processes.start()
    enable(runtime, name)
    listener = Listener(runtime, name)
    yield listener
    if name not in runtime.follow().enabled:
        enable(runtime, name)
    echoes = listener.names().count(ECHO)
    waiting = sum(state == "ready" for state, _attempts, _error in listener.jobs())
    listener.add("echo")
    with runtime.database.reading() as session:
        number = session.scalars(select(JobRow.id).order_by(JobRow.id.desc())).first()
    assert number is not None
    survive_a_kill(runtime, forks, tmp_path / "killed.log", number, step=1)
    assert 1 <= listener.names().count(ECHO) - echoes <= 1 + waiting, "told once, and written with the telling"


class TestDelivering:
    def test_changes_arrive_as_they_were(self, listener: Listener) -> None:
        number = listener.add("first")
        listener.rename(number, "second")
        assert listener.seen == [], "not in the request"
        while listener.worker.run_one():
            pass
        entity = f"{listener.name}_thing"
        assert listener.seen == [
            ("created", entity, {}, {"name": "first"}, "first", "Comptoir"),
            ("updated", entity, {"name": "first"}, {"name": "second"}, "second", "Comptoir"),
        ]
        assert listener.jobs() == [("done", 1, None), ("done", 1, None)]
        assert not listener.worker.run_one()

    def test_what_the_side_effect_writes_is_kept_with_the_job(self, listener: Listener) -> None:
        listener.add("echo")
        assert listener.worker.run_one()
        assert listener.names() == ["echo", "written by the side effect"]
        assert [state for state, attempts, error in listener.jobs()] == ["done", "ready"], (
            "its own change is told as well"
        )

    @pytest.mark.parametrize(
        "error", [ValueError("no"), SystemExit(1), RecursionError("deep"), MemoryError(), GeneratorExit()]
    )
    def test_a_failure_is_tried_again_later(self, listener: Listener, error: BaseException) -> None:
        listener.add("echo")
        listener.errors.append(error)
        assert listener.worker.run_one()
        ((state, attempts, kept),) = listener.jobs()
        assert (state, attempts) == ("ready", 1)
        assert type(error).__name__ in str(kept)
        assert listener.names() == ["echo"], "nothing half-written"
        assert not listener.worker.run_one(), "not at once"
        listener.due()
        assert listener.worker.run_one()
        assert listener.jobs()[0][:2] == ("done", 2)

    def test_after_hours_it_is_parked_with_its_error(self, listener: Listener) -> None:
        """Longer than a module's remote is away for an update of its own."""
        attempts = DELIVERY_ATTEMPTS
        assert sum(queue.delay(number) for number in range(1, attempts)) > 2 * 3_600
        listener.add("never")
        listener.errors.extend(ValueError(f"attempt {number}") for number in range(1, attempts + 1))
        for _number in range(attempts + 2):
            listener.worker.run_one()
            listener.due()
        assert listener.jobs() == [("parked", attempts, f"ValueError: attempt {attempts}")]
        with listener.runtime.database.reading() as session:
            details = list(session.scalars(select(PluginIncident.detail).where(PluginIncident.plugin == listener.name)))
        assert len(details) == 2, "the first failure and the end are told"
        assert "given up" in details[1]

    def test_the_job_of_a_plugin_that_is_off_waits(self, listener: Listener) -> None:
        listener.add("patient")
        disable(listener.runtime, listener.name)
        assert not listener.worker.run_one()
        assert listener.jobs() == [("ready", 0, None)]
        enable(listener.runtime, listener.name)
        assert listener.worker.run_one()
        assert len(listener.seen) == 1

    def test_a_set_that_changes_under_the_job_is_followed(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listener.add("between")
        self.after_the_claim(monkeypatch, lambda: self.bump(listener))
        assert listener.worker.run_one()
        assert len(listener.seen) == 1
        assert listener.jobs() == [("done", 1, None)]

    def test_a_plugin_that_goes_under_the_job_gets_it_back_later(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listener.add("between")
        with monkeypatch.context() as meanwhile:
            self.after_the_claim(meanwhile, lambda: disable(listener.runtime, listener.name))
            assert listener.worker.run_one()
        assert listener.seen == []
        assert listener.jobs() == [("ready", 0, None)], "the attempt does not count"
        enable(listener.runtime, listener.name)
        assert listener.worker.run_one()
        assert len(listener.seen) == 1

    @staticmethod
    def bump(listener: Listener) -> None:
        with listener.runtime.database.connection() as connection:
            bump(connection)

    @staticmethod
    def after_the_claim(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], object]) -> None:
        claim = queue.claim

        def claim_then_change(*arguments: Any, **named: Any) -> Any:
            job = claim(*arguments, **named)
            happen()
            return job

        monkeypatch.setattr(queue, "claim", claim_then_change)

    def test_jobs_of_other_names_are_left_alone(self, listener: Listener) -> None:
        with listener.runtime.database.connection() as connection:
            row = {
                "name": "load",
                "plugin": listener.name,
                "payload": {},
                "state": "ready",
                "attempts": 0,
                "run_at": 0.0,
            }
            connection.execute(JobRow.__table__.insert(), [row])  # type: ignore[attr-defined]
        assert not listener.worker.run_one()

    def test_changes_of_modules_that_are_off_are_left_out(self, listener: Listener) -> None:
        listener.add("gone")
        with listener.runtime.database.reading() as session:
            operation = int(session.scalars(select(JobRow)).one().payload["operation"])
            registry = listener.runtime.generation.registry
            assert len(committed_changes(session, registry, operation)) == 1
            disable(listener.runtime, listener.name)
            assert committed_changes(session, listener.runtime.generation.registry, operation) == []


class TestLeases:
    def claim(self, listener: Listener) -> queue.Claim | None:
        return queue.claim(listener.runtime.database, [DELIVERY], [listener.name])

    def test_a_claimed_job_is_nobody_elses(self, listener: Listener) -> None:
        listener.add("one")
        assert self.claim(listener) is not None
        assert self.claim(listener) is None
        assert not listener.worker.run_one()

    def test_the_job_of_a_dead_worker_is_done_by_another(self, listener: Listener) -> None:
        listener.add("one")
        lost = self.claim(listener)
        assert lost is not None
        self.expire(listener)
        assert listener.worker.run_one()
        assert listener.jobs() == [("done", 2, None)]

    def test_a_job_that_kills_its_workers_is_parked(self, listener: Listener) -> None:
        listener.add("poison")
        for _number in range(DELIVERY_ATTEMPTS):
            assert self.claim(listener) is not None
            self.expire(listener)
        assert listener.worker.run_one()
        ((state, _attempts, error),) = listener.jobs()
        assert (state, error) == ("parked", queue.LOST)
        assert listener.seen == []

    def test_a_worker_that_lost_its_lease_does_nothing(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listener.add("one")
        claim = queue.claim

        def claim_and_lose(*arguments: Any, **named: Any) -> Any:
            slow = claim(*arguments, **named)
            self.expire(listener)
            assert claim(*arguments) is not None
            return slow

        monkeypatch.setattr(queue, "claim", claim_and_lose)
        listener.worker.run_one()
        assert listener.seen == []
        assert listener.jobs() == [("running", 2, None)]

    def test_two_workers_share_and_never_double(self, listener: Listener, processes: Any) -> None:
        for number in range(20):
            listener.add(f"thing {number}")
        other = Worker(processes.start())

        def work(worker: Worker) -> None:
            while worker.run_one():
                pass

        threads = [threading.Thread(target=work, args=(worker,)) for worker in (listener.worker, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for worker in (listener.worker, other):
            work(worker)
        assert sorted(seen[4] for seen in listener.seen) == sorted(f"thing {number}" for number in range(20))
        assert {state for state, attempts, error in listener.jobs()} == {"done"}

    def test_old_rows_are_removed(self, listener: Listener) -> None:
        listener.add("one")
        listener.worker.run_one()
        assert remove_old(listener.runtime.database) == 0
        listener.due()
        assert remove_old(listener.runtime.database) == 1

    def test_delays_grow_and_differ(self) -> None:
        assert 1.0 <= queue.delay(1) <= 2.0
        assert 16.0 <= queue.delay(5) <= 32.0
        assert queue.delay(50) <= queue.LONGEST_DELAY_SECONDS
        assert len({queue.delay(3) for _number in range(10)}) > 1

    @staticmethod
    def expire(listener: Listener) -> None:
        with listener.runtime.database.connection() as connection:
            connection.execute(update(JobRow).where(JobRow.state == "running").values(lease_until=1.0))


class TestTheLoop:
    def test_it_ends_between_two_jobs(self, listener: Listener) -> None:
        for number in range(5):
            listener.add(f"thing {number}")
        seen_at_stop: list[int] = []
        hook_seen = listener.seen

        class Stopping(Worker):
            def run_one(self, only: int | None = None) -> bool:
                found = super().run_one(only)
                if len(hook_seen) == 2:
                    seen_at_stop.append(len(hook_seen))
                    self.stop()
                return found

        Stopping(listener.runtime).run()
        assert seen_at_stop == [2]
        states = [state for state, attempts, error in listener.jobs()]
        assert states == ["done", "done", "ready", "ready", "ready"]

    def test_a_lost_database_is_waited_for(self, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
        listener.add("one")
        monkeypatch.setattr("core.jobs.rounds.RETRY_SECONDS", 0.01)
        monkeypatch.setattr("core.jobs.rounds.WAKE_SECONDS", 0.01)
        failures = [Busy("gone"), Busy("gone")]

        class Patient(Worker):
            def run_one(self, only: int | None = None) -> bool:
                if failures:
                    raise failures.pop()
                done = super().run_one(only)
                if not done:
                    self.stop()
                return done

        Patient(listener.runtime).run()
        assert len(listener.seen) == 1

    def test_a_chore_that_fails_costs_no_job(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A disk that is full, say: the jobs go on, and the other chore is done too."""
        listener.add("one")
        started: list[bool] = []

        def fail(_runtime: Runtime) -> None:
            raise OSError("no space left on device")

        class Once(Worker):
            def run_one(self, only: int | None = None) -> bool:
                done = super().run_one(only)
                if not done:
                    self.stop()
                return done

        monkeypatch.setattr(Runtime, "take_in_incidents", fail)
        monkeypatch.setattr("core.jobs.schedule.start_due", lambda *_: started.append(True))
        Once(listener.runtime).run()
        assert len(listener.seen) == 1
        assert started
        assert "a chore failed" in caplog.text
