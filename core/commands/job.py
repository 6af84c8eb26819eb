"""`comptoir job list | retry | stop`: the page Jobs for a terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.i18n import gettext as _

if TYPE_CHECKING:
    from core.data.tables import JobRow
    from core.data.unit import Unit

SHOWN = 50
LOOK_SECONDS = 1.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its verbs."""
    parser = subparsers.add_parser("job", help=_("background work: list it, try it again, stop it"))
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help=_("the newest jobs and how they are"))
    listing.add_argument("--all", action="store_true", help=_("also what tells modules of each change"))
    listing.set_defaults(run=run_list)
    for name, run, words in (
        ("retry", run_retry, _("let a job that was stopped or failed go on")),
        ("stop", run_stop, _("stop a job; what it did stays")),
        ("watch", run_watch, _("show how far a job is until it ends")),
    ):
        verb = verbs.add_parser(name, help=words)
        verb.add_argument("id", metavar="ID", type=int)
        verb.set_defaults(run=run)


def run_list(arguments: argparse.Namespace) -> int:
    """Print number, name, state, attempts, progress, label and what went wrong."""
    from sqlalchemy import select

    from core.commands.common import started_runtime
    from core.data.tables import JobRow
    from core.jobs.worker import DELIVERY

    statement = select(JobRow).order_by(JobRow.id.desc()).limit(SHOWN)
    if not arguments.all:
        statement = statement.where((JobRow.name != DELIVERY) | (JobRow.state == "parked"))
    with started_runtime() as runtime, runtime.database.reading() as session:
        rows = [("ID", "NAME", "STATE", "TRIES", "PROGRESS", "")]
        rows += [_cells(row) for row in session.scalars(statement)]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    for row in rows:
        print("  ".join((*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[5])).rstrip())
    return 0


def _cells(row: JobRow) -> tuple[str, str, str, str, str, str]:
    progress = f"{row.done}/{row.total}" if row.total else str(row.done or "")
    told = (row.label, row.error if row.state != "done" else None, row.result)
    return (str(row.id), row.name, row.state, str(row.attempts), progress, "; ".join(text for text in told if text))


def run_retry(arguments: argparse.Namespace) -> int:
    """Let it go on where it ended."""
    from core.jobs.enqueue import retry

    return _act("job.retry", lambda unit: retry(unit, arguments.id), _("Job %(number)s goes on", number=arguments.id))


def run_stop(arguments: argparse.Namespace) -> int:
    """Ask it to end."""
    from core.jobs.enqueue import stop

    return _act("job.stop", lambda unit: stop(unit, arguments.id), _("Job %(number)s is stopped", number=arguments.id))


def _act(action: str, act: Callable[[Unit], object], said: str) -> int:
    from core.commands.common import started_runtime
    from core.data.unit import transaction

    with started_runtime() as runtime, transaction(action, context=runtime.context(runtime.generation)) as unit:
        act(unit)
    print(said)
    return 0


def run_watch(arguments: argparse.Namespace) -> int:
    """A progress bar until it ends; 0 when it is done, 1 when it was stopped, failed or parked."""
    import time

    from core.commands.progress import Bar
    from core.jobs.queue import DONE, UNFINISHED

    with _row_of(arguments.id) as read:
        row = read()
        bar = Bar(row.total or 0)
        seen = 0
        while row.state in UNFINISHED:
            bar.move(row.done - seen, row.total)
            seen = row.done
            time.sleep(LOOK_SECONDS)
            row = read()
        bar.move(row.done - seen, row.total)
        bar.end()
    print("; ".join(text for text in (row.state, row.result, row.error if row.state != DONE else None) if text))
    return 0 if row.state == DONE else 1


@contextmanager
def _row_of(job_id: int) -> Iterator[Callable[[], JobRow]]:
    """Reads a job's row anew each time. Raises `NotFound`."""
    from core.commands.common import started_runtime
    from core.data.tables import JobRow
    from core.errors import NotFound

    with started_runtime() as runtime:

        def read() -> JobRow:
            with runtime.database.reading() as session:
                row = session.get(JobRow, job_id)
            if row is None:
                raise NotFound(_("There is no such job"))
            return row

        yield read
