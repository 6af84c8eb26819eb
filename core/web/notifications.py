"""The bell: what happened that the reader wants to know of, and how he wants to be told (US-7, UX 1.1)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from core.data.unit import transaction
from core.errors import NotFound
from core.features.notifications import (
    Choice,
    Notification,
    Told,
    kinds_of,
    mark_read,
    read_choices,
    tell,
    write_choices,
)
from core.i18n import Text, lazy as _
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.policy import SIGNED_IN, policy
from core.web.responses import came_from, page, see
from core.web.shell import make_shell

blueprint = Blueprint("notifications", __name__)
ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class NotificationLine:
    """One notification. Without `open_url` there is nothing to open; without `read_url` it was read."""

    text: Text
    at: datetime.datetime
    unread: bool
    open_url: str | None
    read_url: str | None


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """The newest notifications. `newest`: the number up to which all are marked as read, None when nothing is unread."""

    heading: Text
    lines: Sequence[NotificationLine]
    newest: int | None
    read_url: str
    older_url: str | None
    choices_url: str


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """How somebody is told of one kind."""

    kind: str
    label: Text
    bell: bool
    mail: bool


@dataclass(frozen=True, slots=True)
class ChoicesPage:
    """The form of the choices."""

    heading: Text
    url: str
    lines: Sequence[ChoiceLine]
    saved: bool


def _reader() -> int:
    user = here().user
    assert user is not None
    return user.id


def _tell(rows: Sequence[Notification]) -> list[Told]:
    surroundings = here()
    return tell(surroundings.session, surroundings.registry, surroundings.permissions.of(surroundings.actor), rows)


@blueprint.get("/notifications")
@policy(SIGNED_IN)
def index() -> Response:
    """The newest first."""
    before = number_argument(request.args, "before")
    statement = select(Notification).where(Notification.user_id == _reader()).order_by(Notification.id.desc())
    if before is not None:
        statement = statement.where(Notification.id < before)
    rows = here().session.scalars(statement.limit(ON_A_PAGE + 1)).all()
    lines = [_line(told) for told in _tell(rows[:ON_A_PAGE])]
    heading = _("Notifications")
    shell = make_shell(heading, [Crumb(heading)])
    older = url_for("notifications.index", before=rows[ON_A_PAGE - 1].id) if len(rows) > ON_A_PAGE else None
    newest = rows[0].id if rows and shell.unread else None
    content = NotificationsPage(
        heading, lines, newest, url_for("notifications.read_all"), older, url_for("notifications.choices")
    )
    return page("core/notifications.html", page=content, shell=shell)


def _line(told: Told) -> NotificationLine:
    number, unread = told.row.id, told.row.read_at is None
    return NotificationLine(
        told.text, told.row.created_at, unread,
        url_for("notifications.open", notification_id=number) if _target(told) else None,
        url_for("notifications.read", notification_id=number) if unread else None,
    )  # fmt: skip


def _target(told: Told) -> str | None:
    """The page a notification leads to."""
    row = told.row
    if told.hidden:
        return None
    if row.message_id is not None:
        return url_for("mail_outbox.message", message_id=row.message_id)
    if row.job_id is not None:
        return url_for("jobs.show", job_id=row.job_id)
    if row.entity is None:
        return None
    registered = here().registry.entity(row.entity)
    if row.record_id is None:
        return url_for("records.index", entity=registered)
    return url_for("records.sheet", entity=registered, record_id=row.record_id)


def _own_or_404(notification_id: int) -> Notification:
    row = here().session.get(Notification, notification_id)
    if row is None or row.user_id != _reader():
        raise NotFound(_("There is no such notification; it may have been deleted after 90 days"))
    return row


@blueprint.post("/notifications/<int:notification_id>/open")
@policy(SIGNED_IN)
def open(notification_id: int) -> Response:
    """Mark it as read and go where it leads."""
    (told,) = _tell([_own_or_404(notification_id)])
    target = _target(told) or url_for("notifications.index")
    _mark(number=notification_id)
    return see(target)


@blueprint.post("/notifications/<int:notification_id>/read")
@policy(SIGNED_IN)
def read(notification_id: int) -> Response:
    """Mark it as read."""
    _own_or_404(notification_id)
    _mark(number=notification_id)
    return see(came_from())


@blueprint.post("/notifications/read")
@policy(SIGNED_IN)
def read_all() -> Response:
    """Mark all as read that were there when the page was shown; what came since stays unread."""
    until = number_argument(request.form, "until")
    if until is not None:
        _mark(until=until)
    return see(url_for("notifications.index"))


def _mark(*, number: int | None = None, until: int | None = None) -> None:
    reader = _reader()
    here().fresh()
    with transaction("notification.read") as unit:
        mark_read(unit.session.connection(), reader, number=number, until=until)


# -- choices ----------------------------------------------------------------------------------------------------
@blueprint.get("/account/notifications")
@policy(SIGNED_IN)
def choices() -> Response:
    """How the reader wants to be told of each kind."""
    kinds = kinds_of(here().registry)
    chosen = read_choices(here().session.connection(), _reader(), kinds)
    lines = [ChoiceLine(kind, label, chosen[kind].bell, chosen[kind].mail) for kind, label in kinds.items()]
    heading = _("How you are notified")
    crumbs = [Crumb(_("Notifications"), url_for("notifications.index")), Crumb(heading)]
    content = ChoicesPage(heading, url_for("notifications.choose"), lines, request.args.get("saved") == "1")
    return page("core/notification_choices.html", page=content, shell=make_shell(heading, crumbs))


@blueprint.post("/account/notifications")
@policy(SIGNED_IN)
def choose() -> Response:
    """Keep the choices."""
    reader, form = _reader(), request.form
    here().fresh()
    kinds = kinds_of(here().registry)
    chosen = {kind: Choice(f"{kind}.bell" in form, f"{kind}.mail" in form) for kind in kinds}
    with transaction("notification.choose") as unit:
        write_choices(unit.session.connection(), reader, chosen, kinds)
    return see(url_for("notifications.choices", saved=1))
