"""Who wants no mail: one list, asked by one gate at the moment of sending (ML-4, G03, G04)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.access.sealing import derive
from core.contract.changes import Actor
from core.data.records import now
from core.exchange.mail.addresses import check_address, person_key
from core.exchange.mail.models import Suppression

OPT_OUT, BY_HAND, BOUNCE, COMPLAINT = "opt-out", "by hand", "bounce", "complaint"
PURPOSE = b"comptoir suppression list"
PORTION = 400
"""Names in one question to the database."""


def hashes(keys: Sequence[bytes], address: str) -> list[str]:
    """The keyed hashes an address may stand under: by the present key first, then by older ones."""
    person = person_key(address).encode()
    return [hmac.new(derive(key, PURPOSE), person, hashlib.sha256).hexdigest() for key in keys]


def find(session: Session, keys: Sequence[bytes], address: str) -> Suppression | None:
    """The entry that keeps mail from an address: by a keyed hash, or by the address itself while it is kept, so that
    refusals outlive the loss of the key file. Raises `Invalid` for what is no address."""
    known = or_(Suppression.address_hash.in_(hashes(keys, address)), Suppression.person == person_key(address))
    return session.scalars(select(Suppression).where(known).order_by(Suppression.id)).first()


def suppressed(session: Session, keys: Sequence[bytes], addresses: Iterable[str]) -> dict[str, Suppression]:
    """Those of the addresses that get no mail, with their entries; for showing who is left out before sending."""
    people = {address: person_key(address) for address in addresses}
    names = {address: {person, *hashes(keys, address)} for address, person in people.items()}
    every = sorted({name for found in names.values() for name in found})
    found: dict[str, Suppression] = {}
    for start in range(0, len(every), PORTION):
        some = every[start : start + PORTION]
        rows = session.scalars(
            select(Suppression).where(or_(Suppression.address_hash.in_(some), Suppression.person.in_(some)))
        )
        for row in rows:
            found[row.address_hash] = row
            if row.person is not None:
                found[row.person] = row
    return {
        address: next(found[name] for name in sorted(wanted) if name in found)
        for address, wanted in names.items()
        if not wanted.isdisjoint(found)
    }


def suppress(
    session: Session, keys: Sequence[bytes], address: str, reason: str, actor: Actor, note: str | None = None
) -> Suppression:
    """Send an address no more mail. The first reason stays: repeating changes nothing, also when two do it at once.

    Raises `Invalid`.
    """
    kept = find(session, keys, address)
    if kept is not None:
        return kept
    connection = session.connection()
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    values = {
        "address_hash": hashes(keys, address)[0], "address": check_address(address), "person": person_key(address),
        "reason": reason, "note": note[:500] if note else None, "user_id": actor.id, "user_name": actor.name[:120],
        "created_at": now(),
    }  # fmt: skip
    once = dialect.insert(Suppression).values(values).on_conflict_do_nothing(index_elements=["address_hash"])
    connection.execute(once)
    found = find(session, keys, address)
    assert found is not None
    return found
