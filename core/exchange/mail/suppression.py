"""Who wants no mail: one list, asked by one gate at the moment of sending (ML-4, G03, G04)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.sealing import derive
from core.contract.changes import Actor
from core.data.records import now
from core.exchange.mail.addresses import check_address, person_key
from core.exchange.mail.models import Suppression

OPT_OUT, BY_HAND, BOUNCE, COMPLAINT = "opt-out", "by hand", "bounce", "complaint"
PURPOSE = b"comptoir suppression list"


def hashes(keys: Sequence[bytes], address: str) -> list[str]:
    """The keyed hashes an address may stand under: by the present key first, then by older ones."""
    person = person_key(address).encode()
    return [hmac.new(derive(key, PURPOSE), person, hashlib.sha256).hexdigest() for key in keys]


def find(session: Session, keys: Sequence[bytes], address: str) -> Suppression | None:
    """The entry that keeps mail from an address. Raises `Invalid` for what is no address."""
    return session.scalars(select(Suppression).where(Suppression.address_hash.in_(hashes(keys, address)))).first()


def suppressed(session: Session, keys: Sequence[bytes], addresses: Iterable[str]) -> dict[str, Suppression]:
    """Those of the addresses that get no mail, with their entries; for showing who is left out before sending."""
    wanted = {value: address for address in addresses for value in hashes(keys, address)}
    found: dict[str, Suppression] = {}
    every = list(wanted)
    for start in range(0, len(every), 500):
        rows = session.scalars(select(Suppression).where(Suppression.address_hash.in_(every[start : start + 500])))
        found |= {row.address_hash: row for row in rows}
    return {address: found[value] for value, address in wanted.items() if value in found}


def suppress(
    session: Session, keys: Sequence[bytes], address: str, reason: str, actor: Actor, note: str | None = None
) -> Suppression:
    """Send an address no more mail. The first reason stays: repeating changes nothing. Raises `Invalid`."""
    kept = find(session, keys, address)
    if kept is None:
        kept = Suppression(
            address_hash=hashes(keys, address)[0], address=check_address(address), reason=reason,
            note=note[:500] if note else None, user_id=actor.id, user_name=actor.name[:120], created_at=now(),
        )  # fmt: skip
        session.add(kept)
        session.flush()
    return kept
