"""The cookie by which a browser is known again at sign-in (T50)."""

from __future__ import annotations

from flask import Response, request

from core.access.devices import LASTS, counters, new_device
from core.access.models import User
from core.access.throttle import Scopes
from core.web.current import here

PLAIN_COOKIE = "comptoir_device"
SECURE_COOKIE = "__Host-comptoir_device"


def _cookie() -> tuple[str, bool]:
    secure = here().runtime.config.public_url.startswith("https:")
    return (SECURE_COOKIE if secure else PLAIN_COOKIE), secure


def counted_under(name: str, kind: str = "") -> Scopes:
    """What a try of this request is counted under. `kind`: what is tried; nothing for passwords."""
    keys = here().runtime.config.secret_keys
    return counters(keys, request.cookies.get(_cookie()[0], ""), name, request.remote_addr or "", kind)


def remember_device(response: Response, user: User) -> Response:
    """Let the browser be known from now on; only once nothing more is asked of whoever signs in."""
    cookie, secure = _cookie()
    sealed = new_device(here().runtime.config.secret_keys, user)
    seconds = int(LASTS.total_seconds())
    response.set_cookie(cookie, sealed, max_age=seconds, secure=secure, httponly=True, samesite="Lax", path="/")
    return response
