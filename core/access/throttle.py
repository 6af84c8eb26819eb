"""Guessing is slowed down, per account and per address, with waits that grow (T50, A45).

A try is counted under scopes such as `account:lea@example.com` and `address:192.0.2.7`. After the free ones each wait
doubles, up to five minutes, and everything is forgotten after a quarter of an hour: nobody is locked out for good.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.access.models import SignInFailure, login_key
from core.data.records import now
from core.data.session import WITHOUT_EVENTS
from core.errors import Refused
from core.i18n import lazy_plural

FREE_TRIES = 5
ADDRESS_TRIES = 50
WINDOW = datetime.timedelta(minutes=15)
LONGEST_WAIT_SECONDS = 300
LARGEST_POWER = 9

Scopes = tuple[tuple[str, int], ...]
"""Names of counters, each with how many tries are free."""


class TooManyTries(Refused):
    """Sign-in is slowed down; `seconds` until the next try is taken (T50). Pages answer 429."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            lazy_plural("Too many tries. Wait %(number)s second.", "Too many tries. Wait %(number)s seconds.", seconds)
        )
        self.seconds = seconds


def account_scope(name: str, kind: str = "account") -> Scopes:
    """The counter of a sign-in name, whether there is such an account or not."""
    return ((f"{kind}:{login_key(name)[:200]}", FREE_TRIES),)


def scopes(name: str, address: str, kind: str = "") -> Scopes:
    """The counters of a sign-in name and of an address. `kind`: what is tried; nothing for passwords."""
    account, place = (f"{kind}-account", f"{kind}-address") if kind else ("account", "address")
    return (*account_scope(name, account), *address_scope(address, place))


def address_scope(address: str, kind: str = "address") -> Scopes:
    """The counter of an address alone."""
    return ((f"{kind}:{address[:64]}", ADDRESS_TRIES),)


def slow_down(session: Session, counted: Scopes) -> None:
    """Raise `TooManyTries` while one of the counters makes one wait."""
    since = now() - WINDOW
    for scope, free in counted:
        statement = select(func.count(), func.max(SignInFailure.at)).where(
            SignInFailure.scope == scope, SignInFailure.at > since
        )
        number, last = session.execute(statement).one()
        if number >= free:
            wait = min(LONGEST_WAIT_SECONDS, 2 ** min(number - free + 1, LARGEST_POWER))
            left = wait - (now() - last).total_seconds()
            if left > 0:
                raise TooManyTries(int(left) + 1)


def count_try(session: Session, counted: Scopes) -> None:
    """Count one try. Part of a unit."""
    session.add_all(SignInFailure(scope=scope, at=now()) for scope, _free in counted)


def forget_tries(session: Session, names: Iterable[str]) -> None:
    """Forget what was counted under these scopes. Part of a unit."""
    gone = delete(SignInFailure).where(SignInFailure.scope.in_(tuple(names)))
    session.execute(gone, execution_options=WITHOUT_EVENTS)  # tries are no records: nothing to tell anybody
