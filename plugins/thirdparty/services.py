"""What can be done with third parties."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core.api import Change, Email, Message, Record, Refused, Text, Unit, default_series, lazy as _
from plugins.thirdparty.models import ThirdParty

SHOWN_ALIKE = 50
SHARED_BY_PROVIDER = 5


def promote_to_customer(unit: Unit, record: Record) -> None:
    """Make a prospect a customer (PR-4). Raises `Refused` when it is one already."""
    third_party = cast(ThirdParty, record)
    if third_party.role != "prospect":
        raise Refused(_("%(name)s is a customer already", name=third_party.name))
    third_party.role = "customer"


def note_first_day(changes: Sequence[Change], unit: Unit) -> None:
    """Remember since when a third party has been a customer, whichever road made it one; undo brings the day back itself."""
    for change in changes:
        if change.entity == "thirdparty" and change.action != "undo" and change.new.get("role") in ("customer", "both"):
            third_party = unit.get(ThirdParty, change.record_id, deleted=True)
            third_party.customer_since = third_party.customer_since or datetime.date.today()


def is_prospect(record: Record) -> bool:
    """Whether the third party is not a customer yet."""
    return cast(ThirdParty, record).role == "prospect"


def vcard(third_party: ThirdParty) -> str:
    """The third party as a vCard 4.0 (RFC 6350), lines ended by CR LF."""
    lines = ["BEGIN:VCARD", "VERSION:4.0", "KIND:org", f"FN:{_escaped(third_party.name)}"]
    if third_party.email:
        lines.append(f"EMAIL:{_escaped(third_party.email)}")
    if third_party.phone:
        lines.append(f"TEL;VALUE=uri:tel:{third_party.phone}")
    if third_party.website:
        lines.append(f"URL:{third_party.website}")
    if third_party.town or third_party.country:
        lines.append(f"ADR:;;;{_escaped(third_party.town or '')};;;{third_party.country or ''}")
    return "\r\n".join([*lines, "END:VCARD", ""])


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A third party that may be the one looked for, and why."""

    third_party: ThirdParty
    reasons: Sequence[Message]


def find_alike(session: Session, *, name: str, email: str | None) -> Sequence[Likeness]:
    """The third parties with this e-mail address, its domain, or this name, as far as the person may know of them.

    A domain that more than five of them share belongs to a provider and is no reason (TP-9).
    """
    columns = ThirdParty.__table__.c
    named, mailed = Text(1).key(name), Email().key(email) if email else None
    reasons: list[tuple[ColumnElement[bool], Message, int]] = []
    if mailed:
        domain = f"@{mailed.rpartition('@')[2]}"
        reasons.append((columns.email_key == mailed, _("same email address"), SHOWN_ALIKE))
        reasons.append(
            (columns.email_key.endswith(domain, autoescape=True), _("same email domain"), SHARED_BY_PROVIDER)
        )
    if named:
        reasons.append((columns.name_key == named, _("same name"), SHOWN_ALIKE))
    found: dict[int, Likeness] = {}
    for condition, reason, most in reasons:
        matching = session.scalars(select(ThirdParty).where(condition).order_by(ThirdParty.id).limit(most + 1)).all()
        for third_party in matching if len(matching) <= most or most == SHOWN_ALIKE else ():
            known = found.get(third_party.id, Likeness(third_party, ()))
            found[third_party.id] = Likeness(third_party, (*known.reasons, reason))
    return list(found.values())[:SHOWN_ALIKE]


def series_is_there(session: Session) -> bool:
    """Whether codes can be given to new third parties."""
    return default_series(session, "thirdparty") is not None
