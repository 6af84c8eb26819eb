"""The outbox: what was queued, what became of it, and what a person decides (ML-2, ML-5, ML-6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy import Select, func, or_, select

from core.access.permissions import is_administrator
from core.data.unit import transaction
from core.errors import NotFound, StateConflict
from core.exchange.mail import gate, housekeeping, journal, models
from core.exchange.mail.builder import html_of
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.exchange.mail.outbox import cancel, decide
from core.exchange.mail.settings import mail_settings
from core.i18n import Text, format_datetime, lazy as _, lazy_context
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.mail_contexts import Fate, FileLine, MailLine, MailPanel, MessagePage, OutboxPage
from core.web.policy import SIGNED_IN, policy
from core.web.responses import attachment, came_from, is_fragment, page, record_or_404, see
from core.web.shell import make_shell

blueprint = Blueprint("mail_outbox", __name__, url_prefix="/mail")
ALL = "settings.manage"
"""Who has this right sees the mail of everybody."""
ON_A_PAGE = 50
SHOWN_FATES = 3
IN_PANEL = 10
MAIL_POLICY = "sandbox; default-src 'none'; img-src 'none'; frame-ancestors 'self'"
"""For the HTML of mails: shown in a frame of ours, without script, style from elsewhere, pictures or cookies (T16)."""

STATES: dict[str, tuple[Text, str]] = {
    models.PENDING: (lazy_context("mail", "Waiting"), "info"),
    models.CLAIMED: (lazy_context("mail", "On its way"), "info"),
    models.DATA: (lazy_context("mail", "On its way"), "info"),
    models.SENT: (lazy_context("mail", "Sent"), "success"),
    models.DEFERRED: (lazy_context("mail", "Waiting for another try"), "warning"),
    models.FAILED: (lazy_context("mail", "Failed"), "danger"),
    models.UNCERTAIN: (lazy_context("mail", "Uncertain"), "warning"),
    models.CANCELLED: (lazy_context("mail", "Cancelled"), "neutral"),
    models.OPTED_OUT: (lazy_context("mail", "Not sent: wants no mail"), "neutral"),
    models.LOCAL: (lazy_context("mail", "In the local outbox"), "neutral"),
}
VIEWS: dict[str, tuple[Text, tuple[str, ...]]] = {
    "waiting": (lazy_context("mail", "Waiting"), (models.PENDING, models.DEFERRED, models.CLAIMED, models.DATA)),
    "sent": (lazy_context("mail", "Sent"), (models.SENT, models.LOCAL)),
    "uncertain": (lazy_context("mail", "Uncertain"), (models.UNCERTAIN,)),
    "failed": (lazy_context("mail", "Failed"), (models.FAILED, models.OPTED_OUT)),
}
OWN_REASONS: dict[str, Text] = {
    journal.ENDED_EARLY: _("The sender ended while it prepared this message"),
    journal.ENDED_LATE: _("The sender ended before the server answered"),
    gate.LISTED: _("The address is on the suppression list"),
    gate.RECORD: _("The record says that no mail is wanted"),
    gate.MODULE_OFF: _("The module of the record is off, so nobody knows whether mail is wanted"),
    housekeeping.EXPIRED: _("Its link ended before it could be sent"),
}
RETRIED = frozenset({models.FAILED, models.CANCELLED, models.OPTED_OUT, models.LOCAL})


# -- lines ------------------------------------------------------------------------------------------------------------
def make_fate(row: MailRecipient, *, server: bool = False) -> Fate:
    """What became of one recipient, in words. `server`: whether there is one, so that local mail may be sent."""
    label, tone = STATES[row.state]
    reply: Text = OWN_REASONS.get(row.last_reply or "", row.last_reply or "")
    if row.state == models.FAILED and row.attempts >= journal.MAXIMUM_ATTEMPTS:
        reply = _("Given up after %(number)s attempts: %(reply)s", number=row.attempts, reply=reply)
    return Fate(
        row.id, row.address, label, tone, reply, row.changed_at,
        uncertain=row.state == models.UNCERTAIN, retry=row.state in RETRIED and (server or row.state != models.LOCAL),
    )  # fmt: skip


def make_lines(messages: Sequence[MailMessage]) -> list[MailLine]:
    """Lines for messages, with two more queries however many they are."""
    session, numbers = here().session, [message.id for message in messages]
    if not messages:
        return []
    fates: dict[int, list[MailRecipient]] = {number: [] for number in numbers}
    for row in session.scalars(
        select(MailRecipient).where(MailRecipient.message_id.in_(numbers)).order_by(MailRecipient.id)
    ):
        fates[row.message_id].append(row)
    files: dict[int, list[str]] = {number: [] for number in numbers}
    found = select(MailAttachment.message_id, MailAttachment.name).where(MailAttachment.message_id.in_(numbers))
    for number, name in session.execute(found.order_by(MailAttachment.id)):
        files[number].append(name)
    return [_line(message, fates[message.id], files[message.id]) for message in messages]


def _line(message: MailMessage, rows: Sequence[MailRecipient], files: Sequence[str]) -> MailLine:
    waiting = any(row.state in models.WAITING for row in rows)
    return MailLine(
        id=message.id, subject=message.subject, url=url_for("mail_outbox.message", message_id=message.id),
        who=message.owner_name, at=message.created_at, fates=[make_fate(row) for row in rows[:SHOWN_FATES]],
        more=max(0, len(rows) - SHOWN_FATES), files=files,
        cancel_url=url_for("mail_outbox.cancel_now", message_id=message.id) if waiting and _may_act(message) else None,
    )  # fmt: skip


def _may_act(message: MailMessage) -> bool:
    """Whether the person decides about a message he may see."""
    return here().may(ALL) or message.owner_id == here().actor.id


def make_panel(entity: RegisteredEntity, record_id: int) -> MailPanel:
    """The latest e-mails of a record."""
    about = (
        MailMessage.entity == entity.name,
        MailMessage.record_id == record_id,
        MailMessage.kind.not_in(models.PRIVATE),
    )
    latest = select(MailMessage).where(*about).order_by(MailMessage.id.desc()).limit(IN_PANEL)
    lines = make_lines(list(here().session.scalars(latest)))
    moving = (models.PENDING, models.CLAIMED, models.DATA)
    labels = {STATES[state][0] for state in moving}
    on_the_way = any(fate.label in labels for line in lines for fate in line.fates)
    place: dict[str, Any] = {"entity": entity, "record_id": record_id}
    return MailPanel(
        lines,
        url_for("mail_outbox.panel", **place) if on_the_way else None,
        url_for("records.sheet", **place),
    )


# -- pages ------------------------------------------------------------------------------------------------------------
@blueprint.get("/of/<entity:entity>/<int:record_id>")
@policy("entity.view")
def panel(entity: RegisteredEntity, record_id: int) -> Response:
    """The e-mails of a record alone, asked for again while one is on its way."""
    record_or_404(entity.model, record_id)
    if not is_fragment():
        return see(url_for("records.sheet", entity=entity, record_id=record_id))
    return page("core/mail_panel.html", panel=make_panel(entity, record_id))


def _mine(statement: Select[Any]) -> Select[Any]:
    """One's own messages; for who sees the mail of everybody, also those about records he may know of (TP-14)."""
    seen = MailMessage.owner_id == here().actor.id
    if here().may(ALL):
        seen = or_(seen, here().scope.speaks_of(MailMessage.entity, MailMessage.record_id))
    return statement.where(seen)


