"""Writing a mail from a template with a file, and reading it in the outbox (ML-1, ML-2, ML-6; UX 4.3)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import numbers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_a_template_with_a_file_read_in_the_outbox(open_tab: OpenTab, language: str, script: bool) -> None:
    desk = open_tab(language, script=script)
    name = f"Serrurerie {next(numbers):03}"
    made = desk.create(name, email="lea@serrurerie.example")
    desk.go(made.path)
    desk.by("menuitem", "Send e-mail", desk.open_menu("More actions")).click()
    desk.heading(desk.say("Send e-mail"))
    desk.by("combobox", "Template").select_option(label=desk.say("First contact"))
    desk.by("button", "Use template").click()
    subject = desk.page.locator("#f-subject")
    expect(subject).to_have_value(desk.say("Getting to know each other"))
    file = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"ground floor"}
    desk.page.locator("#f-files").set_input_files(file)  # type: ignore[arg-type]  # a dictionary of its shape
    desk.by("button", "Continue").click()
    expect(desk.page.locator("pre.mail-text")).to_contain_text(name)
    expect(desk.page.get_by_text("plan.txt")).to_be_visible()
    send = {"en": "Send to 1 recipient", "fr": "Envoyer à 1 destinataire"}[language]
    desk.page.get_by_role("button", name=send, exact=True).click()
    desk.heading(name)
    mails = desk.page.locator("#mails")
    expect(mails).to_contain_text(desk.say("Getting to know each other"))
    expect(mails).to_contain_text(desk.say("In the local outbox", "mail"))
    desk.go("/mail/outbox")
    desk.page.get_by_role("link", name=desk.say("Getting to know each other")).first.click()
    desk.heading(desk.say("Getting to know each other"))
    expect(desk.page.locator("pre.mail-text")).to_contain_text(name)
    expect(desk.page.frame_locator("iframe.mail-frame").locator("body")).to_contain_text(name)
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name="plan.txt").click()
    assert download.value.path().read_bytes() == b"ground floor"
