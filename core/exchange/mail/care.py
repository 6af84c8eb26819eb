"""Whether the outbox agrees with itself: what `comptoir check --data` says of mail (F49, ML-5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from core.errors import Invalid
from core.exchange.mail import models
from core.exchange.mail.addresses import address_key, person_key
from core.exchange.mail.journal import MAXIMUM_ATTEMPTS
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient, Suppression
from core.i18n import Text, lazy as _

HELD = (models.CLAIMED, models.DATA)
AT_ONCE = 1_000
"""Rows read at a time."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that cannot be, and of which message; none for what belongs to no message."""

    message_id: int | None
    problem: Text


def look(session: Session) -> list[Doubt]:
    """Everything that does not agree. Nothing of it is put in order by itself: a person looks at these mails."""
    return [*_rows(session), *_messages(session), *_addresses(session), *_files(session)]


def _rows(session: Session) -> Iterator[Doubt]:
    row = MailRecipient
    held = row.state.in_(HELD)
    known = row.state.in_((*models.WAITING, *HELD, *models.ENDED))
    rules: tuple[tuple[ColumnElement[bool], Text], ...] = (
        (not_(known), _("has a state nobody knows")),
        (and_(held, or_(row.claim.is_(None), row.lease_until.is_(None))), _("is held by nobody, or for ever")),
        (
            and_(not_(held), or_(row.claim.is_not(None), row.lease_until.is_not(None))),
            _("is held although nobody works on it"),
        ),
        (and_(row.state == models.SENT, row.sent_at.is_(None)), _("was sent, nobody knows when")),
        (and_(row.state != models.SENT, row.sent_at.is_not(None)), _("has a moment at which it was sent, and was not")),
        (not_(row.attempts.between(0, MAXIMUM_ATTEMPTS)), _("was tried more often than it may be")),
    )
    for wrong, problem in rules:
        for number in session.scalars(select(row.message_id).where(wrong).order_by(row.id)):
            yield Doubt(number, problem)


def _messages(session: Session) -> Iterator[Doubt]:
    some = exists().where(MailRecipient.message_id == MailMessage.id)
    for number in session.scalars(select(MailMessage.id).where(not_(some)).order_by(MailMessage.id)):
        yield Doubt(number, _("goes to nobody"))
    sent = some.where(MailRecipient.state == models.SENT)
    told = select(MailMessage.id).where(MailMessage.kind == "account", MailMessage.body != "", sent)
    for number in session.scalars(told.order_by(MailMessage.id)):
        yield Doubt(number, _("still holds the link of an account although it was sent"))


def _addresses(session: Session) -> Iterator[Doubt]:
    rows = select(MailRecipient.message_id, MailRecipient.address, MailRecipient.address_key).order_by(MailRecipient.id)
    for number, address, kept in session.execute(rows.execution_options(yield_per=AT_ONCE)):
        if not _fits(address, kept, person=False):
            yield Doubt(number, _("goes to an address that is none"))
    known = select(Suppression.address, Suppression.person).order_by(Suppression.id)
    for entry, person in session.execute(known.execution_options(yield_per=AT_ONCE)):
        if (entry is None) != (person is None) or (entry is not None and not _fits(entry, person, person=True)):
            yield Doubt(None, _("An entry of the suppression list does not say whom it is about"))


def _fits(address: str, kept: str | None, *, person: bool) -> bool:
    try:
        return (person_key if person else address_key)(address) == kept
    except Invalid:
        return False


def _files(session: Session) -> Iterator[Doubt]:
    """A file of a message is the one that was added: one at a time, since they may be large."""
    for digest in list(session.scalars(select(MailContent.digest).order_by(MailContent.digest))):
        content = session.execute(select(MailContent.content).where(MailContent.digest == digest)).scalar_one()
        own = select(MailAttachment.message_id).where(MailAttachment.digest == digest)
        if hashlib.sha256(content).hexdigest() == digest:
            own = own.where(MailAttachment.size != func.length(MailContent.content)).join(
                MailContent, MailContent.digest == MailAttachment.digest
            )
        for number in session.scalars(own.order_by(MailAttachment.id)):
            yield Doubt(number, _("has a file that is not the one that was added"))
