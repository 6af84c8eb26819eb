"""One search over all lists, and what the command palette offers (UX 1.3)."""

from __future__ import annotations

import html
import json
import re
from types import ModuleType

import pytest

from core.api import Command, hookimpl
from core.errors import ContractError, PluginError
from core.testing.site import Browser, Site
from plugins.leads import hooks as leads_hooks
from tests.walks.test_statements import sent_for
from tests.web.people import ROLES, Firm, open_firm
from tests.web.test_scopes import SEES, names_in

SCRIPT = {"HX-Request": "true"}
STATEMENTS = 6
"""Of a search: account and rights, the gate, settings, the bell, and one for all lists."""


@pytest.fixture
def browser(sales: Site) -> Browser:
    made = sales.browser()
    made.post("/thirdparties/new", {"name": "Zinc SARL", "email": "office@zinc.example", "phone": "+33 1 99 00 12 34"})
    made.post("/leads/new", {"name": "Zoé Zincoune", "email": "zoe@post.example"})
    return made


def links(text: str) -> list[tuple[str, str]]:
    """Address and words of what was found."""
    part = text.split('<main id="main"', 1)[-1].split("</main>")[0]
    found = re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(?:<svg.*?</svg>)?(?:<span>)?([^<]+)<', part)
    return [(html.unescape(url), html.unescape(words)) for url, words in found]


@pytest.mark.covers("UI-1d")
@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("zinc", {"Zinc SARL", "Zoé Zincoune"}), ("ZINC sarl", {"Zinc SARL"}), ("zoe z", {"Zoé Zincoune"}),
        ("office@zinc", {"Zinc SARL"}), ("99 00 12", {"Zinc SARL"}), ("990012", {"Zinc SARL"}), ("CU", {"Zinc SARL"}),
        ("copper", set()), ("%", set()), ("x" * 5000, set()), ("\u0000\n", None),
    ],
)  # fmt: skip
def test_what_is_found(browser: Browser, typed: str, names: set[str] | None) -> None:
    answer = browser.get("/search", query_string={"q": typed})
    assert answer.status_code == 200
    assert {words for url, words in links(answer.text) if url.startswith(("/thirdparties/", "/leads/"))} == (
        names or set()
    )
    assert ("Nothing was found." in answer.text) == (names == set())
    assert ("Searches names, codes" in answer.text) == (names is None)


def test_a_list_shows_all_of_it(browser: Browser) -> None:
    for number in range(12):
        browser.post("/thirdparties/new", {"name": f"Iron {number}"})
    shown = links(browser.get("/search?q=iron").text)
    assert len([url for url, _words in shown if re.fullmatch(r"/thirdparties/\d+", url)]) == 10
    assert ("/thirdparties?q=iron", "All results in “Third parties”") in shown
    assert browser.get("/thirdparties?q=iron").text.count("<tr id=") == 12


def test_names_that_begin_so_come_first(browser: Browser) -> None:
    browser.post("/thirdparties/new", {"name": "A Zinc Works"})
    words = [words for url, words in links(browser.get("/search?q=zinc").text) if url.startswith("/thirdparties/")]
    assert words == ["Zinc SARL", "A Zinc Works"]


def test_nothing_of_what_is_hidden(sales: Site) -> None:
    firm: Firm = open_firm(sales)
    for who in ROLES:
        for address in ("/search?q=CU", "/search?q=cu2", "/palette?q=cu", "/palette"):
            shown = firm.browsers[who].get(address, headers=SCRIPT if "palette" in address else {})
            if address.startswith("/search"):
                assert names_in(shown.text) == SEES[who], (who, address)
            elif address == "/palette":  # the last ones are those of one's own
                assert names_in(shown.text) == {who} & SEES[who], who
            else:
                assert names_in(shown.text) <= SEES[who], who
                assert bool(names_in(shown.text)) == bool(SEES[who])


def test_the_number_of_statements_is_bounded(browser: Browser, sales: Site) -> None:
    counts = []
    for number in (1, 20):
        for index in range(number):
            browser.post("/thirdparties/new", {"name": f"Zinc {number} {index}"})
        sent = sent_for(sales, browser, "/search?q=zinc")
        counts.append(len(sent))
        assert len(sent) <= STATEMENTS, "\n".join(sent)
    assert counts[0] == counts[1]


