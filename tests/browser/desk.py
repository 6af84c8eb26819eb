"""One tab of one person: what the tests see and press, by role and name, in the person's language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import (
    APIResponse,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    expect as expect,
)

from tests.browser.words import word

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
COUNTER = """document.addEventListener('pointerdown', (event) => {
    if (event.isTrusted) sessionStorage.setItem('presses', Number(sessionStorage.getItem('presses')) + 1);
}, true)"""
"""Listens behind Playwright, which lets through no press that would not reach its target, and tries again."""
REFUSED = re.compile(r"^Failed to load resource: the server responded with a status of 4\d\d")
"""What Chromium says of an answer that refuses: the tests look at those themselves."""
numbers = itertools.count(1)


@dataclass
class Watch:
    """Everything that must not happen in a tab: errors of script, of the policy, of the server."""

    faults: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Listen to all tabs of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"page error: {error.error}"))
        context.on("response", self._response)
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not REFUSED.match(message.text):
            self.faults.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status}: {response.request.method} {response.url}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).path == "/csp-report":
            self.faults.append(f"report of the content security policy: {request.post_data}")


class Desk:
    """A tab; `say` gives words in the language it is used in."""

    def __init__(self, page: Page, language: str, watch: Watch) -> None:
        self.page = page
        self.language = language
        self.watch = watch

    # -- words and places --------------------------------------------------------------------------------------------
    def say(self, text: str, context: str | None = None, **values: Any) -> str:
        """A word or sentence in the language of this tab."""
        return word(self.language, text, context, **values)

    def by(self, role: Any, text: str, inside: Locator | Page | None = None, **values: Any) -> Locator:
        """What has this role and exactly this name."""
        return (inside or self.page).get_by_role(role, name=self.say(text, **values), exact=True)

    def exact(self, role: Any, name: str) -> Locator:
        """As `by`, for a name that is no word of ours."""
        return self.page.get_by_role(role, name=name, exact=True)

    def go(self, path: str) -> None:
        """Open an address."""
        self.page.goto(path)

    @property
    def path(self) -> str:
        """The address without its question."""
        return urlsplit(self.page.url).path

    @property
    def asks(self) -> list[tuple[str, str]]:
        """The question in the address, in order of names, without what was done last."""
        return sorted(
            pair for pair in parse_qsl(urlsplit(self.page.url).query) if pair[0] not in ("done", "told", "module")
        )

    def wait_asks(self, *pairs: tuple[str, str]) -> None:
        """Wait for the question in the address; a swap changes it a moment after the page."""
        for _try in range(50):
            if self.asks == sorted(pairs):
                return
            self.page.wait_for_timeout(100)
        assert self.asks == sorted(pairs)

    def heading(self, text: str) -> None:
        """Wait for the page that is called so."""
        expect(self.page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()

    def told(self, text: str) -> Locator:
        """Wait for a message that says this, and return it with its buttons."""
        message = self.page.locator("[data-message]").filter(has_text=text)
        expect(message).to_be_visible()
        return message

    def row(self, name: str) -> Locator:
        """The row of a list that is about a record."""
        return self.page.locator("table.rows tbody tr").filter(has=self.page.get_by_role("link", name=name, exact=True))

    def names(self) -> list[str]:
        """The first column of the list."""
        return self.page.locator("table.rows tbody th[scope=row] > a").all_inner_texts()

    def open_menu(self, text: str, **values: Any) -> Locator:
        """Open a menu by its button and return it."""
        self.by("button", text, **values).click()
        menu = self.page.locator("[role=menu]:popover-open")
        expect(menu).to_be_visible()
        return menu

    def unfold(self) -> None:
        """Open every folded group of a form."""
        folded = self.page.locator("details:not([open]) > summary")
        while folded.count():
            folded.first.click()

    # -- keys and presses --------------------------------------------------------------------------------------------
    def keys(self, *pressed: str) -> None:
        """Press keys one after the other."""
        for key in pressed:
            self.page.keyboard.press(key)

    def focused(self) -> str:
        """Tag, id and name of what has the focus."""
        found: str = self.page.evaluate(
            "() => { const a = document.activeElement;"
            " return a ? [a.tagName.toLowerCase(), a.id, a.ariaLabel ?? a.name ?? ''].join('|') : ''; }"
        )
        return found

    def assert_focus_is_somewhere(self) -> None:
        """Focus is never on the body after a swap."""
        self.page.wait_for_function("() => document.activeElement && document.activeElement !== document.body")

    @contextmanager
    def presses(self, most: int) -> Iterator[None]:
        """Fail when the block needs more pointer presses than the target of UX 6."""
        before = self._pressed()
        yield
        used = self._pressed() - before
        assert used <= most, f"{used} presses, {most} is the target"

    def _pressed(self) -> int:
        return int(self.page.evaluate("() => Number(sessionStorage.getItem('presses'))"))

    # -- quick work behind the scenes --------------------------------------------------------------------------------
    def post(self, path: str, form_page: str = "/recent", **values: str) -> APIResponse:
        """Send a form without looking at it, as this person."""
        token = TOKEN.search(self.page.request.get(form_page).text())
        assert token, f"{form_page} has no form"
        return self.page.request.post(path, form={"csrf_token": token.group(1), **values}, max_redirects=0)

    def create(self, name: str = "", entity: str = "thirdparties", **values: str) -> Made:
        """A record of this test's own."""
        name = name or f"Quenouille {next(numbers):03}"
        answer = self.post(f"/{entity}/new", name=name, anyway="1", **values)
        assert answer.status == 303, answer.text()[-600:]
        path = urlsplit(answer.headers["location"]).path
        return Made(name, path, int(path.rsplit("/", 1)[1]))


@dataclass(frozen=True)
class Made:
    """A record a test made."""

    name: str
    path: str
    id: int
