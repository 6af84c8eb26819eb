"""The opt-out gate: the one place that says, when a mail is about to be sent, whether it may be (ML-4, F12).

Every mail but those an account depends on passes it: the suppression list is asked, and the record the mail is about,
whose fields declare with which values it wants none (`field(..., no_mail=...)`), whoever adds these fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Invalid
from core.exchange.mail import suppression
from core.exchange.mail.models import MailMessage
from core.fields import Field
from core.registry import RegisteredEntity, Registry

LISTED, RECORD, MODULE_OFF = "listed", "record-refuses", "module-off"
"""Why a mail was set aside; in words when it is shown."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate asks with: the installation's keys, and the enabled set of this moment."""

    keys: Sequence[bytes] = field(repr=False)
    registry: Registry

    def refusal(self, session: Session, message_id: int, address: str) -> str | None:
        """Why this mail must not go to this address, None when it may.

        What cannot be asked is a refusal: a record of a module that is off may say no.
        """
        about = select(MailMessage.kind, MailMessage.entity, MailMessage.record_id)
        message = session.execute(about.where(MailMessage.id == message_id)).one()
        if message.kind == "account":  # who asked for a new password wants that mail
            return None
        try:
            listed = suppression.find(session, self.keys, address) is not None
        except Invalid:  # no address, however it got here: it fails alone when the mail is built (F11)
            return None
        if listed:
            return LISTED
        if message.entity is None or message.record_id is None:
            return None
        registered = self.registry.entities.get(message.entity)
        if registered is None:
            return MODULE_OFF
        return RECORD if refusing_field(session, registered, message.record_id) is not None else None


def refusing_field(session: Session, registered: RegisteredEntity, record_id: int) -> Field | None:
    """The field by which a record says that it wants no mail, None when it does not; also of one in the bin."""
    for found in registered.fields.values():
        if not found.declaration.no_mail:
            continue
        (identity,) = found.owner.__table__.primary_key.columns
        value = session.connection().execute(select(found.column).where(identity == record_id)).scalar()
        if value in found.declaration.no_mail:
            return found
    return None
