"""Buttons of plugins in the menus of rows and in the bulk bar (DESIGN 3, UX 2.1)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from core.access.models import RoleRight
from core.contract.contributions import Action
from core.data.history import Operation
from core.data.tables import bump
from core.data.unit import transaction
from core.errors import ContractError
from core.jobs.worker import Worker
from core.testing import Browser, Site
from core.testing.site import USER
from plugins.thirdparty.models import ThirdParty

BULK = "/thirdparties/action/thirdparty/convert"


@pytest.fixture
def browser(sales: Site) -> Browser:
    return sales.browser()


def make(site: Site, number: int, role: str = "prospect") -> list[int]:
    """Third parties called Prospect 0, Prospect 1 and so on."""
    with transaction("test", context=site.context()) as unit:
        made = [unit.add(ThirdParty(name=f"{role.title()} {index}", role=role)) for index in range(number)]
        unit.session.flush()
        return [record.id for record in made]


def roles(site: Site) -> list[str]:
    with site.runtime.database.reading() as session:
        return list(session.scalars(select(ThirdParty.role).order_by(ThirdParty.id)))


def operations(site: Site) -> int:
    with site.runtime.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(Operation)) or 0)


def take_right(site: Site, permission: str) -> None:
    """The role User loses one permission."""
    with transaction("test", context=site.context()) as unit:
        unit.session.add(RoleRight(role=USER, permission=permission, reach="none"))
        bump(unit.session.connection())


class TestRow:
    def test_in_the_menu_of_the_rows_it_is_for(self, sales: Site, browser: Browser) -> None:
        (prospect,), (customer,) = make(sales, 1), make(sales, 1, "customer")
        page = browser.get("/thirdparties").text
        button = '<button role="menuitem" form="a0" name="id" value="%d">Convert to customer'
        assert button % prospect in page
        assert f'<form id="a0" method="post" action="{BULK}" data-shortcut="Alt+Shift+O">' in page
        assert button % customer not in page
        answer = browser.post(BULK, {"id": prospect, "return": "/thirdparties?q=pros"})
        assert answer.headers["Location"].startswith("/thirdparties?q=pros&done=")
        assert roles(sales) == ["customer", "customer"]

    def test_the_row_after_a_click_in_its_strip_keeps_it(self, sales: Site, browser: Browser) -> None:
        (prospect,) = make(sales, 1)
        browser.get("/thirdparties")
        answer = browser.post(
            f"/thirdparties/{prospect}/status",
            {"field": "contact_status", "value": "contacted", "return": "/thirdparties"},
            headers={"HX-Request": "true"},
        )
        assert f'form="a0" name="id" value="{prospect}"' in answer.text

    def test_nothing_without_the_permission(self, sales: Site) -> None:
        (prospect,) = make(sales, 1)
        take_right(sales, "thirdparty.edit")
        bob = sales.browser("Bob", USER)
        page = bob.get("/thirdparties").text
        assert "Prospect 0" in page
        assert "/action/" not in page
        assert 'id="bulk"' not in page
        assert f"/thirdparties/{prospect}/edit" not in page
        assert bob.post(BULK, {"id": prospect}).status_code == 403
        assert roles(sales) == ["prospect"]


class TestBulk:
    def test_one_unit_for_the_chosen_rows(self, sales: Site, browser: Browser) -> None:
        ids = make(sales, 3)
        page = browser.get("/thirdparties").text
        assert f'formaction="{BULK}"' in page[page.index('id="bulk"') :]
        before = operations(sales)
        answer = browser.post(BULK, {"id": ids[:2], "return": "/thirdparties"})
        assert "2 records changed." in browser.get(answer.headers["Location"]).text
        assert roles(sales) == ["customer", "customer", "prospect"]
        assert operations(sales) == before + 1

    def test_rows_it_is_not_for_are_refused_and_said(self, sales: Site, browser: Browser) -> None:
        ids = [*make(sales, 1), *make(sales, 2, "customer")]
        browser.get("/thirdparties")
        told = browser.get(browser.post(BULK, {"id": ids, "return": "/thirdparties"}).headers["Location"]).text
        assert "2 rows were refused" in told
        assert "Convert to customer: not possible for Customer 1" in told
        before = operations(sales)
        refused = browser.post(BULK, {"id": ids, "return": "/thirdparties"})
        assert refused.status_code == 422
        assert "not possible for Prospect 0" in refused.text
        assert operations(sales) == before

    def test_more_than_a_few_are_a_job(self, sales: Site, browser: Browser) -> None:
        ids = [*make(sales, 51), *make(sales, 1, "customer")]
        browser.get("/thirdparties")
        answer = browser.post(BULK, {"all": "1", "query": "", "return": "/thirdparties"})
        assert re.fullmatch(r"/jobs/\d+", answer.headers["Location"])
        assert "Third parties: Convert to customer, 52 rows" in browser.get(answer.headers["Location"]).text
        worker = Worker(sales.runtime)
        while worker.run_one():
            pass
        page = browser.get(answer.headers["Location"]).text
        assert "51 done, 1 refused" in page
        assert "not possible for Customer 0" in page
        assert roles(sales) == ["customer"] * len(ids)

    def test_the_right_is_asked_again_by_the_job(self, sales: Site) -> None:
        make(sales, 51)
        bob = sales.browser("Bob", USER)
        bob.get("/thirdparties")
        answer = bob.post(BULK, {"all": "1", "query": "", "return": "/thirdparties"})
        assert answer.status_code == 303, answer.text
        take_right(sales, "thirdparty.edit")
        worker = Worker(sales.runtime)
        while worker.run_one():
            pass
        assert roles(sales) == ["prospect"] * 51

    @pytest.mark.parametrize("address", ["/thirdparties/action/thirdparty/vcard", "/thirdparties/action/leads/convert"])
    def test_what_is_not_there(self, sales: Site, browser: Browser, address: str) -> None:
        ids = make(sales, 1)
        browser.get("/thirdparties")
        assert browser.post(address, {"id": ids}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"verb": print, "endpoint": "x.y"}, {"endpoint": "x.y", "where": ("sheet", "bulk")}, {"verb": print, "where": ()},
        {"verb": print, "where": ("board",)}, {"verb": print, "shortcut": "e"}, {"verb": print, "shortcut": "Ctrl+O"},
    ],
)  # fmt: skip
def test_an_action_that_cannot_work_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        Action("act", "Act", "thing.edit", **wrong)  # type: ignore[arg-type]


def test_the_shortcut_stands_on_sheet_and_bar(sales: Site, browser: Browser) -> None:
    (number,) = make(sales, 1)
    mark = 'aria-keyshortcuts="Alt+Shift+O"'
    assert browser.get(f"/thirdparties/{number}").text.count(mark) == 1
    assert browser.get("/thirdparties").text.count(mark) == 1


def test_two_actions_cannot_share_a_shortcut(sales: Site) -> None:
    from core.errors import PluginError
    from core.registry import _actions

    class Hooks:
        def gather(self, hook: str, **arguments: object) -> list[tuple[str, Action]]:
            return [(name, Action("act", name, "x.edit", verb=print, shortcut="o")) for name in ("one", "two")]

    with pytest.raises(PluginError, match="share the shortcut o"):
        _actions(Hooks(), ThirdParty.entity)  # type: ignore[arg-type]


class TestWhatIsNotOffered:
    def test_by_the_address_of_the_sheet_s_button(self, sales: Site, browser: Browser) -> None:
        (customer,) = make(sales, 1, "customer")
        before = operations(sales)
        assert browser.post(f"/thirdparties/{customer}/action/thirdparty/convert").status_code == 422
        assert operations(sales) == before

    def test_why_is_told_to_who_asked_and_kept_in_no_history(self, sales: Site, browser: Browser) -> None:
        """T35: the history of one record names no other."""
        (prospect,), (_customer,) = make(sales, 1), make(sales, 1, "customer")
        browser.get("/thirdparties")
        answer = browser.post(BULK, {"id": [str(prospect), str(_customer)]})
        assert answer.status_code == 303
        assert "Customer 0" in browser.get(answer.headers["Location"]).text
        assert "not possible for" not in browser.get(f"/thirdparties/{prospect}").text


def test_addresses_that_are_none_in_headers(sales: Site, browser: Browser) -> None:
    (prospect,) = make(sales, 1)
    browser.get("/thirdparties")
    place = f"/thirdparties/{prospect}/delete"
    assert browser.post(place, headers={"Referer": "http://["}).status_code == 303
    assert browser.post(place, headers={"Origin": "http://["}).status_code == 403