@blueprint.get("/outbox")
@policy(SIGNED_IN)
def index() -> Response:
    """Messages, newest first: one's own; all of them for administrators."""
    surroundings = here()
    chosen = request.args.get("state", "")
    before = number_argument(request.args, "before")
    operation = number_argument(request.args, "operation")
    statement = _mine(select(MailMessage)).order_by(MailMessage.id.desc()).limit(ON_A_PAGE + 1)
    if chosen in VIEWS:
        wanted = select(MailRecipient.message_id).where(MailRecipient.state.in_(VIEWS[chosen][1]))
        statement = statement.where(MailMessage.id.in_(wanted))
    if operation is not None:
        statement = statement.where(MailMessage.operation_id == operation)
    if before is not None:
        statement = statement.where(MailMessage.id < before)
    found = list(surroundings.session.scalars(statement))
    shown = found[:ON_A_PAGE]
    views: list[tuple[Text, str, bool]] = [(_("All"), url_for("mail_outbox.index"), chosen not in VIEWS)]
    views += [(label, url_for("mail_outbox.index", state=name), name == chosen) for name, (label, _s) in VIEWS.items()]
    older = {**request.args.to_dict(), "before": shown[-1].id} if len(found) > ON_A_PAGE else None
    heading = _("Outbox")
    links = [(_("Suppression list"), url_for("mail_suppression.index"))] if surroundings.may(ALL) else []
    content = OutboxPage(
        heading,
        make_lines(shown),
        views,
        server_notices(),
        url_for("mail_outbox.index", **older) if older else None,
        links,
    )
    return page("core/mail_outbox.html", page=content, shell=make_shell(heading, [Crumb(heading)]))


