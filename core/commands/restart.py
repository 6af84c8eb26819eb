"""`comptoir restart`: replaces the workers of a running `comptoir serve` one by one, for new code (MO-9)."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from core.i18n import gettext as _


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("restart", help=_("replace the workers one by one, after an upgrade"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask the running server; exit code 2 when there is none."""
    from core.commands.pid_file import PidFile
    from core.config import Config

    config = Config.from_environment()
    pid = PidFile(config.var).holder()
    if pid is None:
        print(_("No `comptoir serve` runs on %(folder)s", folder=config.var), file=sys.stderr)
        return 2
    os.kill(pid, signal.SIGHUP)
    print(_("The workers of process %(pid)s are replaced one by one", pid=pid))
    return 0
