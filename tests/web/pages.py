"""The generic pages, used as a person without script would (issue A, walks of DESIGN 11)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import TestResponse

from core.testing.site import Browser


def follow(browser: Browser, response: TestResponse) -> TestResponse:
    assert response.status_code == 303, response.text[-800:]
    return browser.get(response.headers["Location"])


def create(browser: Browser, entity: str = "thirdparties", **values: str) -> int:
    """Create a record through its form and return its id."""
    browser.get(f"/{entity}/new")
    response = browser.post(f"/{entity}/new", values)
    assert response.status_code == 303, re.findall(r'class="error"[^>]*>([^<]+)', response.text)
    return int(urlsplit(response.headers["Location"]).path.split("/")[2])


def operation_of(response: TestResponse) -> int:
    return int(parse_qs(urlsplit(response.headers["Location"]).query)["done"][0])


def fields_of(browser: Browser, path: str) -> dict[str, str]:
    """What the form at `path` holds in its inputs."""
    page = browser.get(path).text
    found = dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', page))
    found.update(re.findall(r'<input class="form-control" id="f-[^"]+" name="([^"]+)" value="([^"]*)"', page))
    return found
