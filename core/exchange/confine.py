"""Gives up what a program must not have, then becomes that program. Started by `core.exchange.child`, never imported.

Arguments: bytes of memory, seconds of processor, bytes of a file, process id of the parent, the program's file, and the
program's own arguments.
"""

import ctypes
import os
import resource
import runpy
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1
NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
OPEN_FILES = 64
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """No network and no other program, where the system itself does not see to it."""
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"not in a confined program: {event}")


def main() -> None:
    """Take on the limits and run the program."""
    memory, seconds, output, parent = (int(value) for value in sys.argv[1:5])
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        libc.unshare(NEW_USER_AND_NETWORK)  # refused on some systems; the hook below holds there
        if os.getppid() != parent:
            raise SystemExit("the process that wants the result has ended")
    for name, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (most, most))
    sys.addaudithook(refuse)
    program = sys.argv[5]
    sys.argv = sys.argv[5:]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
