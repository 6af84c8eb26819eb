"""Signing in and out, first run, language and theme (UX 2.15, 3.2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import LANGUAGES, PEOPLE, OpenTab
from tests.browser.desk import Desk
from tests.browser.server import DEMO_EMAIL, PASSWORD, serving

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
LOU = "Lou Faure"


@pytest.mark.parametrize("language", LANGUAGES)
@SCRIPT
def test_signing_in_and_out(open_tab: OpenTab, language: str, script: bool) -> None:
    desk = open_tab(language, person=None, script=script)
    desk.go("/thirdparties?view=prospects")
    expect(desk.page).to_have_title(f"{desk.say('Sign in')} – Comptoir")
    desk.by("textbox", "Username or email").fill(DEMO_EMAIL)
    desk.by("textbox", "Password").fill("wrong-password-1")
    desk.by("button", "Sign in").click()
    expect(desk.page.get_by_role("alert").first).to_have_text(desk.say("The name or the password is not right"))
    assert desk.page.title().startswith(desk.say("Error:"))
    expect(desk.by("textbox", "Username or email")).to_have_value(DEMO_EMAIL)
    desk.by("textbox", "Password").fill(PASSWORD)
    desk.keys("Enter")
    desk.heading(desk.say("Prospects"))
    assert desk.asks == [("view", "prospects")]
    menu = desk.open_menu("Your account, {name}", name="Alice Durand")
    desk.by("menuitem", "Sign out", menu).click()
    desk.heading(desk.say("Sign in"))
    desk.go("/thirdparties")
    desk.heading(desk.say("Sign in"))


def test_the_password_can_be_seen(open_tab: OpenTab) -> None:
    for language in LANGUAGES:
        desk = open_tab(language, person=None)
        desk.go("/signin")
        field = desk.by("textbox", "Password")
        expect(desk.by("textbox", "Username or email")).to_be_focused()
        expect(desk.by("textbox", "Username or email")).to_have_attribute("autocomplete", "username")
        expect(field).to_have_attribute("autocomplete", "current-password")
        field.fill("quince")
        show = desk.by("button", "Show password")
        show.click()
        expect(field).to_have_attribute("type", "text")
        expect(show).to_have_attribute("aria-pressed", "true")
        show.click()
        expect(field).to_have_attribute("type", "password")
        expect(field).to_have_value("quince")


def test_show_password_is_absent_without_script(open_tab: OpenTab) -> None:
    desk = open_tab("en", person=None, script=False)
    desk.go("/signin")
    expect(desk.by("button", "Show password")).to_have_count(0)


@SCRIPT
def test_language_stays(open_tab: OpenTab, script: bool) -> None:
    """Chosen once: on the account, so in another browser too, and in a cookie for the page before signing in."""
    desk = _sign_in(open_tab("en", person=None, script=script))
    desk.post("/preferences", language="en")
    desk.go("/")
    menu = desk.open_menu("Your account, {name}", name=LOU)
    expect(menu.get_by_role("menuitemradio", name="English")).to_have_attribute("aria-checked", "true")
    menu.get_by_role("menuitemradio", name="Français").click()
    desk.language = "fr"
    desk.heading("Accueil")
    expect(desk.page.locator("html")).to_have_attribute("lang", "fr")
    menu = desk.open_menu("Your account, {name}", name=LOU)
    desk.by("menuitem", "Sign out", menu).click()
    desk.heading("Se connecter")
    other = _sign_in(open_tab("en", person=None))
    other.language = "fr"
    other.heading("Accueil")


@SCRIPT
def test_theme_stays(open_tab: OpenTab, script: bool) -> None:
    desk = _sign_in(open_tab("en", person=None, script=script))
    desk.post("/preferences", language="en", theme="system")
    desk.go("/")
    page, html = desk.page, desk.page.locator("html")
    _expect_dark(desk, False)
    for choice, dark in (("Dark", True), ("Light", False), ("System", False)):
        menu = desk.open_menu("Your account, {name}", name=LOU)
        menu.get_by_role("menuitemradio", name=choice, exact=True).click()
        if choice == "System":
            expect(html).not_to_have_attribute("data-bs-theme", re.compile(".*"))
        else:
            expect(html).to_have_attribute("data-bs-theme", choice.lower())
        _expect_dark(desk, dark)
        page.reload()
        _expect_dark(desk, dark)
    page.emulate_media(color_scheme="dark")
    _expect_dark(desk, True)


def _expect_dark(desk: Desk, dark: bool) -> None:
    """The page is, or soon is: its styles come after its markup."""
    for _try in range(50):
        if _dark(desk) is dark:
            return
        desk.page.wait_for_timeout(100)
    raise AssertionError(f"the page is {'light' if dark else 'dark'}")


def _dark(desk: Desk) -> bool:
    back = desk.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", back)[:3]) < 200


def _sign_in(desk: Desk) -> Desk:
    """As the person who may change preferences: nobody else signs in so."""
    desk.go("/signin")
    desk.page.locator("#email").fill(PEOPLE[LOU])
    desk.page.locator("#password").fill(PASSWORD)
    desk.keys("Enter")
    desk.page.wait_for_url("**/")
    return desk


def test_setting_up_without_a_keyboard_course(browser: Browser, tmp_path: Path) -> None:
    """From the address on the console to a working list, on one screen, with demo data."""
    with serving(tmp_path / "fresh", demo=False) as fresh:
        address = re.search(r"http\S+/setup\?token=\S+", fresh.said())
        assert address
        context = browser.new_context(base_url=fresh.url, locale="fr-FR")
        try:
            page = context.new_page()
            page.goto(address.group())
            desk = Desk(page, "fr", None)  # type: ignore[arg-type]
            desk.heading(desk.say("Set up Comptoir"))
            expect(desk.exact("radio", "Français")).to_be_checked()
            desk.by("textbox", "Company").fill("Boulangerie Martin")
            desk.by("textbox", "Name").fill("Léa Martin")
            desk.by("textbox", "Email").fill("lea@martin.example")
            desk.by("textbox", "Password").fill(PASSWORD)
            expect(desk.by("checkbox", "Load demo data")).to_be_checked()
            desk.by("button", "Create company").click()
            desk.heading("Accueil")
            expect(page.locator("header .brand")).to_have_text("Boulangerie Martin")
            assert page.goto(address.group()).status == 404  # type: ignore[union-attr]
            desk.go("/thirdparties")
            expect(page.locator("#list tbody tr")).not_to_have_count(0)
            desk.go("/admin/modules")
            desk.by("button", "Remove demo data").click()
            expect(desk.by("button", "Remove demo data")).to_have_count(0)
            desk.go("/thirdparties")
            expect(page.locator("#list tbody tr")).to_have_count(0)
        finally:
            context.close()
