"""Who may be the same third party (TP-9): asked of indexed keys only, since it is asked while people type.

A domain that more than five names share belongs to a provider or to a group, and is no reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from core.api import Email, Invalid, KeyedText, Likeness, Message, Phone, Text, Url, lazy as _
from plugins.thirdparty.numbers import compact, vat_number

if TYPE_CHECKING:
    from plugins.thirdparty.models import ThirdParty

SHOWN = 50
SHARED_BY_PROVIDER = 5
SHORTEST = 3
"""Characters from which a name is looked for (UX 2.4)."""
SIMILAR_BY = {
    "name": "name", "email": "email", "phone": "phone", "mobile": "mobile", "website": "website", "country": "country",
    "vat": "vat_number",
}  # fmt: skip
_HOST = re.compile(r"(?:https?://)?(?:www\.)?([^/?#:]+)")
_NAME, _EMAIL, _PHONE, _URL = Text(128), Email(), Phone(), Url()


class _Question(NamedTuple):
    """What is looked for, what it says of those found, and above how many of them it says nothing."""

    condition: ColumnElement[bool]
    reason: Message
    most: int = SHOWN
    certain: bool = False


def email_domain(email: str) -> str | None:
    """The domain of an e-mail address, as it is kept beside it."""
    return email.rpartition("@")[2].lower() or None


def website_domain(address: str) -> str | None:
    """The host of a web address without `www.`, as it is kept beside it."""
    found = _HOST.match(address.lower())
    return found[1] if found else None


def find_similar(
    session: Session, model: type[ThirdParty], values: Mapping[str, str], *, but: int | None = None, exact: bool = False
) -> Sequence[Likeness]:
    """The third parties that may be the same as one with these typed values, as far as the person may know of them.

    What is not yet an address or a number says nothing. `exact`: only the very name, none that begins so. `but`: the
    one that is being typed.
    """
    found: dict[int, Likeness] = {}
    for question in _questions(model, values, exact):
        statement = select(model).where(question.condition)
        if but is not None:
            statement = statement.where(model.id != but)
        matching = session.scalars(statement.order_by(model.id).limit(question.most + 1)).all()
        if len(matching) > question.most and question.most != SHOWN:
            continue
        for record in matching[:SHOWN]:
            known = found.get(record.id, Likeness(record, ()))
            reasons = known.reasons if question.reason in known.reasons else (*known.reasons, question.reason)
            found[record.id] = Likeness(record, reasons, known.certain or question.certain)
    ranked = sorted(found.values(), key=lambda one: (not one.certain, -len(one.reasons), one.record.id))
    return ranked[:SHOWN]


def _questions(model: type[ThirdParty], values: Mapping[str, str], exact: bool) -> Iterator[_Question]:
    columns = model.__table__.c
    vat = _vat_key(values.get("vat_number", ""), values.get("country"))
    if len(vat) > SHORTEST:
        yield _Question(columns.vat_number_key == vat, _("same VAT number"), certain=True)
    email = _read(_EMAIL, values.get("email", ""))
    if email:
        yield _Question(columns.email_key == _EMAIL.key(email), _("same email address"), certain=True)
        domain = email_domain(email)
        shared = or_(columns.email_domain == domain, columns.website_domain == domain)
        yield _Question(shared, _("same email domain"), SHARED_BY_PROVIDER)
    site = _read(_URL, values.get("website", ""))
    if site:
        yield _Question(columns.website_domain == website_domain(site), _("same web site"), SHARED_BY_PROVIDER)
    phones = (_read(_PHONE, values.get(name, "")) for name in ("phone", "mobile"))
    for key in (_PHONE.key(phone) for phone in phones if phone):
        yield _Question(or_(columns.phone_key == key, columns.mobile_key == key), _("same phone number"))
    name = values.get("name", "").strip()
    folded = _NAME.key(name)
    if folded and (exact or len(name) >= SHORTEST):
        yield _Question(or_(columns.name_key == folded, columns.alias_key == folded), _("same name"))
        if not exact:
            begins = _NAME.key_criterion(columns.name_key, "starts", [name[:128]])
            yield _Question(begins, _("similar name"))


def _vat_key(typed: str, country: str | None) -> str:
    try:
        return vat_number(typed, country)
    except Invalid:
        return compact(typed)


def _read(kind: KeyedText, text: str) -> str | None:
    try:
        return kind.parse(text)
    except Invalid:
        return None
