"""Texts that try to run, typed into every box of every form, loaded from a file and sent as file names; then every page is
opened in Chromium (T08 to T10, T13, T14, T17 to T19)."""

from __future__ import annotations

import csv
import itertools
from contextlib import closing
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from markupsafe import escape
from playwright.sync_api import Browser as Chromium
from werkzeug.test import TestResponse

from core.exchange.load import Plan, load_file
from core.features.demo import load_demo
from core.testing.site import PASSWORD, Browser, Site
from tests.browser.desk import Watch
from tests.browser.server import serving
from tests.payloads import HIT, MARKUP
from tests.walks.controls import NEVER, Walk, shape

BREAKING_OUT = (
    f'"><img src=x onerror={HIT}>',
    f"' autofocus onfocus={HIT} x='",
    f'" onmouseover={HIT} x="',
    f"</title><script>{HIT}</script>",
    f"</textarea><script>{HIT}</script>",
    f"</option></select><img src=x onerror={HIT}>",
    f"--><script>{HIT}</script>",
    f"{{{{constructor.constructor('{HIT}')()}}}}",
    f"{{{{ 7*7 }}}}{{% if 1 %}}<img src=x onerror={HIT}>{{% endif %}}",
    f'<div x-data="{HIT}" hx-on:click="{HIT}" data-hx-get="/signout" hx-trigger="load">x</div>',
    f"javascript:{HIT}",
    f"\u202e<script>{HIT}</script>",
)
"""What leaves an attribute, a title, a comment, or wakes a library that reads templates in the page (T09, T17)."""
CORPUS = (*BREAKING_OUT, *MARKUP)
LEADING = {"href", "src", "action", "formaction", "data", "xlink:href", "hx-get", "hx-post"}
ROUNDS = 1
"""How many texts of the corpus each form gets; which they are goes on from form to form."""


class Running(HTMLParser):
    """Finds what would run in a page: our own pages have no handlers and no script within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for name, value in attrs:
            address = "".join((value or "").split()).lower()
            leads = name in LEADING and address.startswith(("javascript:", "vbscript:", "data:text"))
            if leads or name.startswith(("on", "hx-on", "x-data")):
                self.found.append(f"{tag} {name}={value}")
        if tag in ("base", "iframe", "object", "embed", "math", "marquee"):
            self.found.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and HIT in data:
            self.found.append(f"script {data}")


class Poisoner:
    """Sends the corpus through every form there is, and looks at each answer."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.browser: Browser = walk.browser
        self.texts = itertools.cycle(CORPUS)
        self.kept: set[str] = set()
        self.running: list[str] = []

    def look(self, where: str, answer: TestResponse) -> None:
        """Remember what would run in an answer."""
        if answer.mimetype == "text/html" and not where.startswith("/mail/templates"):  # a preview stands in a frame
            self.running += [f"{where}: {found}" for found in Running(answer.text).found]

    def all_forms(self) -> None:
        """Every form with a box for text, a few times: all its boxes at once, else one after the other."""
        for address, form, button in list(self.walk.forms.values()):
            if form.method != "post" or not form.texts or NEVER.match(button[0]):
                continue
            for _round in range(ROUNDS):
                if not self.send(address, form, button, form.texts):
                    for name in form.texts:
                        self.send(address, form, button, [name])

    def send(self, address: str, form: object, button: tuple[str, str, str], names: list[str]) -> bool:
        """Send a form with the next text in some of its boxes; whether it was taken."""
        fresh = self.walk.fresh(address, form, button)  # type: ignore[arg-type]
        text = next(self.texts)
        data: dict[str, list[str]] = {}
        for name, value in [*fresh.values, *([(button[1], button[2])] if button[1] else [])]:
            data.setdefault(name, []).append(text if name in names else value)
        answer = self.browser.client.post(button[0] or address, data=data, buffered=True)
        self.look(f"{address} answers {names}", answer)
        assert answer.status_code < 500, (address, names, text)
        if answer.status_code not in (200, 303):
            return False
        self.kept |= {f"{shape(button[0] or address)} {name}" for name in names}
        if answer.status_code == 303 and answer.location.startswith("/"):
            self.look(answer.location, self.browser.get(answer.location))
        return True

    def records(self) -> int:
        """A third party named after each text, so that lists, pickers and messages show all of them; the first one's id."""
        first, refused = 0, list[str]()
        for text in CORPUS:
            self.browser.get("/thirdparties/new")
            answer = self.browser.post(
                "/thirdparties/new", {"name": text, "town": text[:60], "role": "prospect", "anyway": "1"}
            )
            self.look("/thirdparties/new", answer)
            if answer.status_code == 422:  # marks that turn the writing round, and tabs
                refused.append(text)
                continue
            sheet = self.browser.get(answer.location)
            assert str(escape(text.strip())) in sheet.text, text
            self.look(answer.location, sheet)
            first = first or int(answer.location.partition("?")[0].rsplit("/", 1)[1])
        assert refused == [text for text in CORPUS if {"\u202e", "\t"} & set(text)]
        return first

    def files(self, record_id: int) -> None:
        """Files named after the texts (T10)."""
        for text in CORPUS:
            self.browser.get(f"/thirdparties/{record_id}?tab=files")
            named = {"csrf_token": self.browser.token, "files": (BytesIO(b"x"), f"{text[:150]}.txt")}
            answer = self.browser.client.post(f"/thirdparties/{record_id}/files", data=named, buffered=True)
            assert answer.status_code in (303, 422), (text, answer.status_code)
        self.look("files", self.browser.get(f"/thirdparties/{record_id}?tab=files"))

    def questions(self) -> None:
        """Texts in the question of an address (T13)."""
        for text in CORPUS:
            word = quote(text)
            for path in (
                "/thirdparties?q=",
                "/search?q=",
                "/thirdparties?f=town:contains:",
                "/thirdparties?sort=",
                "/x/",
            ):
                self.look(path, self.browser.get(f"{path}{word}"))


