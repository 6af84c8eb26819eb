"""What the pages of jobs show (UX 2.0): frozen values, made from the rows, with the words people read."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from sqlalchemy import select

from core.access.models import User
from core.access.permissions import is_administrator
from core.data.clock import database_clock
from core.data.tables import JobRow
from core.features.undo_job import may_undo_job
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.jobs import queue
from core.web.current import here

SOON_SECONDS = 10.0
"""A job is looked at every second for so long, and then more rarely."""
OFTEN, RARELY = 1, 5
"""Seconds between two looks."""
MINUTE = 60
STATES: dict[str, tuple[Text, str]] = {
    queue.READY: (_("Waiting"), "neutral"),
    queue.RUNNING: (_("Running"), "progress"),
    queue.DONE: (_("Done"), "success"),
    queue.FAILED: (_("Failed"), "danger"),
    queue.STOPPED: (_("Stopped"), "warning"),
    queue.PARKED: (_("Given up"), "danger"),
}
"""Word and tone of each state."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job in the list: label, address, state as word and tone, how far it is, for whom and since when."""

    label: Text
    url: str
    state: Text
    tone: str
    progress: Text
    owner: str
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class JobsPage:
    """The jobs somebody may see, the newest first. `everybody`: whether those of others are among them."""

    rows: Sequence[JobLine]
    heading: Text
    everybody: bool


@dataclass(frozen=True, slots=True)
class JobPage:
    """One job. `value` of `maximum` is done; both None while nobody knows. What cannot be done has no address."""

    line: JobLine
    running: bool
    value: int | None
    maximum: int | None
    said: Text
    reason: str
    notes: Sequence[str]
    more_notes: Text
    file_url: str | None
    file_name: str
    stop_url: str | None
    retry_url: str | None
    undo_url: str | None
    url: str
    poll_seconds: int | None
    poll_id: str


def is_told(row: JobRow) -> bool:
    """Whether what the job says of itself is for the reader: it names records, which he may know of as its owner, as
    whoever sees everything, and where it works for nobody. Of others' jobs only kind, state and figures show (TP-14).
    """
    surroundings = here()
    everything = is_administrator(surroundings.actor) and surroundings.scope.companies is None
    return everything or row.owner_id is None or row.owner_id == surroundings.actor.id


def make_line(row: JobRow, owner: str, moment: float) -> JobLine:
    """A row as people read it."""
    state, tone = STATES.get(row.state, (row.state, "neutral"))
    job = here().registry.jobs.get(row.name)
    return JobLine(
        label=(row.label if is_told(row) else None) or (job.label if job else row.name),
        url=url_for("jobs.show", job_id=row.id),
        state=_waits_for(row) or state,
        tone=tone,
        progress=progress_text(row, moment),
        owner=owner,
        at=datetime.datetime.fromtimestamp(row.finished_at or row.started_at or row.run_at, datetime.UTC),
    )


def _waits_for(row: JobRow) -> Text | None:
    """The module without which it cannot be done."""
    surroundings = here()
    if row.state not in queue.UNFINISHED or surroundings.registry.job(row.name, row.plugin) is not None:
        return None
    found = surroundings.runtime.discovery.found.get(row.plugin)
    return _("Waiting for the module %(module)s", module=found.label if found else row.plugin)


def progress_text(row: JobRow, moment: float) -> Text:
    """`340 of 1,248 · 2 errors · about 20 s left`; the parts that are known."""
    parts: list[str] = []
    if row.total:
        parts.append(str(_("%(done)s of %(total)s", done=format_integer(row.done), total=format_integer(row.total))))
    elif row.done:
        parts.append(str(_("%(done)s done", done=format_integer(row.done))))
    if row.errors:
        parts.append(
            str(lazy_plural("%(number)s error", "%(number)s errors", row.errors, number=format_integer(row.errors)))
        )
    left = seconds_left(row, moment)
    if left is not None:
        shown = (
            _("about %(number)s s left", number=left)
            if left < MINUTE
            else _("about %(number)s min left", number=round(left / MINUTE))
        )
        parts.append(str(shown))
    return " · ".join(parts)


def seconds_left(row: JobRow, moment: float) -> int | None:
    """How long it will take at the pace of this attempt; None while that cannot be known."""
    done = row.done - row.started_done
    if row.state != queue.RUNNING or row.started_at is None or not row.total or done <= 0 or moment <= row.started_at:
        return None
    return max(1, round((row.total - row.done) * (moment - row.started_at) / done))


def make_jobs_page(rows: Sequence[JobRow], *, everybody: bool) -> JobsPage:
    """The list."""
    session = here().session
    moment = database_clock(session)
    owners = {row.owner_id for row in rows if row.owner_id is not None}
    names = {number: name for number, name in session.execute(select(User.id, User.name).where(User.id.in_(owners)))}
    lines = [make_line(row, names.get(row.owner_id or 0, ""), moment) for row in rows]
    return JobsPage(lines, _("Jobs"), everybody)


def make_job_page(row: JobRow) -> JobPage:
    """One job, with what its reader may do about it."""
    surroundings = here()
    moment = database_clock(surroundings.session)
    owner = surroundings.session.get(User, row.owner_id) if row.owner_id is not None else None
    unfinished = row.state in queue.UNFINISHED
    age = moment - (row.started_at or row.run_at)
    told = is_told(row)
    notes = (row.notes or ()) if told else ()
    more = row.errors - len(notes) if notes else 0
    return JobPage(
        line=make_line(row, owner.name if owner else "", moment),
        running=row.state == queue.RUNNING,
        value=row.done if row.total else None,
        maximum=row.total,
        said=_said(row) if told else "",
        reason=(row.error or "") if row.state != queue.DONE and told else "",
        notes=notes,
        more_notes=lazy_plural("and %(number)s more", "and %(number)s more", more) if more > 0 else "",
        file_url=url_for("jobs.file", job_id=row.id) if row.file and row.owner_id == surroundings.actor.id else None,
        file_name=(row.file_name or "") if told else "",
        stop_url=url_for("jobs.stop", job_id=row.id) if unfinished and not row.stop_requested else None,
        retry_url=url_for("jobs.retry", job_id=row.id) if row.state in queue.FINISHED[1:] else None,
        undo_url=url_for("jobs.undo", job_id=row.id)
        if not unfinished and may_undo_job(surroundings.session, row.id, surroundings.actor)
        else None,
        url=url_for("jobs.show", job_id=row.id),
        poll_seconds=(OFTEN if age < SOON_SECONDS else RARELY) if unfinished else None,
        poll_id=f"look-{int(moment * 1000)}",
    )


def _said(row: JobRow) -> Text:
    """The sentence that is announced when it changes: what it did, or what is the matter."""
    if row.state == queue.STOPPED:
        what = row.result or str(_("Stopped."))
        return _("%(what)s What was done until then stays.", what=what) if row.done else what
    if row.state in queue.UNFINISHED:
        return _("It ends after the step under way.") if row.stop_requested else ""
    return row.result or ""
