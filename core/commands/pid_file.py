"""One server per installation."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO


class PidFile:
    """The file that says which process serves this installation. The lock on it ends with the process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "serve.pid"
        self._handle: TextIO | None = None
        self.existed = self._file.exists()
        """Whether the installation was served before."""

    def take(self) -> bool:
        """Become the process that serves; False when another one does."""
        handle = self._file.open("a+", encoding="ascii")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._handle = handle
        return True

    def release(self) -> None:
        """Stop being it."""
        if self._handle is not None:
            self._handle.truncate(0)
            self._handle.close()
            self._handle = None

    def holder(self) -> int | None:
        """The process that serves now, if any."""
        if not self._file.exists():
            return None
        with self._file.open("r+", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(handle.read() or 0) or None
        return None
