"""A series shows what it gives while its pattern is typed (TP-2, UX 2.13)."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_the_preview_follows_what_is_typed(page_en: Desk) -> None:
    page_en.go("/numbering")
    page_en.by("button", "Add series").click()
    page_en.page.get_by_label("Third parties", exact=True).check()
    pattern = page_en.page.get_by_role("textbox", name="Pattern")
    pattern.fill("QX{0000}")
    expect(page_en.by("status", "Next number QX0001")).to_be_visible()
    expect(pattern).to_be_focused()
    pattern.fill("QX{00")
    expect(page_en.page.locator("#number-preview .error")).to_be_visible()
    pattern.fill("QX")
    page_en.page.get_by_role("button", name="{0000} counter", exact=True).click()
    expect(pattern).to_have_value("QX{0000}")
    expect(page_en.by("status", "Next number QX0001")).to_be_visible()
    pattern.fill("QX{0000+41}")
    page_en.by("button", "Preview").click()
    expect(page_en.by("status", "Next number QX0042")).to_be_visible()
    expect(page_en.by("textbox", "Pattern")).to_have_value("QX{0000+41}")
