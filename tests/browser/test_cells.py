"""A list walked through cell by cell, and a cell edited in place, by keyboard and by mouse (UX 2.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, numbers

pytestmark = pytest.mark.covers("UI-1")


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
