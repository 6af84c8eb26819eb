"""A plugin of another distribution is first-class, without a line in the core or in the module it extends (MO-9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import column, select, table
from werkzeug.test import TestResponse

from core.data.unit import transaction
from core.errors import Refused
from core.runtime import activation
from core.testing import Browser, Site
from tests.architecture.source import ROOT, relative

pytestmark = pytest.mark.usefixtures("foreign_packages")
FILES = ("/static/loyalty/star.svg",)


@pytest.fixture
def shop(site_with: Callable[..., Site]) -> Site:
    """An installation with third parties and loyalty on."""
    return site_with("thirdparty", "loyalty")


@pytest.fixture
def browser(shop: Site) -> Browser:
    return shop.browser()


def create(browser: Browser, entity: str = "thirdparties", **typed: str) -> str:
    """Create a record and return the address of its sheet."""
    response = browser.post(f"/{entity}/new", {"name": "Zinc SARL", **typed})
    assert response.status_code == 303, response.text
    return urlsplit(response.headers["Location"]).path


def contact(browser: Browser, sheet: str, status: str = "contacted") -> TestResponse:
    """Set the contact status with one click."""
    response = browser.post(f"{sheet}/status", {"field": "contact_status", "value": status, "return": sheet})
    assert response.status_code == 303, response.text
    return response


def take_back(browser: Browser, response: TestResponse) -> TestResponse:
    """Press Undo in the message that an answer leads to."""
    operation = parse_qs(urlsplit(response.headers["Location"]).query)["done"][0]
    undone = browser.post(f"/undo/{operation}", {"return": "/"})
    assert undone.status_code == 303, undone.text
    return undone


def standing(browser: Browser, sheet: str) -> tuple[str, str]:
    """Tier and points of a third party, as its sheet shows them."""
    page = browser.get(f"{sheet}?tab=details").text
    facts = dict(re.findall(r"<dt>(Tier|Points)</dt><dd>(.*?)</dd>", page, re.S))
    words = {name: " ".join(re.sub(r"<[^>]*>", " ", text).split()) for name, text in facts.items()}
    return words["Tier"].split()[-1], words["Points"].split()[-1]


def without_history(page: TestResponse) -> str:
    """A page up to its history, which keeps the names of fields of modules that are off."""
    return page.text.split('id="history"')[0]


def deleted_rewards(site: Site) -> list[bool]:
    """Whether each reward is in the bin, asked of the table itself."""
    rewards = table("loyalty_reward", column("id"), column("deleted_at"))
    with site.runtime.database.reading() as session:
        statement = select(rewards.c.deleted_at.is_not(None)).order_by(rewards.c.id)
        return [bool(deleted) for deleted in session.connection().execute(statement).scalars()]


@pytest.mark.covers("MO-6a", "MO-9")
class TestAdditions:
    """What it adds."""

    def test_column_filter_form_section_and_menu(self, browser: Browser) -> None:
        sheet = create(browser, **{"loyalty.tier": "gold", "loyalty.points": "60"})
        create(browser, name="Tin Ltd")
        page = browser.get("/thirdparties").text
        assert re.search(r"<th[^>]*>\s*<a[^>]*>Tier", page)
        assert re.search(r"Zinc SARL.*Gold", page, re.S)
        assert 'href="/thirdparties?f=loyalty.tier:is:gold"' in page
        gold = browser.get("/thirdparties?f=loyalty.tier:is:gold").text
        assert "Zinc SARL" in gold
        assert "Tin Ltd" not in gold
        assert "Tier is Gold" in re.sub(r"\s+", " ", gold)
        form = browser.get(f"{sheet}/edit").text
        section = form[form.index("Loyalty") :]
        assert 'name="loyalty.tier"' in section
        assert 'name="loyalty.points" value="60"' in section

    def test_panel_with_its_own_file(self, browser: Browser) -> None:
        page = browser.get(create(browser)).text
        assert 'src="/static/loyalty/star.svg"' in page
        assert "No reward yet." in page
        answer = browser.get("/static/loyalty/star.svg")
        assert answer.mimetype == "image/svg+xml"
        answer.close()

    def test_french(self, shop: Site) -> None:
        french = shop.browser("Claire", language="fr")
        assert "Clients or" in french.get("/").text
        assert "Niveau" in french.get("/thirdparties/new").text

    def test_action_with_its_own_permission_and_reward(self, browser: Browser) -> None:
        sheet = create(browser)
        address = f"{sheet}/action/loyalty/reward"
        assert address not in browser.get(sheet).text
        assert browser.post(address).status_code == 422
        contact(browser, sheet)
        assert address in browser.get(sheet).text
        assert browser.post(address).status_code == 303
        assert standing(browser, sheet) == ("Silver", "0")
        assert "10 points" in browser.get("/rewards?f=thirdparty_id:is:1").text

    def test_page_of_its_own_in_the_frame(self, shop: Site, browser: Browser) -> None:
        sheet = create(browser, **{"loyalty.points": "60"})
        page = browser.get("/loyalty").text
        assert "<title>Best customers – Third parties – Comptoir</title>" in page
        assert 'aria-label="Main"' in page
        assert re.search(r'<a href="/thirdparties">Third parties</a>.*aria-current="page">Best customers<', page, re.S)
        assert re.search(rf'<a href="{sheet}">Zinc SARL</a>: 60 points', page)
        assert '<h1 tabindex="-1">Meilleurs clients</h1>' in shop.browser("Claire", language="fr").get("/loyalty").text

    def test_setting_is_kept_and_followed(self, browser: Browser) -> None:
        form = browser.get("/admin/modules/loyalty/settings").text
        assert 'name="points_per_contact" value="10"' in form
        answer = browser.post("/admin/modules/loyalty/settings", {"points_per_contact": "25"})
        assert answer.status_code == 303, answer.text
        sheet = create(browser)
        contact(browser, sheet)
        assert standing(browser, sheet)[1] == "25"

    def test_not_a_line_of_it_is_anywhere_else(self) -> None:
        named = [
            relative(file)
            for top in ("core", "plugins")
            for file in (ROOT / top).rglob("*")
            if file.suffix in {".py", ".html", ".css", ".js", ".po"} and "loyalty" in file.read_text("utf-8").lower()
        ]
        examples = {
            "core/api.py",
            "core/contract/changes.py",
            "core/data/records.py",
            "core/fields/base.py",
            "core/testing/contract.py",
        }
        assert set(named) <= examples  # where documentation takes it as an example


class TestReaction:
    """Points for a contact, in the operation that made it."""

    def test_ten_points_for_each_contact(self, browser: Browser) -> None:
        sheet = create(browser)
        for number in range(1, 6):
            contact(browser, sheet)
            assert standing(browser, sheet) == ("Gold" if number == 5 else "Silver", str(10 * number))
            contact(browser, sheet, "tocall")
        assert "Zinc SARL" in browser.get("/thirdparties?f=loyalty.tier:is:gold").text

    def test_on_every_road(self, browser: Browser) -> None:
        made = create(browser, contact_status="contacted")
        edited = create(browser)
        version = re.search(r'name="version" value="(\d+)"', browser.get(f"{edited}/edit").text)
        assert version
        browser.post(f"{edited}/edit", {"contact_status": "contacted", "version": version[1]})
        chosen = create(browser)
        browser.post("/thirdparties/bulk", {"id": chosen.rsplit("/", 1)[-1], "action": "set", "value": "contacted"})
        assert [standing(browser, sheet) for sheet in (made, edited, chosen)] == [("Silver", "10")] * 3

    def test_one_undo_takes_both_back_and_again(self, browser: Browser) -> None:
        sheet = create(browser)
        undone = take_back(browser, contact(browser, sheet))
        assert standing(browser, sheet) == ("empty", "empty")
        take_back(browser, undone)
        assert standing(browser, sheet) == ("Silver", "10")

    def test_history_shows_it_as_part_of_the_click(self, browser: Browser) -> None:
        sheet = create(browser)
        contact(browser, sheet)
        history = browser.get(sheet).text.split('id="history"')[1]
        newest = history.split("<li>")[1]
        assert all(word in newest for word in ("Contact status", "Tier", "Points"))


@pytest.mark.covers("MO-2a", "MO-2b")
class TestNeeds:
    """It cannot be on without third parties."""

    def test_needs_come_along_after_saying_so(self, site: Site) -> None:
        browser = site.browser()
        page = browser.get("/admin/modules/loyalty/enable").text
        assert "Third parties" in page
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        alone = browser.post("/admin/modules/loyalty/enable", {"version": version[1]})
        assert alone.status_code == 422
        assert "needs thirdparty" in alone.text
        assert site.runtime.follow().enabled == ()
        both = browser.post("/admin/modules/loyalty/enable", {"version": version[1], "all": "1"})
        assert both.status_code == 303
        assert site.runtime.follow().enabled == ("thirdparty", "loyalty")

    def test_third_parties_stay_on_while_it_is(self, shop: Site, browser: Browser) -> None:
        page = browser.get("/admin/modules/thirdparty/disable").text
        assert "Loyalty" in page
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        refused = browser.post("/admin/modules/thirdparty/disable", {"version": version[1]})
        assert refused.status_code == 422
        assert shop.runtime.follow().enabled == ("thirdparty", "loyalty")
        both = browser.post("/admin/modules/thirdparty/disable", {"version": version[1], "all": "1"})
        assert both.status_code == 303
        assert shop.runtime.follow().enabled == ()

    def test_nor_can_code_switch_it_on_alone(self, site: Site) -> None:
        with pytest.raises(Refused, match="needs thirdparty"):
            activation.enable(site.runtime, "loyalty", with_needs=False)


@pytest.mark.covers("MO-3a", "MO-3b")
class TestOffAndOn:
    """Off, nothing of it remains; on again, its data is there (MO-3)."""

    def test_in_the_browser(self, shop: Site, browser: Browser) -> None:
        sheet = create(browser)
        contact(browser, sheet)
        self.switch(browser, "disable")
        for page in (browser.get("/thirdparties"), browser.get(sheet), browser.get(f"{sheet}/edit"), browser.get("/")):
            assert page.status_code == 200
            assert not re.search(r"loyalty|Gold customers|Rewards", without_history(page))
        for gone in ("/rewards", "/rewards/new", *FILES, f"{sheet}/action/loyalty/reward"):
            answer = browser.get(gone)
            assert answer.status_code in (404, 405), gone
            answer.close()
        contact(browser, sheet, "tocall")
        contact(browser, sheet)
        self.switch(browser, "enable")
        assert standing(browser, sheet) == ("Silver", "10")

    def switch(self, browser: Browser, verb: str) -> None:
        page = browser.get(f"/admin/modules/loyalty/{verb}").text
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        answer = browser.post(f"/admin/modules/loyalty/{verb}", {"version": version[1], "all": "1"})
        assert answer.status_code == 303, answer.text

    def test_history_of_its_fields_stays_readable(self, shop: Site, browser: Browser) -> None:
        sheet = create(browser)
        contact(browser, sheet)
        shop.disable("loyalty")
        history = browser.get(sheet).text.split('id="history"')[1]
        assert "loyalty.points" in history


@pytest.mark.covers("TP-11a")
class TestChildren:
    """Rewards go to the trash with their third party and come back with it, whoever is on (TP-11)."""

    @pytest.fixture
    def sheet(self, browser: Browser) -> str:
        """A third party with one reward."""
        sheet = create(browser)
        create(browser, "rewards", title="A cup", thirdparty_id=sheet.rsplit("/", 1)[-1])
        return sheet

    def test_with_loyalty_on(self, shop: Site, browser: Browser, sheet: str) -> None:
        deleted = browser.post(f"{sheet}/delete")
        assert "A cup" in browser.get("/trash").text
        assert browser.get("/rewards/1/edit").status_code == 404
        take_back(browser, deleted)
        assert browser.get("/rewards/1/edit").status_code == 200
        browser.post(f"{sheet}/delete")
        assert browser.post(f"{sheet}/restore").status_code == 303
        assert browser.get("/rewards/1/edit").status_code == 200
        assert deleted_rewards(shop) == [False]

    def test_while_loyalty_is_off(self, shop: Site, browser: Browser, sheet: str) -> None:
        shop.disable("loyalty")
        deleted = browser.post(f"{sheet}/delete")
        assert deleted_rewards(shop) == [True]
        take_back(browser, deleted)
        assert deleted_rewards(shop) == [False]
        browser.post(f"{sheet}/delete")
        browser.post(f"{sheet}/restore")
        assert deleted_rewards(shop) == [False]
        shop.enable("loyalty")
        assert browser.get("/rewards/1/edit").status_code == 200

    def test_deleted_off_and_taken_back_on(self, shop: Site, browser: Browser, sheet: str) -> None:
        shop.disable("loyalty")
        deleted = browser.post(f"{sheet}/delete")
        shop.enable("loyalty")
        assert "A cup" in browser.get("/trash").text
        take_back(browser, deleted)
        assert browser.get("/rewards/1/edit").status_code == 200

    def test_deleted_on_and_taken_back_off(self, shop: Site, browser: Browser, sheet: str) -> None:
        """What belongs to a module that is off is left out and named; taking back again brings it when it is on."""
        deleted = browser.post(f"{sheet}/delete")
        shop.disable("loyalty")
        undone = take_back(browser, deleted)
        assert "A cup belongs to a module that is off" in browser.get(undone.headers["Location"]).text
        assert deleted_rewards(shop) == [True]
        shop.enable("loyalty")
        take_back(browser, deleted)
        assert deleted_rewards(shop) == [False]

    def test_one_that_was_deleted_before_stays_where_it_is(self, shop: Site, browser: Browser, sheet: str) -> None:
        create(browser, "rewards", title="A plate", thirdparty_id=sheet.rsplit("/", 1)[-1])
        browser.post("/rewards/1/delete")
        browser.post(f"{sheet}/delete")
        assert deleted_rewards(shop) == [True, True]
        browser.post(f"{sheet}/restore")
        assert deleted_rewards(shop) == [True, False]

    def test_the_facet_stays_with_its_record(self, shop: Site, browser: Browser, sheet: str) -> None:
        contact(browser, sheet)
        browser.post(f"{sheet}/delete")
        browser.post(f"{sheet}/restore")
        assert standing(browser, sheet) == ("Silver", "10")

    def test_a_link_to_nowhere_is_refused(self, shop: Site, browser: Browser) -> None:
        refused = browser.post("/rewards/new", {"title": "A cup", "thirdparty_id": "4711"})
        assert refused.status_code == 422
        assert deleted_rewards(shop) == []


def test_an_answer_to_the_hook_of_a_plugin_that_is_off_or_on(site_with: Callable[..., Site]) -> None:
    """`mischief_report` is published by a plugin that loyalty does not require; it works without and with it."""
    site = site_with("loyalty")
    with transaction("test.ask", context=site.context()) as unit:
        assert unit.context.hooks.ask("mischief_report") == ["loyalty is well"]
    site.enable("mischief")
    browser = site.browser()
    sheet = create(browser)
    assert browser.post(f"{sheet}/action/mischief/report").status_code == 303
    assert "loyalty is well" in browser.get("/tricks").text
