"""Brings the database up to date before anything is served; `comptoir serve` runs it as a child process.

A child, because a module that hangs while it is imported takes its process along (MO-8): the server starts another,
and the third time the module is set aside and the rest runs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.i18n import gettext as _

if TYPE_CHECKING:
    from core.config import Config
    from core.runtime.runtime import Runtime

TRIES = 5


def prepare(config: Config, stopping: Callable[[], bool], *, demo: bool) -> tuple[int, list[str]]:
    """Prepare in a child process, again when a hanging module ended it; returns its exit code and lines to print.

    `stopping`: whether somebody asked for the end meanwhile; then the child is ended, and what it did is undone.
    """
    from core.runtime.processes import EXIT_CODE

    command = [sys.executable, "-P", "-m", "core.commands.prepare", *(["--demo"] if demo else [])]
    for _try in range(TRIES):
        child = subprocess.Popen(command, env=config.environment(), stdout=subprocess.PIPE, text=True)
        output = _output(child, stopping)
        if child.returncode != EXIT_CODE or stopping():
            break
    return child.returncode, output.splitlines()


def _output(child: subprocess.Popen[str], stopping: Callable[[], bool]) -> str:
    while True:
        try:
            return child.communicate(timeout=0.2)[0]
        except subprocess.TimeoutExpired:
            if stopping():
                child.terminate()


def run(*, demo: bool) -> list[str]:
    """Migrate, upgrade, and make a demo of a new installation if asked to; returns lines to print."""
    from core.commands.common import started_runtime

    with started_runtime() as runtime:
        if demo:
            from core.commands.demo import ensure_demo

            return ensure_demo(runtime)
        return set_up_lines(runtime)


def set_up_lines(runtime: Runtime) -> list[str]:
    """Where the first administrator is made, with the one-time token, while there is no account (T32)."""
    from core.access.setup import announce_setup
    from core.access.users import any_user

    with runtime.database.reading() as session:
        if any_user(session):
            return []
    address = f"{runtime.config.public_url}/setup?token={announce_setup(runtime.config.var)}"
    return [_("Set it up at %(address)s", address=address)]


if __name__ == "__main__":
    from core.cli import guarded, speak

    speak()
    sys.exit(guarded(lambda: print("\n".join(run(demo="--demo" in sys.argv[1:])))))
