"""What can be done with third parties."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.api import Change, Likeness, Record, Refused, Unit, default_series, lazy as _
from plugins.thirdparty.addresses import ADDRESS_FIELDS, printed_lines, read_line
from plugins.thirdparty.likeness import find_similar
from plugins.thirdparty.models import PERSON, Address, ThirdParty

SHOWN_ADDRESSES = 50


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


def vcard(third_party: ThirdParty) -> str:
    """The third party as a vCard 4.0 (RFC 6350), lines ended by CR LF."""
    person = third_party.kind == PERSON
    lines = [
        "BEGIN:VCARD",
        "VERSION:4.0",
        f"KIND:{'individual' if person else 'org'}",
        f"FN:{_escaped(third_party.name)}",
    ]
    if person:
        lines.append(f"N:{_escaped(third_party.last_name or '')};{_escaped(third_party.first_name or '')};;;")
    if third_party.email:
        lines.append(f"EMAIL:{_escaped(third_party.email)}")
    lines += [f"TEL;VALUE=uri:tel:{phone}" for phone in (third_party.phone, third_party.mobile) if phone]
    if third_party.website:
        lines.append(f"URL:{third_party.website}")
    place = [getattr(third_party, name) or "" for name in ("street", "town", "region", "postal_code", "country")]
    if any(place):
        lines.append(f"ADR:;;{';'.join(map(_escaped, place))}")
    return "\r\n".join([*lines, "END:VCARD", ""])


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


# -- addresses --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class AddressLine:
    """An address on the sheet. `row` is None while it stands in the fields of the third party only."""

    lines: Sequence[str]
    label: str
    toggles: Mapping[str, bool]
    row: Address | None


def addresses_of(session: Session, third_party: ThirdParty) -> list[AddressLine]:
    """The addresses of a third party as they are printed, in the order in which they were made (TP-4)."""
    wanted = (Address.owner_entity == "thirdparty", Address.owner_id == third_party.id)
    rows = session.scalars(select(Address).where(*wanted).order_by(Address.id).limit(SHOWN_ADDRESSES)).all()
    if not rows:
        values = {name: getattr(third_party, name) for name in ADDRESS_FIELDS}
        toggles = {"billing": False, "delivery": False, "default": True}
        return [AddressLine(printed_lines(values), "", toggles, None)] if any(values.values()) else []
    return [
        AddressLine(
            printed_lines({name: getattr(row, name) for name in ADDRESS_FIELDS}), row.label or "",
            {"billing": row.billing, "delivery": row.delivery, "default": row.default}, row,
        )
        for row in rows
    ]  # fmt: skip


def address_lines(session: Session, record: Record) -> Mapping[str, Any]:
    """The addresses of a third party, for its panel."""
    return {"record": record, "addresses": addresses_of(session, cast(ThirdParty, record))}


def add_address(
    unit: Unit, third_party: ThirdParty, text: str | None, *, billing: bool, delivery: bool, default: bool
) -> Address:
    """One more address from a line of text; without one, a row for that in the fields. Raises `Refused` for nothing."""
    if text is None:
        values = {name: getattr(third_party, name) for name in ADDRESS_FIELDS}
    else:
        fields = unit.context.registry.entity("address").fields
        values = {name: fields[name].parse(typed) for name, typed in read_line(text).items()}
        values["country"] = third_party.country
    if not any(values.get(name) for name in ("street", "postal_code", "town", "region")):
        raise Refused(_("Enter an address"))
    place = {"owner_entity": "thirdparty", "owner_id": third_party.id, "author_id": unit.context.actor.id}
    return unit.add(Address(**place, **values, billing=billing, delivery=delivery, default=default))


def find_alike(session: Session, *, name: str, email: str | None) -> Sequence[Likeness]:
    """The third parties with this e-mail address, its domain, or this very name, as far as the person may know of them."""
    return find_similar(session, ThirdParty, {"name": name, "email": email or ""}, exact=True)


def series_is_there(session: Session) -> bool:
    """Whether codes can be given to new third parties."""
    return default_series(session, "thirdparty") is not None
