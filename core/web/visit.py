"""The browser's visit: one random cookie, and a form token bound to it (SECURITY 7.18, 7.19).

The cookie refers to a sign-in record on the server; before sign-in it is only the anchor of the form token. Nothing
else is stored with the visitor, so `flask.session` here holds just the token that Flask-WTF asks for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin

from core.access.sign_in import new_token

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
PLAIN_COOKIE = "comptoir"
SECURE_COOKIE = "__Host-comptoir"
FORM_TOKEN = "csrf_token"


class Visit(dict[str, Any], SessionMixin):
    """One request's view of the visit."""

    def __init__(self, token: str, key: bytes, *, known: bool) -> None:
        super().__init__()
        self._key = key
        self.token = token
        self.send = not known
        self.end = False
        self._bind()

    def _bind(self) -> None:
        self[FORM_TOKEN] = hmac.new(self._key, f"form:{self.token}".encode(), hashlib.sha256).hexdigest()

    def replace(self, token: str) -> None:
        """Go on under another reference: at sign-in and sign-out (T48)."""
        self.token = token
        self.send = True
        self._bind()


class VisitInterface(SessionInterface):
    """Reads and writes the cookie. `secure`: whether the public address is https (A26)."""

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self._key = key
        self._secure = secure
        self._cookie = SECURE_COOKIE if secure else PLAIN_COOKIE

    def open_session(self, app: Flask, request: Request) -> Visit:
        """The visit the cookie names, or a new one."""
        token = request.cookies.get(self._cookie, "")
        known = TOKEN.fullmatch(token) is not None
        return Visit(token if known else new_token(), self._key, known=known)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie when the reference is new."""
        if isinstance(session, Visit) and session.send:
            response.set_cookie(
                self._cookie, session.token, secure=self._secure, httponly=True, samesite="Lax", path="/"
            )
            response.vary.add("Cookie")
