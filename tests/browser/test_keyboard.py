"""Everything by keyboard: one stop per strip, menus, saving, the skip link, and focus after every swap (UX 1.6, 7.4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.desk import Desk


def _list_of(desk: Desk, number: int = 1, **values: str) -> list[str]:
    made = [desk.create(role="prospect", **values) for _number in range(number)]
    tag = made[0].name if number == 1 else "Quenouille"
    desk.go(f"/thirdparties?view=prospects&q={tag.replace(' ', '+')}")
    return [one.name for one in made]


def test_the_skip_link(desk: Desk) -> None:
    desk.go("/thirdparties")
    desk.keys("Tab")
    skip = desk.by("link", "Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    desk.keys("Enter")
    expect(desk.page.locator("main")).to_be_focused()
    desk.keys("Tab")
    expect(desk.by("link", "New third party")).to_be_focused()


def test_a_strip_is_one_stop_with_arrows_inside(page_en: Desk) -> None:
    (name,) = _list_of(page_en)
    row = page_en.row(name)
    stops = row.locator(".strip button[tabindex='0']")
    expect(stops).to_have_count(1)
    row.get_by_role("link", name=name).focus()
    page_en.keys("Tab")
    expect(stops).to_be_focused()
    expect(stops).to_have_accessible_name(f"Set {name} to Never contacted")
    for key, status in (
        ("ArrowRight", "To contact"), ("ArrowRight", "Contact in progress"), ("End", "Do not contact"),
        ("ArrowRight", "Never contacted"), ("ArrowLeft", "Do not contact"), ("Home", "Never contacted"),
    ):  # fmt: skip
        page_en.keys(key)
        expect(page_en.by("button", "Set {name} to {status}", name=name, status=status)).to_be_focused()
        expect(row.locator(".word")).to_have_text(status)
    page_en.keys("ArrowRight", "Enter")
    page_en.told(f"{name} set to To contact.")
    expect(page_en.by("button", "Set {name} to {status}", name=name, status="To contact")).to_be_focused()
    page_en.keys("ArrowRight", " ")
    page_en.told(f"{name} set to Contact in progress.")
    expect(page_en.by("button", "Set {name} to {status}", name=name, status="Contact in progress")).to_be_focused()
    page_en.keys("Shift+Tab")
    expect(row.get_by_role("link", name=name)).to_be_focused()


def test_without_script_every_button_of_a_strip_is_a_stop(open_tab: OpenTab) -> None:
    desk = open_tab("en", script=False)
    (name,) = _list_of(desk)
    desk.row(name).get_by_role("link", name=name).focus()
    for status in ("Never contacted", "To contact"):
        desk.keys("Tab")
        expect(desk.by("button", "Set {name} to {status}", name=name, status=status)).to_be_focused()
    desk.keys("Enter")
    desk.told(f"{name} set to To contact.")


def test_undo_by_keyboard_after_a_status(page_en: Desk) -> None:
    (name,) = _list_of(page_en)
    page_en.by("button", "Set {name} to {status}", name=name, status="Contacted").press("Enter")
    message = page_en.told(f"{name} set to Contacted.")
    page_en.by("button", "Undo", message).press("Enter")
    page_en.told(f"Taken back: {name} set to Never contacted.")


@pytest.mark.parametrize("key", ["Control+Enter", "Control+s"])
def test_saving_from_any_field(page_en: Desk, key: str) -> None:
    page_en.go("/thirdparties/new?role=prospect")
    name = f"Par clavier {key}"
    page_en.by("textbox", "Name").fill(name)
    page_en.by("combobox", "Potential").focus()
    page_en.keys(key)
    page_en.heading(name)


def test_a_new_prospect_without_a_mouse(page_en: Desk) -> None:
    page_en.go("/")
    create = page_en.by("button", "Create")
    create.focus()
    page_en.keys("ArrowDown")
    prospect = page_en.by("menuitem", "Prospect")
    expect(prospect).to_be_focused()
    page_en.keys("ArrowDown", "ArrowUp")
    expect(prospect).to_be_focused()
    page_en.keys("End", "Home", "Escape")
    expect(create).to_be_focused()
    page_en.keys("Enter")
    expect(prospect).to_be_focused()
    page_en.keys("Enter")
    expect(page_en.by("heading", "New prospect")).to_be_visible()
    page_en.page.keyboard.type("Sans souris")
    page_en.keys("Enter")
    page_en.told("Sans souris created.")


def test_filters_and_menus_close_by_escape_and_give_the_focus_back(page_en: Desk) -> None:
    _list_of(page_en)
    for name in ("Add filter", "Columns"):
        button = page_en.by("button", name)
        button.press("Enter")
        expect(page_en.by("dialog", name)).to_be_visible()
        expect(page_en.by("dialog", name).locator(":focus")).to_have_count(1)
        page_en.keys("Escape")
        expect(page_en.by("dialog", name)).not_to_be_visible()
        expect(button).to_be_focused()


def test_buttons_that_are_links_take_the_space_bar(page_en: Desk) -> None:
    page_en.go("/thirdparties?q=zinc")
    page_en.page.locator("#clear").press(" ")
    expect(page_en.by("textbox", "Search in this list")).to_have_value("")
    page_en.wait_asks()


class TestFocusAfterSwaps:
    """Focus is never on the body once htmx has renewed a part of the page."""

    def test_search(self, page_en: Desk) -> None:
        page_en.go("/thirdparties")
        box = page_en.by("textbox", "Search in this list")
        box.fill("garage")
        box.press("Enter")
        expect(page_en.page.locator("#clear")).to_be_visible()
        expect(box).to_be_focused()
        assert box.evaluate("input => input.selectionStart") == 6

    def test_sort(self, page_en: Desk) -> None:
        page_en.go("/thirdparties")
        town = page_en.by("link", "Town", page_en.by("columnheader", "Town"))
        town.press("Enter")
        expect(page_en.by("columnheader", "Town")).to_have_attribute("aria-sort", "ascending")
        expect(town).to_be_focused()

    def test_pages(self, page_en: Desk) -> None:
        page_en.go("/thirdparties?sort=name")
        page_en.by("link", "Next page").press("Enter")
        expect(page_en.page.locator(".pages")).to_contain_text("51–100")
        page_en.assert_focus_is_somewhere()
        page_en.by("link", "First page").press("Enter")
        expect(page_en.page.locator(".pages")).to_contain_text("1–50")
        page_en.assert_focus_is_somewhere()

    def test_filters(self, page_en: Desk) -> None:
        page_en.go("/thirdparties?f=country:is:FR&f=town:is:Lyon")
        chips = page_en.by("list", "Filters")
        page_en.by("button", "Remove filter: {f}", f="Country is France").press("Enter")
        expect(chips.get_by_role("button")).to_have_count(3)
        page_en.assert_focus_is_somewhere()
        page_en.by("button", "Clear filters").press("Enter")
        expect(chips).to_have_count(0)
        page_en.assert_focus_is_somewhere()
        page_en.by("button", "Add filter").press("Enter")
        builder = page_en.by("dialog", "Add filter")
        page_en.by("combobox", "Field", builder).select_option(label="Town")
        page_en.by("textbox", "Value", builder).fill("Lyon")
        page_en.by("textbox", "Value", builder).press("Enter")
        expect(chips).to_be_visible()
        page_en.assert_focus_is_somewhere()

    def test_columns(self, page_en: Desk) -> None:
        page_en.go("/thirdparties")
        page_en.by("button", "Columns").press("Enter")
        choices = page_en.by("dialog", "Columns")
        page_en.by("checkbox", "Town", choices).press(" ")
        page_en.by("button", "Apply", choices).press("Enter")
        expect(page_en.by("columnheader", "Town")).to_have_count(0)
        page_en.assert_focus_is_somewhere()
        page_en.by("button", "Columns").press("Enter")
        page_en.by("button", "Reset", choices).press("Enter")
        expect(page_en.by("columnheader", "Town")).to_have_count(1)
        page_en.assert_focus_is_somewhere()

    def test_a_row_that_is_gone(self, page_en: Desk, open_tab: OpenTab) -> None:
        """Somebody deleted the row meanwhile: the sentence says so and the focus stays."""
        made = page_en.create()
        page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
        open_tab("en", person="Paul Leroy").post(f"{made.path}/delete")
        page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").press("Enter")
        expect(page_en.page.locator("#assertive")).to_contain_text(re.compile("deleted", re.I))
        page_en.assert_focus_is_somewhere()

    def test_going_back(self, page_en: Desk) -> None:
        page_en.go("/thirdparties")
        page_en.by("link", "Town", page_en.by("columnheader", "Town")).press("Enter")
        expect(page_en.by("columnheader", "Town")).to_have_attribute("aria-sort", "ascending")
        page_en.page.go_back()
        expect(page_en.by("columnheader", "Town")).not_to_have_attribute("aria-sort", "ascending")
        page_en.page.go_forward()
        expect(page_en.by("columnheader", "Town")).to_have_attribute("aria-sort", "ascending")


def test_ids_stay_unique_after_swaps(page_en: Desk) -> None:
    (name,) = _list_of(page_en)
    for status in ("Contacted", "To contact"):
        page_en.by("button", "Set {name} to {status}", name=name, status=status).click()
        page_en.told(f"{name} set to {status}.")
    page_en.by("link", "Town", page_en.by("columnheader", "Town")).click()
    expect(page_en.by("columnheader", "Town")).to_have_attribute("aria-sort", "ascending")
    twice = page_en.page.evaluate(
        "() => { const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);"
        " return ids.filter((id, at) => ids.indexOf(id) !== at); }"
    )
    assert twice == []


def test_the_order_of_tab_stops(page_en: Desk) -> None:
    """The list: frame, then tools, then rows; recorded so that a change is seen."""
    (name,) = _list_of(page_en)
    stops = []
    page_en.page.locator("body").evaluate("body => body.focus()")
    for _number in range(60):
        page_en.keys("Tab")
        found = page_en.page.evaluate(
            "() => document.activeElement === document.body ? '' :"
            " (document.activeElement.ariaLabel || document.activeElement.textContent.trim() || document.activeElement.id)"
        )
        if not found or (found in ("Skip to content",) and stops):
            break
        stops.append(re.sub(r"\s+", " ", found))
    start = stops.index("New prospect")
    assert stops[:5] == ["Skip to content", "Comptoir", "Search or type a command", "Search", "Create"]
    assert stops[start:] == [
        "New prospect", "All", "Prospects", "Customers", "Manage views", "Search in this list", "Search", "Add filter",
        "Columns", "Sort", "Density", "Facets", "Clear filters", "Save view", "Rows of Prospects", "Select all on this page", "Name", "Type", "Code", "Contact status", "Potential", "Town",
        "Country", f"Select {name}", f"Actions for {name}", name, f"Set {name} to Never contacted",
    ]  # fmt: skip


def test_shortcuts_of_actions_on_row_selection_and_sheet(page_en: Desk) -> None:
    """Alt, Shift and the letter: for the row with the focus, for the chosen rows, for the record of a sheet."""
    one, two, three = (page_en.create(role="prospect") for _number in range(3))
    page_en.go(f"/thirdparties?view=prospects&q={one.name.replace(' ', '+')}")
    page_en.row(one.name).get_by_role("link", name=one.name).focus()
    page_en.keys("Alt+Shift+O")
    page_en.told(f"{one.name} changed.")
    page_en.go(f"/thirdparties?view=prospects&q={two.name.replace(' ', '+')}")
    page_en.row(two.name).get_by_role("checkbox", name=f"Select {two.name}").check()
    page_en.keys("Alt+Shift+O")
    page_en.told(f"{two.name} changed.")
    page_en.go(three.path)
    page_en.keys("Alt+Shift+O")
    page_en.told(f"{three.name} changed.")
    for made in (one, two, three):
        expect(page_en.page.get_by_text("There is a problem")).to_have_count(0)
        page_en.go(f"{made.path}?tab=details")
        expect(page_en.page.locator("dd", has_text="Customer").first).to_be_visible()
