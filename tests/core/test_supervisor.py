"""What keeps the processes of one machine running: who may end everything, and who leaves in peace (OPS-1, F54)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = """
import sys
from core import logs
from core.commands import supervisor
logs.set_up("text")
supervisor.QUICK_DEATHS = 3
python = [sys.executable, "-c"]
commands = {"web": [*python, sys.argv[1]], "sender": [*python, sys.argv[2]]}
kept = supervisor.Supervisor(commands, {})
for name in commands:
    kept.start(name)
try:
    code = kept.run()
finally:
    kept.end()
sys.exit(code)
"""
STAYS = "import time; time.sleep(600)"
DIES = "raise SystemExit(3)"
LEAVES_SLOWLY = """
import os, pathlib, signal, sys, time
folder = pathlib.Path({folder!r})
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
(folder / f"begun-{{os.getpid()}}").touch()
while not (told and (folder / "answer").exists()):
    time.sleep(0.02)
(folder / f"ended-{{os.getpid()}}").touch()
"""


@contextmanager
def supervised(log: Path, web: str, sender: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as lines:
        command = [sys.executable, "-c", PROGRAM, web, sender]
        process = subprocess.Popen(command, stdout=lines, stderr=lines, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def wait_for(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_sender_that_does_not_stay_up_costs_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with supervised(log, STAYS, DIES) as server:
        wait_for(lambda: log.read_text().count("sender ended with code 3") > 3)
        assert server.poll() is None
        assert "tried again and again" in log.read_text()
        server.terminate()
        assert server.wait(60) == 0


@pytest.mark.slow
def test_without_web_server_everything_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with supervised(log, DIES, STAYS) as server:
        assert server.wait(60) == 1
        assert "web does not stay up" in log.read_text()


@pytest.mark.slow
def test_who_is_replaced_ends_in_peace_beside_its_successor(tmp_path: Path) -> None:
    def named(kind: str) -> list[str]:
        return [file.name.partition("-")[2] for file in tmp_path.glob(f"{kind}-*")]

    with supervised(tmp_path / "log", STAYS, LEAVES_SLOWLY.format(folder=str(tmp_path))) as server:
        wait_for(lambda: len(named("begun")) == 1)
        (old,) = named("begun")
        server.send_signal(signal.SIGHUP)
        wait_for(lambda: len(named("begun")) == 2)
        assert named("ended") == []
        os.kill(int(old), 0)  # it lives
        (tmp_path / "answer").touch()
        wait_for(lambda: named("ended") == [old])
        server.terminate()
        assert server.wait(60) == 0
        assert sorted(named("ended")) == sorted(named("begun"))
