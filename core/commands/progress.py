"""The progress bar of commands that take long (OPS-4)."""

from __future__ import annotations

import sys
import time

BAR_WIDTH = 30


class Bar:
    """A progress bar on the terminal; plain silence when the output is no terminal."""

    def __init__(self, total: int, unit: str = "rows") -> None:
        """`total`: how many there are of `unit`."""
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = time.monotonic()
        self.seconds = 0.0

    def move(self, number: int, total: int | None = None) -> None:
        """So many more are handled; `total` if it is only known now."""
        self._done += number
        self._total = self._total if total is None else total
        self.seconds = time.monotonic() - self._started
        if sys.stderr.isatty():
            share = min(1.0, self._done / max(1, self._total))
            filled = "█" * int(share * BAR_WIDTH)
            rate = self._done / max(self.seconds, 0.001)
            print(
                f"\r{filled:░<{BAR_WIDTH}} {self._done:,} of {self._total:,} · {rate:,.0f} {self._unit}/s",
                end="",
                file=sys.stderr,
            )

    def end(self) -> None:
        """Leave the bar's line."""
        if sys.stderr.isatty():
            print(file=sys.stderr)
