"""Files that jobs make for people: there as a whole or not at all, and only when a row says so (F17, SECURITY 7.32)."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

FOLDER = "results"
PART = ".part"
LEFT_SECONDS = 24 * 3_600.0
"""What no row names after so long was left by a process that was killed."""


def folder_of(var: Path) -> Path:
    """Where they are; made on first use, closed to other accounts of the machine."""
    folder = var / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def path_of(var: Path, name: str) -> Path:
    """The file a row names; `name` is one this module made."""
    return folder_of(var) / Path(name).name


@contextmanager
def written(var: Path) -> Iterator[tuple[str, BinaryIO]]:
    """The name a new file will have, and the handle to write it; on leaving it is on the disk, under that name."""
    name = secrets.token_hex(16)
    with whole_file(folder_of(var) / name) as handle:
        yield name, handle


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """The handle to write a new file, readable by its owner only; on leaving it is on the disk as a whole, or not at all."""
    temporary = target.with_name(f"{target.name}{PART}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.rename(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def sweep(var: Path, named: Collection[str]) -> int:
    """Delete files that no row names, unless they are so young that their row may still come; returns how many."""
    before = time.time() - LEFT_SECONDS
    swept = 0
    for file in folder_of(var).iterdir():
        if file.name not in named and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            swept += 1
    return swept
