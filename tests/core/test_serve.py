"""`comptoir serve` as a whole: it serves, mends itself, and ends with all its children (OPS-1, F54)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.testing.servers import free_port


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_serves_mends_itself_and_ends(tmp_path: Path) -> None:
    port = free_port()
    environment = Config.from_environment({"COMPTOIR_VAR": str(tmp_path / "var"), "PORT": str(port)}).environment()
    command = [sys.executable, "-P", "-m", "core.cli", "serve"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: status(port, "/static/app.css") == 200, 60)
        second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 2
        assert str(server.pid) in second.stderr
        wait_for(lambda: len(children(server.pid)) == 3, 60)
        for name in ("worker", "sender"):
            (child,) = [child for child in children(server.pid) if f"core.cli {name}" in command_of(child)]
            signal_to(child, signal.SIGKILL)
            wait_for(lambda gone=child: len(children(server.pid)) == 3 and gone not in children(server.pid), 30)  # type: ignore[misc]
        (web,) = [child for child in children(server.pid) if "granian" in command_of(child)]
        old = children(web)
        signal_to(old[-1], signal.SIGKILL)
        wait_for(lambda: len(children(web)) == len(old) and old[-1] not in children(web), 30)
        wait_for(lambda: status(port, "/static/app.css") == 200, 30)
        before = set(children(web))
        assert subprocess.run([*command[:-1], "restart"], env=environment, timeout=60, check=False).returncode == 0
        wait_for(lambda: status(port, "/static/app.css") == 200 and not working(web) & working_of(before), 60)
        orphans = working(web)
        signal_to(web, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in orphans), 30)
        wait_for(lambda: len(children(server.pid)) == 3 and status(port, "/static/app.css") == 200, 60)
        (web,) = [child for child in children(server.pid) if "granian" in command_of(child)]
        family = [server.pid, *children(server.pid), *children(web)]
    finally:
        server.terminate()
        output, _errors = server.communicate(timeout=60)
    assert server.returncode == 0, output
    assert f"http://127.0.0.1:{port}/" in output
    assert not [each for each in family if Path(f"/proc/{each}").exists()], "all children ended"
    assert subprocess.run([*command[:-1], "restart"], env=environment, timeout=60, check=False).returncode == 2


def working(web: int) -> set[int]:
    """The web server's workers; its resource tracker stays when workers are replaced."""
    return working_of(set(children(web)))


def working_of(processes: set[int]) -> set[int]:
    return {each for each in processes if "resource_tracker" not in command_of(each)}


def children(pid: int) -> list[int]:
    file = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in file.read_text().split()] if file.exists() else []


def command_of(pid: int) -> str:
    file = Path(f"/proc/{pid}/cmdline")
    try:
        return file.read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def signal_to(pid: int, number: int) -> None:
    os.kill(pid, number)


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
