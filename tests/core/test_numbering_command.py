"""`comptoir numbering check`: what it prints, where, and its exit codes (TP-2)."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from core.commands import numbering


def run(*words: str) -> int:
    """The exit code of the command, whether argparse or the command itself ends it."""
    parser = argparse.ArgumentParser(prog="comptoir")
    numbering.register(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["numbering", *words])
    except SystemExit as end:
        return int(str(end.code))
    return int(arguments.run(arguments))


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (["{yyyy}-{0000}", "--dates", "1915-01-01,1916-01-01"], ["1915-0001", "1916-0002"]),
        (["{yyyy}-{0000}", "--dates", " 1915-01-01, 1916-01-01 ", "--last", "41"], ["1915-0042", "1916-0043"]),
        (["{yyyy}{mm}-{000@-}", "--dates", "1960-01-01", "--fiscal-month", "6"], ["195901-001"]),
        (["{ccc}{t}{u}{000}", "--dates", "2026-01-01"], ["####X001"]),
        (
            ["{ccc}{t}{u}{000}", "--dates", "2026-01-01", "--customer-code", "AB", "--type", "T", "--user-name", "É"],
            ["AB#TÉ001"],
        ),
        (["{00}", "--dates", "2026-01-01", "--short-counters"], ["01"]),
        (["--dates", "2024-02-29", "--", "-{000}"], ["-001"]),
    ],
)
def test_codes_are_printed_one_a_line(words: list[str], codes: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", *words) == 0
    assert capsys.readouterr() == ("\n".join(codes) + "\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ABC", "--dates", "2026-01-01"], "no counter"),
        (["{00}", "--dates", "2026-01-01"], "too short"),
        (["A{000}", "--dates", "2026-01-01,2026-01-02", "--last", "998"], "full"),
        (["A{000}", "--dates", "2026-01-01", "--fiscal-month", "13"], "1 to 12"),
        (["A\udcff{000}", "--dates", "2026-01-01"], "cannot be printed"),
        (["A{000}", "--dates", "2026-02-30"], "'2026-02-30' is not a date"),
        (["A{000}", "--dates", "20260201"], "is not a date"),
        (["A{000}", "--dates", "2026-W01-1"], "is not a date"),
        (["A{000}", "--dates", "2026-01-01,"], "'' is not a date"),
        (["A{000}", "--dates", "2026-01-01", "--last", "x%s"], "'x%s' is not a number"),
        (["A{000}", "--dates", "2026-01-01", "--last", "-1"], "is not a number"),
        (["A{000}", "--dates", "2026-01-01", "--last", "9" * 5000], "is not a number"),
        (["A{000}", "--dates", "2026-01-01", "--fiscal-month", "June"], "is not a number"),
        (["A{000}"], "--dates"),
        (["--dates", "2026-01-01"], "MASK"),
    ],
)
def test_a_refusal_goes_to_standard_error_and_exits_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


def test_an_action_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "ACTION" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 0
    assert "check" in capsys.readouterr().out


def test_the_command_needs_neither_database_nor_web() -> None:
    """In a process of its own: other tests have imported both long ago."""
    code = "import sys, core.commands.numbering; print({'sqlalchemy', 'flask'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
