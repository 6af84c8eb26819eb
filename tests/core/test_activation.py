"""Switching modules on and off, and removing their data: all or nothing (MO-1 to MO-3, SECURITY F21 to F27)."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
from sqlalchemy import inspect, select, text, update

from core.contract.hooks import Incident
from core.data.history import Operation
from core.data.numbering import Series
from core.data.records import Row
from core.data.references import Reference
from core.data.tables import DictionaryEntry, PluginIncident
from core.data.unit import transaction
from core.errors import PluginError, Refused, StateConflict, Veto
from core.runtime import rehearsal, watchdog
from core.runtime.activation import disable, enable
from core.runtime.generation import BuildError
from core.runtime.overview import impact, modules
from core.runtime.runtime import Runtime
from core.runtime.state import lock_state

STEP_THEN_KILL = """\
import os, signal
import sqlalchemy as sa
from alembic import op
revision = "{name}_0001"
down_revision = None

def upgrade():
    op.create_table("{name}_thing", sa.Column("id", sa.Integer(), primary_key=True))
    os.kill(os.getpid(), signal.SIGKILL)
"""
FAILING_STEP = """\
import sqlalchemy as sa
from alembic import op
revision = "{name}_0001"
down_revision = None

def upgrade():
    op.create_table("{name}_thing", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("this is no SQL")
"""


def tables(runtime: Runtime) -> set[str]:
    with runtime.database.reading() as session:
        return set(inspect(session.connection()).get_table_names())


def rows(runtime: Runtime, model: type[Row], *where: Any) -> list[Any]:
    with runtime.database.reading() as session:
        found = list(session.scalars(select(model).where(*where)))
        session.expunge_all()
        return found


def incidents(runtime: Runtime, name: str) -> list[str]:
    return [f"{row.kind}: {row.detail}" for row in rows(runtime, PluginIncident, PluginIncident.plugin == name)]


def wait_for_quiet(runtime: Runtime) -> None:
    """PostgreSQL notices a killed client a moment later and undoes its work then."""
    with runtime.database.connection() as connection:
        lock_state(connection)


def state(runtime: Runtime, name: str) -> str:
    return next(module.status for module in modules(runtime) if module.name == name)


def everything(runtime: Runtime) -> dict[str, Any]:
    """The whole database but for incidents, to show that nothing changed."""
    content: dict[str, Any] = {}
    with runtime.database.reading() as session:
        connection = session.connection()
        for name in sorted(inspect(connection).get_table_names()):
            if name != "core_incident":
                content[name] = sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"'))))  # noqa: S608
    return content


class TestOurTwo:
    """The bundled plugins, on and off."""

    def test_enabling_brings_needs_tables_lists_numbers_references_and_history(self, runtime: Runtime) -> None:
        before = runtime.generation.version
        assert enable(runtime, "leads", shown_version=before) == ["thirdparty", "leads"]
        assert runtime.generation.enabled == ("thirdparty", "leads")
        assert runtime.generation.version == before + 1
        assert {"thirdparty_thirdparty", "leads_lead", "leads_migration"} <= tables(runtime)
        assert rows(runtime, DictionaryEntry, DictionaryEntry.dictionary == "lead_status")
        assert [row.mask for row in rows(runtime, Series, Series.target == "thirdparty")] == [
            runtime.generation.registry.entity("thirdparty").entity.numbering.mask
        ]
        assert all(row.plugin in ("leads", "thirdparty") for row in rows(runtime, Reference))
        operation = rows(runtime, Operation, Operation.action == "module.enable")[-1]
        assert operation.cause == "Third parties, Leads"
        assert {"thirdparty", "lead", "series"} == set(runtime.generation.registry.entities)

    def test_enabling_twice_changes_nothing(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        before = everything(runtime)
        assert enable(runtime, "leads") == []
        assert everything(runtime) == before

    def test_needs_are_named_when_they_may_not_come_along(self, runtime: Runtime) -> None:
        with pytest.raises(Refused, match="thirdparty"):
            enable(runtime, "leads", with_needs=False)
        assert runtime.generation.enabled == ()

    def test_disabling_keeps_data_and_enabling_brings_it_back(self, runtime: Runtime) -> None:
        enable(runtime, "thirdparty")
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            unit.add(runtime.generation.registry.entity("thirdparty").model(name="Zinc SARL"))
        assert disable(runtime, "thirdparty") == ["thirdparty"]
        assert "thirdparty" not in runtime.generation.registry.entities
        enable(runtime, "thirdparty")
        found = rows(runtime, runtime.generation.registry.entity("thirdparty").model)
        assert [row.name for row in found] == ["Zinc SARL"]
        assert len(rows(runtime, Series, Series.target == "thirdparty")) == 1, "seeds are not sown twice"

    def test_dependents_are_listed_and_go_only_when_asked(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        with pytest.raises(Refused, match="needed by leads"):
            disable(runtime, "thirdparty")
        assert disable(runtime, "thirdparty", with_dependents=True) == ["leads", "thirdparty"]
        assert disable(runtime, "thirdparty") == []
        assert runtime.generation.enabled == ()

    def test_a_value_an_administrator_changed_stays(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        with runtime.database.connection() as connection:
            here = (DictionaryEntry.dictionary == "lead_status", DictionaryEntry.code == "new")
            connection.execute(update(DictionaryEntry).where(*here).values(labels={"en": "Fresh"}))
        disable(runtime, "leads")
        enable(runtime, "leads")
        labels = [row.labels for row in rows(runtime, DictionaryEntry, *here)]
        assert labels == [{"en": "Fresh"}]
        option = runtime.generation.registry.dictionaries["lead_status"][0]
        assert str(option.label) == "Fresh"

    def test_impact_says_what_comes_and_what_goes(self, runtime: Runtime) -> None:
        coming = impact(runtime, "leads")
        assert [name for name, label in coming.others] == ["thirdparty"]
        assert "Leads" in coming.additions.menus
        assert "leads_lead" in coming.additions.tables
        enable(runtime, "leads", shown_version=coming.version)
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            unit.add(runtime.generation.registry.entity("thirdparty").model(name="Zinc SARL"))
        going = impact(runtime, "thirdparty")
        assert [name for name, label in going.others] == ["leads"]
        assert going.rows["thirdparty_thirdparty"] == 1
        assert "Third parties" in going.additions.entities
        assert impact(runtime, "nothere").problem is not None


class TestSomebodyWasFaster:
    def test_the_version_shown_must_be_the_version_now(self, processes: Any) -> None:
        one, two = processes.start(), processes.start()
        shown = two.generation.version
        enable(one, "thirdparty", shown_version=shown)
        with pytest.raises(StateConflict, match="meanwhile"):
            enable(two, "leads", shown_version=shown)
        with pytest.raises(StateConflict, match="meanwhile"):
            disable(two, "thirdparty", shown_version=shown)
        assert two.follow().enabled == one.generation.enabled == ("thirdparty",)

    def test_two_at_once_one_wins(self, processes: Any, workshop: Any) -> None:
        names = [workshop.plugin("left", entity=True), workshop.plugin("right", entity=True)]
        runtimes = [processes.start(), processes.start()]
        shown = runtimes[0].generation.version
        start = threading.Barrier(2)
        outcome: dict[str, str] = {}

        def work(runtime: Runtime, name: str) -> None:
            start.wait()
            try:
                enable(runtime, name, shown_version=shown)
                outcome[name] = "done"
            except StateConflict:
                outcome[name] = "conflict"

        threads = [threading.Thread(target=work, args=pair) for pair in zip(runtimes, names, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcome.values()) == ["conflict", "done"]
        winner = next(name for name, what in outcome.items() if what == "done")
        assert {runtime.follow().enabled for runtime in runtimes} == {(winner,)}


class TestFailing:
    """Whatever goes wrong names the plugin and leaves the old world."""

    @pytest.mark.parametrize(
        ("stem", "options", "expected"),
        [
            ("import", {"hooks": "import nothing_of_this_name"}, "nothing_of_this_name"),
            ("exit", {"hooks": "raise SystemExit(4)"}, "SystemExit"),
            ("crash", {"hooks": "import os; os._exit(9)"}, "exit code 9"),
            ("unknown", {"hooks": "@hookimpl\ndef no_such_hook():\n    pass"}, "no_such_hook"),
            ("wrong", {"hooks": "@hookimpl\ndef menus(nonsense):\n    return []"}, "nonsense"),
            ("menus", {"hooks": "@hookimpl\ndef menus():\n    raise ValueError('no menu today')"}, "no menu today"),
            ("model", {"hooks": "@hookimpl\ndef entities():\n    return [int]"}, "is not a record class"),
            ("step", {"entity": True, "step": FAILING_STEP}, "_0001"),
            ("unwritten", {"entity": True, "hooks": "@hookimpl\ndef module_enabled(unit):\n    unit.add(Thing(name='x')); 1 / 0"}, "ZeroDivisionError"),
            ("leave", {"hooks": "@hookimpl\ndef module_enabled(unit):\n    raise SystemExit"}, "SystemExit"),
            ("commit", {"hooks": "@hookimpl\ndef module_enabled(unit):\n    unit.session.commit()"}, "alone ends its transaction"),
        ],
    )  # fmt: skip
    def test_enabling_fails_as_a_whole(
        self, processes: Any, workshop: Any, stem: str, options: dict[str, Any], expected: str
    ) -> None:
        name = workshop.plugin(stem, **options, known=False)
        runtime = processes.start()
        before, version = everything(runtime), runtime.generation.version
        with pytest.raises(PluginError) as caught:
            enable(runtime, name)
        assert caught.value.plugin == name
        assert name in str(caught.value)
        assert expected in str(caught.value)
        assert everything(runtime) == before
        assert runtime.follow().version == version
        assert any(expected in incident for incident in incidents(runtime, name))
        assert state(runtime, name) == "disabled"

    def test_a_refusal_of_the_module_itself_is_passed_on(self, processes: Any, workshop: Any) -> None:
        hooks = "@hookimpl\ndef module_enabled(unit):\n    from core.api import Refused\n    raise Refused('not on a Sunday')"
        name = workshop.plugin(hooks=hooks)
        runtime = processes.start()
        with pytest.raises(Refused, match="not on a Sunday"):
            enable(runtime, name)
        assert incidents(runtime, name) == []

    @pytest.mark.parametrize("where", ["import", "declaration"])
    def test_a_plugin_that_hangs_is_found_out(
        self, processes: Any, workshop: Any, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", 6.0)
        hang = "import time\ntime.sleep(60)"
        if where == "declaration":
            hang = "@hookimpl\ndef menus():\n    import time\n    time.sleep(60)\n    return []"
        good = workshop.plugin("good")
        name = workshop.plugin("hanging", hooks=hang, requires=(good,), known=False)
        runtime = processes.start()
        with pytest.raises(BuildError, match="6 seconds") as caught:
            enable(runtime, name)
        assert caught.value.plugin == name
        assert caught.value.kind == ("import" if where == "import" else "build")
        assert runtime.follow().enabled == ()

    def test_a_new_manifest_that_hangs_is_not_imported_here(
        self, runtime: Runtime, workshop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", 4.0)
        name = workshop.plugin("asleep", manifest="import time\ntime.sleep(60)\n")
        runtime.rescan()
        assert state(runtime, name) == "unavailable"
        assert "4 seconds" in str(runtime.discovery.found[name].error)

    def test_a_veto_to_disabling_is_the_modules_own(self, processes: Any, workshop: Any) -> None:
        hooks = "@hookimpl\ndef module_disabling(unit):\n    from core.api import Veto\n    raise Veto('a campaign is being sent')"
        name = workshop.plugin(hooks=hooks)
        runtime = processes.start()
        enable(runtime, name)
        with pytest.raises(Veto, match="being sent"):
            disable(runtime, name)
        assert runtime.generation.enabled == (name,)

    def test_a_crash_while_disabling_does_not_hold_it_on(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(hooks="@hookimpl\ndef module_disabling(unit):\n    1 / 0")
        runtime = processes.start()
        enable(runtime, name)
        assert disable(runtime, name) == [name]
        assert any("ZeroDivisionError" in incident for incident in incidents(runtime, name))

    def test_a_crashing_veto_does_not_lock_the_modules_page(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(hooks="@hookimpl\ndef records_changing(changes):\n    1 / 0")
        runtime = processes.start()
        enable(runtime, name)
        assert enable(runtime, "thirdparty") == ["thirdparty"], "seeding a numbering series asks nobody's leave"
        assert disable(runtime, name) == [name]


class TestKilled:
    """A kill in the middle leaves the old state (F22)."""

    @pytest.mark.parametrize("place", ["step", "module_enabled"])
    def test_kill_while_enabling(self, processes: Any, workshop: Any, place: str) -> None:
        kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        if place == "step":
            name = workshop.plugin(entity=True, step=STEP_THEN_KILL, known=False)
        else:
            hooks = (
                f"@hookimpl\ndef module_enabled(unit):\n    unit.add(Thing(name='x')); unit.session.flush()\n    {kill}"
            )
            name = workshop.plugin(entity=True, hooks=hooks)
        runtime = processes.start()
        before = everything(runtime)
        command = [sys.executable, "-m", "core.cli", "plugin", "enable", name]
        environment = {**processes.config.environment(), "PYTHONPATH": ":".join(sys.path)}
        child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        assert child.returncode == -9, child.stderr
        wait_for_quiet(runtime)
        assert everything(runtime) == before
        assert processes.start().generation.enabled == ()


class TestStarting:
    """An installation starts with what it has (F25, F26)."""

    def test_a_plugin_that_breaks_is_set_aside_with_its_dependents(self, processes: Any, workshop: Any) -> None:
        lower = workshop.plugin("lower")
        upper = workshop.plugin("upper", requires=(lower,))
        other = workshop.plugin("other")
        first = processes.start()
        enable(first, upper)
        enable(first, other)
        break_hooks(workshop, lower)
        second = processes.start()
        assert second.generation.enabled == (other,)
        shown = {module.name: module for module in modules(second)}
        assert shown[lower].status == shown[upper].status == "set aside"
        assert "broken since" in str(shown[lower].reason)
        assert lower in str(shown[upper].reason)
        assert any("broken since" in incident for incident in incidents(second, lower))
        assert first.follow().enabled == (other,), "the others follow"

    def test_switched_on_again_it_and_its_dependents_run(self, processes: Any, workshop: Any) -> None:
        lower = workshop.plugin("lower")
        upper = workshop.plugin("upper", requires=(lower,))
        enable(processes.start(), upper)
        mend = break_hooks(workshop, lower)
        second = processes.start()
        with pytest.raises(PluginError, match="broken since"):
            enable(second, lower)
        mend()
        assert enable(second, lower) == [lower]
        assert second.generation.enabled == (lower, upper)
        assert not [row for row in rows(second, PluginIncident, PluginIncident.plugin == lower) if not row.cleared]

    def test_one_set_aside_can_be_switched_off(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin()
        enable(processes.start(), name)
        break_hooks(workshop, name)
        second = processes.start()
        assert disable(second, name) == [name]
        assert state(second, name) == "disabled"

    def test_one_that_is_gone_is_unavailable_and_comes_back(self, processes: Any, workshop: Any) -> None:
        lower = workshop.plugin("lower", entity=True)
        upper = workshop.plugin("upper", requires=(lower,))
        enable(processes.start(), upper)
        workshop.uninstall(lower)
        second = processes.start()
        assert second.generation.enabled == ()
        assert {module.name: module.status for module in modules(second) if module.name in (lower, upper)} == {
            lower: "unavailable",
            upper: "set aside",
        }
        assert f"{lower}_thing" in tables(second), "data is kept"
        workshop.distribution(lower, f"{lower}_package:plugin")
        assert processes.start().generation.enabled == (lower, upper)

    def test_one_that_is_gone_can_be_switched_off_with_its_dependents(self, processes: Any, workshop: Any) -> None:
        lower = workshop.plugin("lower")
        upper = workshop.plugin("upper", requires=(lower,))
        enable(processes.start(), upper)
        workshop.uninstall(lower)
        second = processes.start()
        assert disable(second, lower, with_dependents=True) == [upper, lower]

    def test_what_changed_on_disk_is_not_switched_on_before_a_restart(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(version="1.0")
        runtime = processes.start()
        workshop.distribution(name, f"{name}_package:plugin", version="2.0")
        runtime.rescan()
        with pytest.raises(StateConflict, match="comptoir restart"):
            enable(runtime, name)
        assert "comptoir restart" in str(impact(runtime, name).problem)

    def test_one_whose_import_hung_is_tried_again_when_switched_on(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin("awake")
        var = processes.config.var
        enable(processes.start(), name)
        for _number in range(3):
            watchdog.write_file(var, Incident(name, "import", "slow", "took too long"))
        first, second = processes.start(), processes.start()
        assert first.generation.enabled == ()
        assert enable(first, name) == [name]
        assert second.follow().enabled == (name,), "other processes try it again too"

    def test_an_upgrade_migrates_at_the_next_start(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(entity=True)
        first = processes.start()
        enable(first, name)
        later = f"from alembic import op\nimport sqlalchemy as sa\nrevision = '{name}_0002'\ndown_revision = '{name}_0001'\n"
        later += (
            f"def upgrade():\n    op.create_table('{name}_more', sa.Column('id', sa.Integer(), primary_key=True))\n"
        )
        workshop.write(f"{name}_package/migrations/versions/0002_more.py", later)
        assert first.follow().enabled == (name,)
        second = processes.start()
        assert f"{name}_more" in tables(second)
        assert second.generation.enabled == (name,)
        assert rows(second, Operation, Operation.action == "module.upgrade")
        version = second.generation.version
        assert processes.start().generation.version == version, "once"

    def test_an_upgrade_that_fails_sets_it_aside(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(entity=True)
        enable(processes.start(), name)
        later = f"from alembic import op\nrevision = '{name}_0002'\ndown_revision = '{name}_0001'\n"
        workshop.write(
            f"{name}_package/migrations/versions/0002_more.py", f"{later}def upgrade():\n    op.execute('nonsense')\n"
        )
        second = processes.start()
        assert second.generation.enabled == ()
        assert state(second, name) == "set aside"
        assert any(incident.startswith("migration") for incident in incidents(second, name))


def break_hooks(workshop: Any, name: str) -> Any:
    """Break a plugin's hooks module as an upgrade might; returns a function that mends it."""
    file = workshop.package(name) / "hooks.py"
    good = file.read_text()
    file.write_text("raise RuntimeError('broken since the upgrade')\n")
    sys.modules.pop(f"{name}_package.hooks")  # as in a process that starts now

    def mend() -> None:
        file.write_text(good + "# mended\n")

    return mend
