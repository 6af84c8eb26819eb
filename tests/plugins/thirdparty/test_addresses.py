"""Addresses of a third party: toggles, one default per kind, and the fields that say the same (TP-4)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import update

from core.data.session import WITHOUT_EVENTS
from core.errors import NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.features.undo import undo
from core.testing.prepared import Prepared
from core.testing.site import Site
from plugins.thirdparty.addresses import ADDRESS_FIELDS, printed_lines, read_line, unite
from plugins.thirdparty.models import Address, ThirdParty
from tests.probe.helpers import add, edit, fetch, row_of, work


def live(site: Site) -> Sequence[Any]:
    return fetch(site, "SELECT * FROM thirdparty_address WHERE deleted_at IS NULL ORDER BY id")


def check(site: Site, owner: int = 1) -> None:
    """What holds after every unit of work."""
    rows = [row for row in live(site) if row.owner_id == owner]
    if not rows:
        return
    for kind in ("billing", "delivery"):
        assert sum(bool(row.default and getattr(row, kind)) for row in rows) <= 1, (kind, rows)
    assert sum(bool(row.default and not row.billing and not row.delivery) for row in rows) <= 1
    assert any(row.default for row in rows)
    main = min((row for row in rows if row.default), key=lambda row: (not row.billing, row.delivery, row.id))
    stored = row_of(site, ThirdParty, owner)
    assert [stored[name] for name in ADDRESS_FIELDS] == [getattr(main, name) for name in ADDRESS_FIELDS]


@pytest.mark.covers("TP-4a", "TP-4b")
class TestOnTheSheet:
    def test_adding_lines_and_setting_toggles_without_script(self, sales: Site) -> None:
        browser = sales.browser()
        add(sales, ThirdParty(name="Zinc", street="1 rue Haute", postal_code="69001", town="Lyon", country="FR"))
        assert "Details of address 1" in browser.get("/thirdparties/1").text
        added = browser.post("/thirdparties/1/addresses", {"text": "2 quai Bas, 44000 Nantes", "delivery": "on"})
        assert added.status_code == 303
        first, second = live(sales)
        if first.town == "Nantes":
            first, second = second, first
        assert (first.town, first.default, second.town, second.delivery, second.default) == ("Lyon", 1, "Nantes", 1, 0)
        page = browser.get("/thirdparties/1").text
        assert "Details of address 2" in page
        assert "44000 Nantes" in page
        place = f"/thirdparties/1/addresses/{second.id}"
        assert browser.post(f"{place}/set", {"field": "default", "value": "on", "seen": "false"}).status_code == 303
        check(sales)
        assert browser.get(f"{place}/edit").status_code == 200
        version = row_of(sales, Address, second.id)["version"]
        typed = {"billing": "on", "town": "Rezé", "label": "Depot", "version": version}
        assert browser.post(f"{place}/edit", typed).status_code == 303
        check(sales)
        assert row_of(sales, ThirdParty, 1)["town"] == "Rezé"
        assert browser.post(f"{place}/edit", typed).status_code == 409
        deleted = browser.post(f"{place}/delete")
        check(sales)
        assert row_of(sales, ThirdParty, 1)["town"] == "Lyon"
        operation = deleted.headers["Location"].partition("done=")[2]
        assert browser.post(f"/undo/{operation}").status_code == 303
        check(sales)
        assert row_of(sales, ThirdParty, 1)["town"] == "Rezé"

    def test_an_empty_line_is_refused(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc"))
        assert sales.browser().post("/thirdparties/1/addresses", {"text": "  "}).status_code == 422
        assert not live(sales)

    def test_the_address_of_another_one_is_not_there(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc"), ThirdParty(name="Tin"))
        browser = sales.browser()
        browser.post("/thirdparties/1/addresses", {"text": "Lyon"})
        for action in ("edit", "set", "delete"):
            assert browser.post(f"/thirdparties/2/addresses/1/{action}", {"version": "1"}).status_code == 404
        assert browser.get("/leads/1/addresses/1/edit").status_code == 404
        assert browser.get("/thirdparties/1/notes/1/set").status_code in (404, 405)


@pytest.mark.covers("TP-3c", "TP-4a")
class TestFields:
    def test_what_is_typed_into_the_fields_is_the_default_address(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc", town="Lyon"))
        sales.browser().post("/thirdparties/1/addresses", {"text": "44000 Nantes"})
        operation = edit(sales, ThirdParty, 1, town="Lille", country="FR")
        check(sales)
        assert {row.town for row in live(sales)} == {"Lille", "Nantes"}
        undo(operation, context=sales.context())
        check(sales)
        assert {row.town for row in live(sales)} == {"Lyon", "Nantes"}

    def test_a_restored_address_does_not_take_the_default_back(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc", town="Lyon"))
        browser = sales.browser()
        browser.post("/thirdparties/1/addresses", {"text": "44000 Nantes", "default": "on"})
        nantes = next(row for row in live(sales) if row.town == "Nantes")
        browser.post(f"/thirdparties/1/addresses/{nantes.id}/delete")
        assert row_of(sales, ThirdParty, 1)["town"] == "Lyon"
        browser.post(f"/thirdparties/1/addresses/{nantes.id}/restore")
        check(sales)
        assert row_of(sales, ThirdParty, 1)["town"] == "Lyon"

    def test_addresses_go_to_the_trash_and_come_back_with_their_third_party(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc", town="Lyon"))
        browser = sales.browser()
        browser.post("/thirdparties/1/addresses", {"text": "44000 Nantes"})
        browser.post("/thirdparties/1/delete")
        assert not live(sales)
        browser.post("/thirdparties/1/restore")
        assert len(live(sales)) == 2
        check(sales)


def test_after_a_merge_the_address_of_the_survivor_stays_the_default(sales: Site) -> None:
    add(sales, ThirdParty(name="Zinc", town="Lyon"), ThirdParty(name="Tin", town="Nantes"))
    sales.browser().post("/thirdparties/2/addresses", {"text": "59000 Lille", "billing": "on"})
    with work(sales) as unit:
        moved = update(Address).where(Address.owner_id == 2).values(owner_id=1)
        unit.session.execute(moved, execution_options=WITHOUT_EVENTS)
        unite(unit, unit.get(ThirdParty, 1), Address)
    check(sales)
    assert row_of(sales, ThirdParty, 1)["town"] == "Lyon"
    assert {row.town: bool(row.default) for row in live(sales)} == {"Lyon": True, "Nantes": False, "Lille": False}


TOWNS = (None, "Lyon", "Nantes", "Lille")
Step = Callable[[Site, random.Random], int | None]


def _numbers(site: Site, gone: bool = False) -> list[int]:
    gone_words = "IS NOT NULL" if gone else "IS NULL"
    return [row.id for row in fetch(site, f"SELECT id FROM thirdparty_address WHERE deleted_at {gone_words}")]  # noqa: S608


def _type_fields(site: Site, dice: random.Random) -> int | None:
    with work(site) as unit:
        unit.get(ThirdParty, 1).town = dice.choice(TOWNS)
    return unit.operation


def _add(site: Site, dice: random.Random) -> int | None:
    toggles = {name: dice.random() < 0.5 for name in ("billing", "delivery", "default")}
    with work(site) as unit:
        for _number in range(dice.choice((1, 1, 2))):
            unit.add(Address(owner_entity="thirdparty", owner_id=1, town=dice.choice(TOWNS), **toggles))
    return unit.operation


def _change(site: Site, dice: random.Random) -> int | None:
    with work(site) as unit:
        for number in dice.sample(found := _numbers(site), min(len(found), dice.choice((1, 2)))):
            address = unit.get(Address, number)
            setattr(address, dice.choice(("billing", "delivery", "default")), dice.random() < 0.6)
            if dice.random() < 0.3:
                address.town = dice.choice(TOWNS)
    return unit.operation


def _delete(site: Site, dice: random.Random) -> int | None:
    with work(site) as unit:
        for number in _numbers(site)[:1] if dice.random() < 0.5 else _numbers(site)[-1:]:
            delete_record(unit, unit.get(Address, number))
    return unit.operation


def _restore(site: Site, dice: random.Random) -> int | None:
    with work(site) as unit:
        for number in _numbers(site, gone=True)[-1:]:
            restore_record(unit, unit.get(Address, number, deleted=True))
    return unit.operation


STEPS: tuple[Step, ...] = (_type_fields, _add, _change, _delete, _restore)


@pytest.mark.covers("TP-4a")
@given(st.lists(st.tuples(st.sampled_from((*STEPS, None)), st.integers(0, 2**16)), max_size=10))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_on_every_road_one_default_per_kind(
    prepared: Prepared, engine_name: str, tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[Step | None, int]],
) -> None:  # fmt: skip
    with prepared.site(engine_name, ("thirdparty",), tmp_path_factory.mktemp("walk") / "var") as site:
        add(site, ThirdParty(name="Zinc", town="Brest"))
        done: list[int] = []
        for step, seed in steps:
            dice = random.Random(seed)
            if step is not None:
                operation = step(site, dice)
            else:
                try:
                    operation = undo(dice.choice(done), context=site.context()).operation if done else None
                except (Refused, NotFound):
                    operation = None
            done += [operation] if operation is not None else []
            check(site)


@pytest.mark.covers("TP-4c")
@pytest.mark.parametrize(
    ("country", "lines"),
    [
        ("FR", ["Zinc", "1 rue Haute", "69001 Lyon", "France"]),
        ("GB", ["Zinc", "1 rue Haute", "Lyon", "69001", "United Kingdom"]),
        ("US", ["Zinc", "1 rue Haute", "Lyon, Rhône 69001", "United States"]),
        (None, ["Zinc", "1 rue Haute", "69001 Lyon", "Rhône"]),
    ],
)
def test_an_address_is_printed_as_in_its_country(country: str | None, lines: list[str]) -> None:
    values = {"street": "1 rue Haute", "postal_code": "69001", "town": "Lyon", "region": "Rhône", "country": country}
    assert printed_lines(values, name="Zinc") == lines
    if country:
        assert printed_lines(values, name="Zinc", home=country) == lines[:-1]


def test_a_line_is_taken_apart_where_it_is_clear() -> None:
    assert read_line("2 quai Bas, Bât. 3, 44000 Nantes") == {
        "street": "2 quai Bas, Bât. 3", "postal_code": "44000", "town": "Nantes",
    }  # fmt: skip
    assert read_line("1 High Street, NW1 6XE London")["postal_code"] == "NW1 6XE"
    assert read_line("44000 Nantes") == {"postal_code": "44000", "town": "Nantes"}
    assert read_line("Somewhere, out there") == {"street": "Somewhere, out there"}
