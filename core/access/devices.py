"""Browsers somebody signed in with before: strangers who guess cannot keep the owner out of them (T50, A45).

A device has a sealed reference in a cookie, with the sign-in name it is for. It proves nothing and opens nothing: tries
from it are only counted apart from those of everybody else, and slowed down like them.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence

from core.access.models import User, login_key
from core.access.sealing import seal, unseal
from core.access.throttle import Scopes, own_scope, scopes

PURPOSE = b"comptoir known device"
LASTS = datetime.timedelta(days=365)
REFERENCE_BYTES = 16


def new_device(keys: Sequence[bytes], user: User) -> str:
    """What the browser of a person keeps from now on."""
    return seal(keys, PURPOSE, f"{secrets.token_hex(REFERENCE_BYTES)}:{user.login_key}")


def known_device(keys: Sequence[bytes], sealed: str, name: str) -> str:
    """The reference of a device on which this account signed in before, else nothing."""
    reference, _colon, whose = unseal(keys, PURPOSE, sealed, seconds=int(LASTS.total_seconds())).partition(":")
    return reference if whose and whose == login_key(name) else ""


def counters(keys: Sequence[bytes], sealed: str, name: str, address: str, kind: str = "") -> Scopes:
    """What a try is counted under: the device alone when it is known, else account and address. `kind`: what is tried."""
    device = known_device(keys, sealed, name) if sealed else ""
    return own_scope(f"{kind}-device" if kind else "device", device) if device else scopes(name, address, kind)
