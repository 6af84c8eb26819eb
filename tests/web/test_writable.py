"""What may be typed, by whom and for what, on every road: the table of writable fields (T38, T39, A67, TP-7, TP-14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import select

from core.access.models import User
from core.data.unit import transaction
from core.jobs.worker import Worker
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add
from tests.probe.models import Box
from tests.web.people import Firm, open_firm, split_firm
from tests.web.test_access import dump

pytest_plugins = ["tests.probe.fixtures"]
OWNERSHIP = ("owner_id", "representatives", "team_id")


@pytest.fixture
def firm(sales: Site) -> Firm:
    return open_firm(sales)


def stored(site: Site, number: int) -> Mapping[str, object]:
    with site.runtime.database.reading() as session:
        record = session.get_one(ThirdParty, number)
        return {name: getattr(record, name) for name in (*OWNERSHIP, "companies", "name")}


def made(browser: Browser, **values: object) -> int:
    browser.get("/thirdparties/new")
    answer = browser.post("/thirdparties/new", values)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].split("/")[2].split("?")[0])


class TestWhoseItIs:
    @pytest.mark.covers("TP-7a")
    @pytest.mark.parametrize("who", ["Alice", "Uma", "Rita", "Tina"])
    def test_who_creates_it_owns_it_whatever_is_sent(self, firm: Firm, who: str) -> None:
        otto, own = str(firm.user_id("Otto")), firm.user_id(who)
        values = stored(firm.site, made(firm.browsers[who], name="Zinc", owner_id=otto, representatives=otto))
        assert values["owner_id"] == own
        wanted = {own, int(otto)} if who in ("Alice", "Uma") else {own}
        assert set(values["representatives"] or ()) == wanted  # type: ignore[call-overload]

    @pytest.mark.parametrize("who", ["Rita", "Tina"])
    @pytest.mark.parametrize("name", OWNERSHIP)
    def test_who_sees_only_some_puts_none_elsewhere(self, firm: Firm, who: str, name: str) -> None:
        browser, number = firm.browsers[who], firm.records[who, "thirdparty"]
        page = browser.get(f"/thirdparties/{number}/edit").text
        assert f'name="{name}"' not in page
        before = dump(firm.site)
        uma = str(firm.user_id("Uma")) if name != "team_id" else "1"
        assert browser.post(f"/thirdparties/{number}/status", {"field": name, "value": uma}).status_code == 422
        browser.post(f"/thirdparties/{number}/edit", {"version": "1", name: uma})
        assert dump(firm.site) == before

    def test_who_sees_all_gives_it_away(self, firm: Firm) -> None:
        uma, number = firm.browsers["Uma"], firm.records["Uma", "thirdparty"]
        assert 'name="owner_id"' in uma.get(f"/thirdparties/{number}/edit").text
        otto = str(firm.user_id("Otto"))
        answer = uma.post(f"/thirdparties/{number}/edit", {"version": "1", "name": "Uma & Co", "owner_id": otto})
        assert answer.status_code == 303
        assert stored(firm.site, number)["owner_id"] == int(otto)


class TestCompanies:
    @pytest.mark.covers("TP-14a")
    def test_only_into_and_out_of_ones_own(self, firm: Firm) -> None:
        first, second = split_firm(firm, "Uma")
        rita, number = firm.browsers["Rita"], firm.records["Rita", "thirdparty"]
        for value in (str(second), f"{first},{second}"):
            rita.get("/thirdparties/new")
            before = dump(firm.site)
            new = rita.post("/thirdparties/new", {"name": "Zinc", "companies": value.split(",")})
            assert new.status_code == 422
            form = {"version": "1", "name": "Rita & Co", "companies": value.split(",")}
            assert rita.post(f"/thirdparties/{number}/edit", form).status_code == 422
            field = {"field": "companies", "value": value}
            assert rita.post(f"/thirdparties/{number}/status", field).status_code == 422
            assert dump(firm.site) == before
        with transaction("test.both", context=firm.site.context()) as unit:
            unit.get(ThirdParty, number).companies = (first, second)
        rita.get("/")
        out = rita.post(f"/thirdparties/{number}/status", {"field": "companies", "value": str(first)})
        assert out.status_code == 422  # the other company would lose it, and she knows nothing of that one
        with transaction("test.member", context=firm.site.context()) as unit:
            unit.get(User, firm.user_id("Rita")).companies = (first, second)
        rita.get("/")
        out = rita.post(f"/thirdparties/{number}/status", {"field": "companies", "value": str(first)})
        assert out.status_code == 303


class TestFieldsOfOthers:
    """A quick field only administrators may see (T39)."""

    @pytest.fixture
    def shop(self, probing: None, site_with: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
        info = Box.__table__.c.state.info
        monkeypatch.setitem(info, "field", dataclasses.replace(info["field"], permission="modules.manage"))
        return site_with("thirdparty", "probe", "echo")

    def states(self, site: Site) -> set[str]:
        with site.runtime.database.reading() as session:
            return set(session.scalars(select(Box.state)))

    def test_a_few_rows(self, shop: Site) -> None:
        ids = add(shop, Box(name="one"), Box(name="two"))
        paul, alice = shop.browser("Paul", "user"), shop.browser("Alice")
        for action in ("set", "other"):
            paul.get("/boxes")
            answer = paul.post("/boxes/bulk", {"id": ids, "value": "packed", "action": action})
            assert answer.status_code == 422
        assert self.states(shop) == {"open"}
        alice.get("/boxes")
        assert alice.post("/boxes/bulk", {"id": ids, "value": "packed"}).status_code == 303
        assert self.states(shop) == {"packed"}

    def test_many_rows(self, shop: Site) -> None:
        from core.features.bulk import EDIT
        from core.jobs.enqueue import enqueue

        ids = add(shop, *(Box(name=f"box {number}") for number in range(60)))
        shop.browser("Paul", "user")
        payload = {"entity": "box", "ids": ids, "field": "state", "value": "packed"}
        with transaction("test.job", context=shop.context(shop.people["Paul"])) as unit:
            enqueue(unit, EDIT, payload, label="Boxes", module="probe")
        worker = Worker(shop.runtime)
        while worker.run_one():
            pass
        assert self.states(shop) == {"open"}
