"""No child outlives the process that started it, nor ignores it while it starts."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

SERVER_VARIABLE = "COMPTOIR_SERVER_PID"
"""Set by `comptoir serve` for its children: its own process id."""
EXIT_CODE = 70
"""How a process ends that the watchdog gave up: it is to be started again."""
_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Get SIGTERM when the process that started this one ends, however it ends. Linux only; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def become_child() -> None:
    """For a worker the web server has just forked: end when told to, from now on, and with the web server.

    Until the server sets handlers of its own, a worker has those of the process it was forked from, which would take
    note of SIGTERM and go on; and one whose server was killed would go on holding the port.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    server = os.environ.get(SERVER_VARIABLE)
    if server and sys.platform == "linux" and _parent_of(os.getppid()) != int(server):
        os.kill(os.getpid(), signal.SIGTERM)  # the web server ended before the line above


def _parent_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])
    return 0
