"""An installation starts with what it has (SECURITY F25, F26, OPS-3)."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from core.contract.hooks import Incident
from core.data.history import Operation
from core.data.tables import PluginIncident
from core.errors import PluginError, StateConflict
from core.runtime import watchdog
from core.runtime.activation import disable, enable
from core.upkeep.overview import impact, modules
from tests.core.looking import incidents, rows, state, tables


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
