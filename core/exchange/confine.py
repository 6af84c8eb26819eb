"""Gives up what a program must not have, then becomes that program. Started by `core.exchange.child`, never imported.

Arguments: bytes of memory, seconds of processor, bytes of a file, process id of the parent, the program's file, and the
program's own arguments.
"""

import ctypes
import os
import resource
import runpy
import signal
import struct
import sys
import sysconfig

SET_PARENT_DEATH_SIGNAL = 1
NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
SET_NO_NEW_PRIVILEGES = 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls of Landlock, the same on every processor."""
BENEATH = 1
ALL_OF_FILES = (1 << 13) - 1
"""What the first version of Landlock can forbid: running, writing, reading, making and removing."""
READ_FILE = 1 << 0 | 1 << 2
READ_FOLDER = READ_FILE | 1 << 3
SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/dev/null", "/dev/urandom")
OPEN_FILES = 64
FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """No network and no other program, where the system itself does not see to it."""
    if event.startswith(FORBIDDEN):
        raise PermissionError(f"not in a confined program: {event}")


def close_files(libc: ctypes.CDLL, program: str) -> None:
    """Let nothing be opened but Python, its libraries and the program: no key, no database, no file of anybody.

    Landlock of Linux 5.13 and later; where there is none, this does nothing.
    """
    handled = ctypes.c_uint64(ALL_OF_FILES)
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return
    folders = {
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        sys.base_prefix,
        *SYSTEM_FOLDERS,
    }
    for place in sorted({*folders, program, *SYSTEM_FILES} - {"/"}):
        try:
            opened = os.open(place, os.O_PATH)
        except OSError:
            continue
        allowed = READ_FOLDER if os.path.isdir(place) else READ_FILE
        beneath = ctypes.create_string_buffer(struct.pack("=Qi", allowed, opened))
        libc.syscall(ADD_RULE, ruleset, BENEATH, beneath, 0)
        os.close(opened)
    libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


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
    program = sys.argv[5]
    if sys.platform == "linux":
        close_files(libc, program)
    sys.addaudithook(refuse)
    sys.argv = sys.argv[5:]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
