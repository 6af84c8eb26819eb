"""Forms: errors, conflicts, values that are never lost (UX 2.0, 2.4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.mark.parametrize("language", LANGUAGES)
@SCRIPT
class TestBothWays:
    """Each of these works in both languages, with and without script."""

    def test_errors_keep_what_was_typed(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go(f"{made.path}/edit")
        desk.by("textbox", "Name").fill("")
        desk.unfold()
        desk.by("textbox", "Email").fill("lea@")
        desk.by("textbox", "Phone").fill("+33 1 99 00 12 34")
        desk.by("button", "Save").click()
        summary = desk.by("alert", "There is a problem")
        expect(summary).to_be_visible()
        expect(summary).to_be_focused()
        assert desk.page.title().startswith(desk.say("Error:"))
        name, email = desk.by("textbox", "Name"), desk.by("textbox", "Email")
        for field, text in (
            (name, desk.say("Enter a value for %(field)s", field=desk.say("Name"))),
            (email, desk.say("Enter an email address like name@example.com")),
        ):
            expect(desk.exact("link", text)).to_have_attribute("href", f"#{field.get_attribute('id')}")
            expect(field).to_have_attribute("aria-invalid", "true")
            expect(field).to_have_accessible_description(re.compile(re.escape(text).replace(r"\ ", r"\s")))
        expect(email).to_be_visible()
        expect(email).to_have_value("lea@")
        expect(desk.by("textbox", "Phone")).to_have_value("+33 1 99 00 12 34")
        desk.exact("link", desk.say("Enter an email address like name@example.com")).click()
        expect(email).to_be_focused()
        email.fill("lea@zinc.example")
        name.fill(made.name)
        desk.keys("Enter")
        desk.heading(made.name)
        expect(desk.exact("link", "lea@zinc.example")).to_be_visible()

    def test_both_choices_of_a_conflict(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """Somebody else saved meanwhile: both values, one choice per field, nothing else is lost."""
        desk, paul = open_tab(language, script=script), open_tab("en", person="Paul Leroy")
        made = desk.create(town="Lyon", email="old@zinc.example")
        desk.go(f"{made.path}/edit")
        version = desk.page.locator("[name=version]").get_attribute("value") or ""
        answer = paul.post(
            f"{made.path}/edit", version=version, name=made.name, town="Nantes", email="paul@zinc.example"
        )
        assert answer.status == 303
        desk.by("textbox", "Name").fill(f"{made.name} & Cie")
        desk.unfold()
        desk.by("textbox", "Email").fill("mine@zinc.example")
        desk.by("textbox", "Town").fill("Lille")
        desk.by("button", "Save").click()
        notice = desk.page.get_by_role("alert").first
        expect(notice).to_contain_text("Paul Leroy")
        expect(notice).to_be_focused()
        email, town = desk.by("group", "Email"), desk.by("group", "Town")
        expect(desk.by("radio", "Keep mine", email)).to_be_checked()
        expect(desk.by("radio", "Keep mine", email)).to_have_accessible_description("mine@zinc.example")
        expect(desk.by("radio", "Take theirs", email)).to_have_accessible_description("paul@zinc.example")
        expect(town).to_contain_text("Lille")
        expect(town).to_contain_text("Nantes")
        desk.by("radio", "Take theirs", town).check()
        desk.by("button", "Save").click()
        desk.heading(f"{made.name} & Cie")
        expect(desk.exact("link", "mine@zinc.example")).to_be_visible()
        expect(desk.page.locator(".facts").get_by_text("Nantes", exact=True)).to_be_visible()

    def test_save_and_create_another(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        desk.go("/leads/new")
        desk.by("textbox", "Name").fill(f"Encore {language} {script}")
        desk.by("button", "Save and create another").click()
        desk.heading(desk.say("New lead"))
        desk.told(desk.say("%(title)s created.", title=f"Encore {language} {script}"))
        expect(desk.by("textbox", "Name")).to_have_value("")

    def test_cancel_goes_back(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go(f"{made.path}/edit")
        desk.by("link", "Cancel").click()
        desk.heading(made.name)

    def test_a_second_submit_makes_nothing_twice(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """Back and again, as impatient people do: the same record, not another."""
        desk = open_tab(language, script=script)
        name = f"Deux fois {language} {script}"
        desk.go("/thirdparties/new")
        key = desk.page.locator("[name=key]").get_attribute("value") or ""
        desk.by("textbox", "Name").fill(name)
        desk.by("button", "Save").click()
        desk.heading(name)
        first = desk.path
        again = desk.post("/thirdparties/new", name=name, key=key)
        assert again.headers["location"].split("?")[0] == first
        desk.go(f"/thirdparties?q={name.replace(' ', '+')}")
        assert desk.names() == [name]


def test_saving_says_so_and_ignores_a_second_click(page_en: Desk) -> None:
    page_en.go("/leads/new")
    page_en.by("textbox", "Name").fill("Slow lead")
    sent: list[str] = []

    def slowly(route: object) -> None:
        sent.append("post")
        page_en.page.wait_for_timeout(400)
        route.continue_()  # type: ignore[attr-defined]

    page_en.page.route("**/leads/new", slowly)
    save = page_en.by("button", "Save")
    save.evaluate("(button) => { button.click(); button.click(); }")
    page_en.heading("Slow lead")
    assert sent == ["post"]


def test_phone_numbers_are_taken_as_people_write_them(page_fr: Desk) -> None:
    made = page_fr.create()
    page_fr.go(f"{made.path}/edit")
    page_fr.unfold()
    page_fr.by("textbox", "Phone").fill("01 99 00 12 34")
    page_fr.by("textbox", "Website").fill("www.zinc.example")
    page_fr.by("button", "Save").click()
    page_fr.heading(made.name)
    expect(page_fr.page.locator("a[href='tel:+33199001234']")).to_have_text("01 99 00 12 34")
    page_fr.go(f"{made.path}?tab=details")
    expect(page_fr.page.locator("a[href^='https://www.zinc.example']")).to_be_visible()


def test_hostile_text_stays_text(page_en: Desk) -> None:
    name = "<img src=x onerror=alert(1)>'\"{{7*7}}&amp;"
    made = page_en.create(name)
    for path in ("/thirdparties", made.path, f"{made.path}/edit", "/recent", "/"):
        page_en.go(path)
        expect(page_en.page.locator("main img")).to_have_count(0)
    page_en.go(made.path)
    page_en.heading(name)
