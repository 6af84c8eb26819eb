"""Addresses, tags and similar third parties in a real browser, with script and without (TP-4, TP-6, TP-9; UX 2.3, 2.4)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab

pytestmark = pytest.mark.covers("TP-4b", "TP-6", "TP-9a")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_addresses_and_tags(open_tab: OpenTab, language: str, script: bool) -> None:
    desk = open_tab(language, script=script)
    desk.go(desk.create(town="Lyon").path)
    addresses = desk.page.get_by_role("region", name=desk.say("Addresses"))
    desk.by("textbox", "New address").fill("2 quai Bas, 44000 Nantes")
    addresses.get_by_role("checkbox", name=desk.say("Billing")).check()
    desk.by("button", "Add address").click()
    expect(desk.by("link", "Details of address %(number)s", number=2)).to_be_visible()
    desk.by("button", "Default", addresses.get_by_role("listitem").filter(has_text="Nantes")).click()
    expect(desk.page.locator(".key-facts")).to_contain_text("Nantes")
    desk.page.locator("#new-tag").select_option(index=1)
    desk.by("button", "Add tag").click()
    tag = desk.page.locator(".tag-item")
    expect(tag).to_have_count(1)
    if script:
        assert problems(desk.page) == []
    tag.get_by_role("button").click()
    expect(tag).to_have_count(0)


def test_who_is_alike_is_told_while_typing(open_tab: OpenTab) -> None:
    desk = open_tab("en")
    made = desk.create("Quarzite du Lac")
    desk.go("/thirdparties/new")
    desk.page.locator("#f-name").press_sequentially("quarzite du")
    told = desk.page.locator("#similar")
    expect(told).to_contain_text("1 similar third party")
    expect(told.get_by_role("link", name=f"Open {made.name}")).to_have_attribute("href", made.path)
    assert problems(desk.page) == []


def test_a_fact_is_edited_in_place(open_tab: OpenTab) -> None:
    desk = open_tab("en")
    made = desk.create(town="Lyon")
    desk.go(made.path)
    fact = desk.page.locator(".key-facts div").filter(has_text="Town")
    fact.hover()
    desk.by("button", "Edit %(field)s", fact, field="Town").click()
    desk.by("textbox", "Town").fill("Nantes")
    assert problems(desk.page) == []
    desk.by("textbox", "Town").press("Enter")
    expect(desk.page.locator(".key-facts")).to_contain_text("Nantes")
