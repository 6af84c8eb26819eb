"""`comptoir serve`: web server, job worker and sender of one machine, started, watched and ended together (OPS-1)."""

from __future__ import annotations

import argparse
import http.client
import socket
import sys
import time
from typing import TYPE_CHECKING

from core import logs
from core.i18n import gettext as _

if TYPE_CHECKING:
    from core.commands.supervisor import Supervisor
    from core.config import Config

BACKGROUND = ("worker", "sender")
"""The commands that run beside the web server."""
WEB_WORKERS = 2
BLOCKING_THREADS = 2
SECONDS_TO_START = 30
SECONDS_TO_FINISH = 30
"""How long requests under way may take when the server ends (F54)."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "serve", help=_("start the web server, the background worker and the sender of mail")
    )
    parser.add_argument("--demo", action="store_true", help=_("make a new installation a demo, with fictitious data"))
    parser.add_argument("--host", default="127.0.0.1", help=_("the address to listen on"))
    parser.add_argument("--port", type=int, help=_("the port; PORT in the environment, or 8000"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 2 with a sentence when it cannot."""
    from core.commands.pid_file import PidFile
    from core.config import Config

    config = Config.from_environment()
    if arguments.port is not None:
        config = config.on_port(arguments.port)
    logs.set_up(config.log)
    pid_file = PidFile(config.var)
    if not pid_file.take():
        print(
            _("Comptoir runs already on %(folder)s (process %(pid)s)", folder=config.var, pid=pid_file.holder()),
            file=sys.stderr,
        )
        return 2
    try:
        if not is_free(arguments.host, config.port):
            print(_("Port %(port)s is taken. Choose another with PORT or --port.", port=config.port), file=sys.stderr)
            return 2
        return serve(config, arguments.host, demo=arguments.demo, first=not pid_file.existed)
    finally:
        pid_file.release()


def serve(config: Config, host: str, *, demo: bool, first: bool) -> int:
    """Start the children, say where to look, and watch until told to stop.

    On a first start the database is made before anybody looks at it; later the web server starts while this process
    makes sure that nothing is missing, and the others once pages are served.
    """
    from core.commands.prepare import prepare
    from core.commands.supervisor import WEB, Supervisor

    supervisor = Supervisor(commands(config, host), config.environment())
    try:
        if not first:
            supervisor.start(WEB)
        code, lines = prepare(config, supervisor.is_stopping, demo=demo)
        if code or supervisor.is_stopping():
            return 0 if supervisor.is_stopping() else code
        supervisor.start(WEB)
        wait_for_pages(host, config.port, supervisor)
        for name in BACKGROUND:
            supervisor.start(name)
        if supervisor.is_stopping():
            return 0
        print(_("Comptoir is at %(address)s", address=f"http://{_shown(host)}:{config.port}/"))
        print("\n".join([*lines, _("Ctrl-C ends it.")]), flush=True)
        return supervisor.run()
    finally:
        supervisor.end()


def wait_for_pages(host: str, port: int, supervisor: Supervisor) -> None:
    """Wait until the web server answers, so that the address is printed when it works; not for ever."""
    deadline = time.monotonic() + SECONDS_TO_START
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while time.monotonic() < deadline and not supervisor.is_stopping() and supervisor.keep("web"):
        connection = http.client.HTTPConnection(target, port, timeout=SECONDS_TO_START)
        try:
            connection.request("HEAD", "/static/")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()


def commands(config: Config, host: str) -> dict[str, list[str]]:
    """The child processes. -P keeps a folder called `core` in the current directory from being taken for ours."""
    python = [sys.executable, "-P", "-m"]
    web = [
        *python, "granian", "--interface", "wsgi", "--host", host, "--port", str(config.port),
        "--workers", str(WEB_WORKERS), "--blocking-threads", str(BLOCKING_THREADS), "--respawn-failed-workers",
        "--workers-kill-timeout", str(SECONDS_TO_FINISH), "--no-ws", "--log-level", "warning",
        "--factory", "core.web.wsgi:make_application",
    ]  # fmt: skip
    return {"web": web, **{name: [*python, "core.cli", name] for name in BACKGROUND}}


def is_free(host: str, port: int) -> bool:
    """Whether the port can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _shown(host: str) -> str:
    """The host as a person types it into a browser."""
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
