"""The second factor: codes of an app (TOTP, RFC 6238) and ten recovery codes, each good once (US-2, A47).

The seed is sealed with the installation's key, which is no part of the database; recovery codes are stored as a hash
under that key, so that a stolen database does not tell them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.access.models import RecoveryCode, SecondFactor, User
from core.access.sealing import derive, seal, unseal
from core.data.records import now
from core.data.session import WITHOUT_EVENTS
from core.errors import Invalid
from core.i18n import lazy as _

STEP_SECONDS = 30
DRIFT = 1
"""Steps a clock may be early or late."""
RECOVERY_CODES = 10
RECOVERY_LENGTH = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike."""
SETUP_SECONDS = 30 * 60
SEED_PURPOSE = b"comptoir second factor"
FORM_PURPOSE = b"comptoir second factor, not yet proved"
RECOVERY_PURPOSE = b"comptoir recovery codes"
_DIGITS = re.compile(r"[0-9]{6}")


def has_factor(session: Session, user_id: int) -> bool:
    """Whether the account asks for a code after the password."""
    return session.scalar(select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)) is not None


def offer_seed(keys: Sequence[bytes], user_id: int) -> tuple[str, str]:
    """A new seed, and the same sealed for a form: nothing is stored before a code proves that the app has it."""
    seed = pyotp.random_base32()
    return seed, seal(keys, FORM_PURPOSE, f"{user_id}:{seed}")


def offered_seed(keys: Sequence[bytes], user_id: int, sealed: str) -> str:
    """The seed this person was offered not long ago, else nothing."""
    owner, _colon, seed = unseal(keys, FORM_PURPOSE, sealed, seconds=SETUP_SECONDS).partition(":")
    return seed if owner == str(user_id) else ""


def address_for_apps(seed: str, email: str, issuer: str) -> str:
    """The `otpauth:` address that an app on the same device opens."""
    return pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name=issuer.replace(":", " "))


def set_up(session: Session, keys: Sequence[bytes], user: User, seed: str, code: str) -> list[str]:
    """Keep the factor once a code proves that the app has the seed; returns the recovery codes, shown once.

    Part of a unit. Raises `Invalid` for a code that does not fit.
    """
    step = _matching_step(seed, _folded(code), after=0) if seed else None
    if step is None:
        raise Invalid(
            _("This code is not right. Look at the clock of your device, and type the newest code."), field="code"
        )
    factor = session.get(SecondFactor, user.id) or SecondFactor(user_id=user.id)
    factor.sealed_seed = seal(keys, SEED_PURPOSE, seed)
    factor.last_step, factor.created_at = step, now()
    session.add(factor)
    return make_recovery_codes(session, keys, user.id)


def make_recovery_codes(session: Session, keys: Sequence[bytes], user_id: int) -> list[str]:
    """Ten new codes; earlier ones are worth nothing from now on. Part of a unit."""
    _delete_codes(session, user_id)
    codes = ["".join(secrets.choice(ALPHABET) for _letter in range(RECOVERY_LENGTH)) for _code in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hashes(keys, user_id, code)[0]) for code in codes)
    half = RECOVERY_LENGTH // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]


def codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes were not used yet."""
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def remove_factor(session: Session, user_id: int) -> bool:
    """Take the factor off an account; False when it has none. Part of a unit."""
    _delete_codes(session, user_id)
    gone = session.get(SecondFactor, user_id)
    if gone is None:
        return False
    session.delete(gone)
    return True


def take_code(session: Session, keys: Sequence[bytes], user_id: int, typed: str) -> bool:
    """Whether a code is right; it is used up by that. Of two who send the same at once one gets in. Part of a unit."""
    code = _folded(typed)
    if not _DIGITS.fullmatch(code):
        unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        fits = RecoveryCode.code_hash.in_(_hashes(keys, user_id, code))
        return _changed(session, update(RecoveryCode).where(*unused, fits).values(used_at=now()))
    factor = session.get(SecondFactor, user_id)
    seed = unseal(keys, SEED_PURPOSE, factor.sealed_seed) if factor is not None else ""
    step = _matching_step(seed, code, after=factor.last_step) if factor is not None and seed else None
    if step is None:
        return False
    later = (SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return _changed(session, update(SecondFactor).where(*later).values(last_step=step))


def _matching_step(seed: str, code: str, *, after: int) -> int | None:
    """The time step a code belongs to, if it is about now and later than `after`."""
    totp, moment = pyotp.TOTP(seed), int(now().timestamp()) // STEP_SECONDS
    found = None
    for step in range(moment - DRIFT, moment + DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()) and step > after:
            found = step
    return found


def _folded(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed)[:40].lower()


def _hashes(keys: Sequence[bytes], user_id: int, code: str) -> list[str]:
    text = f"{user_id}:{code}".encode()
    return [hmac.new(derive(key, RECOVERY_PURPOSE), text, hashlib.sha256).hexdigest() for key in keys]


def _changed(session: Session, statement: object) -> bool:
    done = session.execute(statement, execution_options=WITHOUT_EVENTS)  # type: ignore[call-overload]
    return bool(done.rowcount)


def _delete_codes(session: Session, user_id: int) -> None:
    gone = delete(RecoveryCode).where(RecoveryCode.user_id == user_id)
    session.execute(gone, execution_options=WITHOUT_EVENTS)  # codes are no records: nothing to tell anybody
