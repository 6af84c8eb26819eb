"""The outbox: what business code hands over, in its own transaction, to be sent after it (ML-5, F13).

    enqueue_mail(unit, Draft(to=(Mailbox("lea@example.com"),), subject="...", text="..."))

Rows are made inside the unit: a rollback leaves no mail. Whether a recipient wants mail is asked when it is sent, not
here, so that who opts out while a queue is half done gets nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core.data.clock import database_clock
from core.data.records import Record, now
from core.data.unit import Unit
from core.errors import Refused
from core.exchange.mail import models
from core.exchange.mail.addresses import Mailbox, address_key, check_address, check_body
from core.exchange.mail.builder import ANY_FILE, CONTENT_TYPE, Attachment, Letter, check_file_name, wanted_headers
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.exchange.mail.settings import mail_settings
from core.exchange.mail.unsubscribe import Ask, make_link
from core.i18n import LANGUAGES, current_locale, lazy as _

NO_SENDER = Mailbox("comptoir@local.invalid", "Comptoir")
"""Who local mail comes from while no sender is set; it never leaves the house."""
MAXIMUM_ATTACHED = 15 * 1024 * 1024
"""Bytes of all files of one message; most servers take 25 MB of mail, and base64 adds a third."""
PRIORITY = {"account": 0, "single": 1, "notice": 1, "bulk": 2}
KEPT_HOURS = 24
CANCEL_SECONDS = 10.0
"""How long a single mail waits, so that it can be called back (UX 4.3)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address a message goes to. `unsubscribe`: a one-click link of one's own; empty: to the page of the core."""

    address: str
    name: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it is queued; `text` is plain text and final: nothing in it is evaluated any more.

    `kind`: `single`; `bulk` (a mailing: needs a public address with https for its unsubscribe links); `account` for mails an account depends on, such as
    an invitation or a password reset, which pass the opt-out gate and whose text nobody else may read once it left;
    `notice` for what somebody asked to be told, which goes through the gate. `expires`: when the link of an account
    mail ends; from then on it is not sent, and not kept.
    `record`: the record it is about. `delay`: seconds it can still be cancelled. `key`: a second call with the same key
    queues nothing. `html`: add a simple HTML part made from the text.
    """

    to: Sequence[Recipient]
    subject: str
    text: str
    kind: str = "single"
    html: bool = True
    language: str = ""
    attachments: Sequence[Attachment] = ()
    record: Record | None = None
    sender_name: str = ""
    reply_to: Mailbox | None = None
    list_id: str = ""
    delay: float = 0.0
    key: str | None = None
    expires: datetime.datetime | None = None


def enqueue_mail(unit: Unit, draft: Draft) -> int:
    """Queue a message inside a unit; returns its id in `core_mail_message`.

    Everything that could make a header wrong is refused here already (422 at entry, T71). Raises `Refused`.
    """
    session = unit.session
    if draft.key is not None:
        known = session.scalar(select(MailMessage.id).where(MailMessage.unique_key == draft.key))
        if known is not None:
            return int(known)
    settings = mail_settings(session)
    sender = settings.sender or NO_SENDER
    if draft.sender_name:
        sender = replace(sender, name=draft.sender_name)
    recipients = _unique(draft.to)
    language = draft.language or current_locale().language
    _check(draft, sender, recipients, unit, language)
    actor = unit.context.actor
    reply_to = draft.reply_to
    message = MailMessage(
        unique_key=draft.key, kind=draft.kind, subject=draft.subject.strip(), body=check_body(draft.text), html=draft.html,
        language=language, sender_name=draft.sender_name or None,
        reply_to=check_address(reply_to.address) if reply_to else None, reply_to_name=(reply_to.name or None) if reply_to else None,
        list_id=draft.list_id or None, entity=draft.record.entity.name if draft.record is not None else None,
        record_id=draft.record.id if draft.record is not None else None,
        owner_id=actor.id, owner_name=actor.name[:120], action=unit.action, created_at=unit.moment,
        expires_at=draft.expires,
    )  # fmt: skip
    session.add(message)
    session.flush()
    unit.stamped.append(message)
    unit.noteworthy = True
    domain = sender.address.rpartition("@")[2]
    state = models.PENDING if settings.host else models.LOCAL
    next_at = database_clock(session) + draft.delay
    session.add_all(
        MailRecipient(
            message_id=message.id, address=check_address(recipient.address), address_key=address_key(recipient.address),
            name=recipient.name or None, unsubscribe=_unsubscribe(unit, draft, recipient, message.id) or None,
            header_id=_header_id(domain), state=state, attempts=0, priority=PRIORITY[draft.kind], next_at=next_at, changed_at=unit.moment,
        )
        for recipient in recipients
    )  # fmt: skip
    _attach(unit, message, draft.attachments)
    session.flush()
    return message.id


def _header_id(domain: str) -> str:
    return f"<{secrets.token_hex(16)}@{domain}>"


def _unsubscribe(unit: Unit, draft: Draft, recipient: Recipient, message_id: int) -> str:
    """The link with which this recipient wants no more mail; mails an account depends on have none."""
    if draft.kind == "account" or recipient.unsubscribe:
        return recipient.unsubscribe
    ask = Ask(check_address(recipient.address), message_id, draft.list_id)
    return make_link(unit.context.secret_keys, unit.context.public_url, ask)


def _unique(recipients: Sequence[Recipient]) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for recipient in recipients:
        found.setdefault(address_key(recipient.address), recipient)
    return list(found.values())


def _check(draft: Draft, sender: Mailbox, recipients: Sequence[Recipient], unit: Unit, language: str) -> None:
    """Raise `Refused` for what the builder would refuse later, when nobody is there to cure it."""
    if not recipients:
        raise Refused(_("Nobody to send to. Add a recipient."))
    if draft.kind not in PRIORITY or language not in LANGUAGES:
        raise Refused(_("This message cannot be sent"))
    for recipient in recipients:
        wanted_headers(
            Letter(
                sender=sender, to=Mailbox(check_address(recipient.address), recipient.name), subject=draft.subject,
                text="", message_id=_header_id("local.invalid"), date=unit.moment, language=language,
                reply_to=draft.reply_to, bulk=draft.kind == "bulk", unsubscribe=_unsubscribe(unit, draft, recipient, 0),
                list_id=draft.list_id,
            )
        )  # fmt: skip
    size = sum(len(attachment.content) for attachment in draft.attachments)
    if size > MAXIMUM_ATTACHED:
        raise Refused(
            _(
                "The files are %(size)s MB together; the limit is %(limit)s MB",
                size=-(-size // 2**20),
                limit=MAXIMUM_ATTACHED // 2**20,
            ),
            field="attachments",
        )


def keep_content(unit: Unit, content: bytes) -> str:
    """Keep the bytes of a file; returns the digest it is found by. What no message carries in the end is swept."""
    digest = hashlib.sha256(content).hexdigest()
    if unit.session.get(MailContent, digest) is None:
        unit.session.add(MailContent(digest=digest, content=content, created_at=unit.moment))
        unit.session.flush()
    return digest


def sweep_contents(session: Session) -> None:
    """Delete files of mails that were begun and never queued, or that are deleted."""
    old = MailContent.created_at < now() - datetime.timedelta(hours=KEPT_HOURS)
    used = select(MailAttachment.digest)
    session.connection().execute(delete(MailContent).where(old, MailContent.digest.not_in(used)))


def cancel(unit: Unit, message_id: int) -> int:
    """Call back what has not been claimed yet; returns how many recipients."""
    waiting = (MailRecipient.message_id == message_id, MailRecipient.state.in_(models.WAITING))
    values = {"state": models.CANCELLED, "changed_at": unit.moment}
    unit.noteworthy = True
    return int(unit.session.connection().execute(update(MailRecipient).where(*waiting).values(values)).rowcount)


def decide(unit: Unit, recipient_id: int, choice: str) -> bool:
    """What a person decides about one recipient: `again` or `sent`. False when its state has moved on.

    `again`: for what is uncertain, failed, cancelled, set aside, or stayed local while there was no server. `sent`: only
    for what is uncertain (ML-5). Raises `Refused` when the link in a mail of an account has ended.
    """
    if choice == "sent":
        old: tuple[str, ...] = (models.UNCERTAIN,)
        values: dict[str, object] = {"state": models.SENT, "sent_at": unit.moment}
    else:
        if _is_empty(unit.session, recipient_id):
            raise Refused(_("The link in this message has ended. A new one must be asked for."))
        old = (models.UNCERTAIN, models.FAILED, models.CANCELLED, models.OPTED_OUT, models.LOCAL)
        state = models.PENDING if mail_settings(unit.session).host else models.LOCAL
        values = {"state": state, "attempts": 0, "next_at": database_clock(unit.session)}
    own = (MailRecipient.id == recipient_id, MailRecipient.state.in_(old))
    statement = update(MailRecipient).where(*own).values(changed_at=unit.moment, **values)
    unit.noteworthy = True
    done = bool(unit.session.connection().execute(statement).rowcount)
    if done and choice == "sent":
        models.empty_account_mail(unit.session, recipient_id)
    return done


def _is_empty(session: Session, recipient_id: int) -> bool:
    message = select(MailMessage.id).join(MailRecipient, MailRecipient.message_id == MailMessage.id)
    emptied = (MailRecipient.id == recipient_id, MailMessage.kind == "account", MailMessage.body == "")
    return session.scalar(message.where(*emptied)) is not None


def _attach(unit: Unit, message: MailMessage, attachments: Sequence[Attachment]) -> None:
    for attachment in attachments:
        digest = keep_content(unit, attachment.content)
        unit.session.add(
            MailAttachment(
                message_id=message.id, digest=digest, name=check_file_name(attachment.name), size=len(attachment.content),
                content_type=attachment.content_type if CONTENT_TYPE.fullmatch(attachment.content_type) else ANY_FILE,
            )
        )  # fmt: skip
