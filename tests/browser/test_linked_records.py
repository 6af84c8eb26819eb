"""Linked records found while typing, by keyboard and by mouse, in forms, filters and bulk actions (UX 7.4)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import problems
from tests.browser.desk import Desk, Watch
from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving

Open = Callable[..., Desk]


@pytest.fixture(scope="module")
def club(browser: Browser, foreign_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, with loyalty: its rewards belong to one of 200 third parties."""
    path = os.pathsep.join(filter(None, [str(foreign_packages), os.environ.get("PYTHONPATH")]))
    with serving(tmp_path_factory.mktemp("club"), PYTHONPATH=path) as running:
        running.run("plugin", "enable", "loyalty")
        yield running


@pytest.fixture
def enter(browser: Browser, club: Server) -> Iterator[Open]:
    """`enter(script=False)`: a tab of somebody signed in there."""
    contexts = []
    watch = Watch()

    def open_(*, script: bool = True) -> Desk:
        context = browser.new_context(
            base_url=club.url, locale="en-GB", java_script_enabled=script, reduced_motion="reduce",
            viewport={"width": 1280, "height": 800},
        )  # fmt: skip
        contexts.append(context)
        context.set_default_timeout(10_000)
        watch.over(context)
        page = context.new_page()
        page.goto("/signin")
        page.locator("#email").fill(DEMO_EMAIL)
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{club.url}/")
        return Desk(page, "en", watch)

    yield open_
    for context in contexts:
        context.close()
    assert not watch.faults, "\n".join([*watch.faults, club.said()[-3000:]])


def three(page: Page, start: str = "Tercet") -> list[str]:
    """Three third parties whose names begin alike; made once."""
    names = [f"{start} {word}" for word in ("Alpha", "Beta", "Gamma")]
    page.goto(f"/thirdparties?q={start}")
    missing = page.locator("tbody tr").count() == 0
    for name in names if missing else []:
        page.goto("/thirdparties/new")
        page.get_by_role("textbox", name="Name", exact=True).fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("heading", level=1, name=name).wait_for()
    return names


def test_by_keyboard(enter: Open) -> None:
    desk = enter()
    names = three(desk.page)
    desk.go("/rewards/new")
    desk.by("textbox", "Title").fill("Cup")
    combo = desk.page.get_by_role("combobox", name=re.compile("^Third party"))
    expect(combo).to_have_attribute("aria-expanded", "false")
    expect(desk.page.get_by_role("main").get_by_role("button", name="Search", exact=True)).to_have_count(0)
    combo.press_sequentially("tercet")
    options = desk.page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_text(names)
    expect(combo).to_have_attribute("aria-expanded", "true")
    expect(desk.page.locator("[data-count]")).to_have_text("3 matches")
    assert problems(desk.page) == []
    desk.keys("ArrowDown", "ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(combo).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "?")
    expect(combo).to_be_focused()
    desk.keys("Escape")
    expect(options.nth(1)).to_be_hidden()
    expect(combo).to_have_value("tercet")
    desk.keys("ArrowDown")
    expect(options).to_have_text(names)
    desk.keys("ArrowUp", "Enter")
    expect(combo).to_have_value("Tercet Gamma")
    expect(combo).to_have_attribute("aria-expanded", "false")
    desk.by("button", "Save").click()
    desk.heading("Cup")
    expect(desk.exact("link", "Tercet Gamma")).to_be_visible()


def test_by_mouse_and_what_is_unclear_is_asked(enter: Open) -> None:
    desk = enter()
    three(desk.page)
    desk.go("/rewards/new")
    desk.by("textbox", "Title").fill("Mug")
    combo = desk.page.get_by_role("combobox", name=re.compile("^Third party"))
    combo.fill("terc")
    desk.by("button", "Save").click()
    expect(desk.by("alert", "There is a problem")).to_contain_text("Choose one of the matches for “terc”")
    expect(combo).to_have_value("terc")
    combo.click()
    desk.page.get_by_role("option", name="Tercet Alpha", exact=True).click()
    expect(combo).to_have_value("Tercet Alpha")
    desk.by("button", "Save").click()
    desk.heading("Mug")
    expect(desk.exact("link", "Tercet Alpha")).to_be_visible()


def test_without_script(enter: Open) -> None:
    desk = enter(script=False)
    three(desk.page)
    desk.go("/rewards/new")
    desk.by("textbox", "Title").fill("Bowl")
    desk.page.get_by_role("textbox", name=re.compile("^Third party")).fill("tercet")
    desk.page.get_by_role("main").get_by_role("button", name="Search", exact=True).click()
    expect(desk.by("textbox", "Title")).to_have_value("Bowl")
    desk.page.get_by_role("combobox", name="Matches", exact=True).select_option("Tercet Beta")
    desk.by("textbox", "Title").press("Enter")
    desk.heading("Bowl")
    expect(desk.exact("link", "Tercet Beta")).to_be_visible()


def test_filter_and_bulk(enter: Open) -> None:
    desk = enter()
    names = three(desk.page)
    for title in ("Fork", "Spoon"):
        desk.go("/rewards/new")
        desk.by("textbox", "Title").fill(title)
        desk.page.get_by_role("combobox", name=re.compile("^Third party")).fill(names[0])
        desk.by("button", "Save").click()
        desk.heading(title)
    desk.go("/rewards")
    desk.by("button", "Add filter").click()
    desk.page.locator("#filter-field").select_option("thirdparty_id")
    value = desk.page.locator("#filter").get_by_role("combobox", name="Value", exact=True)
    value.press_sequentially("tercet a")
    desk.page.get_by_role("option", name=names[0], exact=True).click()
    assert problems(desk.page) == []
    desk.by("button", "Apply").click()
    expect(desk.page.locator(".chips")).to_contain_text(f"Third party is {names[0]}")
    rows = desk.page.locator("tbody tr")
    expect(rows.filter(has_text="Fork")).to_have_count(1)
    desk.by("checkbox", "Select all on this page").check()
    bulk = desk.page.locator("#bulk").get_by_role("combobox")
    bulk.press_sequentially("tercet b")
    desk.page.get_by_role("option", name=names[1], exact=True).click()
    desk.page.get_by_role("button", name="Set Third party", exact=True).click()
    expect(desk.page.get_by_text("Nothing matches these filters.")).to_be_visible()