def options(browser: Browser, typed: str = "", page: str = "/") -> dict[str, tuple[str, list[list[str]] | None]]:
    """What the palette offers: words -> address, and what is posted."""
    answer = browser.get("/palette", query_string={"q": typed, "ctx": page}, headers=SCRIPT)
    assert answer.status_code == 200
    found = re.findall(
        r'role="option"[^>]* href="([^"]+)"(?: data-fields="([^"]*)")?>.*?<span>(.*?)</span>', answer.text
    )
    return {
        html.unescape(words): (html.unescape(url), json.loads(html.unescape(fields)) if fields else None)
        for url, fields, words in found
    }


def test_without_script_the_palette_is_the_search(browser: Browser) -> None:
    assert browser.get("/palette?q=zinc").location == "/search?q=zinc"
    assert '<form class="search-top" action="/search"' in browser.get("/").text


@pytest.mark.covers("UI-1d")
def test_the_palette_before_anything_is_typed(browser: Browser) -> None:
    offered = options(browser)
    assert list(offered)[:2] == ["Zoé Zincoune", "Zinc SARL"]
    assert "Third parties to contact" in offered
    assert "Home" not in offered


def test_the_palette_finds_pages_settings_and_carries_a_name(browser: Browser) -> None:
    assert options(browser, "trash")["Trash"] == ("/trash", None)
    assert options(browser, "role new third")["Role of a new third party"][0] == "/admin/modules/thirdparty/settings"
    url, fields = options(browser, "Copper & Co")["Prospect “Copper & Co”"]
    assert fields is None
    assert 'value="Copper &amp; Co"' in browser.get(url).text


def test_the_palette_of_a_record_does_what_its_page_does(browser: Browser) -> None:
    sheet = next(url for url, words in links(browser.get("/search?q=sarl").text) if words == "Zinc SARL")
    offered = options(browser, page=f"{sheet}?tab=details")
    for words in ("Set Zinc SARL to Contacted", "Convert to customer"):
        url, fields = offered[words]
        assert fields is not None
        done = browser.post(url, dict(fields))
        assert (done.status_code, done.location.partition("?")[0]) == (303, sheet)
    assert "Contacted" in browser.get(sheet).text
    assert "Convert to customer" not in options(browser, page=sheet)


@pytest.mark.parametrize(
    "page", ["", "//evil.example/x", "/thirdparties/9999999", "/no/such/page", "x", "/thirdparties/1/edit"]
)
def test_a_page_that_is_none_has_no_commands_of_its_own(browser: Browser, page: str) -> None:
    assert not [words for words, (_url, fields) in options(browser, page=page).items() if fields is not None]


def test_a_reader_is_offered_no_changes(sales: Site, browser: Browser) -> None:
    firm = open_firm(sales)
    offered = options(firm.browsers["Nora"], "zinc", "/thirdparties/1")
    assert offered == {}


class TestDeclared:
    """What the build refuses: each would be a dead entry in the palette of everybody."""

    @pytest.mark.parametrize(
        "command",
        [
            Command("a", "Nowhere", "nowhere.index"),
            Command("a", "No such list", "records.index", context="list", entity="nothing"),
            Command("a", "No record", "records.sheet", context="list"),
        ],
    )
    def test_one_that_leads_nowhere(self, sales: Site, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
        declare(monkeypatch, leads_hooks, command)
        sales.disable("leads")
        with pytest.raises(PluginError, match="leads nowhere"):
            sales.enable("leads")

    def test_two_of_one_name(self, sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        declare(monkeypatch, leads_hooks, Command("a", "A", "home.index"), Command("a", "B", "home.index"))
        sales.disable("leads")
        with pytest.raises(PluginError, match="there twice"):
            sales.enable("leads")

    def test_one_that_is_offered_anywhere_does_nothing_by_itself(self) -> None:
        with pytest.raises(ContractError):
            Command("a", "A", "home.index", method="post")
        with pytest.raises(ContractError):
            Command("a", "A", "home.index", context="nowhere")  # type: ignore[arg-type]


def declare(monkeypatch: pytest.MonkeyPatch, hooks: ModuleType, *found: Command) -> None:
    @hookimpl
    def commands() -> tuple[Command, ...]:
        return found

    monkeypatch.setattr(hooks, "commands", commands, raising=False)
