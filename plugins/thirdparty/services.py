"""What can be done with third parties."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import cast

from sqlalchemy.orm import Session

from core.api import Change, Record, Refused, Unit, default_series, lazy as _
from plugins.thirdparty.models import ThirdParty


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


def series_is_there(session: Session) -> bool:
    """Whether codes can be given to new third parties."""
    return default_series(session, "thirdparty") is not None
