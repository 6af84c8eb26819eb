"""Lists: filters, sort, search, columns, pages, many at once; the address is the state (UX 2.1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, Made, numbers

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.mark.parametrize("language", LANGUAGES)
@SCRIPT
class TestBothWays:
    """Each of these works in both languages, with and without script."""

    def test_filter_by_country_and_remove_it(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        tag, made = _fill(desk)
        desk.go(f"/thirdparties?q={tag}&sort=name")
        assert desk.names() == [one.name for one in made]
        _add_filter(desk, "Country", "is", {"en": "Belgium", "fr": "Belgique"}[language], script=script, code="BE")
        expect(desk.page.locator(".rows tbody tr")).to_have_count(2)
        assert desk.names() == [made[1].name, made[3].name]
        desk.wait_asks(("f", "country:is:BE"), ("q", tag), ("sort", "name"))
        is_ = desk.say("is", "operator")
        chip = f"{desk.say('Country')} {is_} {_country(language)}"
        expect(desk.by("list", "Filters").get_by_text(chip, exact=True).first).to_be_visible()
        _add_filter(desk, "Town", "contains", "nam", script=script)
        expect(desk.page.locator(".rows tbody tr")).to_have_count(1)
        assert desk.names() == [made[3].name]
        desk.by("button", "Remove filter: {f}", f=chip).click()
        expect(desk.by("button", "Remove filter: {f}", f=chip)).to_have_count(0)
        desk.wait_asks(("f", "town:contains:nam"), ("q", tag), ("sort", "name"))
        desk.by("button", "Clear filters").click()
        expect(desk.page.locator(".rows tbody tr")).to_have_count(50)
        desk.wait_asks(("sort", "name"))
        desk.page.go_back()
        expect(desk.page.locator(".rows tbody tr")).to_have_count(1)
        desk.page.reload()
        assert desk.names() == [made[3].name]

    def test_nothing_matches(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        desk.go("/thirdparties?view=prospects&q=zzzzqqq")
        expect(desk.page.get_by_text(desk.say("Nothing matches these filters."))).to_be_visible()
        desk.page.locator(".empty-state").get_by_role("button", name=desk.say("Clear filters")).click()
        expect(desk.page.locator(".rows tbody tr")).to_have_count(50)
        desk.wait_asks(("view", "prospects"))

    def test_sort_by_town(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        tag, made = _fill(desk)
        desk.go(f"/thirdparties?q={tag}&sort=name")
        town = desk.by("columnheader", "Town")
        expect(town).not_to_have_attribute("aria-sort", "ascending")
        desk.by("link", "Town", town).click()
        expect(town).to_have_attribute("aria-sort", "ascending")
        assert desk.names() == [made[place].name for place in (1, 2, 3, 0)]
        desk.by("link", "Town", town).click()
        expect(town).to_have_attribute("aria-sort", "descending")
        assert desk.names() == [made[place].name for place in (0, 3, 2, 1)]
        desk.wait_asks(("q", tag), ("sort", "-town"))

    def test_find_by_a_part_of_the_name(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        tag, made = _fill(desk)
        desk.go("/thirdparties?view=prospects")
        box = desk.by("textbox", "Search in this list")
        with desk.presses(1) if script else desk.presses(0):
            box.click()
            desk.page.keyboard.type(f"{tag.lower()} ç")
            desk.keys("Enter")
            expect(desk.page.locator(".rows tbody tr")).to_have_count(1)
        assert desk.names() == [made[2].name]
        expect(desk.by("textbox", "Search in this list")).to_have_value(f"{tag.lower()} ç")
        expect(desk.page.get_by_role("status").get_by_text("1 prospect", exact=True)).to_be_visible()

    def test_columns(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        desk.go("/thirdparties?view=prospects&f=country:is:FR")
        desk.by("button", "Columns").click()
        choices = desk.by("dialog", "Columns") if script else desk.page.get_by_role("main")
        expect(desk.by("checkbox", "Town", choices)).to_be_checked()
        desk.by("checkbox", "Potential", choices).uncheck()
        desk.by("checkbox", "Phone", choices).check()
        desk.by("button", "Apply", choices).click()
        expect(desk.by("columnheader", "Phone")).to_be_visible()
        expect(desk.by("columnheader", "Potential")).to_have_count(0)
        expect(desk.by("dialog", "Columns")).not_to_be_visible()
        assert {("f", "country:is:FR"), ("view", "prospects")} < set(desk.asks)
        desk.by("button", "Columns").click()
        desk.by("button", "Reset", choices).click()
        expect(desk.by("columnheader", "Phone")).to_have_count(0)

    def test_pages(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        desk.go("/thirdparties?f=created_at:filled&sort=name")
        first = desk.names()
        assert len(first) == 50
        expect(desk.by("link", "Previous page")).to_have_count(0)
        desk.by("link", "Next page").click()
        expect(desk.page.locator(".pages")).to_contain_text("51–100")
        second = desk.names()
        assert len(set(first) | set(second)) == 100
        desk.by("link", "Previous page").click()
        expect(desk.page.locator(".pages")).to_contain_text("1–50")
        assert desk.names() == first
        desk.by("link", "Next page").click()
        expect(desk.page.locator(".pages")).to_contain_text("51–100")
        desk.by("link", "First page").click()
        expect(desk.page.locator(".pages")).to_contain_text("1–50")
        assert desk.names() == first

    def test_many_at_once(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """Set a status for several rows, take it back at once, delete them, take that back."""
        desk = open_tab(language, script=script)
        tag, made = _fill(desk)
        desk.go(f"/thirdparties?q={tag}&sort=name")
        bar = desk.by("group", "Bulk actions")
        expect(bar).not_to_be_visible()
        for one in made[:3]:
            desk.by("checkbox", "Select {name}", name=one.name).check()
        expect(bar).to_be_visible()
        desk.by("combobox", "New status", bar).select_option(label=desk.say("To contact"))
        desk.by("button", "Set status", bar).click()
        message = desk.told("3")
        assert _statuses(desk) == [desk.say("To contact")] * 3 + [desk.say("Never contacted")]
        desk.by("button", "Undo", message).click()
        desk.told(desk.say("Undo")[:2])
        expect(desk.row(made[0].name).locator("[aria-pressed=true]")).to_have_accessible_name(
            desk.say("Set {name} to {status}", name=made[0].name, status=desk.say("Never contacted"))
        )
        assert _statuses(desk) == [desk.say("Never contacted")] * 4
        for one in made[1:]:
            desk.by("checkbox", "Select {name}", name=one.name).check()
        desk.by("button", "Delete", desk.by("group", "Bulk actions")).click()
        expect(desk.page.locator(".rows tbody tr")).to_have_count(1)
        desk.by("button", "Undo", desk.told("3")).click()
        expect(desk.page.locator(".rows tbody tr")).to_have_count(4)

    def test_every_view_has_its_name_and_its_new_button(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        menu = desk.by("navigation", "Main")
        for entry, new, role in (("Prospects", "New prospect", "Prospect"), ("Customers", "New customer", "Customer")):
            desk.go("/")
            desk.by("link", entry, menu).click()
            desk.heading(desk.say(entry))
            expect(desk.by("link", entry, menu)).to_have_attribute("aria-current", "page")
            expect(desk.by("table", entry)).to_be_visible()
            views = desk.by("navigation", "Saved views")
            expect(desk.by("link", entry, views)).to_have_attribute("aria-current", "page")
            desk.by("link", new).click()
            desk.heading(desk.say(new))
            expect(desk.by("radio", role)).to_be_checked() if desk.by("radio", role).count() else expect(
                desk.by("combobox", "Type")
            ).to_have_value(role.lower())
        desk.go("/leads")
        desk.by("link", "New lead").click()
        desk.heading(desk.say("New lead"))


def test_select_all_of_a_page(page_en: Desk) -> None:
    tag, made = _fill(page_en)
    page_en.go(f"/thirdparties?q={tag}")
    everything = page_en.by("checkbox", "Select all on this page")
    everything.check()
    for one in made:
        expect(page_en.by("checkbox", "Select {name}", name=one.name)).to_be_checked()
    expect(page_en.by("group", "Bulk actions")).to_contain_text("4 / 4")
    page_en.by("checkbox", "Select {name}", name=made[0].name).uncheck()
    assert everything.evaluate("box => box.indeterminate")
    expect(page_en.by("group", "Bulk actions")).to_contain_text("3 / 4")


def test_a_selection_outlives_a_click_on_a_status(page_en: Desk) -> None:
    """Rows are renewed by morphing: what was ticked stays ticked."""
    tag, made = _fill(page_en)
    page_en.go(f"/thirdparties?q={tag}")
    page_en.by("checkbox", "Select {name}", name=made[0].name).check()
    for one in made[:2]:
        page_en.by("button", "Set {name} to {status}", name=one.name, status="Contacted").click()
        page_en.told(f"{one.name} set to Contacted.")
    expect(page_en.by("checkbox", "Select {name}", name=made[0].name)).to_be_checked()
    expect(page_en.by("group", "Bulk actions")).to_be_visible()


def test_the_strip_stands_still_while_it_is_used(page_en: Desk) -> None:
    """Words under the pointer come and go; the buttons do not move away from it."""
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    buttons = page_en.row(made.name).locator(".strip button")
    places = [button.bounding_box() for button in buttons.all()]
    for button in buttons.all():
        button.hover()
        assert [one.bounding_box() for one in buttons.all()] == places
    for status in ("To contact", "Contact in progress", "Contacted"):
        page_en.by("button", "Set {name} to {status}", name=made.name, status=status).click()
        page_en.told(f"{made.name} set to {status}.")
    assert [one.bounding_box() for one in buttons.all()] == places


def test_the_actions_of_a_row(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    menu = page_en.open_menu("Actions for {name}", name=made.name)
    page_en.by("menuitem", "Edit", menu).click()
    page_en.heading(f"Edit {made.name}")


def test_an_unknown_filter_is_a_notice(page_en: Desk) -> None:
    page_en.go("/thirdparties?f=nothing:is:x&sort=nobody")
    expect(page_en.page.locator(".note")).to_have_count(1)
    expect(page_en.page.locator(".chips .wrong")).to_have_count(1)
    expect(page_en.page.locator(".rows tbody tr")).to_have_count(50)


def test_a_server_that_does_not_answer_is_told_and_nothing_is_lost(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    page_en.page.route("**/status", lambda route: route.abort("connectionrefused"))
    page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    expect(page_en.page.locator("#assertive")).to_contain_text("The server did not answer. Nothing was lost.")
    page_en.assert_focus_is_somewhere()
    page_en.page.unroute("**/status")
    page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    page_en.told(f"{made.name} set to Contacted.")
    page_en.watch.faults.clear()  # Chromium tells of the connection we cut


def _fill(desk: Desk) -> tuple[str, list[Made]]:
    tag = f"Liste{next(numbers):03}"
    places = (("Nantes", "FR"), ("Liège", "BE"), ("Lyon", "FR"), ("Namur", "BE"))
    names = (f"{tag} Alcyon", f"{tag} Belombre", f"{tag} Çà et là", f"{tag} Dîme")
    return tag, [
        desk.create(name, town=town, country=country, role="prospect")
        for name, (town, country) in zip(names, places, strict=True)
    ]


def _country(language: str) -> str:
    return {"en": "Belgium", "fr": "Belgique"}[language]


def _add_filter(desk: Desk, field: str, operator: str, value: str, *, script: bool, code: str = "") -> None:
    """Through the builder: with script in its dialog, without on a page that asks for operator and value."""
    desk.by("button", "Add filter").click()
    builder: Locator | Page = desk.by("dialog", "Add filter")
    desk.by("combobox", "Field", builder).select_option(label=desk.say(field))
    if not script:
        desk.by("button", "Apply", builder).click()
        desk.heading(desk.say("Add filter"))
        builder = desk.page
    desk.by("combobox", "Operator", builder).select_option(label=desk.say(operator, "operator"))
    shown = builder.locator("[name=value]:visible").first
    if code:
        shown.select_option(label=value)
    else:
        shown.fill(value)
    desk.by("button", "Apply", builder).click()


def _statuses(desk: Desk) -> list[str]:
    """What the strips say, in the order of the rows."""
    return desk.page.locator(".rows tbody .word").all_inner_texts()
