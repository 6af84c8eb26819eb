"""Sign-in records on the server: random, hashed, revocable, with limits and throttling (A49 to A51, T48 to T52)."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.access import audit
from core.access.models import SignIn, SignInFailure, User, login_key
from core.access.passwords import hash_password, needs_rehash, verify_password
from core.access.users import find_user
from core.data.records import now
from core.data.session import WITHOUT_EVENTS
from core.errors import Refused
from core.i18n import lazy as _, lazy_plural

IDLE = datetime.timedelta(minutes=60)
ABSOLUTE = datetime.timedelta(hours=12)
SEEN_EVERY = datetime.timedelta(minutes=1)
FREE_TRIES = 5
ADDRESS_TRIES = 50
WINDOW = datetime.timedelta(minutes=15)
LONGEST_WAIT_SECONDS = 300


class TooManyTries(Refused):
    """Sign-in is slowed down; `seconds` until the next try is taken (T50). Pages answer 429."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            lazy_plural("Too many tries. Wait %(number)s second.", "Too many tries. Wait %(number)s seconds.", seconds)
        )
        self.seconds = seconds


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


def check_credentials(session: Session, name: str, password: str, address: str) -> User | None:
    """The account if name and password fit; only reads, since hashing takes time no writer should wait for.

    Raises `TooManyTries`. The caller then calls `note_failure` or `note_success` in a unit.
    """
    _slow_down(session, _scopes(name, address))
    user = find_user(session, name)
    fits = verify_password(user.password_hash if user else None, password)
    return user if fits and user is not None and user.active else None


def _scopes(name: str, address: str) -> tuple[str, str]:
    return f"account:{login_key(name)[:200]}", f"address:{address[:64]}"


def note_failure(session: Session, name: str, address: str) -> None:
    """Count a wrong password, for the account and for the address it came from."""
    audit.note(session, audit.WRONG_SIGN_IN, name)
    session.add_all(SignInFailure(scope=scope, at=now()) for scope in _scopes(name, address))


def note_success(session: Session, user_id: int, password: str) -> User:
    """Forget the account's failures, and hash anew when today's parameters are stronger."""
    user = session.get_one(User, user_id)
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    account = _scopes(user.email, "")[0]
    session.execute(delete(SignInFailure).where(SignInFailure.scope == account), execution_options=WITHOUT_EVENTS)
    return user


def _slow_down(session: Session, scopes: tuple[str, str]) -> None:
    since = now() - WINDOW
    for scope, free in zip(scopes, (FREE_TRIES, ADDRESS_TRIES), strict=True):
        statement = select(func.count(), func.max(SignInFailure.at)).where(
            SignInFailure.scope == scope, SignInFailure.at > since
        )
        number, last = session.execute(statement).one()
        if number >= free:
            wait = min(LONGEST_WAIT_SECONDS, 2 ** min(number - free + 1, 9))
            left = wait - (now() - last).total_seconds()
            if left > 0:
                raise TooManyTries(int(left) + 1)


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


def end_sign_in(session: Session, token: str) -> None:
    """End a sign-in; its cookie is worth nothing from then on (T49)."""
    audit.note(session, audit.SIGN_OUT)
    ended = update(SignIn).where(SignIn.token_hash == token_hash(token)).values(ended_at=now())
    session.execute(ended, execution_options=WITHOUT_EVENTS)  # sign-ins are no records: nothing to tell anybody


def refuse_wrong_sign_in() -> Refused:
    """The one sentence for every wrong sign-in; it never tells which half is wrong (T51)."""
    return Refused(_("The name or the password is not right"))
