"""Something done again and again until told to stop, whatever it meets on the way (OPS-1)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("comptoir.worker")

WAKE_SECONDS = 0.5
RETRY_SECONDS = 5.0
"""How long to wait after an error, such as a database or a disk that is away."""


class Rounds:
    """Calls `work` every half second. What it raises is logged, and it is called again a little later."""

    def __init__(self, work: Callable[[], object], problem: str) -> None:
        """`problem`: what the log says when `work` raises."""
        self._work = work
        self._problem = problem
        self._stop = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    def stop(self, *_signal: object) -> None:
        """End after the call under way; fit to be a signal handler."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until told to stop."""
        self._stop.wait(seconds)

    def run(self) -> None:
        """Call until stopped."""
        while not self.stopping:
            pause = WAKE_SECONDS
            try:
                self._work()
            except Exception:  # a process that ends would be started again into the same error
                log.exception(self._problem)
                pause = RETRY_SECONDS
            self.wait(pause)
