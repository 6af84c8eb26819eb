"""The jobs of the person who looks, or of everybody for who administers: list, page, stop, retry, undo, file (UX 2.0)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy import or_, select
from sqlalchemy.orm import defer
from werkzeug.wsgi import wrap_file

from core.data.tables import JobRow
from core.data.unit import transaction
from core.errors import NotFound, StateConflict
from core.exchange.load import OUTSIDE
from core.features.undo_job import UNDO, may_undo_job, standing
from core.i18n import lazy as _
from core.jobs import queue, results
from core.jobs.enqueue import enqueue, retry as retry_job, stop as stop_job
from core.jobs.worker import DELIVERY
from core.web.contexts import Crumb
from core.web.current import here
from core.web.job_contexts import make_job_page, make_jobs_page
from core.web.policy import SIGNED_IN, policy
from core.web.responses import attachment, is_fragment, page, see
from core.web.shell import group_label, make_shell

blueprint = Blueprint("jobs", __name__)
SHOWN = 100
LIGHT = (defer(JobRow.payload, raiseload=True), defer(JobRow.cursor, raiseload=True))
"""The pages are looked at every second, and a payload may name 100,000 records."""


def _sees_all() -> bool:
    return here().may("modules.manage")


def _job_or_404(job_id: int) -> JobRow:
    """A job of one's own; anybody's for who administers. Somebody else's is as if it were not there."""
    row = here().session.get(JobRow, job_id, options=LIGHT)
    mine = row is not None and (_sees_all() or (row.owner_id is not None and row.owner_id == here().actor.id))
    if row is None or not mine or row.state == OUTSIDE:
        raise NotFound(_("There is no such job"))
    return row


@blueprint.get("/jobs")
@policy(SIGNED_IN)
def index() -> Response:
    """The newest jobs. Telling modules what changed is left out while it goes well: there is one for each change."""
    everybody = _sees_all()
    statement = select(JobRow).options(*LIGHT).where(JobRow.state != OUTSIDE).order_by(JobRow.id.desc()).limit(SHOWN)
    if everybody:
        statement = statement.where(or_(JobRow.name != DELIVERY, JobRow.state == queue.PARKED))
    else:
        statement = statement.where(JobRow.owner_id == here().actor.id)
    content = make_jobs_page(here().session.scalars(statement).all(), everybody=everybody)
    crumbs = [Crumb(group_label("tools")), Crumb(content.heading)]
    return page("core/jobs.html", page=content, shell=make_shell(content.heading, crumbs))


@blueprint.get("/jobs/<int:job_id>")
@policy(SIGNED_IN)
def show(job_id: int) -> Response:
    """One job; the part that changes alone when htmx looks again."""
    content = make_job_page(_job_or_404(job_id))
    if is_fragment():
        return page("core/job_region.html", page=content)
    crumbs = [Crumb(group_label("tools")), Crumb(_("Jobs"), url_for("jobs.index")), Crumb(content.line.label)]
    return page("core/job.html", page=content, shell=make_shell(content.line.label, crumbs))


@blueprint.post("/jobs/<int:job_id>/stop")
@policy(SIGNED_IN)
def stop(job_id: int) -> Response:
    """Ask it to end; what it did stays."""
    row = _job_or_404(job_id)
    with transaction("job.stop") as unit:
        stop_job(unit, row.id)
    return see(url_for("jobs.show", job_id=job_id))


@blueprint.post("/jobs/<int:job_id>/retry")
@policy(SIGNED_IN)
def retry(job_id: int) -> Response:
    """Let it go on where it ended."""
    row = _job_or_404(job_id)
    with transaction("job.retry") as unit:
        retry_job(unit, row.id)
    return see(url_for("jobs.show", job_id=job_id))


@blueprint.post("/jobs/<int:job_id>/undo")
@policy(SIGNED_IN)
def undo(job_id: int) -> Response:
    """Take back what it did, as a job of its own; a second click leads to the same one."""
    surroundings = here()
    row = _job_or_404(job_id)
    if row.state in queue.UNFINISHED or not may_undo_job(surroundings.session, job_id, surroundings.actor):
        raise StateConflict(_("This cannot be taken back"))
    operations = standing(surroundings.session, job_id)
    with transaction("job.start") as unit:
        undoing = enqueue(
            unit,
            UNDO,
            {"job": job_id, "operations": operations},
            label=_("Undo: %(action)s", action=row.label or ""),
            unique_key=f"undo:{operations[0]}",
        )
    return see(url_for("jobs.show", job_id=undoing))


@blueprint.get("/jobs/<int:job_id>/file")
@policy(SIGNED_IN)
def file(job_id: int) -> Response:
    """The file it made, for the person it was made for and nobody else (UX 2.8)."""
    surroundings = here()
    row = _job_or_404(job_id)
    path = results.path_of(surroundings.runtime.config.var, row.file) if row.file else None
    if path is None or row.owner_id != surroundings.actor.id or not path.is_file():
        raise NotFound(_("There is no such file, or it was deleted after %(days)s days", days=7))
    response = attachment(b"", row.file_name or row.file or "", row.file_type or "application/octet-stream")
    response.response = wrap_file(request.environ, path.open("rb"))
    response.content_length = path.stat().st_size
    response.direct_passthrough = True
    return response
