"""A plugin that misbehaves is named, loses its own part only, and never takes the site down (MO-8, SECURITY F24 to F31)."""

from __future__ import annotations

import re

import pytest

from core.errors import PluginError
from core.features.demo import load_demo
from core.jobs import queue
from core.jobs.worker import Worker
from core.runtime import rehearsal
from core.testing import Browser, Site
from tests.faults.conftest import (
    Comptoir,
    Mischief,
    create,
    incidents,
    names,
    signed_in,
    state,
    switch,
    tables,
    words,
    works,
)

FATAL = ("raise", "exit", "deep", "memory")
"""Also SystemExit, RecursionError and MemoryError: a worker survives them (F30)."""
BUILD_HOOKS = ("entities", "entity_fields", "menus", "panels", "actions", "checks", "blueprints")


@pytest.mark.covers("MO-8a", "MO-8b")
class TestSwitchingOn:
    """Enabling fails as a whole, and the site goes on as it was."""

    def refused(self, site: Site, browser: Browser, *told: str) -> None:
        status, page = switch(browser, "enable")
        assert status == 422, page
        assert all(word in page for word in ("ischief", *told)), page
        assert site.runtime.follow().enabled == ("thirdparty", "loyalty")
        assert not tables(site)
        works(browser)

    def test_migration_that_fails(self, village: Site, mischief: Mischief) -> None:
        """F24: refused, module and step named, nothing of it kept, on both databases."""
        browser = village.browser()
        for deed in ("raise", "half", "commit", "exit"):
            mischief.do(f"migration={deed}")
            self.refused(village, browser, "mischief_0001")
            assert incidents(browser)[0].startswith("migration")
        mischief.do()
        assert switch(browser, "enable")[0] == 303
        assert tables(village) == {"mischief_thirdparty", "mischief_trick", "mischief_migration"}

    def test_declaration_that_fails(self, village: Site, mischief: Mischief) -> None:
        """F26: each build hook; the generation before goes on."""
        browser = village.browser()
        for hook in BUILD_HOOKS:
            mischief.do(f"{hook}=raise")
            self.refused(village, browser, hook)
        for deed in FATAL[1:]:
            mischief.do(f"menus={deed}")
            self.refused(village, browser, "menus")
        assert set(incidents(browser)) == {"build build"}
        for deed in ("blueprints=nopolicy", "menus=nowhere"):
            mischief.do(deed)
            self.refused(village, browser)

    def test_import_that_fails(
        self, village: Site, mischief: Mischief, monkeypatch: pytest.MonkeyPatch, engine_name: str
    ) -> None:
        """Found out in a child process: raising, ending the process, hanging (once is enough, no database is near)."""
        browser = village.browser()
        for deed in ("raise", "exit", *(["hang"] if engine_name == "sqlite" else [])):
            if deed == "hang":
                monkeypatch.setattr(rehearsal, "LIMIT_SECONDS", 15.0)
            mischief.forget()
            mischief.do(f"hooks={deed}")
            with pytest.raises(PluginError, match="mischief"):
                village.enable("mischief")
            assert village.runtime.follow().enabled == ("thirdparty", "loyalty")
            assert incidents(browser)[0].startswith("import")
        works(browser)

    def test_enabling_hook_that_fails(self, village: Site, mischief: Mischief) -> None:
        browser = village.browser()
        for deed in FATAL:
            mischief.do(f"module_enabled={deed}")
            self.refused(village, browser, "failed when it was switched on")

    def test_written_for_another_core(self, village: Site, mischief: Mischief) -> None:
        mischief.forget()
        mischief.do("core=>=9")
        village.runtime.discovery.found.pop("mischief")
        browser = village.browser()
        browser.get("/admin/modules")
        assert browser.post("/admin/modules/reload").status_code == 303
        assert "written for the core >=9" in state(browser)
        works(browser)


