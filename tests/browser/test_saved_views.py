"""Filters and saved views as people use them: tasks 5 and 6 of UX 6, chips, columns (UX 2.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, numbers

BY_MOUSE = 2
"""Presses of a native select: one opens it, one chooses."""


def _choose(desk: Desk, box: str, label: str) -> None:
    desk.by("combobox", box, desk.by("dialog", "Add filter")).select_option(label=label)


@pytest.mark.parametrize("language", LANGUAGES)
def test_filter_save_share_and_pin(open_tab: OpenTab, language: str) -> None:
    """Task 5 without the custom field, in nine presses; task 6 in four."""
    desk = open_tab(language)
    tag = f"Vue{next(numbers):03}"
    made = desk.create(f"{tag} Lyon", town="Lyon", role="prospect")
    desk.create(f"{tag} Nantes", town="Nantes", role="prospect")
    desk.go("/")
    with desk.presses(9 - 3 * BY_MOUSE):
        desk.by("link", "Prospects", desk.by("navigation", "Main")).click()
        desk.by("button", "Add filter").click()
        _choose(desk, "Field", desk.say("Town"))
        desk.by("textbox", "Value", desk.by("dialog", "Add filter")).fill("Lyon")
        desk.keys("Enter")
        desk.wait_asks(("f", "town:contains:Lyon"), ("view", "prospects"))
        desk.by("button", "Add filter").click()
        _choose(desk, "Field", desk.say("Modified"))
        _choose(desk, "Operator", desk.say("is in the last … days", "operator"))
        desk.page.locator("#filter-days").fill("30")
        desk.keys("Enter")
        desk.wait_asks(("f", "town:contains:Lyon"), ("f", "updated_at:last:30"), ("view", "prospects"))
    expect(desk.row(made.name)).to_be_visible()
    expect(desk.row(f"{tag} Nantes")).to_have_count(0)
    with desk.presses(4):
        desk.by("button", "Save view").click()
        form = desk.by("dialog", "Save view")
        expect(desk.by("textbox", "Name", form)).to_be_focused()
        desk.page.keyboard.type(tag)
        desk.by("radio", "Shared", form).click()
        desk.by("checkbox", "Pin to the menu", form).click()
        desk.by("button", "Save", form).click()
        desk.told(desk.say("View “%(title)s” saved.", title=tag))
    expect(desk.exact("link", tag).and_(desk.by("navigation", "Pinned views").get_by_role("link"))).to_be_visible()
    expect(desk.by("navigation", "Saved views").get_by_role("link", name=tag, exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    expect(desk.row(made.name)).to_be_visible()
    desk.post(f"{_view(desk)}/delete")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_chip_opens_its_filter_and_the_view_is_modified(open_tab: OpenTab, script: bool) -> None:
    desk = open_tab("en", script=script)
    tag = f"Vue{next(numbers):03}"
    for country, town in (("FR", "Lyon"), ("BE", "Liège")):
        desk.create(f"{tag} {town}", country=country, town=town, role="prospect")
    answer = desk.post("/thirdparties/views", name=tag, query=f"f=name:starts:{tag}&f=country:is:FR&sort=name")
    desk.go(answer.headers["location"])
    assert desk.names() == [f"{tag} Lyon"]
    desk.by("button", "Edit filter: {f}", f="Country is France").click()
    place = desk.page.locator("#dialog[open]") if script else desk.page.locator("main")
    expect(desk.by("combobox", "Field", place)).to_have_value("country")
    desk.by("combobox", "Operator", place).select_option(label="is one of")
    value = place.locator("select[name=value]")
    if script:
        value.select_option(["FR", "BE"])
    else:
        value.select_option("BE")
    desk.by("button", "Apply", place).click()
    expect(desk.page.get_by_text(f"Modified view: {tag}")).to_be_visible()
    assert desk.names() == ([f"{tag} Liège", f"{tag} Lyon"] if script else [f"{tag} Liège"])
    expect(desk.page.locator("#dialog[open]")).to_have_count(0)
    desk.by("button", "Save").click()
    desk.told(f"View “{tag}” changed.")
    expect(desk.page.get_by_text(f"Modified view: {tag}")).to_have_count(0)
    assert len(desk.names()) == (2 if script else 1)
    desk.post(f"{_view(desk)}/delete")


def test_columns_are_moved_in_the_dialog(page_en: Desk) -> None:
    page_en.go("/thirdparties?view=prospects&f=country:is:FR")
    page_en.by("button", "Columns").click()
    dialog = page_en.by("dialog", "Columns")
    page_en.by("button", "Move Town up", dialog).click()
    expect(page_en.by("button", "Move Town up", dialog)).to_be_focused()
    page_en.by("button", "Apply", dialog).click()
    expect(dialog).not_to_be_visible()
    heads = page_en.page.locator("table.rows thead th")
    order = [text.split("\n")[0] for text in heads.all_inner_texts()]
    assert order.index("Town") < order.index("Potential")
    page_en.by("button", "Columns").click()
    page_en.by("button", "Reset", page_en.by("dialog", "Columns")).click()
    expect(page_en.by("dialog", "Columns")).not_to_be_visible()


def _view(desk: Desk) -> str:
    """The address of the saved view that is shown."""
    return f"/thirdparties/views/{dict(desk.asks)['view']}"
