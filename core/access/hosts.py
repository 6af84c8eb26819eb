"""Whom a request says it wants: only the configured public address is answered (T54, T55).

Pages and mails never begin a link with what a request calls this server. Still a foreign `Host` is refused before
anything else, so that nothing behind can be led astray by it, a cache in front included.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PORTS = {"http": 80, "https": 443}
LOCAL_NAME = "localhost"


class TrustedHost:
    """The host and port of the public address. When that is a loopback one, every name of loopback is as good."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._default_port = PORTS.get(parts.scheme, PORTS["http"])
        self._name = (parts.hostname or "").lower()
        self._port = parts.port or self._default_port
        self._loopback = is_loopback(self._name)

    def admits(self, environ: WSGIEnvironment) -> bool:
        """Whether the request is for us; forwarded names do not count, whoever sends them."""
        try:
            given = urlsplit(f"//{environ.get('HTTP_HOST', '')}")
            name, port = (given.hostname or "").lower(), given.port or self._default_port
        except ValueError:
            return False
        if given.path or given.query or given.fragment or given.username is not None or port != self._port:
            return False
        return name == self._name or (self._loopback and is_loopback(name))


def is_loopback(name: str) -> bool:
    """Whether a host name means this very machine."""
    if name == LOCAL_NAME:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
