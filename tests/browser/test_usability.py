"""Tasks 7, 8, 9 and 20 of UX 6, with their presses counted; 1, 3, 4 are in test_daily_work.py, 5 and 6 in test_saved_views.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, numbers
from tests.browser.server import Server

pytestmark = pytest.mark.covers("UI-2")
BOTH_WAYS = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
MANY = 120
ALL = re.compile(rf"^(Select all|Sélectionner les) {MANY}$")


@pytest.mark.parametrize("language", LANGUAGES)
@BOTH_WAYS
def test_a_customer_by_the_end_of_a_phone_number(open_tab: OpenTab, language: str, script: bool) -> None:
    """Task 7: one press."""
    desk = open_tab(language, script=script)
    ending = f"86{next(numbers) % 100:02}"  # a French number has nine digits, however many tests came before
    made = desk.create(role="customer", phone=f"+331990{ending[:1]}{ending}")
    desk.go("/")
    with desk.presses(1):
        field = desk.by("textbox", "Search or type a command", desk.page.locator("header"))
        field.click()
        desk.page.keyboard.type(ending)
        if script:
            option = desk.page.locator("#palette [aria-selected=true]")
            expect(option).to_contain_text(made.name)
        desk.keys("Enter")
        if not script:
            desk.exact("link", made.name).click()
        desk.heading(made.name)


@pytest.fixture(scope="module")
def crowd(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The word in the names of 120 prospects."""
    tag = f"Foule{next(numbers):03}"
    file: Path = tmp_path_factory.mktemp("crowd") / "crowd.csv"
    file.write_text("name\n" + "".join(f"{tag} {place:03}\n" for place in range(MANY)), "utf-8")
    server.run("load", "thirdparty", str(file), "--map", "name=name", "--set", "role=prospect")
    return tag


@pytest.mark.parametrize("language", LANGUAGES)
@BOTH_WAYS
def test_many_prospects_are_assigned(open_tab: OpenTab, crowd: str, language: str, script: bool) -> None:
    """Task 8: five presses in the list, a job with a progress bar, and one press to take it back."""
    desk = open_tab(language, script=script)
    desk.go("/thirdparties?view=prospects")
    with desk.presses(5):
        desk.by("textbox", "Search in this list").click()
        desk.page.keyboard.type(crowd)
        desk.keys("Enter")
        expect(desk.page.locator(".rows tbody tr").first).to_contain_text(crowd)
        desk.wait_asks(("q", crowd), ("view", "prospects"))
        if script:
            desk.by("checkbox", "Select all on this page").click()
        else:
            desk.page.locator(".pick input[name=id]").first.check()
        bar = desk.by("group", "Bulk actions")
        bar.get_by_role("button", name=ALL).click()
        expect(desk.page.locator(".pick input[name=id]").first).to_be_disabled()
        desk.by("button", "Assign", bar).click()
        owner = desk.by("combobox", "Owner")
        expect(owner).to_be_focused()
        desk.page.keyboard.type("Paul")
        expect(owner.locator("option:checked")).to_have_text("Paul Leroy")
        desk.page.get_by_role("button", name=re.compile(rf"^(Assign|Affecter) {MANY}")).click()
        desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    done(desk, script=script)
    expect(desk.page.get_by_role("progressbar")).to_have_attribute(
        "aria-valuetext", re.compile(rf"^{MANY} \w+ {MANY}$")
    )
    assert owned(desk, crowd) == MANY
    with desk.presses(1):
        desk.by("button", "Undo", desk.page.locator("#job")).click()
        desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    done(desk, script=script)
    assert owned(desk, crowd) == 0


def done(desk: Desk, *, script: bool) -> None:
    """Wait for the job of the page."""
    job = desk.page.locator("#job")
    said = job.get_by_text(desk.say("Done"), exact=True)
    for _look in range(0 if script else 120):
        if said.count():
            break
        desk.by("link", "Reload").click()
    expect(said).to_be_visible(timeout=60_000)


def owned(desk: Desk, crowd: str) -> int:
    """How many of the crowd are Paul's, as the list counts them."""
    page = desk.page.request.get(f"/thirdparties?q={crowd}&f=owner_id.name:is:Paul+Leroy").text()
    number = re.search(r'id="count"[^>]*>(\d+) ', page)
    return int(number[1]) if number else 0


@pytest.mark.parametrize("language", LANGUAGES)
@BOTH_WAYS
def test_a_note_and_a_file_on_a_sheet(open_tab: OpenTab, language: str, script: bool) -> None:
    """Task 9: four presses."""
    desk = open_tab(language, script=script)
    made = desk.create()
    desk.go(made.path)
    with desk.presses(4):
        desk.by("textbox", "Note").click()
        desk.page.keyboard.type("Call back on Monday")
        desk.by("button", "Save note").click()
        desk.told(desk.say("Note added."))
        sections = desk.by("navigation", "Record sections")
        sections.get_by_role("link").filter(has_text=desk.say("Files")).click()
        if script:
            opener = desk.by("button", "Add files")
        else:
            opener = desk.page.locator("#f-files")
        with desk.page.expect_file_chooser() as window:
            opener.click()
        window.value.set_files([{"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}])
        if not script:
            desk.by("button", "Add files").click()
        expect(desk.exact("link", "plan.pdf")).to_be_visible()
    expect(sections.get_by_role("link").filter(has_text=desk.say("Files"))).to_contain_text("1")
    desk.by("link", "Activity", sections).click()
    expect(desk.page.locator(".rich")).to_have_text("Call back on Monday")


@pytest.fixture
def _export_off(server: Server) -> Iterator[None]:
    server.run("plugin", "disable", "export")
    yield
    server.run("plugin", "enable", "export")


@pytest.mark.usefixtures("_export_off")
@pytest.mark.parametrize("language", LANGUAGES)
@BOTH_WAYS
def test_a_module_is_enabled_looked_at_and_disabled(open_tab: OpenTab, language: str, script: bool) -> None:
    """Task 20, with module Export while there is no Mailing: the dialog says what it adds; six presses."""
    desk = open_tab(language, script=script)
    export = desk.say("Export")

    def asked(text: str) -> Locator:
        if not script:
            desk.heading(desk.say(text, module=export))
            return desk.page.locator("main")
        dialog = desk.by("dialog", text, module=export)
        expect(dialog).to_be_visible(timeout=20_000)  # a module is tried in a process of its own first
        return dialog

    desk.go("/")
    with desk.presses(6):
        desk.by("link", "Modules", desk.by("navigation", "Main")).click()
        for verb, told in (("Enable {module}", "{module} enabled"), ("Disable {module}", "%(module)s disabled")):
            desk.by("button", verb, module=export).click()
            dialog = asked(verb)
            expect(desk.page.locator(".impact")).to_contain_text(export)
            desk.by("button", verb, dialog, module=export).click()
            desk.told(desk.say(told, module=export))
