"""Whatever goes wrong while a module is switched on leaves the old world (SECURITY F22, F24 to F27)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from core.errors import PluginError, Refused, StateConflict, Veto
from core.runtime import rehearsal
from core.runtime.activation import disable, enable
from core.runtime.runtime import Runtime
from tests.core.looking import everything, incidents, state, wait_for_quiet

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
        monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", 12.0)
        hang = "import time\ntime.sleep(60)"
        if where == "declaration":
            hang = "@hookimpl\ndef menus():\n    import time\n    time.sleep(60)\n    return []"
        good = workshop.plugin("good")
        name = workshop.plugin("hanging", hooks=hang, requires=(good,), known=False)
        runtime = processes.start()
        with pytest.raises(PluginError, match="12 seconds") as caught:
            enable(runtime, name)
        assert caught.value.plugin == name
        assert caught.value.kind == ("import" if where == "import" else "build")
        assert runtime.follow().enabled == ()

    def test_a_child_that_cannot_start_is_no_plugins_fault(
        self, processes: Any, workshop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = workshop.plugin(known=False)
        runtime = processes.start()
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(StateConflict, match="cannot be tried now"):
            enable(runtime, name)
        assert incidents(runtime, name) == []

    def test_a_new_manifest_that_hangs_is_not_imported_here(
        self, runtime: Runtime, workshop: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", 12.0)
        name = workshop.plugin("asleep", manifest="import time\ntime.sleep(60)\n")
        runtime.rescan()
        assert state(runtime, name) == "unavailable"
        assert "12 seconds" in str(runtime.discovery.found[name].error)

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
