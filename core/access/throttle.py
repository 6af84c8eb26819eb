"""Guessing is slowed down, per account and per address, with waits that grow (T50, A45).

A try is counted under scopes such as `account:lea@example.com` and `address:192.0.2.7`, before it is looked at: tries
that come at once do not all find the counter low. After the free ones each wait doubles, up to five minutes, and
everything is forgotten after a quarter of an hour: nobody is locked out for good. A browser the owner signed in with
before has a counter of its own, so that strangers cannot keep the owner out at all.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from core.access.models import SignInFailure, login_key
from core.data.records import now
from core.data.session import WITHOUT_EVENTS
from core.errors import Refused
from core.i18n import lazy_plural

if TYPE_CHECKING:
    from core.data.unit import Unit

FREE_TRIES = 5
ADDRESS_TRIES = 50
WINDOW = datetime.timedelta(minutes=15)
LONGEST_WAIT_SECONDS = 300
LARGEST_POWER = 9
ONE_CUSTOMER = 64
"""Bits of an IPv6 address that say whose it is; the others its owner chooses as he likes."""

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
    """The counter of an address alone; of IPv6 that of its network."""
    return ((f"{kind}:{_place(address)}", ADDRESS_TRIES),)


def own_scope(kind: str, reference: str) -> Scopes:
    """The counter of one known device, or of one sign-in: what strangers try does not count there."""
    return ((f"{kind}:{reference}", FREE_TRIES),)


def _place(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, ONE_CUSTOMER), strict=False))
        return str(found.ipv4_mapped)
    return str(found)


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


def take_try(unit: Unit, counted: Scopes) -> list[int]:
    """Count one try, unless one must wait; returns the numbers of its rows, for `forgive`. Raises `TooManyTries`.

    Who tries under the same scope at the same time waits for this unit.
    """
    if not unit.context.database.is_sqlite:  # there a writing unit is alone anyway
        for scope, _free in sorted(counted):
            unit.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(scope))))
    slow_down(unit.session, counted)
    return count_try(unit.session, counted)


def count_try(session: Session, counted: Scopes) -> list[int]:
    """Count one try; returns the numbers of its rows. Part of a unit."""
    rows = [SignInFailure(scope=scope, at=now()) for scope, _free in counted]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def forgive(session: Session, tries: Iterable[int], names: Iterable[str]) -> None:
    """Forget a try that was right, and what else was counted under these scopes. Part of a unit."""
    gone = delete(SignInFailure).where(or_(SignInFailure.id.in_(list(tries)), SignInFailure.scope.in_(tuple(names))))
    session.execute(gone, execution_options=WITHOUT_EVENTS)  # tries are no records: nothing to tell anybody


def forget_tries(session: Session, names: Iterable[str]) -> None:
    """Forget what was counted under these scopes. Part of a unit."""
    gone = delete(SignInFailure).where(SignInFailure.scope.in_(tuple(names)))
    session.execute(gone, execution_options=WITHOUT_EVENTS)  # tries are no records: nothing to tell anybody