class Poisoned(NamedTuple):
    """An installation full of texts that try to run. `pages`: one address of each shape."""

    var: Path
    email: str
    pages: list[str]
    poisoner: Poisoner


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Poisoned:
    """What an administrator can type, typed."""
    var = tmp_path_factory.mktemp("hostile")
    with closing(Site(f"sqlite:///{var / 'comptoir.db'}", var)) as site:
        site.enable(*site.runtime.discovery.found)
        email = site.add_person("Alice")
        context = site.context(site.people["Alice"])
        load_demo(context)
        browser = site.browser()
        poisoner = Poisoner(Walk(browser, lambda: 0))
        poisoner.walk.open("/")
        poisoner.all_forms()
        first = poisoner.records()
        poisoner.files(first)
        poisoner.questions()
        rows = var / "rows.csv"
        with rows.open("w", newline="") as file:
            csv.writer(file).writerows([("Name", "Town"), *((f"Loaded {text}", text) for text in CORPUS)])
        entity = site.runtime.generation.registry.entity("thirdparty")
        load_file(site.context(site.people["Alice"]), Plan(entity, {"name": "Name", "town": "Town"}, {}, []), rows, int)
        after = Walk(browser, lambda: 0)
        after.open("/")
        pages = [
            *after.pages,
            *(f"/thirdparties?per=200&q={word}" for word in ("onerror", "script")),
            f"/thirdparties/{first}?tab=files",
        ]
    return Poisoned(var, email, pages, poisoner)


@pytest.mark.covers("MO-6b")
@pytest.mark.timeout(600)
class TestHostileTexts:
    def test_they_are_kept_as_they_are_and_no_answer_would_run_them(self, poisoned: Poisoned) -> None:
        assert not poisoned.poisoner.running, "\n".join(poisoned.poisoner.running[:20])
        boxes = {kept.rpartition(" ")[2] for kept in poisoned.poisoner.kept}
        assert boxes >= {"name", "text", "town", "body"}, boxes

    def test_nothing_runs_on_any_page(self, poisoned: Poisoned, browser: Chromium) -> None:
        """No script, no console error, no report of the policy."""
        watch = Watch()
        with serving(poisoned.var, demo=False) as server:
            context = browser.new_context(base_url=server.url, locale="en-GB", reduced_motion="reduce")
            watch.over(context)
            tab = context.new_page()
            tab.goto("/signin")
            tab.locator("#email").fill(poisoned.email)
            tab.locator("#password").fill(PASSWORD)
            tab.keyboard.press("Enter")
            tab.wait_for_url(f"{server.url}/")
            ran = []
            for address in poisoned.pages:
                tab.goto(address)
                if tab.evaluate("window.__hit ?? null") is not None:
                    ran.append(address)
            context.close()
        assert len(poisoned.pages) > 60
        assert not ran
        assert not watch.faults, "\n".join(watch.faults)
