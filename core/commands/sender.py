"""`comptoir sender`: takes mail from the outbox to the mail server, until it is told to stop (ML-5, F54).

A process of its own: a long job holds back no mail, and a mail server that does not answer holds back no job. Any
number of them may run, on any number of machines with the same database.
"""

from __future__ import annotations

import argparse
import signal

from core import logs
from core.i18n import gettext as _


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("sender", help=_("send the mail that waits; `comptoir serve` starts one by itself"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send until SIGTERM or SIGINT; the message under way is finished first."""
    from core.commands.common import started_runtime
    from core.config import Config
    from core.exchange.mail.sender import send_due
    from core.jobs.rounds import Rounds

    logs.set_up(Config.from_environment().log)
    with started_runtime() as runtime:
        rounds = Rounds(lambda: send_due(runtime, lambda: rounds.stopping), "the mail could not be sent")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, rounds.stop)
        rounds.run()
    return 0
