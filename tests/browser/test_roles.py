"""Giving somebody a role, and a third party its representative, who then sees that one alone (TP-7, US-1, UX 2.13)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.browser.server import PASSWORD, Server


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_role_and_a_representative(open_tab: OpenTab, server: Server, language: str) -> None:
    name, email = f"Inès {language}", f"ines.{language}@test.example"
    server.add_user(email, name, "user")
    desk = open_tab(language)
    give_role(desk, name)
    made = desk.create()
    desk.create()  # nobody's: she does not see it
    assign(desk, made.path, name)
    hers = open_tab(language, person=None)
    sign_in(hers, email)
    expect(hers.by("button", "Notifications, {n} unread", n=1)).to_be_visible()
    hers.go("/thirdparties")
    hers.heading(hers.say("Third parties"))
    assert hers.names() == [made.name]


def give_role(desk: Desk, name: str) -> None:
    """On the form of the account."""
    desk.go("/users")
    desk.row(name).get_by_role("link", name=name, exact=True).click()
    desk.heading(name)
    desk.by("link", "Edit").first.click()
    roles = desk.page.get_by_role("group", name=re.compile(f"^{re.escape(desk.say('Role'))}"))
    desk.by("radio", "Sales representative", roles).check()
    desk.unfold()
    assert problems(desk.page) == []
    desk.by("button", "Save").click()
    desk.heading(name)
    expect(desk.page.get_by_role("main")).to_contain_text(desk.say("Sales representative"))


def assign(desk: Desk, path: str, name: str) -> None:
    """On the form of the third party."""
    desk.go(path)
    desk.by("link", "Edit").first.click()
    desk.unfold()
    people = desk.page.get_by_role("group", name=desk.say("Sales representatives"))
    people.get_by_role("checkbox", name=name, exact=True).check()
    desk.by("button", "Save").click()
    desk.page.wait_for_url(re.compile(rf"{path}(\?|$)"))
    desk.go(f"{path}?tab=details")
    expect(desk.page.get_by_role("main")).to_contain_text(name)


def sign_in(desk: Desk, email: str) -> None:
    """With the password of all test accounts."""
    desk.go("/signin")
    desk.by("textbox", "Username or email").fill(email)
    desk.by("textbox", "Password").fill(PASSWORD)
    desk.by("button", "Sign in").click()
    desk.heading(desk.say("Home"))
