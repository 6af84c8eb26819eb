"""Forms that were sent after the sign-in had expired: kept a short while, for the same person, to be sent once (UX 2.4).

A form is kept only when it came from a page this very browser was given (its form token fits the cookie) while
somebody was signed in there. Only that person finds it again, after signing in, by a random reference.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.access.models import KeptForm, SignIn, User
from core.access.sign_in import new_token, token_hash
from core.data.records import now
from core.data.session import WITHOUT_EVENTS

LIFETIME = datetime.timedelta(minutes=30)
KEPT_PER_PERSON = 5
"""More are not kept at a time: the oldest goes."""
LONGEST_PATH = 2000


def expired_user(session: Session, token: str) -> User | None:
    """Whose sign-in this cookie was until it expired by itself; None when it was ended, or the account was."""
    statement = select(User).join(SignIn, User.id == SignIn.user_id)
    own = (SignIn.token_hash == token_hash(token), SignIn.ended_at.is_(None), User.active)
    return session.scalars(statement.where(*own)).first()


def keep_form(session: Session, user_id: int, path: str, values: Sequence[tuple[str, str]], back: str) -> str:
    """Keep a form and return the reference by which its owner finds it. Part of a unit."""
    own = select(KeptForm.token_hash).where(KeptForm.user_id == user_id).order_by(KeptForm.created_at.desc())
    surplus = session.scalars(own.offset(KEPT_PER_PERSON - 1)).all()
    if surplus:
        _delete(session, KeptForm.token_hash.in_(surplus))
    token = new_token()
    session.add(
        KeptForm(
            token_hash=token_hash(token), user_id=user_id, path=path, fields=[list(pair) for pair in values], back=back,
            created_at=now(),
        )
    )  # fmt: skip
    return token


def find_kept_form(session: Session, token: str, user_id: int) -> KeptForm | None:
    """The form, while it is kept and for the person who sent it. Only reads."""
    found = session.get(KeptForm, token_hash(token))
    if found is None or found.user_id != user_id or now() - found.created_at > LIFETIME:
        return None
    return found


def use_kept_form(session: Session, token: str, user_id: int) -> bool:
    """Give the form up because it is sent now: of two who send it only one may. Part of a unit."""
    return find_kept_form(session, token, user_id) is not None and _delete(
        session, KeptForm.token_hash == token_hash(token)
    )


def _delete(session: Session, which: object) -> bool:
    gone = session.execute(delete(KeptForm).where(which), execution_options=WITHOUT_EVENTS)  # type: ignore[arg-type]
    return bool(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE has one
