"""Keeps child processes running: starts them, starts them again when they die, ends them by their own ids (OPS-1, F54)."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.runtime.processes import SERVER_VARIABLE, end_with_parent

log = logging.getLogger("comptoir.serve")

LOOK_EVERY_SECONDS = 0.2
SOON_SECONDS = 10.0
"""A child that lives shorter than this fails at once; it is started again, but ever later."""
QUICK_DEATHS = 8
LONGEST_PAUSE_SECONDS = 10.0
END_SECONDS = 40.0
"""Children get this long to end in order before they are killed; the web server lets requests finish in it."""
LEAVE_SECONDS = 660.0
"""A child that is replaced, while everything else goes on, gets this long: a mail server may take ten minutes to say
that it has a message, and who does not wait for that never knows (RFC 1047, F09)."""
WEB = "web"
"""The one child without which there is nothing to keep running."""


@dataclass(slots=True)
class Child:
    """One child and what is known of its deaths."""

    name: str
    command: Sequence[str]
    wanted: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    deaths: int = 0


class Supervisor:
    """Runs a few commands side by side until SIGTERM or SIGINT; SIGHUP replaces what they run (`comptoir restart`)."""

    def __init__(self, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> None:
        self._children = {name: Child(name, command) for name, command in commands.items()}
        self._environment = {**environment, SERVER_VARIABLE: str(os.getpid())}
        self._leaving: list[tuple[subprocess.Popen[bytes], float]] = []
        self._stop = threading.Event()
        self._reload = threading.Event()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_arguments: self._stop.set())
        signal.signal(signal.SIGHUP, lambda *_arguments: self._reload.set())

    def is_stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop.is_set()

    def start(self, name: str) -> None:
        """Start a child, if it does not run yet, and keep it running from now on."""
        child = self._children[name]
        if not child.wanted and not self.is_stopping():
            child.wanted = True
            self._start(child)

    def run(self) -> int:
        """Watch until told to stop; returns the exit code, 1 when the web server cannot be kept running."""
        while not self._stop.wait(LOOK_EVERY_SECONDS):
            if self._reload.is_set():
                self._reload.clear()
                self._replace()
            for name in self._children:
                if not self.keep(name):
                    return 1
            self._see_off()
        return 0

    def end(self) -> None:
        """End every child by its own id and wait for it."""
        processes = [process for process, _until in self._leaving]
        for child in self._children.values():
            child.wanted = False
            if child.process is not None:
                processes.append(child.process)
        _end(processes)

    def _start(self, child: Child) -> None:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the children in order.
        child.process = subprocess.Popen(
            child.command, env=self._environment, start_new_session=True, preexec_fn=end_with_parent
        )  # fmt: skip
        child.started = time.monotonic()

    def keep(self, name: str) -> bool:
        """Start a child that died again; False when it is the web server, and dies at once time after time."""
        child = self._children[name]
        if child.process is None:
            if child.wanted and time.monotonic() >= child.due:
                self._start(child)
            return True
        code = child.process.poll()
        if code is None:
            return True
        lived = time.monotonic() - child.started
        child.deaths = child.deaths + 1 if lived < SOON_SECONDS else 1
        child.process = None
        child.due = time.monotonic() + min(0.1 * 2.0 ** (child.deaths - 1), LONGEST_PAUSE_SECONDS)
        log.error("%s ended with code %s after %.0f seconds and is started again", child.name, code, lived)
        if child.deaths < QUICK_DEATHS:
            return True
        if child.name == WEB:
            log.critical("%s does not stay up, so everything ends; the lines above say why", child.name)
            return False
        if child.deaths == QUICK_DEATHS:
            log.critical("%s does not stay up, and is tried again and again; the lines above say why", child.name)
        return True

    def _replace(self) -> None:
        """The web server replaces its workers one by one by itself; others end in order beside their successors."""
        log.warning("the workers are replaced")
        for child in self._children.values():
            if child.process is None:
                continue
            if child.name == WEB:
                child.process.send_signal(signal.SIGHUP)
            else:
                child.process.terminate()
                self._leaving.append((child.process, time.monotonic() + LEAVE_SECONDS))
                self._start(child)

    def _see_off(self) -> None:
        """Take note of replaced processes that ended, and kill those that do not."""
        for process, until in self._leaving:
            if process.poll() is None and time.monotonic() > until:
                process.kill()
        self._leaving = [(process, until) for process, until in self._leaving if process.poll() is None]


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes by their ids and wait; what does not end in time is killed."""
    living = [process for process in processes if process.poll() is None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + END_SECONDS
    for process in living:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
