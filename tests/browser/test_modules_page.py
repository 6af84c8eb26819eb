"""The modules page: what a click would do, doing it, and what it says afterwards (UX 2.12)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.browser.server import Server

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.fixture(autouse=True)
def _everything_on_again(server: Server) -> Iterator[None]:
    """Whatever happened, later tests find leads."""
    yield
    if not server.has("leads"):
        server.run("plugin", "enable", "leads")


@pytest.mark.parametrize("language", LANGUAGES)
@SCRIPT
def test_off_and_on_again(open_tab: OpenTab, language: str, script: bool) -> None:
    """Task 20 of UX 6, with Leads: say what goes, switch off, nothing is left; on again, everything is back."""
    desk = open_tab(language, script=script)
    leads = desk.say("Leads")
    made = desk.create(entity="leads")
    desk.go("/")
    menu = desk.by("navigation", "Main")

    def asked(text: str) -> Locator:
        """The dialog that says what the click would do; without script a page."""
        if not script:
            desk.heading(desk.say(text, module=leads))
            return desk.page.locator("main")
        return desk.by("dialog", text, module=leads)

    with desk.presses(6) if script else desk.presses(0):
        desk.by("link", "Modules", menu).click()
        desk.heading(desk.say("Modules"))
        desk.by("button", "Disable {module}", module=leads).click()
        dialog = asked("Disable {module}")
        expect(desk.page.locator(".impact")).to_contain_text(
            desk.say("The data of this module is kept. It comes back when the module is enabled again.")
        )
        expect(
            desk.page.locator(".impact").get_by_role("listitem").get_by_text(leads, exact=True).first
        ).to_be_visible()
        expect(desk.by("link", "Cancel")).to_be_focused()
        desk.by("button", "Disable {module}", dialog, module=leads).click()
        desk.told(desk.say("%(module)s disabled", module=leads))
        expect(desk.by("button", "Enable {module}", module=leads)).to_be_visible()
        expect(desk.by("link", "Leads", menu)).to_have_count(0)
        desk.by("button", "Enable {module}", module=leads).click()
        dialog = asked("Enable {module}")
        expect(
            desk.page.locator(".impact").get_by_role("listitem").get_by_text(leads, exact=True).first
        ).to_be_visible()
        desk.by("button", "Enable {module}", dialog, module=leads).click()
        desk.told(desk.say("{module} enabled", module=leads))
    expect(desk.by("link", "Leads", menu)).to_be_visible()
    desk.go(made.path)
    desk.heading(made.name)


def test_the_dialog_is_left_by_keyboard_and_by_its_link(page_en: Desk) -> None:
    page_en.go("/admin/modules")
    opener = page_en.by("button", "Disable {module}", module="Leads")
    for leave in (lambda: page_en.keys("Escape"), lambda: page_en.by("link", "Cancel").click()):
        opener.focus()
        page_en.keys("Enter")
        dialog = page_en.by("dialog", "Disable {module}", module="Leads")
        expect(dialog).to_be_visible()
        expect(page_en.by("link", "Cancel", dialog)).to_be_focused()
        leave()
        expect(dialog).to_have_count(0)
        expect(opener).to_be_focused()
        assert page_en.path == "/admin/modules"


def test_needs_come_along_under_the_name_of_the_one(page_en: Desk, server: Server) -> None:
    server.run("plugin", "disable", "thirdparty", "--with-dependents")
    page_en.go("/admin/modules")
    page_en.by("button", "Enable {module}", module="Leads").click()
    dialog = page_en.by("dialog", "Enable {module}", module="Leads")
    expect(dialog.get_by_role("heading", name="Modules enabled along with it")).to_be_visible()
    expect(dialog.get_by_role("listitem").get_by_text("Third parties", exact=True).first).to_be_visible()
    page_en.by("button", "Enable {module}", dialog, module="Leads").click()
    page_en.told("Leads enabled")
    expect(page_en.by("button", "Disable {module}", module="Third parties")).to_be_visible()


def test_nothing_is_left_of_a_module_that_is_off(page_en: Desk, server: Server) -> None:
    made = page_en.create(email="same@zinc.example")
    lead = page_en.create(entity="leads", email="same@zinc.example")
    page_en.go(made.path)
    expect(page_en.by("complementary", "Related").get_by_text(lead.name)).to_be_visible()
    server.run("plugin", "disable", "leads")
    page_en.page.reload()
    expect(page_en.by("complementary", "Related").get_by_text(lead.name)).to_have_count(0)
    expect(page_en.by("complementary", "Related").get_by_role("heading", name="Leads")).to_have_count(0)
    expect(page_en.page.locator("main").get_by_text("Source", exact=True)).to_have_count(0)
    for path in ("/leads", lead.path, "/leads/new"):
        page_en.go(path)
        page_en.heading("Not found")
    page_en.go("/thirdparties")
    fields = page_en.page.locator("#filter-field option").all_inner_texts()
    assert "Source" not in fields
    expect(page_en.page.locator("#create").get_by_text("Lead")).to_have_count(0)
    page_en.go("/thirdparties?f=leads.source:is:web")
    expect(page_en.page.locator(".chips .wrong")).to_contain_text("there is no such field")
    server.run("plugin", "enable", "leads")
    page_en.go(made.path)
    expect(page_en.by("complementary", "Related").get_by_text(lead.name)).to_be_visible()


def test_what_others_need_goes_along(desk: Desk) -> None:
    """Third parties are needed by leads: the button says that both go."""
    desk.go("/admin/modules/thirdparty/disable")
    expect(desk.page.locator(".impact")).to_contain_text(desk.say("Leads"))
    expect(desk.page.locator(".form-bar button")).to_contain_text("2")
    desk.by("link", "Cancel").click()
    desk.heading(desk.say("Modules"))
    expect(desk.by("button", "Disable {module}", module=desk.say("Third parties"))).to_be_visible()


@SCRIPT
def test_a_stale_page_does_nothing(open_tab: OpenTab, server: Server, script: bool) -> None:
    """Somebody switched another module meanwhile: the click says so, and shows what it would do now."""
    desk = open_tab("en", script=script)
    desk.go("/admin/modules/thirdparty/disable")
    server.run("plugin", "disable", "leads")
    desk.page.locator(".form-bar button").click()
    expect(desk.page.get_by_role("alert").first).to_be_visible()
    expect(desk.page.locator(".form-bar button")).to_have_count(0) if desk.page.locator(
        ".form-bar button"
    ).count() == 0 else expect(desk.page.locator(".form-bar button")).to_be_visible()
    desk.go("/thirdparties")
    desk.heading("Third parties")


@SCRIPT
def test_search_settings_and_details(open_tab: OpenTab, script: bool) -> None:
    desk = open_tab("fr", script=script)
    desk.go("/admin/modules")
    expect(desk.page.get_by_role("heading", level=3)).to_have_count(3)
    desk.by("textbox", "Search modules").fill("pist")
    desk.keys("Enter")
    expect(desk.page.get_by_role("heading", level=3)).to_have_count(1)
    desk.by("textbox", "Search modules").fill("zzz")
    desk.keys("Enter")
    desk.by("button", "Clear filters").click()
    expect(desk.page.get_by_role("heading", level=3)).to_have_count(3)
    desk.by("link", "Settings of {module}", module="Tiers").click()
    desk.heading("Réglages de Tiers")
    desk.by("button", "Save").click()
    desk.told(desk.say("The settings of %(module)s were saved", module="Tiers"))
    desk.by("link", "Details of {module}", module="Tiers").click()
    desk.heading("Tiers")
    expect(desk.page.locator("main")).to_contain_text(desk.say("Codes are given automatically"))


def test_a_user_is_not_let_in(open_tab: OpenTab, server: Server) -> None:
    desk = open_tab("en", person="Nadia Roux")
    desk.go("/")
    expect(desk.by("link", "Modules")).to_have_count(0)
    desk.go("/admin/modules")
    desk.heading("Not allowed")
    desk.by("link", "Go to the home page").click()
    desk.heading("Home")
