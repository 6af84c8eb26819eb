"""Who is alive: a lock on a file for as long as a sender lives, by which others see that one is gone (F01, F02)."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _node(folder: Path) -> str:
    """The name of this folder of locks: a sender on another machine has another one."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "node"
    if not file.exists():
        temporary = folder / f"node.{secrets.token_hex(4)}"
        temporary.write_text(secrets.token_hex(8), "ascii")
        try:
            os.link(temporary, file)  # fails when another process was faster: then its name counts
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return file.read_text("ascii")


@contextmanager
def presence(folder: Path) -> Iterator[str]:
    """A name under which to claim. A lock on a file of that name lasts exactly as long as this process (kill -9 too)."""
    name = f"{_node(folder)}.{os.getpid()}.{secrets.token_hex(8)}"
    file = folder / f"{name}.lock"
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            file.unlink(missing_ok=True)


def is_gone(folder: Path, owner: str) -> bool:
    """Whether the sender of that name surely ended: one of this folder whose lock is free or not there any more."""
    if owner.partition(".")[0] != _node(folder):
        return False
    try:
        with (folder / f"{owner}.lock").open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