@pytest.mark.covers("MO-8a")
class TestWhileItIsOn:
    """What was well when it was switched on fails later: after an upgrade, in another process."""

    def test_declaration_that_fails_sets_it_aside(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        """F26: it is red on the Modules page with the reason; the others go on; it can be switched off or on again."""
        for hook in BUILD_HOOKS:
            mischief.do(f"{hook}=raise")
            browser.get("/admin/modules")
            assert browser.post("/admin/modules/reload").status_code == 303
            assert town.runtime.follow().enabled == ("thirdparty", "loyalty")
            assert "Needs attention" in state(browser)
            assert hook in state(browser)
            works(browser)
            assert browser.get("/tricks").status_code == 404
            mischief.do()
            town.enable("mischief")
            assert browser.get("/tricks").status_code == 200
        mischief.do("menus=exit")
        browser.post("/admin/modules/reload")
        assert town.runtime.follow().enabled == ("thirdparty", "loyalty")
        assert switch(browser, "disable")[0] == 303
        assert "Disabled" in state(browser)

    def test_import_that_fails_in_the_next_process(self, town: Site, mischief: Mischief) -> None:
        """The application starts without it, and says why; it can be switched off without being imported."""
        town.add_person("Alice")
        mischief.forget()
        for deed in ("import=raise", "import=exit", "hooks=raise", "hooks=exit"):
            mischief.do(deed)
            other = Site(town.config.database_url, town.config.var)
            try:
                assert other.runtime.follow().enabled == ("thirdparty", "loyalty")
                browser = signed_in(other)
                assert re.search(r"Needs attention|Missing", state(browser))
                assert "mischief in" in state(browser)
                works(browser)
            finally:
                other.close()
            mischief.forget()
        other = Site(town.config.database_url, town.config.var)
        try:
            assert switch(signed_in(other), "disable")[0] == 303
        finally:
            other.close()


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
            sheet = browser.get(f"/thirdparties/{create(browser, role='customer', town='Lyon')}")
            shown = words(sheet.text.split('id="history"')[0])
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
        assert "given up after 5 attempts" in words(browser.get("/admin/modules/mischief").text)
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
            for address in ("/thirdparties", sheet):
                page = browser.get(address)
                assert page.status_code == 200, deed
                assert "Zinc SARL" in page.text, deed
                assert "could not be shown" in page.text, deed
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


class TestSwitchingOff:
    """It can always be switched off; only a veto that says why holds it on."""

    @pytest.mark.parametrize("deed", ["raise", "exit"])
    def test_a_crash_does_not_hold_it_on(self, town: Site, browser: Browser, mischief: Mischief, deed: str) -> None:
        mischief.do(f"module_disabling={deed}")
        assert switch(browser, "disable")[0] == 303
        assert "mischief" not in town.runtime.follow().enabled
        assert incidents(browser)[0] == "veto module_disabling"

    def test_a_veto_does(self, town: Site, browser: Browser, mischief: Mischief) -> None:
        mischief.do("module_disabling=veto")
        status, page = switch(browser, "disable")
        assert status == 422
        assert "Mischief is not managed yet" in page
        assert "mischief" in town.runtime.follow().enabled

    def test_by_command(self, town: Site, mischief: Mischief, comptoir: Comptoir) -> None:
        mischief.do("hooks=raise")
        listed = comptoir(town, "plugin", "list")
        assert re.search(r"mischief +1\.0 +set aside +.*mischief in hooks", listed.stdout), listed
        assert comptoir(town, "plugin", "disable", "mischief").returncode == 0
        assert town.runtime.follow().enabled == ("thirdparty", "loyalty")

    def test_what_is_linked_is_named_while_it_is_off(self, town: Site, browser: Browser) -> None:
        sheet = f"/thirdparties/{create(browser)}"
        assert browser.post(f"{sheet}/action/mischief/trick").status_code == 303
        town.disable("mischief")
        answer = browser.post(f"{sheet}/delete")
        assert answer.status_code == 422
        assert "Tricks (module mischief, switched off)" in words(answer.text)


def test_demo_data_of_the_others_is_there(town: Site, browser: Browser, mischief: Mischief) -> None:
    mischief.do("demo_data=exit")
    assert load_demo(town.context()) == 200
    assert incidents(browser) == ["demo demo_data"]
