"""The bell in a real browser, with script and without, in both languages (US-7; UX 1.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_somebody_assigns_a_record(open_tab: OpenTab, language: str, script: bool) -> None:
    giver, reader = open_tab(language), open_tab(language, "Lou Faure", script=script)
    reader.go("/notifications")
    everything = reader.by("button", "Mark all as read")
    if everything.count():  # of the other ways this test runs
        everything.click()
    reader.go("/notifications")
    expect(reader.by("button", "Notifications, {n} unread", n=0)).to_be_visible()
    made = giver.create()
    giver.go(f"{made.path}/edit")
    giver.unfold()
    giver.page.get_by_role("checkbox", name="Lou Faure", exact=True).first.check()
    giver.by("button", "Save").click()
    giver.page.wait_for_url(f"**{made.path}*")
    reader.go("/")
    reader.by("button", "Notifications, {n} unread", n=1).click()
    reader.heading(reader.say("Notifications"))
    if script:
        assert problems(reader.page) == []
    told = reader.say("%(who)s assigned %(title)s to you", who="Alice Durand", title=made.name)
    reader.exact("button", told).click()
    reader.heading(made.name)
    expect(reader.by("button", "Notifications, {n} unread", n=0)).to_be_visible()
    menu = reader.open_menu("Your account, {name}", name="Lou Faure")
    reader.by("menuitem", "How you are notified", menu).click()
    reader.heading(reader.say("How you are notified"))
    if script:
        assert problems(reader.page) == []
