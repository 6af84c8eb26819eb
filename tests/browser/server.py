"""A real `comptoir serve` for tests: its two workers, its port, its database in a folder of its own."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.testing.servers import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "quince-ladder-73"
DEMO_EMAIL = "demo@comptoir.example"
READY = "Ctrl-C ends it."
SECONDS_TO_START = 90
SECONDS_TO_END = 40
TAIL = 6000
LEFT_OUT = ("COMPTOIR_DATABASE_URL", "COMPTOIR_PUBLIC_URL", "COMPTOIR_DEMO_PASSWORD", "LC_ALL", "LC_MESSAGES")


class ServerFailed(AssertionError):
    """The server did not start, or ended; the message has the end of what it said."""


@dataclass
class Server:
    """A running server."""

    url: str
    var: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    log: Path

    def said(self) -> str:
        """What it printed, errors included."""
        return self.log.read_text("utf-8", "replace")

    def run(self, *arguments: str, **variables: str) -> str:
        """Run `comptoir …` on the same installation and return what it printed; it must succeed."""
        done = subprocess.run(
            [*comptoir(), *arguments],
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_TO_START,
            check=False,
        )
        assert done.returncode == 0, f"comptoir {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def has(self, slug: str) -> bool:
        """Whether the list of this name exists; asked by nobody in particular."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request("GET", f"/{slug}")
            return connection.getresponse().status != 404
        finally:
            connection.close()

    def add_user(self, email: str, name: str, role: str = "administrator") -> None:
        """Add an account with the password of all test accounts."""
        self.run("user", "add", email, "--name", name, "--role", role, COMPTOIR_PASSWORD=PASSWORD)


def comptoir() -> list[str]:
    """The command, as it was installed beside the Python that runs the tests."""
    return [str(Path(sys.executable).with_name("comptoir"))]


@contextmanager
def serving(var: Path, *, demo: bool = True, **variables: str) -> Iterator[Server]:
    """Serve an installation in `var` until the end of the block. `variables` are added to its environment."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    port = free_port()
    environment = {
        **kept,
        "COMPTOIR_VAR": str(var),
        "COMPTOIR_DEMO_PASSWORD": PASSWORD,
        "PORT": str(port),
        "LANG": "C.UTF-8",
        **variables,
    }
    var.mkdir(parents=True, exist_ok=True)
    log = var / "serve.log"
    with log.open("wb") as output:
        command = [*comptoir(), "serve", *(["--demo"] if demo else [])]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
        )
    server = Server(f"http://127.0.0.1:{port}", var, process, environment, log)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait(server: Server) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while READY not in server.said():
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise ServerFailed(f"`comptoir serve` did not start:\n{server.said()[-TAIL:]}")
        time.sleep(0.05)
