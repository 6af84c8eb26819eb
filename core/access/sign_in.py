"""Sign-in records on the server: random, hashed, revocable, with limits and throttling (A49 to A51, T48 to T52)."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.access import audit
from core.access.models import SignIn, User
from core.access.passwords import hash_password, needs_rehash, verify_password
from core.access.throttle import Scopes, account_scope, forgive
from core.access.users import find_user
from core.data.records import now
from core.data.session import WITHOUT_EVENTS
from core.errors import Refused
from core.i18n import lazy as _

IDLE = datetime.timedelta(minutes=60)
ABSOLUTE = datetime.timedelta(hours=12)
SEEN_EVERY = datetime.timedelta(minutes=1)
RECENT = datetime.timedelta(minutes=15)
"""How long after sign-in, or after the password was given again, one may change what guards accounts (A52)."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A living sign-in and its account."""

    sign_in: SignIn
    user: User


def new_token() -> str:
    """A random reference of 256 bits for a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What of a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_sign_in(session: Session, token: str) -> SignedIn | None:
    """The living sign-in a cookie refers to: not ended, not idle too long, not too old, account active."""
    statement = select(SignIn, User).join(User, User.id == SignIn.user_id)
    row = session.execute(statement.where(SignIn.token_hash == token_hash(token))).first()
    if row is None:
        return None
    sign_in, user = row
    moment = now()
    if sign_in.ended_at is not None or not user.active:
        return None
    if moment - sign_in.seen_at > IDLE or moment - sign_in.created_at > ABSOLUTE:
        return None
    return SignedIn(sign_in, user)


def check_credentials(session: Session, name: str, password: str) -> User | None:
    """The account if name and password fit; only reads, since hashing takes time no writer should wait for.

    The caller counts the try before, with `throttle.take_try`, and then calls `note_failure` or `note_success` in a unit.
    """
    user = find_user(session, name)
    fits = verify_password(user.password_hash if user else None, password)
    return user if fits and user is not None and user.active else None


def note_failure(session: Session, name: str) -> None:
    """Note a wrong password in the audit."""
    audit.note(session, audit.WRONG_SIGN_IN, name)


def note_success(session: Session, user_id: int, password: str, tries: Iterable[int], counted: Scopes) -> User:
    """Forget the failures that hold up who has just shown who he is, and hash anew when today's parameters are stronger.

    `tries`, `counted`: the rows of this try, and what it was counted under. The counter of the address stays: others
    may be behind it.
    """
    user = session.get_one(User, user_id)
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    forgive(session, tries, [counted[0][0], *(scope for scope, _free in account_scope(user.email))])
    return user


def start_sign_in(session: Session, user: User, address: str, browser: str) -> str:
    """Begin a sign-in and return its token for the cookie (a new one each time, T48)."""
    audit.note(session, audit.SIGN_IN, user=user)
    token = new_token()
    moment = now()
    session.add(
        SignIn(
            token_hash=token_hash(token), user_id=user.id, created_at=moment, seen_at=moment, address=address[:64],
            browser=browser[:200],
        )
    )  # fmt: skip
    return token


def is_recent(sign_in: SignIn) -> bool:
    """Whether the person proved lately who he is (A52)."""
    return now() - (sign_in.confirmed_at or sign_in.created_at) <= RECENT


def confirm_sign_in(session: Session, token: str) -> str:
    """Note that the person gave the password again; the sign-in goes on under a new token (T48, A52). Part of a unit."""
    fresh = new_token()
    renewed = update(SignIn).where(SignIn.token_hash == token_hash(token), SignIn.ended_at.is_(None))
    values = {"token_hash": token_hash(fresh), "confirmed_at": now()}
    session.execute(renewed.values(values), execution_options=WITHOUT_EVENTS)  # sign-ins are no records
    return fresh


def living_sign_ins(session: Session, user_id: int) -> list[SignIn]:
    """The sign-ins of an account that still work, the one last used first (A51)."""
    moment = now()
    living = (
        SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.seen_at > moment - IDLE,
        SignIn.created_at > moment - ABSOLUTE,
    )  # fmt: skip
    return list(session.scalars(select(SignIn).where(*living).order_by(SignIn.seen_at.desc(), SignIn.id.desc())))


def end_own_sign_in(session: Session, user_id: int, sign_in_id: int) -> None:
    """End one sign-in of an account; another's number ends nothing (T35, A51). Part of a unit."""
    own = update(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id, SignIn.ended_at.is_(None))
    session.execute(own.values(ended_at=now()), execution_options=WITHOUT_EVENTS)  # sign-ins are no records


def end_sign_in(session: Session, token: str) -> None:
    """End a sign-in; its cookie is worth nothing from then on (T49)."""
    audit.note(session, audit.SIGN_OUT)
    ended = update(SignIn).where(SignIn.token_hash == token_hash(token)).values(ended_at=now())
    session.execute(ended, execution_options=WITHOUT_EVENTS)  # sign-ins are no records: nothing to tell anybody


def refuse_wrong_sign_in() -> Refused:
    """The one sentence for every wrong sign-in; it never tells which half is wrong (T51)."""
    return Refused(_("The name or the password is not right"))
