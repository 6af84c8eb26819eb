"""A plugin that misbehaves while it runs is named and loses its own part only (MO-8, SECURITY F27, F28, F30, F31)."""

from __future__ import annotations

import re

import pytest

from core.features.demo import load_demo
from core.jobs import queue
from core.jobs.worker import Worker
from core.testing import Browser, Site
from tests.faults.conftest import FATAL, Mischief, create, incidents, names, state, switch, words, works


class TestVeto:
    """`records_changing`: a check that fails, refuses; but never where modules and users are managed (F27)."""

    def test_a_crash_refuses_and_is_named(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        for deed in FATAL:
            mischief.do(f"records_changing={deed}")
            answer = browser.post("/thirdparties/new", {"name": "Never SARL"})
            assert answer.status_code == 422
            assert "could not check this change" in words(answer.text)
            assert "mischief" in words(answer.text).lower()
            assert 'value="Never SARL"' in answer.text
        assert incidents(browser) == ["veto records_changing"] * len(FATAL)
        assert "Needs attention" in state(browser)
        assert "Never SARL" not in names(browser)

    def test_an_interrupt_is_the_operators(self, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changing=interrupt")
        with pytest.raises(KeyboardInterrupt):
            browser.post("/thirdparties/new", {"name": "Never SARL"})
        mischief.do()
        assert "Never SARL" not in names(browser)

    def test_modules_and_users_are_managed_all_the_same(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changing=raise")
        assert town.browser("Bob").get("/").status_code == 200
        for module in ("loyalty", "mischief"):
            assert switch(browser, "disable", module)[0] == 303
        assert create(browser)

    def test_a_veto_is_no_fault(self, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changing=veto")
        answer = browser.post("/thirdparties/new", {"name": "Never SARL"})
        assert answer.status_code == 422
        assert "Mischief does not want this" in words(answer.text)
        assert not incidents(browser)

    def test_a_slow_one_is_waited_for(self, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changing=slow", "records_changed=slow")
        assert create(browser)
        assert not incidents(browser)


class TestReaction:
    """`records_changed`: undone alone and reported; the operation and the others' reactions go on (F27)."""

    def test_a_crash_is_undone_alone(self, browser: Browser, mischief: Mischief) -> None:
        for number, deed in enumerate([*FATAL, "write", "dirty"], 1):
            mischief.do(f"records_changed={deed}")
            sheet = browser.get(f"/thirdparties/{create(browser, role='customer', town='Lyon')}?tab=details")
            shown = words(sheet.text)
            assert "Lyon" in shown, deed
            assert "Mischiefville" not in sheet.text, deed
            assert "Silver" in shown, deed  # loyalty comes after it
            assert re.search(r"Customer since \d", shown), deed  # third parties come before it
            assert incidents(browser) == ["reaction records_changed"] * number
        assert "never seen" not in browser.get("/tricks").text

    def test_breaking_a_rule_refuses_the_unit(self, browser: Browser, mischief: Mischief) -> None:
        """F31: it is named, and nothing of the operation is kept."""
        kept = create(browser, name="Tin Ltd", town="Lyon")
        for deed in ("commit", "rollback", "close", "reset", "connection", "socket", "bulk", "delete"):
            mischief.do(f"records_changed={deed}")
            answer = browser.post("/thirdparties/new", {"name": "Never SARL", "town": "Lyon"})
            assert answer.status_code == 500, deed
            assert "mischief" in words(answer.text).lower(), deed
            mischief.do()
            assert "Never SARL" not in names(browser), deed
            sheet = browser.get(f"/thirdparties/{kept}").text
            assert "Lyon" in sheet, deed
            assert "Mischiefville" not in sheet, deed
        told = words(browser.get("/admin/modules/mischief").text)
        for rule in ("commit", "rollback", "close", "reset", "the network", "a bulk statement", "delete_record()"):
            assert rule in told
        works(browser)

    def test_answering_itself_for_ever_is_refused(self, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changed=echo")
        answer = browser.post("/thirdparties/new", {"name": "Never SARL"})
        assert answer.status_code == 500
        assert "Never SARL" not in names(browser)
        assert "answering each other" in words(answer.text)
        assert incidents(browser)

    def test_an_interrupt_is_the_operators(self, browser: Browser, mischief: Mischief) -> None:
        mischief.do("records_changed=interrupt")
        with pytest.raises(KeyboardInterrupt):
            browser.post("/thirdparties/new", {"name": "Never SARL"})
        mischief.do()
        assert "Never SARL" not in names(browser)


class TestDelivery:
    """`changes_committed`: by the worker, at least once, tried again, given up in the end; never in the request."""

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(queue, "FIRST_DELAY_SECONDS", 0.0)
        monkeypatch.setattr(queue, "LONGEST_DELAY_SECONDS", 0.0)

    def work(self, site: Site) -> None:
        worker = Worker(site.runtime)
        while worker.run_one():
            pass

    def test_every_operation_is_told_once_when_all_is_well(
        self, town: Site, browser: Browser, mischief: Mischief
    ) -> None:
        answers = [browser.post("/thirdparties/new", {"name": f"Zinc {number}"}) for number in range(3)]
        operations = [int(re.findall(r"done=(\d+)", answer.headers["Location"])[0]) for answer in answers]
        assert mischief.delivered() == []
        self.work(town)
        assert mischief.delivered() == operations

    def test_tried_again_until_it_works(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        mischief.do("changes_committed=fail:3")
        create(browser)
        self.work(town)
        assert len(mischief.delivered()) == 1
        assert incidents(browser) == ["delivery changes_committed"]

    def test_given_up_in_the_end(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        for number, deed in enumerate(FATAL, 1):
            mischief.do(f"changes_committed={deed}")
            create(browser)
            self.work(town)
            assert mischief.delivered() == [], deed
            assert incidents(browser) == ["delivery changes_committed"] * 2 * number
        assert "given up after 16 attempts" in words(browser.get("/admin/modules/mischief").text)
        mischief.do()
        create(browser)
        self.work(town)
        assert len(mischief.delivered()) == 1

    def test_it_waits_while_the_module_is_off(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        create(browser)
        town.disable("mischief")
        self.work(town)
        assert mischief.delivered() == []
        town.enable("mischief")
        self.work(town)
        assert len(mischief.delivered()) == 1


class TestPages:
    """A part of a page that fails says so in its place, and the page is there (F28)."""

    @pytest.fixture
    def sheet(self, browser: Browser) -> str:
        return f"/thirdparties/{create(browser, **{'mischief.prank': 'a bucket'})}"

    def test_panel(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        for number, deed in enumerate([*FATAL, "template", "sql"], 1):
            mischief.do(f"panel={deed}")
            page = browser.get(sheet)
            assert page.status_code == 200, deed
            assert "This panel could not be loaded. Module: Mischief" in words(page.text), deed
            assert "No reward yet." in page.text, deed
            assert incidents(browser) == ["panel panel mischief"] * number
        mischief.do()
        assert "good mood" in browser.get(sheet).text

    def test_tab_and_its_count(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        number = sheet.rpartition("/")[2]
        count = f"/thirdparties/{number}/tab/mood/count"
        for deed in (*FATAL, "sql"):
            mischief.do(f"tab={deed}", "tab_count=raise")
            page = browser.get(f"{sheet}?tab=mood")
            assert page.status_code == 200, deed
            assert "This panel could not be loaded. Module: Mischief" in words(page.text), deed
            answer = browser.get(count)
            assert (answer.status_code, words(answer.text)) == (200, ""), deed
        assert set(incidents(browser)) == {"tab tab mood"}
        mischief.do()
        assert "good mood" in browser.get(f"{sheet}?tab=mood").text
        assert words(browser.get(count).text) == "3"

    def test_card_of_the_home_page(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        for number, deed in enumerate([*FATAL, "sql"], 1):
            mischief.do(f"card={deed}")
            page = browser.get("/")
            assert page.status_code == 200, deed
            assert "Mood of the house This panel could not be loaded. Module: Mischief" in words(page.text), deed
            assert "Third parties by contact status" in page.text, deed
            assert incidents(browser) == ["widget widget mood"] * number
        mischief.do()
        assert "good mood" in browser.get("/").text

    def test_menu_counter(self, browser: Browser, mischief: Mischief) -> None:
        for deed in ("raise", "exit", "sql"):
            mischief.do(f"counter={deed}")
            before = incidents(browser)
            assert incidents(browser) == before  # where modules are managed no plugin is asked anything
            for address in ("/", "/thirdparties"):
                page = browser.get(address)
                assert page.status_code == 200, deed
                assert 'href="/tricks"' in page.text, deed
            assert incidents(browser) == ["menu menu records.index", *before]

    def test_column_and_field(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        assert "a bucket" in browser.get("/thirdparties").text
        for deed in ("raise", "exit"):
            mischief.do(f"column={deed}")
            for address in ("/thirdparties", f"{sheet}?tab=details"):
                page = browser.get(address)
                assert page.status_code == 200, deed
                assert "Zinc SARL" in page.text, deed
                assert "could not be shown" in page.text, (deed, address)
                assert "a bucket" not in page.text.split('id="history"')[0], deed
        assert incidents(browser) == ["field field mischief.prank"] * 2

    def test_button(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        for deed in ("raise", "exit"):
            mischief.do(f"when={deed}")
            page = browser.get(sheet)
            assert page.status_code == 200, deed
            assert "Play a trick" not in page.text, deed
            assert "Ask around" in page.text, deed
        assert incidents(browser) == ["action action trick"] * 2

    def test_action_leaves_nothing(self, browser: Browser, mischief: Mischief, sheet: str) -> None:
        for number, deed in enumerate(["raise", "exit", "deep"], 1):
            mischief.do(f"action={deed}")
            answer = browser.post(f"{sheet}/action/mischief/trick")
            assert answer.status_code == 500, deed
            assert "The module Mischief failed. Nothing was changed." in words(answer.text), deed
            assert "A trick" not in browser.get("/tricks").text, deed
            assert incidents(browser) == ["action action trick"] * number

    def test_a_view_asks_the_others(self, browser: Browser, mischief: Mischief) -> None:
        assert browser.get("/mischief").text == "mischief managed, loyalty is well"

    def test_check(self, browser: Browser, mischief: Mischief) -> None:
        for deed in ("raise", "exit"):
            mischief.do(f"check={deed}")
            assert "The check failed" in words(browser.get("/admin/modules/mischief").text), deed
            assert "check mood" in incidents(browser)
            assert "Codes are given automatically" in browser.get("/admin/modules/thirdparty").text, deed

    def test_page_of_its_own(self, browser: Browser, mischief: Mischief) -> None:
        assert browser.get("/mischief").status_code == 200
        for number, deed in enumerate(["raise", "exit"], 1):
            mischief.do(f"view={deed}")
            answer = browser.get("/mischief")
            assert answer.status_code == 500, deed
            assert "The module Mischief failed" in words(answer.text), deed
            assert incidents(browser) == ["view view mischief.index"] * number
        works(browser)


def test_demo_data_of_the_others_is_there(town: Site, browser: Browser, mischief: Mischief) -> None:
    mischief.do("demo_data=exit")
    assert load_demo(town.context()) > 200  # third parties, with addresses and tags
    assert incidents(browser) == ["demo demo_data"]
