"""Runs a program of ours in a child process: content from outside may use up only what it is given (SECURITY 7.13, 7.14).

Memory, processor, time and output are limited; there is no network, no secret in the environment, no database, and no
child is left behind. `core/exchange/programs` holds the programs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import ContractError

log = logging.getLogger("comptoir.child")

PROGRAMS = Path(__file__).parent / "programs"
CONFINE = Path(__file__).with_name("confine.py")
MEGABYTE = 1024 * 1024
AT_ONCE = 2
"""Children of one process at the same time: more would only wait for processor and memory."""
TURN_SECONDS = 30.0
"""How long one waits for the others."""
TOLD = 500
"""Characters of what a failed program said that go to the log."""

_turn = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use: bytes of memory, seconds by the clock, bytes of output."""

    memory: int = 512 * MEGABYTE
    seconds: float = 10.0
    output: int = 16 * MEGABYTE


class ChildFailed(Exception):
    """A program gave no result. `code`: its exit code, negative for a signal, None when its time was up."""

    def __init__(self, program: str, code: int | None, said: str) -> None:
        reason = "took too long" if code is None else f"ended with {code}"
        super().__init__(f"{program} {reason}: {said}" if said else f"{program} {reason}")
        self.code = code


def run_child(program: str, arguments: Sequence[str], source: BinaryIO, limits: Limits = Limits()) -> bytes:
    """What the program `programs/<program>.py` makes of `source`, an open file, within `limits`.

    Raises `ChildFailed` when it fails or is ended; it is then gone, with everything it started. Not to be called inside
    a unit of work: the database would wait for it.
    """
    file = PROGRAMS / f"{program}.py"
    if not program.isidentifier() or not file.is_file():
        raise ContractError(f"there is no program {program!r} to run in a child process")
    budget = (limits.memory, max(1, round(limits.seconds)), limits.output, os.getpid())
    command = [
        sys.executable,
        "-I",
        "-X",
        "utf8",
        str(CONFINE),
        *map(str, budget),
        str(file),
        *arguments,
    ]
    with _my_turn(program), tempfile.TemporaryFile() as result, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=source, stdout=result, stderr=said, cwd="/", env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            start_new_session=True, close_fds=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        if code != 0:
            said.seek(0)
            raise ChildFailed(program, code, said.read(TOLD * 4).decode("utf-8", "replace").strip()[-TOLD:])
        result.seek(0)
        return result.read()


@contextlib.contextmanager
def _my_turn(program: str) -> Iterator[None]:
    """Wait until fewer run, and not for ever. Raises `ChildFailed`."""
    if not _turn.acquire(timeout=TURN_SECONDS):
        raise ChildFailed(program, None, "too many others run")
    try:
        yield
    finally:
        _turn.release()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started: they are a process group of their own."""
    with contextlib.suppress(ProcessLookupError):  # then all of them have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
