"""A list walked through cell by cell, and a cell edited in place, by keyboard and by mouse (UX 2.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, numbers

pytestmark = pytest.mark.covers("UI-1i", "PR-2a")


@pytest.mark.parametrize("language", LANGUAGES)
def test_cells_are_edited_by_keyboard(open_tab: OpenTab, language: str) -> None:
    desk = open_tab(language)
    tag = f"Cellule{next(numbers):03}"
    made = [desk.create(f"{tag} {letter}", role="prospect", town="Lyon") for letter in "AB"]
    desk.go(f"/thirdparties?q={tag}&sort=name&c=town&c=postal_code&c=code")
    row = desk.row(made[0].name)
    desk.keys("j")
    expect(desk.exact("link", made[0].name)).to_be_focused()
    desk.keys("ArrowRight", "F2")
    town = row.get_by_role("textbox", name=desk.say("Town"))
    expect(town).to_be_focused()
    expect(town).to_have_value("Lyon")
    desk.page.keyboard.type("Nowhere")
    desk.keys("Escape")  # nothing is saved
    expect(town).to_have_count(0)
    expect(row.get_by_role("cell", name="Lyon")).to_be_focused()
    desk.keys("Enter")
    expect(town).to_be_focused()
    desk.page.keyboard.type("Nantes")
    desk.keys("Tab")  # saves and moves right
    code = row.get_by_role("textbox", name=desk.say("Postal code"))
    expect(code).to_be_focused()
    desk.page.keyboard.type("44000")
    desk.keys("Enter")
    expect(row.get_by_role("cell", name="44000")).to_be_focused()
    expect(row.get_by_role("cell", name="Nantes")).to_be_visible()
    desk.by("button", "Undo", desk.page.locator("[data-message]").last).click()
    expect(row.get_by_role("cell", name="44000")).to_have_count(0)
    expect(desk.row(made[1].name).get_by_role("cell", name="Lyon")).to_be_visible()


def test_a_cell_is_edited_by_mouse_and_refused_in_place(page_en: Desk, open_tab: OpenTab) -> None:
    made = page_en.create(town="Lyon", phone="+33199000001")
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}&c=phone&c=customer_since")
    row = page_en.row(made.name)
    row.get_by_role("cell").nth(2).dblclick()  # nobody types that date
    expect(row.locator("form")).to_have_count(0)
    row.get_by_role("cell").nth(1).dblclick()
    phone = row.get_by_role("textbox", name="Phone")
    phone.fill("12")
    page_en.keys("Enter")
    expect(row.locator(".error")).to_be_visible()
    expect(phone).to_be_focused()
    phone.fill("+33199000002")
    paul = open_tab("en", person="Paul Leroy")
    paul.post(f"{made.path}/field/phone", phone="+33199000003", seen="+33199000001")
    page_en.by("button", "Save", row).click()
    expect(row.locator(".error")).to_contain_text("was changed meanwhile")
    expect(phone).to_have_value("+33199000002")
    page_en.by("link", "Cancel", row).click()
    expect(row.locator("form")).to_have_count(0)
    page_en.assert_focus_is_somewhere()
    page_en.page.reload()
    expect(row).to_contain_text("03")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_list_has_menus_instead_of_strips(open_tab: OpenTab, language: str) -> None:
    """Two presses instead of one, and the keys stay (UX 2.1, 5)."""
    desk = open_tab(language)
    made = desk.create()
    desk.go(f"/thirdparties?q={made.name.replace(' ', '+')}&per=100")
    contacted, never, working = desk.say("Contacted"), desk.say("Never contacted"), desk.say("Contact in progress")
    row, name = desk.row(made.name), "{status}, change status of {name}"
    with desk.presses(2):
        desk.by("button", name, row, status=never, name=made.name).click()
        desk.page.get_by_role("menuitemradio", name=contacted, exact=True).click()
        desk.told(desk.say("%(title)s set to %(value)s.", title=made.name, value=contacted))
    opener = desk.by("button", name, row, status=contacted, name=made.name)
    expect(opener).to_be_focused()
    desk.keys("Enter")
    expect(desk.page.get_by_role("menuitemradio").first).to_be_focused()
    desk.keys("ArrowUp")
    expect(desk.page.get_by_role("menuitemradio").last).to_be_focused()
    desk.keys("Escape")
    expect(opener).to_be_focused()
    desk.keys("s", "3")
    desk.told(desk.say("%(title)s set to %(value)s.", title=made.name, value=working))
    plain = open_tab(language, script=False)
    plain.go(f"/thirdparties?q={made.name.replace(' ', '+')}&per=100")
    desk.by("button", name, plain.row(made.name), status=working, name=made.name).click()  # leads to the form
    plain.page.locator("#f-contact_status").select_option(label=contacted)
    plain.by("button", "Save").click()
    plain.heading(made.name)


def test_columns_are_searched_and_the_place_is_told(page_en: Desk) -> None:
    desk = page_en
    tag = f"Place{next(numbers):03}"
    made = [desk.create(f"{tag} {letter}") for letter in "AB"]
    desk.go(f"/thirdparties?q={tag}&sort=name")
    desk.by("button", "Columns").click()
    dialog = desk.by("dialog", "Columns")
    search = desk.by("textbox", "Search columns", dialog)
    search.fill("POSTAL")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog.get_by_role("status")).to_have_text("1")
    dialog.get_by_role("checkbox").locator("visible=true").click()
    search.fill("")
    desk.by("button", "Apply", dialog).click()
    expect(desk.by("columnheader", "Postal code")).to_be_visible()
    desk.by("button", "Columns").click()
    desk.by("button", "Reset", dialog).click()
    desk.exact("link", made[1].name).click()
    expect(desk.page.get_by_text("2 of 2", exact=True)).to_be_visible()
    desk.keys("m")
    expect(desk.by("button", "Never contacted", desk.by("navigation", "Status"))).to_be_focused()
