"""A plugin that cannot be imported, built, migrated or switched: refused or set aside, the site goes on (F24, F26, MO-8)."""

from __future__ import annotations

import re

import pytest

from core.errors import PluginError
from core.runtime import rehearsal
from core.testing import Browser, Site
from tests.faults.conftest import (
    FATAL,
    Comptoir,
    Mischief,
    create,
    incidents,
    signed_in,
    state,
    switch,
    tables,
    words,
    works,
)

BUILD_HOOKS = ("entities", "entity_fields", "menus", "panels", "tabs", "widgets", "actions", "checks", "blueprints")


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
        assert state(browser).endswith("Enable"), "it is off, and what it did still needs attention"

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
