"""`comptoir job`, and the bar of commands that take long (OPS-4)."""

from __future__ import annotations

import io
from typing import Any

import pytest

from core.cli import main
from core.commands.progress import Bar
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.probe.jobbing import doing, put, row

pytest_plugins = ["tests.probe.fixtures"]


@pytest.fixture
def command(shop: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    for name, value in shop.config.environment().items():
        monkeypatch.setenv(name, value)

    def run(*words: object) -> tuple[int, str]:
        code = main(["job", *map(str, words)])
        heard = capsys.readouterr()
        return code, heard.out + heard.err

    return run


def test_list_stop_and_retry(shop: Site, command: Any) -> None:
    doing(lambda job: "as it should be")
    number = put(shop)
    code, heard = command("list")
    assert code == 0
    assert f"{number}" in heard
    assert "probe.scripted" in heard
    assert "ready" in heard
    assert command("stop", number)[0] == 0
    assert row(shop, number).state == "stopped"
    assert command("stop", number) == (2, "comptoir: This job has ended already\n")
    assert command("retry", number)[0] == 0
    assert row(shop, number).state == "ready"
    assert Worker(shop.runtime).run_one()
    assert command("watch", number) == (0, "done; as it should be\n")
    assert command("watch", 999)[0] == 2


def test_watching_what_failed(shop: Site, command: Any) -> None:
    number = put(shop)
    command("stop", number)
    assert command("watch", number)[0] == 1


@pytest.mark.covers("OPS-4a")
def test_the_bar_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((io.StringIO(), ""), (Terminal(), "600 of 1,200")):
        monkeypatch.setattr("sys.stderr", stream)
        bar = Bar(1_200)
        bar.move(600)
        bar.end()
        assert shown in stream.getvalue()
        assert bool(stream.getvalue()) is bool(shown)
