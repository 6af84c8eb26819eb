"""`comptoir worker`: does what waits in the background, until it is told to stop."""

from __future__ import annotations

import argparse
import signal

from core import logs
from core.i18n import gettext as _


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("worker", help=_("do background work; `comptoir serve` starts one by itself"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT; the step under way is finished first, and its job handed back."""
    from core.commands.common import started_runtime
    from core.config import Config
    from core.jobs.backend import backend_of
    from core.jobs.worker import Worker

    logs.set_up(Config.from_environment().log)
    with started_runtime() as runtime:
        worker, backend = Worker(runtime), backend_of(runtime.config)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        backend.run_worker(worker)
    return 0
