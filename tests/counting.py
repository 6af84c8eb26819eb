"""Says how many tests ran on each database and in the browser; in a full run the numbers must not fall (issue A)."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from pathlib import Path

import pytest

FLOORS = Path(__file__).parents[1] / "ci" / "test-counts.toml"
PLACES = ("sqlite", "postgresql", "browser")
_passed: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what passed, by engine and browser."""
    if report.when == "call" and report.passed:
        _passed["all"] += 1
        for place in PLACES:
            if place in report.keywords or f"[{place}" in report.nodeid or f"-{place}" in report.nodeid:
                _passed[place] += 1


def _fallen() -> list[str]:
    floors: dict[str, int] = tomllib.loads(FLOORS.read_text(encoding="utf-8"))
    return [
        f"{place}: {_passed[place]}, at least {floors[place]} expected"
        for place in floors
        if _passed[place] < floors[place]
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A full run with fewer tests than before has failed."""
    on_controller = not hasattr(session.config, "workerinput")
    if on_controller and os.environ.get("CI") == "true" and exitstatus == pytest.ExitCode.OK and _fallen():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The numbers, just before the last line."""
    shown = ", ".join(f"{place} {_passed[place]}" for place in ("all", *PLACES))
    terminalreporter.write_sep("-", f"tests passed: {shown}")
    if os.environ.get("CI") == "true":
        for line in _fallen():
            terminalreporter.write_line(f"fewer tests than before: {line}", red=True)
