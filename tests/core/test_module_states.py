"""What the cards of the Modules page say of modules with faults, and clearing these (UX 2.12, MO-8)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.contract.hooks import Incident
from core.testing.site import Browser, Site
from core.upkeep.overview import modules
from tests.core.looking import incidents


def card(browser: Browser, name: str, query: str = "") -> str:
    """The text of a module's card, empty when the page does not show it."""
    page = browser.get(f"/admin/modules{query}").text
    found = re.search(rf'<li class="card module" id="module-{name}">(.*?)</li>', page, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(1)).split()) if found else ""


@pytest.mark.covers("MO-8a")
class TestStates:
    def test_one_that_cannot_be_imported_needs_attention(self, site: Site, workshop: Any) -> None:
        name = workshop.plugin(manifest="import nothing_of_this_name\n")
        alice = site.browser()
        alice.get("/admin/modules")
        alice.post("/admin/modules/reload")
        shown = card(alice, name)
        assert "Needs attention" in shown
        assert "nothing_of_this_name" in shown
        assert "Enable" not in shown
        assert card(alice, name, "?state=attention") == shown
        assert card(alice, name, "?state=disabled") == ""
        assert "Needs attention 1" in alice.get("/admin/modules").text

    def test_one_that_is_gone_is_missing_and_in_the_same_filter(self, site: Site, workshop: Any) -> None:
        name = workshop.plugin()
        site.runtime.rescan()
        site.enable(name)
        email = site.add_person("Alice")
        workshop.uninstall(name)
        later = Site(site.config.database_url, site.config.var)
        try:
            alice = later.visitor()
            alice.sign_in(email)
            shown = card(alice, name, "?state=attention")
        finally:
            later.close()
        assert "Missing" in shown
        assert "not installed any more" in shown
        assert shown.endswith("Disable")

    def test_a_fault_before_it_was_ever_on(self, site: Site) -> None:
        site.runtime.report(Incident("leads", "import", "import", "ValueError: broken"))
        alice = site.browser()
        shown = card(alice, "leads", "?state=attention")
        assert "1 incident that nobody has cleared" in shown
        assert shown.endswith("Enable")
        assert card(alice, "leads", "?state=disabled") == ""

    def test_an_administrator_clears_incidents(self, sales: Site) -> None:
        sales.runtime.report(Incident("leads", "panels", "panel", "ValueError: broken"))
        alice, paul = sales.browser(), sales.browser("Paul", "user")
        paul.get("/")
        assert paul.post("/admin/modules/leads/clear").status_code == 403
        assert "Clear the incidents" in alice.get("/admin/modules/leads").text
        answer = alice.post("/admin/modules/leads/clear")
        told = alice.get(answer.headers["Location"]).text
        assert "The incidents of Leads were cleared" in told
        assert "ValueError: broken" in told, "what happened is still told"
        assert "Clear the incidents" not in told
        assert card(alice, "leads", "?state=enabled") != ""
        assert next(module for module in modules(sales.runtime) if module.name == "leads").incidents == 0
        assert incidents(sales.runtime, "leads") == ["panel: ValueError: broken"]
        assert "module.clear: Leads" in alice.get("/admin/audit").text

    def test_clearing_does_not_switch_on_what_is_set_aside(self, sales: Site) -> None:
        from core.runtime.state import set_aside

        with sales.runtime.database.connection() as connection:
            set_aside(connection, "leads", "it hung")
        sales.runtime.report(Incident("leads", "panels", "slow", "6 s"))
        alice = sales.browser()
        alice.get("/admin/modules/leads")
        assert alice.post("/admin/modules/leads/clear").status_code == 303
        assert "it hung" in card(alice, "leads", "?state=attention")
