"""`comptoir plugin`: the Modules page for a terminal (MO-1 to MO-3)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.config import Config


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, config: Config) -> Config:
    for name, value in config.environment().items():
        if name.startswith("COMPTOIR_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("LC_ALL", "C")
    return config


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Name -> the rest of its line."""
    capsys.readouterr()
    assert main(["plugin", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    return {line.split()[0]: " ".join(line.split()[2:]) for line in lines}


def test_on_and_off(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys)["leads"] == "disabled"
    assert main(["plugin", "enable", "leads"]) == 0
    assert "thirdparty, leads" in capsys.readouterr().out
    assert listed(capsys)["leads"] == "enabled"
    assert main(["plugin", "enable", "leads"]) == 0
    assert "already" in capsys.readouterr().out
    assert main(["plugin", "disable", "thirdparty"]) == 2
    assert "needed by leads" in capsys.readouterr().err
    assert main(["plugin", "disable", "thirdparty", "--with-dependents"]) == 0
    assert listed(capsys)["thirdparty"] == "disabled"
    assert main(["plugin", "disable", "thirdparty"]) == 0


def test_refusals_are_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["enable", "nothere"], ["purge", "nothere", "--yes"]):
        assert main(["plugin", *arguments]) == 2
        error = capsys.readouterr().err
        assert "nothere" in error
        assert "Traceback" not in error
    with pytest.raises(SystemExit) as caught:
        main(["plugin", "enable", "leads", "--nonsense"])
    assert caught.value.code == 2


def test_broken_ones_are_listed_with_their_reason(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = workshop.plugin(manifest="import nothing_of_this_name\n")
    state = listed(capsys)[name]
    assert state.startswith("unavailable")
    assert "nothing_of_this_name" in state


def test_purge_asks_first(
    installation: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plugin", "enable", "leads"])
    assert main(["plugin", "purge", "leads", "--yes"]) == 2, "not while it is on"
    main(["plugin", "disable", "leads"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "something else")
    assert main(["plugin", "purge", "leads"]) == 2
    assert "Nothing was removed" in capsys.readouterr().err
    monkeypatch.setattr("builtins.input", lambda prompt: " leads ")
    assert main(["plugin", "purge", "leads"]) == 0
    output = capsys.readouterr().out
    assert "leads_lead: 0 rows" in output
    assert f"is written to {installation.var / 'dumps'} first" in output
    (dump,) = (installation.var / "dumps").iterdir()
    assert str(dump) in output
    assert Path(dump).suffix == ".zip"
    assert main(["plugin", "purge", "leads", "--yes"]) == 2
    assert "has no data" in capsys.readouterr().err


def test_purge_writes_the_copy_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["plugin", "enable", "leads"])
    main(["plugin", "disable", "leads"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    assert main(["plugin", "purge", "leads", "--no-dump"]) == 2
    assert "No copy of them is kept" in capsys.readouterr().out
    assert main(["plugin", "purge", "leads", "--yes", "--dump-to", str(tmp_path / "copies")]) == 0
    (dump,) = (tmp_path / "copies").iterdir()
    assert f"A copy is in {dump}" in capsys.readouterr().out
