"""A client of a running server: one fresh connection per request, one cookie, no library between."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    location: str
    text: str


class Caller:
    """Somebody signed in, or nobody yet."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._cookies: dict[str, str] = {}
        self.token = ""

    @property
    def cookie(self) -> str:
        """The cookies as a request sends them."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> Answer:
        """Send a request over a connection of its own. Raises `OSError` when there is none to be had."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=SECONDS)
        headers = {"Cookie": self.cookie}
        body = None
        if form is not None:
            body = urlencode({"csrf_token": self.token, **form})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            for header in response.headers.get_all("Set-Cookie") or ():
                name, _sign, value = header.partition(";")[0].partition("=")
                self._cookies[name] = value
            found = TOKEN.search(text)
            if found:
                self.token = found.group(1)
            return Answer(response.status, response.headers.get("Location", ""), text)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.ask("GET", path)

    def post(self, path: str, **form: str) -> Answer:
        """Send a form with the token of the last page."""
        return self.ask("POST", path, form)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in and fetch a form token."""
        self.get("/signin")
        answer = self.post("/signin", email=email, password=password)
        assert answer.status == 303, answer.text
        self.get("/recent")
        self.get("/thirdparties/new")
