"""Home in each person's order, first steps, help, and the choices kept on the account (UX 1.6, 2.14, 2.15)."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import update

from core.access.models import User
from core.access.preferences import Preferences, preferences_of
from core.testing.site import Browser, Site

THIRDPARTIES, LEADS, LATEST = "Third parties by contact status", "Leads by status", "Latest changes"


@pytest.fixture
def browser(sales: Site) -> Browser:
    return sales.browser()


def cards(browser: Browser, address: str = "/") -> list[str]:
    """The headings of the cards, in their order."""
    main = browser.get(address).text.partition('<main id="main"')[2]
    found = re.findall(r'<h2 class="card-head" id="w\d+">([^<]+)<', main)
    return [html.unescape(one) for one in found]


def press(browser: Browser, label: str, address: str = "/?arrange=1") -> None:
    """Press a button of the page by its name, as a browser without script does."""
    text = browser.get(address).text
    text = re.sub(r"(<button form=.*?</button>)", r'<form action="/preferences">\1</form>', text, flags=re.DOTALL)
    for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
        for tag, words in re.findall(r"(<button\b[^>]*>)(.*?)</button>", form, re.DOTALL):
            named = re.search(r'aria-label="([^"]*)"', tag)
            said = named[1] if named else re.sub(r"<svg.*?</svg>|<span aria-hidden.*?</span>", "", words).strip()
            if html.unescape(said) == label:
                fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
                fields |= dict(re.findall(r' name="(\w+)" value="(\w+)"', tag))
                action = re.search(r'action="([^"]+)"', form)
                assert action
                assert browser.post(action[1], fields).status_code == 303
                return
    raise AssertionError(f"no button {label!r}")


@pytest.mark.covers("UI-5a")
def test_cards_in_the_order_of_each_person(sales: Site, browser: Browser) -> None:
    assert cards(browser) == [THIRDPARTIES, LEADS, LATEST]
    press(browser, f"Move {LEADS} up")
    assert cards(browser) == [LEADS, THIRDPARTIES, LATEST]
    press(browser, f"Move {LEADS} down")
    press(browser, f"Move {LATEST} up")
    assert cards(browser) == [THIRDPARTIES, LATEST, LEADS]
    press(browser, f"Hide {THIRDPARTIES}")
    assert cards(browser) == [LATEST, LEADS]
    press(browser, f"Move {LEADS} up")
    assert cards(sales.browser("Alice")) == [LEADS, LATEST]
    assert cards(sales.browser("Paul")) == [THIRDPARTIES, LEADS, LATEST]
    press(browser, f"Show {THIRDPARTIES}")
    assert set(cards(browser)) == {THIRDPARTIES, LEADS, LATEST}


def test_a_card_of_a_module_that_was_off_keeps_its_place(sales: Site, browser: Browser) -> None:
    press(browser, f"Move {LEADS} up")
    sales.disable("leads")
    assert cards(browser) == [THIRDPARTIES, LATEST]
    sales.enable("leads")
    assert cards(browser) == [LEADS, THIRDPARTIES, LATEST]


def test_only_cards_there_are(browser: Browser) -> None:
    browser.get("/")
    for card in ("", "core.nothing", "x" * 10_000):
        assert browser.post("/home/cards", {"card": card, "do": "up"}).status_code == 404
    assert browser.post("/home/cards", {"card": "core.recent", "do": "nothing"}).status_code == 303


class TestFirstSteps:
    def steps(self, browser: Browser) -> dict[str, bool]:
        part = browser.get("/").text.partition('id="steps"')[2].partition("</section>")[0]
        return {
            label: "done" in state
            for state, label in re.findall(r"</span> (done|to do)</span> <a [^>]+>([^<]+)<", part)
        }

    def test_each_ticks_itself(self, browser: Browser) -> None:
        before = self.steps(browser)
        assert len(before) == 5
        assert before["Switch on the modules you need"]
        assert not before["Create a first record: Prospect"]
        browser.post("/leads/new", {"name": "Zinc"})
        browser.get("/users/new")
        assert self.steps(browser)["Create a first record: Prospect"]

    def test_put_away_and_back_from_help(self, sales: Site, browser: Browser) -> None:
        press(browser, "Hide", "/")
        assert not self.steps(browser)
        assert not self.steps(sales.browser("Alice"))
        press(browser, "Show the first steps", "/help")
        assert self.steps(browser)

    def test_who_administers_nothing_is_told_less(self, sales: Site) -> None:
        assert list(self.steps(sales.browser("Uma", "user"))) == ["Create a first record: Prospect"]


class TestHelp:
    def test_keys_for_what_the_person_has(self, sales: Site, browser: Browser) -> None:
        assert "<kbd>g</kbd> <kbd>l</kbd> </dt><dd>Leads</dd>" in browser.get("/help").text
        sales.disable("leads")
        text = browser.get("/help/keys", headers={"HX-Request": "true"}).text
        assert "<html" not in text
        assert "<dd>Leads</dd>" not in text
        assert "<dd>Third parties</dd>" in text
        assert browser.get("/help/keys").location == "/help#keys"

    @pytest.mark.covers("UI-1h")
    def test_single_keys_are_switched_off_for_good(self, sales: Site, browser: Browser) -> None:
        assert "data-keys" not in browser.get("/").text.partition("<body")[2].partition(">")[0]
        press(browser, "Single-key shortcuts", "/help")
        for one in (browser, sales.browser("Alice")):
            assert '<body data-keys="off"' in one.get("/leads").text
        assert '<body data-keys="off"' not in sales.browser("Paul").get("/").text

    def test_the_menu_stays_narrow(self, sales: Site, browser: Browser) -> None:
        press(browser, "Collapse menu", "/")
        assert "<body data-narrow" in sales.browser("Alice").get("/leads").text
        press(browser, "Expand menu", "/leads")
        assert "<body data-narrow" not in browser.get("/").text


@pytest.mark.parametrize("stored", [[], "x", {"cards": 7, "hidden": {"a": 1}, "keys": "no"}, {"cards": [1, None]}])
def test_what_is_stored_and_not_understood_is_not_chosen(sales: Site, browser: Browser, stored: object) -> None:
    with sales.runtime.database.connection() as connection:
        connection.execute(update(User).values(preferences=stored))
    assert cards(browser) == [THIRDPARTIES, LEADS, LATEST]
    with sales.runtime.database.reading() as session:
        assert preferences_of(session.get(User, sales.people["Alice"].id)) == Preferences()
