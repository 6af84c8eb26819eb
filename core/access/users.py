"""Accounts: making them, changing passwords, and what must hold when one changes (US-1, US-2)."""

from __future__ import annotations

import secrets

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.access.models import User, end_sign_ins, login_key
from core.access.passwords import check_password, hash_password
from core.access.roles import read_roles
from core.contract.changes import Actor
from core.errors import NotFound, Refused
from core.fields import Email
from core.i18n import lazy as _

_email = Email()


def find_user(session: Session, name: str) -> User | None:
    """The account with this sign-in name."""
    return session.scalars(select(User).where(User.login_key == login_key(name))).first()


def any_user(session: Session) -> bool:
    """Whether the installation was set up."""
    return bool(session.scalar(select(func.count()).select_from(User)))


def add_user(
    session: Session,
    *,
    name: str,
    email: str,
    password: str,
    role: str,
    language: str | None = None,
    company: str = "",
    weak: bool = False,
) -> User:
    """Add an account; `weak` takes any password, for who sets it up by the environment. Raises `Refused` naming the field that does not fit."""
    if role not in read_roles(session):
        raise Refused(_("There is no role %(role)s", role=role), field="role")
    address = _email.parse(email)
    if address is None:
        raise Refused(_("Enter an email address like name@example.com"), field="email")
    if not name.strip():
        raise Refused(_("Enter a name"), field="name")
    if find_user(session, address) is not None:
        raise Refused(_("%(email)s has an account already", email=address), field="email")
    if not weak:
        check_password(password, name, address, company)
    user = User(
        name=name.strip()[:120], email=address, login_key=login_key(address), password_hash=hash_password(password),
        role=role, active=True, language=language,
    )  # fmt: skip
    session.add(user)
    session.flush()
    return user


def set_password(session: Session, name: str, password: str) -> User:
    """Give an account a new password and end all its sign-ins (T49). Raises `NotFound`, `Refused`."""
    user = find_user(session, name)
    if user is None:
        raise NotFound(_("There is no account %(name)s", name=name))
    check_password(password, user.name, user.email)
    keep_password(session, user, hash_password(password))
    return user


def keep_password(session: Session, user: User, password_hash: str) -> None:
    """Give an account a password that was checked and hashed already, and end all its sign-ins (T49). Part of a unit."""
    user.password_hash = password_hash
    end_sign_ins(session, user.id)


def actor_of(user: User) -> Actor:
    """The account as history and permissions see it."""
    return Actor(user.id, user.name, frozenset({user.role}))


def random_password() -> str:
    """A password nobody has to invent."""
    return "-".join(secrets.token_hex(3) for _part in range(3))