def server_notices() -> list[Text]:
    """What people should know of the server: that there is none, that it cannot be used, that messages are uncertain."""
    session = here().session
    notices: list[Text] = []
    if not mail_settings(session).host:
        notices.append(_("No mail server is set: messages stay in this local outbox and are not sent."))
    problem = journal.server_state(session)
    if problem is not None:
        since = format_datetime(problem[1])
        notices.append(
            _(
                "Waiting for the mail server since %(since)s. Nothing is lost. It said: %(problem)s",
                since=since,
                problem=problem[0],
            )
        )
    uncertain = _mine(select(func.count(MailRecipient.id)).join(MailMessage)).where(
        MailRecipient.state == models.UNCERTAIN
    )
    if session.scalar(uncertain):
        notices.append(
            _(
                "Of some messages nobody knows whether they arrived. Look at those marked “Uncertain” and decide for each."
            )
        )
    return notices


def load_message(message_id: int, *, act: bool = False) -> MailMessage:
    """A message the person may see: one's own, those of everybody for who has that right, and those about a record one
    may see; with the right too, nothing about a record one may not know of.

    `act`: only those one may decide about. Raises `NotFound`.
    """
    wanted = _mine(select(MailMessage)).where(MailMessage.id == message_id)
    mine: MailMessage | None = here().session.scalar(wanted)
    found = mine or here().session.get(MailMessage, message_id)
    if found is None or (mine is None and (act or found.kind in models.PRIVATE or not _about(found))):
        raise NotFound(_("This message does not exist"))
    return found


def _readable(message: MailMessage, rows: Iterable[MailRecipient]) -> bool:
    """The links in mails of accounts open doors, of administrators too: they are shown to administrators only, who
    could open these doors anyway, and only while the mails go nowhere but here (ML-6)."""
    if message.kind not in models.PRIVATE:
        return True
    return is_administrator(here().actor) and all(row.state == models.LOCAL for row in rows)


def _recipients(message_id: int) -> list[MailRecipient]:
    own = MailRecipient.message_id == message_id
    return list(here().session.scalars(select(MailRecipient).where(own).order_by(MailRecipient.id)))


