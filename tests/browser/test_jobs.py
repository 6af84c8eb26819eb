"""A change of many rows in a real browser: the whole list is selected, the job is looked at, and taken back (UX 2.0, 2.1)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk

ALL = re.compile("Select all|Sélectionner les")


def start(desk: Desk) -> None:
    """Select all rows of a list of more than 50 and set their status."""
    desk.go("/thirdparties?view=prospects")
    desk.page.locator(".rows .pick input[name=id]").first.check()
    desk.page.locator("#bulk").get_by_role("button", name=ALL).click()
    expect(desk.page.locator(".rows .pick input[name=id]").first).to_be_disabled()
    desk.by("button", "Set status").click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_watched_and_taken_back(open_tab: OpenTab, language: str) -> None:
    desk = open_tab(language)
    start(desk)
    done = desk.say("Done")
    expect(desk.page.locator("#job")).to_contain_text(done, timeout=60_000)  # nobody reloads it
    bar = desk.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^\d+ (of|sur) \d+$"))
    expect(desk.page.get_by_role("status").filter(has_text=re.compile("changed|Modifiés"))).to_be_visible()
    assert problems(desk.page) == []
    desk.by("button", "Undo", desk.page.locator("#job")).click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(desk.page.locator("#job")).to_contain_text(done, timeout=60_000)
    desk.by("link", "Jobs").first.click()
    desk.heading(desk.say("Jobs"))
    assert problems(desk.page) == []


def test_without_script(page_without_script: Desk) -> None:
    desk = page_without_script
    start(desk)
    for _look in range(120):
        if desk.page.get_by_text(desk.say("Done"), exact=True).count():
            break
        desk.by("link", "Reload").click()
    expect(desk.page.locator("#job")).to_contain_text(desk.say("Done"))
    desk.by("button", "Undo", desk.page.locator("#job")).click()
    expect(desk.page.locator("#job")).to_be_visible()
