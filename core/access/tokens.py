"""Links of invitations and password resets, and sign-ins that wait for a code: random, hashed, once, for a while.

A token is 256 random bits. Stored are its hash, what it is for, whose it is, when it ends, and a binding to the
password and sign-in name of that moment: a token dies with its use, its time, a new password, a new address, and with
the account's deactivation (A48, T42, T53).
"""

from __future__ import annotations

import datetime
import hashlib

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.access.models import AccountToken, User
from core.access.sign_in import new_token, token_hash
from core.data.records import now
from core.data.session import WITHOUT_EVENTS

INVITE, RESET, CODE = "invite", "reset", "code"
LIFETIMES = {
    INVITE: datetime.timedelta(hours=24),
    RESET: datetime.timedelta(minutes=30),
    CODE: datetime.timedelta(minutes=10),
}
LINKS = (INVITE, RESET)
"""What is mailed; a `CODE` token is the cookie of somebody whose password was right."""


def issue_token(session: Session, user: User, purpose: str) -> str:
    """A new token; earlier ones of the same purpose are worth nothing from now on. Part of a unit."""
    end_tokens(session, user.id, purpose)
    token, moment = new_token(), now()
    session.add(
        AccountToken(
            token_hash=token_hash(token), purpose=purpose, user_id=user.id, binding=_binding(user), created_at=moment,
            expires_at=moment + LIFETIMES[purpose],
        )
    )  # fmt: skip
    return token


def find_token(session: Session, token: str, *purposes: str) -> tuple[AccountToken, User] | None:
    """The token and its account while it is worth something, else None. Only reads."""
    statement = select(AccountToken, User).join(User, User.id == AccountToken.user_id)
    row = session.execute(statement.where(AccountToken.token_hash == token_hash(token))).first()
    if row is None:
        return None
    found, user = row
    living = found.used_at is None and found.expires_at > now() and user.active
    if not living or found.purpose not in purposes or found.binding != _binding(user):
        return None
    return found, user


def use_token(session: Session, token: str, *purposes: str) -> User | None:
    """The account, and the token is used up: of two who come at once only one gets it. Part of a unit."""
    found = find_token(session, token, *purposes)
    if found is None:
        return None
    unused = update(AccountToken).where(AccountToken.id == found[0].id, AccountToken.used_at.is_(None))
    taken = session.execute(unused.values(used_at=now()), execution_options=WITHOUT_EVENTS)
    return found[1] if taken.rowcount else None  # type: ignore[attr-defined]  # an UPDATE has one


def end_tokens(session: Session, user_id: int, *purposes: str) -> None:
    """Make the tokens of an account worthless. Part of a unit."""
    own = (AccountToken.user_id == user_id, AccountToken.purpose.in_(purposes), AccountToken.used_at.is_(None))
    ended = update(AccountToken).where(*own).values(used_at=now())
    session.execute(ended, execution_options=WITHOUT_EVENTS)  # tokens are no records: nothing to tell anybody


def _binding(user: User) -> str:
    return hashlib.sha256(f"{user.id}\n{user.login_key}\n{user.password_hash}".encode()).hexdigest()
