"""What is done ten times a day: create, click a status, take it back, look at the history (issue A; UX 2.1, 2.3, 6)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk, numbers

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
CODE = re.compile(r"CU\d{4}-\d{5}")
STATUSES = ("Never contacted", "To contact", "Contact in progress", "Contacted", "Do not contact")


@pytest.mark.parametrize("language", LANGUAGES)
@SCRIPT
class TestBothWays:
    """Each of these works in both languages, with and without script."""

    def test_a_prospect_from_a_name_alone(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """Task 1 of UX 6: two clicks, a name, Enter. The code follows the rule, one after the other."""
        desk = open_tab(language, script=script)
        codes = []
        for _round in range(2):
            name = f"Boulangerie {next(numbers):03}"
            desk.go("/thirdparties?view=prospects")
            with desk.presses(2) if script else desk.presses(0):
                menu = desk.open_menu("Create")
                desk.by("menuitem", "Prospect", menu).click()
                expect(desk.by("heading", "New prospect")).to_be_visible()
                expect(desk.by("textbox", "Name")).to_be_focused()
                desk.page.keyboard.type(name)
                desk.keys("Enter")
                desk.told(desk.say("%(title)s created.", title=name))
            if script:  # the short form leaves one where one was
                assert desk.path == "/thirdparties"
                desk.row(name).get_by_role("link", name=name, exact=True).click()
            desk.heading(name)
            code = CODE.search(desk.page.locator("main .subtitle").inner_text())
            assert code
            codes.append(code.group())
            assert _fact(desk, "Type") == desk.say("Prospect")
        assert codes[0][:7] == codes[1][:7]
        assert int(codes[1][7:]) == int(codes[0][7:]) + 1

    def test_statuses_by_one_click_each_and_back(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """Tasks 3 and 4: three prospects, three clicks; one click takes the last one back."""
        desk = open_tab(language, script=script)
        tag = f"Trio{next(numbers):03}"
        made = [desk.create(f"{tag} {letter}") for letter in "ABC"]
        desk.go(f"/thirdparties?view=prospects&q={tag}&sort=name")
        contacted, never = desk.say("Contacted"), desk.say("Never contacted")
        with desk.presses(3) if script else desk.presses(0):
            for one in made:
                desk.by("button", "Set {name} to {status}", name=one.name, status=contacted).click()
                desk.told(desk.say("%(title)s set to %(value)s.", title=one.name, value=contacted))
        for one in made:
            strip = desk.row(one.name).locator(".strip")
            expect(strip.locator("[aria-pressed=true]")).to_have_accessible_name(
                desk.say("Set {name} to {status}", name=one.name, status=contacted)
            )
        assert desk.names() == [one.name for one in made]
        assert desk.asks == [("q", tag), ("sort", "name"), ("view", "prospects")]
        last = desk.told(desk.say("%(title)s set to %(value)s.", title=made[2].name, value=contacted))
        with desk.presses(1) if script else desk.presses(0):
            desk.by("button", "Undo", last).click()
            undone = desk.say("%(title)s set to %(value)s.", title=made[2].name, value=never)
            desk.told(desk.say("Taken back: %(what)s", what=undone))
        assert desk.asks == [("q", tag), ("sort", "name"), ("view", "prospects")]
        expect(desk.row(made[2].name).locator("[aria-pressed=true]")).to_have_accessible_name(
            desk.say("Set {name} to {status}", name=made[2].name, status=never)
        )

    def test_history_tells_who_when_and_why(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go(made.path)
        path = desk.by("navigation", "Status")
        desk.by("button", "To contact", path).click()
        message = desk.told(desk.say("%(title)s set to %(value)s.", title=made.name, value=desk.say("To contact")))
        expect(desk.by("button", "To contact", path)).to_have_attribute("aria-current", "step")
        desk.by("button", "Undo", message).click()
        expect(desk.by("button", "Never contacted", path)).to_have_attribute("aria-current", "step")
        lines = desk.page.locator("section", has=desk.by("heading", "History")).get_by_role("listitem")
        expect(lines).to_have_count(3)
        back, click, creation = lines.all()
        expect(creation).to_contain_text(desk.say("%(title)s created.", title=made.name))
        for line in (back, click):
            expect(line).to_contain_text("Alice Durand")
            expect(line.locator("time")).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT"))
            expect(line).to_contain_text(desk.say("Contact status"))
        expect(click.locator("del")).to_have_text(desk.say("Never contacted"))
        expect(click.locator("ins")).to_have_text(desk.say("To contact"))
        expect(back).to_contain_text(
            desk.say(
                "Taken back: %(what)s",
                what=desk.say("%(title)s set to %(value)s.", title=made.name, value=desk.say("Never contacted")),
            )
        )

    def test_what_was_done_lately_can_be_taken_back(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go("/")
        desk.by("menuitem", "Recent actions", desk.open_menu("Your account, {name}", name="Alice Durand")).click()
        desk.heading(desk.say("Recent actions"))
        created = desk.say("%(title)s created.", title=made.name)
        desk.exact("button", desk.say("Undo: %(action)s", action=created)).click()
        desk.heading(desk.say("Recent actions"))
        expect(desk.page.locator("[data-message]")).to_be_visible()
        assert desk.page.request.get(f"{made.path}/edit").status == 404

    def test_delete_and_restore(self, open_tab: OpenTab, language: str, script: bool) -> None:
        desk = open_tab(language, script=script)
        made = desk.create()
        for road in ("undo", "sheet", "trash"):
            desk.go(made.path)
            desk.by("menuitem", "Delete", desk.open_menu("More actions")).click()
            message = desk.told(desk.say("%(title)s moved to the trash.", title=made.name))
            expect(desk.row(made.name)).to_have_count(0)
            if road == "undo":
                desk.by("button", "Undo", message).click()
                expect(desk.row(made.name)).to_have_count(1)
                continue
            if road == "sheet":
                desk.go(made.path)
                expect(desk.page.locator("main .note")).to_contain_text("Alice Durand")
                expect(desk.by("link", "Edit")).to_have_count(0)
                desk.by("button", "Restore").click()
            else:
                desk.by("link", "Trash").click()
                desk.heading(desk.say("Trash"))
                desk.exact("button", desk.say("Restore %(name)s", name=made.name)).click()
            desk.told(desk.say("%(title)s restored.", title=made.name))
            desk.go(made.path)
            expect(desk.by("link", "Edit")).to_be_visible()

    def test_a_customer_from_a_prospect(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """An action of a plugin, and its reason in history."""
        desk = open_tab(language, script=script)
        made = desk.create()
        desk.go(made.path)
        desk.by("button", "Convert to customer").click()
        desk.told(desk.say("Convert to customer"))
        desk.by("link", "Details").click()
        assert _fact(desk, "Customer since") != desk.say("empty")
        desk.by("link", "Activity").click()
        expect(desk.by("button", "Convert to customer")).to_have_count(0)
        newest = desk.page.locator("section", has=desk.by("heading", "History")).get_by_role("listitem").first
        expect(newest).to_contain_text(desk.say("Convert to customer"))

    def test_a_lead_is_lost_for_a_reason(self, open_tab: OpenTab, language: str, script: bool) -> None:
        """A refused change: the old value stays, the sentence says what to do, nothing is told as done."""
        desk = open_tab(language, script=script)
        made = desk.create(entity="leads")
        desk.go(f"/leads?q={made.name.replace(' ', '+')}")
        lost = desk.say("Lost", "lead status")
        desk.by("button", "Set {name} to {status}", name=made.name, status=lost).click()
        reason = desk.say("Say why %(name)s is lost: fill in the reason for loss", name=made.name)
        expect(desk.page.get_by_text(reason)).to_be_visible()
        expect(desk.page.locator("[data-message]", has=desk.by("button", "Undo"))).to_have_count(0)
        desk.go(made.path)
        expect(desk.by("button", desk.say("New", "lead status"), desk.by("navigation", "Status"))).to_have_attribute(
            "aria-current", "step"
        )


def _fact(desk: Desk, label: str) -> str:
    return (
        desk.page.locator(".facts > div", has=desk.page.get_by_text(desk.say(label), exact=True))
        .locator("dd")
        .inner_text()
        .partition("\n")[0]
        .strip()
    )


def test_a_row_that_left_the_view_stays_greyed_until_reload(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"/thirdparties?view=prospects&f=contact_status:is:never&q={made.name.replace(' ', '+')}")
    page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    expect(page_en.row(made.name)).to_contain_text(page_en.say("No longer in this view"))
    page_en.page.reload()
    expect(page_en.row(made.name)).to_have_count(0)


def test_messages_stack_to_three_and_stay_while_looked_at(page_en: Desk) -> None:
    page_en.page.clock.install()
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    for status in STATUSES[1:]:
        page_en.by("button", "Set {name} to {status}", name=made.name, status=status).click()
        page_en.told(f"{made.name} set to {status}.")
    messages = page_en.page.locator("[data-message]")
    expect(messages).to_have_count(3)
    expect(messages.last).to_contain_text("Do not contact")
    page_en.page.clock.run_for(19_000)
    expect(messages).to_have_count(3)
    messages.last.hover()
    page_en.page.clock.run_for(10_000)
    expect(messages).to_have_count(1)
    page_en.page.mouse.move(10, 10)
    page_en.page.clock.run_for(10_000)
    expect(messages).to_have_count(0)


def test_dismissing_a_message_gives_the_focus_back(page_en: Desk) -> None:
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    page_en.by("button", "Dismiss", page_en.told("set to Contacted")).click()
    page_en.assert_focus_is_somewhere()
    expect(page_en.page.locator("[data-message]")).to_have_count(0)


def test_a_second_person_changed_the_status(page_en: Desk, open_tab: OpenTab) -> None:
    """A stale click is refused with the value of now; the row shows it."""
    made = page_en.create()
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    paul = open_tab("en", person="Paul Leroy")
    paul.post(f"{made.path}/status", field="contact_status", value="refused", seen="never")
    page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    expect(page_en.row(made.name).get_by_role("alert")).to_contain_text("was changed meanwhile")
    expect(page_en.row(made.name).locator("[aria-pressed=true]")).to_have_accessible_name(
        f"Set {made.name} to Do not contact"
    )
    page_en.assert_focus_is_somewhere()
