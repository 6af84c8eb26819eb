"""What is typed is not left by accident (UX 2.4): the dialog for links, Back and Esc, the browser's own question for the rest."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.browser.words import word

NAMES = {
    "en": ("Leave without saving?", "Save", "Leave", "Stay"),
    "fr": ("Quitter sans enregistrer\N{NARROW NO-BREAK SPACE}?", "Enregistrer", "Quitter", "Rester"),
}


def half_typed(desk: Desk, text: str = "Half typed") -> str:
    made = desk.create()
    desk.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    desk.go(f"{made.path}/edit")
    desk.by("textbox", "Name").fill(text)
    return made.path


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_dialog_has_the_names_of_the_guide(open_tab: OpenTab, language: str) -> None:
    desk = open_tab(language)
    half_typed(desk)
    title, *buttons = NAMES[language]
    desk.by("link", "Home").click()
    dialog = desk.page.get_by_role("alertdialog", name=title, exact=True)
    expect(dialog).to_be_visible()
    for name in buttons:
        expect(dialog.get_by_role("button", name=name, exact=True)).to_have_count(1)
    expect(dialog.get_by_role("button", name=buttons[2], exact=True)).to_be_focused()


def press(desk: Desk, name: str) -> None:
    dialog = desk.page.get_by_role("alertdialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name=name, exact=True).click()


def test_stay_and_leave(page_en: Desk) -> None:
    half_typed(page_en)
    page_en.by("link", "Home").click()
    press(page_en, "Stay")
    expect(page_en.page.get_by_role("alertdialog")).to_be_hidden()
    expect(page_en.by("textbox", "Name")).to_have_value("Half typed")
    page_en.by("link", "Cancel").click()
    page_en.keys("Escape")
    expect(page_en.page.get_by_role("alertdialog")).to_be_hidden()
    page_en.by("link", "Home").click()
    press(page_en, "Leave")
    page_en.heading("Home")


def test_save(page_en: Desk) -> None:
    path = half_typed(page_en, "Saved by the dialog")
    page_en.by("link", "Home").click()
    press(page_en, "Save")
    page_en.heading("Saved by the dialog")
    assert page_en.path == path


def test_back_asks_too_and_needs_no_second_press(page_en: Desk) -> None:
    half_typed(page_en)
    page_en.page.go_back(wait_until="commit")
    press(page_en, "Stay")
    expect(page_en.by("textbox", "Name")).to_have_value("Half typed")
    page_en.page.go_back(wait_until="commit")
    press(page_en, "Leave")
    page_en.page.wait_for_url("**/thirdparties?q=*")


def test_escape_leaves_a_form(page_en: Desk) -> None:
    path = half_typed(page_en)
    page_en.by("textbox", "Name").press("Escape")
    press(page_en, "Leave")
    page_en.page.wait_for_url(f"**{path}")


def test_another_form_asks_too(page_en: Desk) -> None:
    half_typed(page_en)
    page_en.page.locator("[popovertarget=account]").click()
    page_en.page.get_by_role("menuitemradio", name="Français").click()
    press(page_en, "Stay")
    expect(page_en.page.locator("html")).to_have_attribute("lang", "en")
    expect(page_en.by("textbox", "Name")).to_have_value("Half typed")


def test_nothing_is_asked_without_a_change_or_after_saving(page_en: Desk) -> None:
    asked: list[str] = []
    page_en.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept())[0])
    made = page_en.create()
    page_en.go(f"{made.path}/edit")
    page_en.by("link", "Home").click()
    page_en.heading("Home")
    page_en.go(f"{made.path}/edit")
    page_en.by("textbox", "Name").fill("Half typed")
    page_en.by("button", "Save").click()
    page_en.heading("Half typed")
    assert asked == []


def test_the_browser_asks_for_what_no_dialog_can_stop(page_en: Desk) -> None:
    half_typed(page_en)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page_en.page.on("dialog", leave)
    page_en.page.reload()
    assert asked == ["beforeunload"]


def test_a_form_with_errors_is_still_guarded(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"{made.path}/edit")
    page_en.by("textbox", "Name").fill("")
    page_en.by("button", "Save").click()
    expect(page_en.by("alert", "There is a problem")).to_be_focused()
    page_en.by("link", "Home").click()
    press(page_en, "Leave")
    page_en.heading("Home")


def test_formats_are_checked_when_a_field_is_left(page_en: Desk) -> None:
    """Never while typing, never of an empty field; gone as soon as it is right."""
    page_en.go("/thirdparties/new")
    page_en.unfold()
    sentence = word("en", "Enter an email address like name@example.com")
    email, phone = page_en.by("textbox", "Email"), page_en.by("textbox", "Phone")
    sent: list[str] = []
    page_en.page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/check") else None)
    email.press_sequentially("lea@zinc")
    assert sent == []
    with page_en.page.expect_response("**/check"):
        phone.focus()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(sentence)
    email.fill("lea@zinc.example")
    with page_en.page.expect_response("**/check"):
        phone.focus()
    expect(email).not_to_have_attribute("aria-invalid", "true")
    expect(page_en.page.get_by_text(sentence)).to_have_count(0)
    number = len(sent)
    email.fill("")
    phone.focus()
    page_en.by("textbox", "Name").fill("x")
    page_en.by("textbox", "Town").fill("Lyon")
    page_en.by("textbox", "Name").focus()
    assert len(sent) == number, "only formats, and no empty field"


def test_a_corrected_field_is_checked_again_after_a_failed_save(page_en: Desk) -> None:
    page_en.go("/thirdparties/new")
    page_en.unfold()
    page_en.by("textbox", "Email").fill("lea@zinc")
    page_en.by("button", "Save").click()
    summary = page_en.by("alert", "There is a problem")
    expect(summary.get_by_role("listitem")).to_have_count(2)
    name = page_en.by("textbox", "Name")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Zinc SARL")
    name.press("Tab")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(summary.get_by_role("listitem")).to_have_count(1)
    email = page_en.by("textbox", "Email")
    email.fill("lea@zinc.example")
    email.press("Tab")
    expect(summary).to_have_count(0)


def test_try_again_does_what_was_pressed(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    page_en.page.route("**/status", lambda route: route.abort())
    button = page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted")
    button.click()
    alert = page_en.page.get_by_role("alert").filter(
        has_text=word("en", "The server did not answer. Nothing was lost.")
    )
    again = alert.get_by_role("button", name="Try again", exact=True)
    expect(again).to_be_visible()
    page_en.page.unroute("**/status")
    again.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(again).to_have_count(0)
    page_en.watch.faults[:] = [
        fault for fault in page_en.watch.faults if "ERR_FAILED" not in fault and "Failed to fetch" not in fault
    ]
