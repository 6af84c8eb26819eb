"""What this plugin was asked to do, and doing it."""

from __future__ import annotations

import os
import time
from pathlib import Path

SLOW_SECONDS = 0.3


class Mischief(RuntimeError):
    """What this plugin raises."""


def asked(place: str) -> str:
    """The deed asked for at this place, read anew each time; empty for good behaviour."""
    file = os.environ.get("MISCHIEF_FILE")
    if file:
        text = Path(file).read_text("utf-8") if Path(file).exists() else ""
    else:
        text = os.environ.get("MISCHIEF", "")
    deeds = dict(word.split("=", 1) for word in text.split() if "=" in word)
    return deeds.get(place, "")


def act(place: str) -> str:
    """Do what was asked at this place; what is particular to the place is returned for it to do."""
    deed = asked(place)
    if deed == "raise":
        raise Mischief(f"mischief in {place}")
    if deed == "exit":
        raise SystemExit(f"mischief in {place}")
    if deed == "deep":
        _deeper()
    if deed == "memory":
        raise MemoryError(f"mischief in {place}")
    if deed == "interrupt":
        raise KeyboardInterrupt(f"mischief in {place}")
    if deed == "slow":
        time.sleep(SLOW_SECONDS)
    while deed == "hang":
        time.sleep(0.05)
    return deed


def _deeper() -> None:
    _deeper()


def witness(operation: int | None) -> None:
    """Say that an operation was delivered, if anybody wants to know."""
    file = os.environ.get("MISCHIEF_WITNESS")
    if file:
        _append(file, f"{operation}\n")


def try_again(times: int) -> None:
    """Raise so many times, then no more; the tries are counted over all processes."""
    file = os.environ["MISCHIEF_WITNESS"] + ".tries"
    _append(file, "x")
    if Path(file).stat().st_size <= times:
        raise Mischief("mischief in changes_committed")


def _append(file: str, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
