"""One mail to each of many records, as a job (ML-2): more than a page of rows is queued step by step.

The text was chosen, looked at and frozen when somebody pressed Send; so were the numbers of the records. Whether a
person wants mail is asked when the mail is sent, as for any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core.access.models import User
from core.contract.contributions import Job
from core.data.unit import Unit
from core.errors import Refused
from core.exchange.mail.addresses import Mailbox, person_key
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailContent, MailMessage
from core.exchange.mail.outbox import CANCEL_SECONDS, Draft, Recipient, enqueue_mail
from core.exchange.mail.templates import Filler, email_fields
from core.i18n import Text, format_integer, lazy as _
from core.jobs.run import JobRun
from core.registry import RegisteredEntity

MAIL_MANY = "core.mail_many"
STEP_MESSAGES = 50
"""Messages of one step: each is written whole, with its files."""


def many_payload(
    entity: RegisteredEntity, ids: Sequence[int], subject: str, text: str, language: str,
    files: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """What the job needs to know. `files`: name, digest and type of each; their bytes are kept already."""
    kept = [{name: file[name] for name in ("name", "digest", "type")} for file in files]
    return {
        "entity": entity.name, "ids": list(ids), "subject": subject, "text": text, "language": language, "files": kept,
    }  # fmt: skip


def mail_many(job: JobRun) -> Text:
    """Queue a mail to each record; who has no address, or the same as another, is left out and said."""
    sending = _Sending(job)
    job.each(job.payload["ids"], sending.write, action=f"{job.payload['entity']}.mail", size=STEP_MESSAGES)
    queued = format_integer(job.done - job.errors)
    if job.errors:
        return _("%(number)s messages queued, %(refused)s left out", number=queued, refused=format_integer(job.errors))
    return _("%(number)s messages queued", number=queued)


class _Sending:
    """Writes the messages of one job; what is the same for all of a step is looked up once."""

    def __init__(self, job: JobRun) -> None:
        self._job = job
        self._unit: Unit | None = None

    def write(self, unit: Unit, record_id: int) -> None:
        """The mail to one record. Raises `Refused` or `NotFound` for one that gets none, `Forbidden` for all."""
        if unit is not self._unit:
            self._begin(unit)
            self._unit = unit
        record = unit.get(self._entity.model, record_id)
        address = next((value for field in self._fields if (value := unit.read(record, field))), None)
        if address is None:
            raise Refused(_("%(title)s has no e-mail address", title=record.title))
        # The key is the person's within this job: neither a second row nor a second run writes to somebody twice.
        person = hashlib.sha256(person_key(address).encode()).hexdigest()[:40]
        key = f"many:{self._job.id}:{person}"
        if unit.session.scalar(select(MailMessage.id).where(MailMessage.unique_key == key)) is not None:
            raise Refused(_("%(title)s has the same e-mail address as another row", title=record.title))
        payload = self._job.payload
        subject, text = self._filler.fill(unit.session, record, payload["subject"], payload["text"])
        draft = Draft(
            to=(Recipient(address),), subject=subject, text=text, language=payload["language"], record=record, key=key,
            attachments=self._files, sender_name=self._user.name, reply_to=Mailbox(self._user.email, self._user.name),
            delay=CANCEL_SECONDS,
        )  # fmt: skip
        enqueue_mail(unit, draft)

    def _begin(self, unit: Unit) -> None:
        job, payload = self._job, self._job.payload
        actor = unit.context.actor
        self._entity = unit.context.registry.entity(payload["entity"])
        job.permissions.require(actor, self._entity.permission("edit"))
        visible = job.permissions.fields(actor, self._entity)
        self._fields = [field for field in email_fields(self._entity) if field.name in visible]
        self._user = unit.session.get_one(User, actor.id)
        language = payload["language"]
        self._filler = Filler(self._entity, job.permissions, actor, self._user, language, self._user.region or "")
        self._files = [_attachment(unit, file) for file in payload["files"]]


def _attachment(unit: Unit, file: Mapping[str, Any]) -> Attachment:
    kept = unit.session.get(MailContent, file["digest"])
    if kept is None:
        raise Refused(_("A file got lost on the way. Add it again."), field="files")
    return Attachment(file["name"], kept.content, file["type"])


MAIL_JOBS = (Job(MAIL_MANY, _("E-mail to many rows"), mail_many),)
"""Registered in `core.runtime.generation`."""
