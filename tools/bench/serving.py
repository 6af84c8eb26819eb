"""The servers under measurement, and a small client that keeps its connection and its sign-in."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from core.commands.serve import commands
from core.config import Config
from core.testing.servers import free_port

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 90
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
FLOOR = "tools.bench.floor:make_application"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how many milliseconds it took as the client sees it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    ms: float

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Client:
    """One connection to a server. `cookies` come from signing in."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None, token: str = "") -> None:
        self.port, self.cookies, self.token = port, cookies or {}, token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page; nothing is followed."""
        return self._send("GET", path, None, headers or {})

    def post(self, path: str, values: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Send a form with the token of the visit."""
        body = urlencode({"csrf_token": self.token, **values})
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._send("POST", path, body, form)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the form, as a person would."""
        self.token = _token(self.get("/signin"))
        answer = self.post("/signin", {"email": email, "password": password})
        if answer.status != http.client.SEE_OTHER:
            raise SystemExit(f"sign-in was answered with {answer.status}")
        self.token = _token(self.get("/"))

    def again(self, port: int | None = None) -> Client:
        """The same visit over a connection of its own."""
        return Client(port or self.port, dict(self.cookies), self.token)

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = (method, path, body, {"Cookie": cookie, **headers})
        began = time.perf_counter()
        try:
            self._connection.request(*sent)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):  # it stood idle for too long: nothing was done
            self._connection.close()
            began = time.perf_counter()
            self._connection.request(*sent)
            response = self._connection.getresponse()
        content = response.read()
        ms = (time.perf_counter() - began) * 1000
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _equals, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(response.status, content, {k.lower(): v for k, v in response.getheaders()}, ms)


def _token(answer: Answer) -> str:
    found = TOKEN.search(answer.text)
    if found is None:
        raise SystemExit(f"a page without a form was answered with {answer.status}")
    return found.group(1)


@contextmanager
def started(config: Config, log: Path) -> Iterator[int]:
    """Comptoir as it is in production, with two workers, on a free port; yields the port. `log`: where its lines go."""
    port = free_port()
    with _running([sys.executable, "-P", "-m", "core.cli", "serve", "--port", str(port)], config.on_port(port), log):
        _wait(port, "/static/")
        yield port


@contextmanager
def started_floor(config: Config, sample: Path, log: Path) -> Iterator[int]:
    """The bare function behind the same server, with as many workers and threads; `sample`: what it is to send."""
    port = free_port()
    command = commands(config.on_port(port), "127.0.0.1")["web"]
    command = [sys.executable, *command[2:-1], FLOOR]  # without -P: the function stands in this folder
    with _running(command, config.on_port(port), log, COMPTOIR_BENCH_SAMPLE=str(sample)):
        _wait(port, "/nothing")
        yield port


@contextmanager
def _running(command: list[str], config: Config, log: Path, **more: str) -> Iterator[None]:
    environment = {**config.environment(), "COMPTOIR_LOG": "json", **more}
    with log.open("wb") as lines:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=lines)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def _wait(port: int, path: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with closing(Client(port)) as client:
                client.get(path)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def read_figures(log: Path) -> dict[str, tuple[float, int]]:
    """CPU milliseconds and statements of each request, by its number, from the lines of the server."""
    found: dict[str, tuple[float, int]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("{") and '"comptoir.request"' in line:
            event = json.loads(line)
            found[event["request"]] = (event["cpu_ms"], event["statements"])
    return found
