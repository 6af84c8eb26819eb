"""From an invitation to the first sign-in, and a forgotten password (US-2, UX 2.13, 2.15)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk

PASSWORD = "another-ladder-99"
LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
LINK = re.compile(r"https?://\S+/password\?token=[\w-]+")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_invited_and_signed_in(open_tab: OpenTab, language: str, script: bool) -> None:
    """The administrator invites, the mail waits in the local outbox, its link leads to a password, which signs in."""
    name, email = f"Zoé {language} {script}", f"zoe.{language}.{script}@test.example".lower()
    link = invite(open_tab(language, script=script), name, email)
    desk = open_tab(language, person=None, script=script)
    desk.go(link)
    desk.heading(desk.say("Choose a password"))
    field = desk.by("textbox", "New password")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("autocomplete", "new-password")
    expect(desk.by("button", "Show password")).to_have_count(1 if script else 0)
    field.fill(PASSWORD)
    desk.by("button", "Save password").click()
    expect(desk.page.get_by_text(desk.say("Your password was set. Sign in with it."))).to_be_visible()
    expect(desk.by("link", "Forgotten password")).to_be_visible()
    desk.by("textbox", "Username or email").fill(email)
    desk.by("textbox", "Password").fill(PASSWORD)
    desk.by("button", "Sign in").click()
    desk.heading(desk.say("Home"))
    desk.go("/account/sessions")
    desk.heading(desk.say("Sign-ins"))
    expect(desk.page.get_by_role("row")).to_have_count(2)


def invite(desk: Desk, name: str, email: str) -> str:
    """Invite somebody; the link of the mail in the local outbox."""
    desk.go("/users")
    desk.by("link", "Invite user").first.click()
    desk.heading(desk.say("Invite user"))
    desk.by("textbox", "Name").fill(name)
    desk.by("textbox", "Email").fill(email)
    desk.exact("radio", LANGUAGE_NAMES[desk.language]).check()
    desk.by("button", "Save").click()
    desk.heading(name)
    desk.go("/mail/outbox")
    subject = desk.say("Your account at %(company)s", company="").strip()
    desk.page.get_by_role("main").get_by_role("link", name=re.compile(re.escape(subject))).first.click()
    expect(desk.page.get_by_text(email).first).to_be_visible()
    found = LINK.search(desk.page.locator("pre.mail-text").inner_text())
    assert found
    return found.group()
