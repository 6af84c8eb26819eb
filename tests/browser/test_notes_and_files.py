"""Notes and files of a sheet in a real browser, with script and without, in both languages (TP-5; UX 2.3)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.payloads import MARKUP


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 400), "red").save(made, "PNG")
    return made.getvalue()


def payload(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def tab(desk: Desk, text: str) -> Any:
    return desk.by("navigation", "Record sections").get_by_role("link").filter(has_text=desk.say(text))


@pytest.mark.covers("TP-5a", "TP-5c", "UI-2")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
class TestBothWays:
    def test_a_note(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        desk.go(desk.create().path)
        expect(tab(desk, "Activity")).to_have_attribute("aria-current", "page")
        desk.by("textbox", "Note").fill("Call back\n\nhttps://zinc.example")
        desk.by("button", "Save note").click()
        desk.told(desk.say("Note added."))
        expect(desk.page.locator(".rich")).to_contain_text("Call back")
        expect(desk.exact("link", "https://zinc.example")).to_be_visible()
        desk.page.locator("[aria-labelledby=notes]").get_by_role("link", name=desk.say("Edit")).click()
        desk.by("textbox", "Note").fill("Called")
        desk.by("button", "Save").click()
        desk.told(desk.say("Note changed."))
        desk.page.locator("[aria-labelledby=notes]").get_by_role("button", name=desk.say("Delete")).click()
        message = desk.told(desk.say("Note moved to the trash."))
        expect(desk.page.locator(".rich")).to_have_count(0)
        desk.by("button", "Undo", message).click()
        expect(desk.page.locator(".rich")).to_have_text("Called")

    def test_two_files(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go(made.path)
        tab(desk, "Files").click()
        desk.page.locator("#f-files").set_input_files(
            [payload("photo.png", picture()), payload("plan.pdf", b"%PDF-1.7")]
        )
        if not script:  # with script they are sent when they are chosen
            desk.by("button", "Add files").click()
        expect(desk.exact("link", "photo.png")).to_be_visible()
        expect(desk.exact("link", "plan.pdf")).to_be_visible()
        expect(tab(desk, "Files")).to_contain_text("2")
        small = desk.page.locator("ul.files img")
        for _look in range(60):  # the worker draws it after the answer
            if small.count():
                break
            desk.page.wait_for_timeout(500)
            desk.page.reload()
        expect(small).to_have_count(1)
        small.scroll_into_view_if_needed()
        expect(small).to_be_visible()
        if script:
            desk.page.wait_for_function("document.querySelector('ul.files img').naturalWidth === 256")
        with desk.page.expect_download() as waiting:
            desk.exact("link", "plan.pdf").click()
        assert waiting.value.suggested_filename == "plan.pdf"
        desk.exact("button", desk.say("Delete %(name)s", name="plan.pdf")).click()
        message = desk.page.locator("[data-message]").filter(has_text="plan.pdf")
        expect(desk.exact("link", "plan.pdf")).to_have_count(0)
        desk.by("button", "Undo", message).click()
        expect(desk.exact("link", "plan.pdf")).to_be_visible()


def test_one_that_is_too_large_is_said_before_it_is_sent(desk: Desk) -> None:
    desk.go(f"{desk.create().path}?tab=files")
    desk.page.locator("#f-files").set_input_files([payload("big.bin", b"x" * (21 << 20)), payload("small.txt", b"x")])
    limit = desk.say("%(name)s is %(size)s MB; the limit is %(limit)s MB", name="big.bin", size="21", limit="20")
    expect(desk.page.locator("#uploads").get_by_role("alert")).to_have_text(limit)
    desk.by("link", "Show files").click()
    expect(desk.exact("link", "small.txt")).to_be_visible()
    expect(desk.exact("link", "big.bin")).to_have_count(0)


def test_files_are_dropped_anywhere(page_en: Desk) -> None:
    page_en.go(page_en.create().path)
    page_en.page.evaluate(
        "() => { const transfer = new DataTransfer(); transfer.items.add(new File(['x'], 'dropped.txt'));"
        " document.querySelector('h1').dispatchEvent("
        "new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: transfer})); }"
    )
    expect(page_en.exact("link", "dropped.txt")).to_be_visible()


def test_nothing_in_a_note_runs(page_en: Desk) -> None:
    """T08, T18, T19: no script, no handler, no foreign element, no report of the policy (the tab fails on one)."""
    made = page_en.create()
    page_en.go(made.path)
    for markup in MARKUP:
        page_en.post(f"{made.path}/notes", text=markup)
    shown = 0
    path: str | None = made.path
    while path:
        page_en.go(path)
        assert page_en.page.evaluate("window.__hit ?? null") is None
        found = page_en.page.evaluate(
            "() => [...document.querySelectorAll('.rich *')].flatMap(e => [...e.attributes].map(a => a.name)"
            ".concat(e.namespaceURI === 'http://www.w3.org/1999/xhtml' ? [] : [e.tagName]))"
        )
        assert set(found) <= {"href", "rel", "title", "colspan", "rowspan"}
        shown += page_en.page.locator(".rich").count()
        older = page_en.by("link", "Older notes")
        path = older.get_attribute("href") if older.count() else None
    assert shown == len(MARKUP)
