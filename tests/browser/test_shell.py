"""The frame of every page in a browser: palette, keys, short forms, the drawer, text at twice its size (UX 1, 3.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, OpenTab
from tests.browser.desk import Desk

TWICE = "document.documentElement.style.fontSize = '200%'"
OVER = """() => [...document.querySelectorAll('main *, header *')].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && getComputedStyle(one).position !== 'fixed' && !one.closest('[popover], dialog, thead');
}).slice(0, 8).map((one) => `${one.tagName}.${one.className.baseVal ?? one.className} ${one.textContent.trim().slice(0, 20)} ${Math.round(one.getBoundingClientRect().right)}`)"""
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.mark.covers("UI-1f")
def test_text_at_twice_its_size_on_a_phone(open_tab: OpenTab) -> None:
    """WCAG 1.4.4 with 1.4.10: 200 % text at 320 px, and nothing is cut off or scrolls sideways."""
    desk = open_tab("fr", viewport=NARROW)
    made = desk.create(town="Villeneuve-Saint-Georges", email="correspondance.commerciale@boulangerie.example")
    pages = (
        "/",
        "/thirdparties",
        made.path,
        f"{made.path}/edit",
        "/leads",
        "/help",
        "/search?q=boulangerie",
        "/admin/modules",
    )
    wide: dict[str, object] = {}
    for path in pages:
        desk.go(path)
        desk.page.evaluate(TWICE)
        over = desk.page.evaluate(WIDER)
        if over > 0:
            wide[path] = (over, desk.page.evaluate(OVER))
    assert not wide, "\n".join(map(str, wide.items()))


@pytest.mark.covers("UI-1d")
def test_the_palette_by_keyboard(desk: Desk) -> None:
    made = desk.create()
    desk.go("/leads")
    desk.by("link", "New lead").focus()
    desk.keys("Control+k")
    box = desk.by("combobox", "Search or type a command")
    expect(box).to_be_focused()
    expect(desk.by("dialog", "Command palette")).to_be_visible()
    desk.page.keyboard.type(made.name)
    option = desk.page.get_by_role("option", selected=True)
    expect(option).to_contain_text(made.name)
    desk.keys("Escape")
    expect(desk.by("dialog", "Command palette")).to_be_hidden()
    expect(desk.by("link", "New lead")).to_be_focused()
    desk.keys("/")
    desk.page.keyboard.type(made.name)
    expect(desk.page.get_by_role("option", selected=True)).to_contain_text(made.name)
    expect(box).to_have_attribute("aria-activedescendant", "palette-1-1")
    desk.keys("Enter")
    desk.heading(made.name)
    desk.keys("Control+k")
    desk.page.keyboard.type(desk.say("Contacted"))
    wanted = desk.by("option", "Set {name} to {status}", name=made.name, status=desk.say("Contacted"))
    expect(wanted).to_be_visible()
    wanted.click()
    desk.told(desk.say("Contacted"))


def test_what_is_typed_at_the_top_goes_into_the_palette(page_en: Desk) -> None:
    page_en.go("/")
    page_en.page.locator(".search-top input").focus()
    page_en.page.keyboard.type("t")
    expect(page_en.by("dialog", "Command palette")).to_be_visible()
    page_en.page.keyboard.type("rash")
    expect(page_en.by("combobox", "Search or type a command")).to_have_value("trash")
    expect(page_en.page.get_by_role("option", selected=True)).to_contain_text("Trash")
    page_en.keys("Enter")
    page_en.heading("Trash")


@pytest.mark.covers("UI-1e", "UI-1h")
def test_single_keys_create_go_and_are_switched_off(desk: Desk) -> None:
    desk.go("/")
    desk.keys("g", "l")
    desk.heading(desk.say("Leads"))
    desk.keys("c", "l")
    dialog = desk.page.locator("#dialog")
    expect(desk.by("heading", "New lead", dialog)).to_be_visible()
    name = f"Quenouille {desk.language}"
    desk.page.keyboard.type(name)
    expect(dialog.locator("#f-name")).to_have_value(name)
    desk.keys("Enter")
    desk.told(name)
    assert desk.path == "/leads"
    desk.keys("?")
    switch = desk.by("switch", "Single-key shortcuts", dialog)
    expect(switch).to_be_checked()
    switch.click()
    desk.page.wait_for_load_state()
    expect(desk.page.locator("body")).to_have_attribute("data-keys", "off")
    desk.keys("g", "h")
    assert desk.path == "/leads"
    desk.post("/preferences", keys="on")


@pytest.mark.covers("UI-1h")
def test_keys_of_a_list(page_en: Desk) -> None:
    first, second = page_en.create(role="prospect", town="Zwolle"), page_en.create(role="prospect", town="Zwolle")
    page_en.go("/thirdparties?f=town:is:Zwolle&sort=created_at")
    page_en.keys("j")
    expect(page_en.row(first.name).get_by_role("link", name=first.name)).to_be_focused()
    page_en.keys("j", "x")
    expect(page_en.row(second.name).get_by_role("checkbox")).to_be_checked()
    page_en.keys("s", "4")
    page_en.told("Contacted")
    expect(page_en.row(second.name)).to_contain_text("Contacted")
    expect(page_en.row(first.name)).not_to_contain_text("Contacted")
    page_en.keys("Enter")
    page_en.heading(second.name)
    page_en.keys("k")
    page_en.heading(first.name)


def test_the_menu_of_a_phone(open_tab: OpenTab) -> None:
    desk = open_tab("fr", viewport=NARROW)
    desk.go("/leads")
    menu = desk.by("navigation", "Main")
    expect(menu).to_be_hidden()
    desk.by("button", "Menu").click()
    expect(menu).to_be_visible()
    desk.keys("Escape")
    expect(menu).to_be_hidden()
    expect(desk.by("button", "Menu")).to_be_focused()
    desk.by("button", "Menu").click()
    desk.by("link", "Third parties", menu).click()
    desk.heading(desk.say("Third parties"))
