"""A browser without script over HTTP, for tests that talk to a real server from several threads."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
COOKIE = re.compile(r"comptoir=([^;]+)")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    location: str
    text: str


class Client:
    """One visitor. Every request is a connection of its own, so any worker may answer."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._place = (address.hostname or "", address.port or 80)
        self._cookie = ""
        self.token = ""

    def get(self, path: str) -> Answer:
        """Open a page and remember its form token."""
        return self._ask("GET", path, None)

    def post(self, path: str, **values: str) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urlencode({"csrf_token": self.token, **values}))

    def sign_in(self, email: str, password: str) -> None:
        """Sign in, or fail the test."""
        self.get("/signin")
        answer = self.post("/signin", email=email, password=password)
        assert answer.status == 303, answer.text[-500:]
        self.get("/")

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        connection = http.client.HTTPConnection(*self._place, timeout=60)
        headers = {"Cookie": f"comptoir={self._cookie}"} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        sent = COOKIE.search(response.headers.get("Set-Cookie", ""))
        self._cookie = sent.group(1) if sent else self._cookie
        token = TOKEN.search(text)
        self.token = token.group(1) if token else self.token
        return Answer(response.status, response.headers.get("Location", ""), text)