@blueprint.get("/outbox/<int:message_id>")
@policy(SIGNED_IN)
def message(message_id: int) -> Response:
    """One message: what it says, to whom, and its fate."""
    surroundings = here()
    found = load_message(message_id)
    rows = _recipients(message_id)
    readable, may_act = _readable(found, rows), _may_act(found)
    own = MailAttachment.message_id == message_id
    files = [
        FileLine(
            row.name, _size(row.size), url_for("mail_outbox.file", message_id=message_id, file_id=row.id)
        )
        for row in surroundings.session.scalars(select(MailAttachment).where(own).order_by(MailAttachment.id))
    ]  # fmt: skip
    settings = mail_settings(surroundings.session)
    sender = settings.sender
    name = found.sender_name or (sender.name if sender else "")
    content = MessagePage(
        heading=found.subject, about=_about(found), line=_line(found, rows, []), fates=[make_fate(row, server=bool(settings.host)) for row in rows],
        sender=f"{name} <{sender.address}>" if sender else name, text=found.body if readable else None,
        html_url=url_for("mail_outbox.html", message_id=message_id) if readable and found.html else None,
        files=files if readable else [], decide_url=url_for("mail_outbox.decide_now", message_id=message_id) if may_act else None,
        note=None if readable else _("The text of this message is for its recipient only."),
    )  # fmt: skip
    crumbs = [Crumb(_("Outbox"), url_for("mail_outbox.index")), Crumb(found.subject)]
    return page("core/mail_message.html", page=content, shell=make_shell(found.subject, crumbs))


def _size(size: int) -> Text:
    return _("%(size)s kB", size=-(-size // 1024))


def _about(found: MailMessage) -> tuple[str, str] | None:
    """Name and address of the record a message is about, if the person may see it."""
    surroundings = here()
    entity = surroundings.registry.entities.get(found.entity or "")
    if entity is None or found.record_id is None or not surroundings.may(entity.permission("view")):
        return None
    record = surroundings.session.get(entity.model, found.record_id)
    return None if record is None else (record.title, url_for("records.sheet", entity=entity, record_id=record.id))


@blueprint.get("/outbox/<int:message_id>/html")
@policy(SIGNED_IN)
def html(message_id: int) -> Response:
    """The HTML part alone, for the frame of the message's page."""
    found = load_message(message_id)
    if not found.html or not _readable(found, _recipients(message_id)):
        raise NotFound(_("This message does not exist"))
    return mail_html(found.body, found.language)


def mail_html(text: str, language: str) -> Response:
    """A mail's HTML as a page that can do nothing."""
    response = Response(html_of(text, language), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@blueprint.get("/outbox/<int:message_id>/file/<int:file_id>")
@policy(SIGNED_IN)
def file(message_id: int, file_id: int) -> Response:
    """A file of a message, to download."""
    found = load_message(message_id)
    row = here().session.get(MailAttachment, file_id)
    if row is None or row.message_id != message_id or not _readable(found, _recipients(message_id)):
        raise NotFound(_("This message does not exist"))
    content = here().session.get_one(MailContent, row.digest).content
    return attachment(content, row.name, row.content_type)


# -- deciding ---------------------------------------------------------------------------------------------------------
@blueprint.post("/outbox/<int:message_id>/cancel")
@policy(SIGNED_IN)
def cancel_now(message_id: int) -> Response:
    """Call a message back, as far as it has not left."""
    load_message(message_id, act=True)
    here().fresh()
    with transaction("mail.cancel") as unit:
        if not cancel(unit, message_id):
            raise StateConflict(_("This message has left already"))
    return see(came_from())


@blueprint.post("/outbox/<int:message_id>/decide")
@policy(SIGNED_IN)
def decide_now(message_id: int) -> Response:
    """Send again, or mark as sent: only a person decides that."""
    load_message(message_id, act=True)
    recipient_id = number_argument(request.form, "recipient") or 0
    row = here().session.get(MailRecipient, recipient_id)
    if row is None or row.message_id != message_id:
        raise NotFound(_("This message does not exist"))
    here().fresh()
    with transaction("mail.decide") as unit:
        if not decide(unit, recipient_id, request.form.get("choice", "")):
            raise StateConflict(_("The state of this message changed meanwhile"))
    return see(url_for("mail_outbox.message", message_id=message_id))
