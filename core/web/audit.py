"""The page of the audit: who signed in, was refused, or changed what others may do (A70, T14)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from sqlalchemy import and_, or_, select

from core.access.audit import KINDS, WRONG_SIGN_IN, Audit
from core.i18n import Text, lazy as _
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.policy import policy
from core.web.responses import page
from core.web.shell import group_label, make_shell

blueprint = Blueprint("audit", __name__, url_prefix="/admin/audit")
ON_A_PAGE = 100
LONGEST_SEARCH = 120


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One event. `what`, `address` and `browser` are text of whoever caused it, shown as it is."""

    at: datetime.datetime
    kind: Text
    who: str
    what: str
    url: str | None
    address: str
    browser: str
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The newest events of the person and kind that were asked for."""

    heading: Text
    lines: Sequence[AuditLine]
    kinds: Sequence[tuple[str, Text]]
    kind: str
    person: str
    older_url: str | None


@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """The newest first, by person and kind."""
    person, kind = request.args.get("person", "").strip()[:LONGEST_SEARCH], request.args.get("kind", "")
    before = number_argument(request.args, "before")
    statement = select(Audit).order_by(Audit.id.desc()).limit(ON_A_PAGE + 1)
    if kind in KINDS:
        statement = statement.where(Audit.kind == kind)
    if person:  # a wrong sign-in is nobody's: there the name that was typed counts
        typed = and_(Audit.kind == WRONG_SIGN_IN, Audit.what.icontains(person, autoescape=True))
        statement = statement.where(or_(Audit.user_name.icontains(person, autoescape=True), typed))
    if before is not None:
        statement = statement.where(Audit.id < before)
    rows = here().session.scalars(statement).all()
    older = None
    if len(rows) > ON_A_PAGE:
        older = url_for("audit.index", person=person or None, kind=kind or None, before=rows[ON_A_PAGE - 1].id)
    heading = _("Audit")
    content = AuditPage(heading, [_line(row) for row in rows[:ON_A_PAGE]], list(KINDS.items()), kind, person, older)
    crumbs = [Crumb(group_label("administration")), Crumb(heading)]
    return page("core/audit.html", page=content, shell=make_shell(heading, crumbs))


def _line(row: Audit) -> AuditLine:
    registered = here().registry.entities.get(row.entity or "")
    url = None
    if registered is not None and row.record_id is not None:
        url = url_for("records.history", entity=registered, record_id=row.record_id)
    return AuditLine(
        row.at, KINDS.get(row.kind, row.kind), row.user_name, row.what, url, row.address, row.browser,
        row.request_id or "",
    )  # fmt: skip
