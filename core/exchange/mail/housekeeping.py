"""What of the outbox is not kept for ever: old messages, their files, and the links in mails of accounts (A48, G04)."""

from __future__ import annotations

import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update

from core.access.tokens import LIFETIMES
from core.contract.contributions import Job
from core.data.engine import Database
from core.data.records import now
from core.exchange.mail import models
from core.exchange.mail.models import MailMessage, MailRecipient
from core.exchange.mail.outbox import sweep_contents
from core.exchange.mail.settings import mail_settings
from core.i18n import lazy as _
from core.jobs.run import JobRun

EXPIRED = "expired"
"""Why a mail was not sent: its link ended. In words when it is shown."""
ACCOUNT_DAYS = 30
PORTION = 500
"""Messages deleted in one transaction, so that others get their turn."""


def keep_mail_house(job: JobRun) -> None:
    """Empty mails whose link ended, delete what was kept long enough, and files no message has."""
    database = job.context.database
    end_links(database)
    job.progress()
    while remove_old(database):
        job.progress()
    with database.writing() as session:
        sweep_contents(session)
        session.commit()


def end_links(database: Database) -> None:
    """Mails of accounts whose link ended: those that still wait are not sent, and the text of none is kept."""
    moment = now()
    unnamed = and_(MailMessage.expires_at.is_(None), MailMessage.created_at < moment - max(LIFETIMES.values()))
    ended = or_(MailMessage.expires_at < moment, and_(unnamed, MailMessage.body != ""))
    with database.writing() as session:
        numbers = list(session.scalars(select(MailMessage.id).where(MailMessage.kind == "account", ended)))
        for start in range(0, len(numbers), PORTION):
            some = numbers[start : start + PORTION]
            waiting = (MailRecipient.message_id.in_(some), MailRecipient.state.in_(models.WAITING))
            values = {"state": models.CANCELLED, "last_reply": EXPIRED, "changed_at": moment}
            session.connection().execute(update(MailRecipient).where(*waiting).values(values))
            still = (MailMessage.id.in_(some), ~_under_way())
            session.connection().execute(update(MailMessage).where(*still).values(body="", expires_at=None))
        session.commit()


def _under_way() -> ColumnElement[bool]:
    return exists().where(MailRecipient.message_id == MailMessage.id, MailRecipient.state.not_in(models.ENDED))


def remove_old(database: Database) -> int:
    """Delete some of the messages that ended and were kept long enough; returns how many."""
    moment = now()
    with database.writing() as session:
        kept = datetime.timedelta(days=mail_settings(session).kept_days)
        account = and_(
            MailMessage.kind == "account", MailMessage.created_at < moment - datetime.timedelta(days=ACCOUNT_DAYS)
        )
        old = select(MailMessage.id).where(or_(account, MailMessage.created_at < moment - kept), ~_under_way())
        numbers = list(session.scalars(old.order_by(MailMessage.id).limit(PORTION)))
        if numbers:
            session.connection().execute(delete(MailMessage).where(MailMessage.id.in_(numbers)))
        session.commit()
    return len(numbers)


HOUSEKEEPING_JOBS = (
    Job("core.mail_housekeeping", _("Housekeeping of mail"), keep_mail_house, every=datetime.timedelta(hours=1)),
)
"""Registered in `core.runtime.generation`."""
