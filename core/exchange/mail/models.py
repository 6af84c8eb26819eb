"""The tables of mail (DESIGN 9, SECURITY 7.27): what is to be said, to whom, what became of it; who wants none."""

from __future__ import annotations

import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.data.records import Identifier, Row
from core.fields import DateTime

PENDING, CLAIMED, DATA, SENT = "pending", "claimed", "data", "sent"
DEFERRED, FAILED, UNCERTAIN = "deferred", "failed", "uncertain"
CANCELLED, OPTED_OUT, LOCAL = "cancelled", "refused", "local"
WAITING = (PENDING, DEFERRED)
"""What the sender may claim when its time has come."""
PRIVATE = ("account", "notice")
"""Kinds of messages whose text is for their recipient only."""
ENDED = (SENT, FAILED, UNCERTAIN, CANCELLED, OPTED_OUT, LOCAL)
"""Nothing more happens to it by itself."""
TROUBLE = (FAILED, UNCERTAIN)
"""Of which the person whose message it is gets to know."""


class MailMessage(Row):
    """What is said: frozen when it is queued. `kind`: `account` (passes the opt-out gate), `notice`, `single` or `bulk`."""

    __tablename__ = "core_mail_message"
    __table_args__ = (
        UniqueConstraint("unique_key"),
        Index("ix_core_mail_message_record", "entity", "record_id", "id"),
        Index("ix_core_mail_message_owner", "owner_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    unique_key: Mapped[str | None] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(8))
    sender_name: Mapped[str | None] = mapped_column(String(120))
    reply_to: Mapped[str | None] = mapped_column(String(254))
    reply_to_name: Mapped[str | None] = mapped_column(String(120))
    list_id: Mapped[str | None] = mapped_column(String(150))
    entity: Mapped[str | None] = mapped_column(String(80))
    record_id: Mapped[int | None] = mapped_column(Identifier)
    owner_id: Mapped[int | None] = mapped_column(Identifier)
    owner_name: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(120))
    operation_id: Mapped[int | None] = mapped_column(Identifier)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type(), index=True)
    expires_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type(), index=True)
    """When the link in a mail of an account ends: from then on it is neither sent nor kept."""


class MailRecipient(Row):
    """One address of a message and its fate. Times of the sender are seconds of database time; `state` is the journal."""

    __tablename__ = "core_mail_recipient"
    __table_args__ = (
        UniqueConstraint("message_id", "address_key"),
        Index("ix_core_mail_recipient_due", "state", "priority", "next_at", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("core_mail_message.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(254))
    address_key: Mapped[str] = mapped_column(String(254), index=True)
    name: Mapped[str | None] = mapped_column(String(120))
    unsubscribe: Mapped[str | None] = mapped_column(String(500))
    header_id: Mapped[str] = mapped_column(String(300), unique=True)
    """The Message-ID: the same at every attempt, so that a server or reader can tell a double."""
    state: Mapped[str] = mapped_column(String(12))
    priority: Mapped[int] = mapped_column(default=1)
    """What goes first: mails of accounts, single mails, mailings."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[float] = mapped_column()
    claim: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[float | None] = mapped_column()
    last_reply: Mapped[str | None] = mapped_column(String(500))
    changed_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    sent_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())


class MailContent(Row):
    """The bytes of a file that goes with mails, kept once however many mails carry it."""

    __tablename__ = "core_mail_content"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


class MailAttachment(Row):
    """A file of a message."""

    __tablename__ = "core_mail_attachment"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("core_mail_message.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(ForeignKey("core_mail_content.digest"), index=True)
    name: Mapped[str] = mapped_column(String(150))
    content_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column()


class Suppression(Row):
    """An address that gets no mail: who said so, when and why (ML-4). After erasure only the keyed hash is left (G04).

    `person`: what the address is compared by while it is kept, so that a lost key loses no refusal.
    """

    __tablename__ = "core_suppression"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    address: Mapped[str | None] = mapped_column(String(254))
    person: Mapped[str | None] = mapped_column(String(254), index=True)
    reason: Mapped[str] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(String(500))
    user_id: Mapped[int | None] = mapped_column(Identifier)
    user_name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


class MailServer(Row):
    """How the one server does: paused until when and why, or well. One row."""

    __tablename__ = "core_mail_server"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    paused_until: Mapped[float | None] = mapped_column()
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(500))
    since: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())
    sent_in_window: Mapped[int] = mapped_column(default=0)
    window_start: Mapped[float] = mapped_column(default=0.0)


class MailTemplate(Row):
    """A template people wrote, or their version of a shipped one (`code`); restoring the default removes the row."""

    __tablename__ = "core_mail_template"
    __table_args__ = (UniqueConstraint("entity", "code", "language"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    entity: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(Identifier)
    author_name: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


def empty_account_mail(session: Session, recipient_id: int) -> None:
    """Empty a mail of an account that was sent: its link opens the account, and only its hash is kept (A48)."""
    message = select(MailRecipient.message_id).where(MailRecipient.id == recipient_id).scalar_subquery()
    account = update(MailMessage).where(MailMessage.id == message, MailMessage.kind == "account")
    session.connection().execute(account.values(body=""))
