"""A plugin that hangs does not take the house down, and what went wrong is kept (MO-8, F29)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from sqlalchemy import select, text

from core.config import Config
from core.contract.hooks import Incident, running, watched
from core.data.tables import PluginIncident, PluginState
from core.data.unit import transaction
from core.errors import Busy
from core.runtime import watchdog
from core.runtime.activation import enable
from core.runtime.processes import EXIT_CODE
from core.runtime.runtime import Runtime


def kept(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(PluginIncident.detail).order_by(PluginIncident.id)))


class TestIncidents:
    def test_inside_a_unit_they_wait_for_its_end(self, runtime: Runtime) -> None:
        with transaction("test", context=runtime.context(runtime.generation)):
            runtime.report(Incident("someone", "hook", "reaction", "in the middle"))
        assert kept(runtime) == []
        runtime.flush_incidents()
        assert kept(runtime) == ["in the middle"]
        runtime.report(Incident("someone", "hook", "reaction", "outside"))
        assert kept(runtime) == ["in the middle", "outside"]

    def test_when_the_database_is_busy_they_wait(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:

        def busy(**options: Any) -> Any:
            raise Busy("busy")

        with monkeypatch.context() as patch:
            patch.setattr(runtime.database, "connection", busy)
            runtime.report(Incident("someone", "hook", "reaction", "x" * 5_000))
        assert kept(runtime) == []
        runtime.flush_incidents()
        assert kept(runtime) == ["x" * 2_000]

    def test_files_are_taken_in_once_and_the_third_sets_aside(self, workshop: Any, processes: Any) -> None:
        name = workshop.plugin("slow")
        runtime = processes.start()
        enable(runtime, name)
        var = runtime.config.var
        slow = Incident(name, "records_changed", "slow", "took too long")
        for number in range(1, 4):
            watchdog.write_file(var, slow)
            (var / watchdog.FOLDER / "broken.json").write_text("{")
            threads = [threading.Thread(target=runtime.take_in_incidents) for _number in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(kept(runtime)) == number
            assert list((var / watchdog.FOLDER).glob("*.json")) == []
            assert (name in runtime.follow().enabled) is (number < 3)
        with runtime.database.reading() as session:
            reason = session.scalars(select(PluginState.set_aside).where(PluginState.name == name)).one()
        assert "took too long 3 times" in str(reason)
        enable(runtime, name)
        assert name in runtime.generation.enabled
        watchdog.write_file(var, slow)
        runtime.take_in_incidents()
        assert name in runtime.follow().enabled, "what was cleared does not count"

    def test_an_import_that_hung_too_often_is_not_tried(self, workshop: Any, processes: Any) -> None:
        name = workshop.plugin("asleep", manifest="raise RuntimeError('imported all the same')\n")
        first = processes.start()
        for _number in range(3):
            watchdog.write_file(first.config.var, Incident(name, "import", "slow", "took too long"))
        second = processes.start()
        assert "does not end" in str(second.discovery.found[name].error)


class TestWatchdog:
    def test_it_finds_what_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(watchdog.LIMIT_VARIABLE, raising=False)
        with watched("some", "records_changed"):
            assert watchdog.find_overdue(running) is None
            monkeypatch.setenv(watchdog.LIMIT_VARIABLE, "0")
            time.sleep(0.01)
            found = watchdog.find_overdue(running)
        assert found is not None
        assert (found.plugin, found.hook) == ("some", "records_changed")
        assert watchdog.find_overdue(running) is None

    def test_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(watchdog.LIMIT_VARIABLE, raising=False)
        assert watchdog.limit_of("records_changed") == 5.0
        assert watchdog.limit_of("import") > watchdog.limit_of("records_changed")

    @pytest.mark.parametrize("hang", ["time.sleep(60)", "exec('while True: pass')"])
    def test_a_hanging_hook_ends_its_process_and_nothing_is_written(
        self, config: Config, workshop: Any, processes: Any, hang: str
    ) -> None:
        hooks = f"""
        import time

        @hookimpl
        def records_changed(changes, unit):
            if changes[0]["name"] == "hang":
                {hang}
        """
        name = workshop.plugin("hanging", entity=True, hooks=hooks)
        runtime = processes.start()
        enable(runtime, name)
        script = f"""
import os
from core.data.unit import transaction
from core.config import Config
from core.runtime.processes import EXIT_CODE
from core.runtime.runtime import Runtime

runtime = Runtime(Config.from_environment())
runtime.start()
os.environ["{watchdog.LIMIT_VARIABLE}"] = "1.5"
with transaction("test", context=runtime.context(runtime.generation)) as unit:
    unit.add(runtime.generation.registry.entity("{name}_thing").model(name="hang"))
print("not reached")
"""
        environment = {**config.environment(), "PYTHONPATH": ":".join(sys.path)}
        child = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert child.returncode == EXIT_CODE, child.stderr
        assert "not reached" not in child.stdout
        (file,) = (config.var / watchdog.FOLDER).glob("*.json")
        content = json.loads(file.read_text())
        assert (content["plugin"], content["hook"], content["kind"]) == (name, "records_changed", "slow")
        runtime.take_in_incidents()
        assert len(kept(runtime)) == 1
        with runtime.database.reading() as session:
            assert session.connection().execute(text(f"SELECT count(*) FROM {name}_thing")).scalar_one() == 0  # noqa: S608
