"""The bin: what a delete takes along, what holds it up, and what comes back (TP-11, DESIGN 6)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.data.references import PORTION
from core.errors import Refused
from core.features.bin import delete_record, restore_record
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, changes, fetch, history, row_of, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]


def delete(site: Site, model: type[ThirdParty | Box | Label], record_id: int) -> int:
    with work(site, "delete") as unit:
        delete_record(unit, unit.get(model, record_id))
    assert unit.operation is not None
    return unit.operation


def restore(site: Site, model: type[ThirdParty | Box | Label], record_id: int) -> int:
    with work(site, "restore") as unit:
        restore_record(unit, unit.get(model, record_id, deleted=True))
    assert unit.operation is not None
    return unit.operation


def binned(site: Site) -> set[str]:
    """Names of everything in the bin."""
    return {
        name
        for table, column in (("thirdparty_thirdparty", "name"), ("probe_box", "name"), ("probe_label", "person"))
        for (name,) in fetch(site, f"SELECT {column} FROM {table} WHERE deleted_at IS NOT NULL")  # noqa: S608
    }


@pytest.mark.covers("TP-11a", "TP-11b")
class TestDelete:
    def test_children_and_their_children_go_along(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (home, elsewhere) = add(shop, Box(name="home", home=company), Box(name="elsewhere"))
        (inner,) = add(shop, Box(name="inner", inside=home))
        add(shop, Label(person="inner label", box=inner), Label(person="other", box=elsewhere))
        operation = delete(shop, ThirdParty, company)
        assert binned(shop) == {"Zinc", "home", "inner", "inner label"}
        assert {(entry.change.entity, entry.change.kind) for entry in changes(shop, operation)} == {
            ("thirdparty", "deleted"), ("box", "deleted"), ("label", "deleted"),
        }  # fmt: skip

    def test_what_depends_on_it_holds_it_up_by_name(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        add(shop, *(Box(name=f"box {number}", keeper=company) for number in range(7)), Box(name="free", home=company))
        with pytest.raises(Refused) as caught:
            delete(shop, ThirdParty, company)
        assert str(caught.value) == (
            "Zinc cannot be deleted: 7 records depend on it. 7 in Boxes: box 0, box 1, box 2, box 3, box 4…"
        )
        assert binned(shop) == set()

    def test_what_depends_on_a_child_holds_it_up_too(self, shop: Site) -> None:
        keeper, company = add(shop, ThirdParty(name="Keeper"), ThirdParty(name="Zinc"))
        with work(shop) as unit:  # a box of Zinc that holds a company: boxes refuse to let go of their keeper
            box = unit.add(Box(name="home", home=company))
            unit.session.flush()
            unit.add(Box(name="inner", inside=box.id, keeper=keeper))
        with pytest.raises(Refused, match="1 in Boxes: inner"):
            delete(shop, ThirdParty, keeper)
        delete(shop, ThirdParty, company)  # inner goes along, so nothing of it is in the way
        delete(shop, ThirdParty, keeper)

    def test_what_goes_along_anyway_is_no_hindrance_and_keeps_its_links(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (box,) = add(shop, Box(name="home", home=company, keeper=company, hint=company))
        delete(shop, ThirdParty, company)
        stored = row_of(shop, Box, box)
        assert (stored["home"], stored["keeper"], stored["hint"]) == (company,) * 3

    def test_links_that_need_not_be_are_emptied(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (box,) = add(shop, Box(name="one", hint=company))
        delete(shop, ThirdParty, company)
        assert row_of(shop, Box, box)["hint"] is None
        assert history(shop, Box, box)[-1].fields == {"hint": (str(company), None)}

    def test_a_refused_one_leaves_nothing_behind_in_a_unit_that_goes_on(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (box,) = add(shop, Box(name="child", home=company))
        add(shop, Box(name="linked", hint=company), Box(name="keeps", keeper=company))
        with work(shop) as unit:
            with pytest.raises(Refused):
                delete_record(unit, unit.get(ThirdParty, company))
            unit.get(Box, box).number = 1
        assert binned(shop) == set()
        assert {row.hint for row in fetch(shop, "SELECT hint FROM probe_box WHERE name = 'linked'")} == {company}

    def test_boxes_in_a_circle(self, shop: Site) -> None:
        first, second = add(shop, Box(name="one"), Box(name="two"))
        with work(shop) as unit:
            unit.get(Box, first).inside = second
            unit.get(Box, second).inside = first
        delete(shop, Box, first)
        assert binned(shop) == {"one", "two"}
        restore(shop, Box, second)
        assert binned(shop) == set()

    def test_a_facet_stays_with_its_record(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
        delete(shop, ThirdParty, company)
        assert row_of(shop, Mark, company)["points"] == 5

    def test_more_children_than_one_statement_takes(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        boxes = add(shop, *(Box(name=f"box {number}", home=company) for number in range(PORTION + 20)))
        add(shop, Label(person="last", box=boxes[-1]))
        delete(shop, ThirdParty, company)
        assert len(binned(shop)) == PORTION + 22


class TestRestore:
    def test_children_come_back_with_it_but_not_those_that_went_before(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        home, before = add(shop, Box(name="home", home=company), Box(name="before", home=company))
        add(shop, Label(person="label", box=home))
        delete(shop, Box, before)
        delete(shop, ThirdParty, company)
        restore(shop, ThirdParty, company)
        assert binned(shop) == {"before"}

    def test_a_child_without_its_parent_is_refused(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (home,) = add(shop, Box(name="home", home=company))
        delete(shop, ThirdParty, company)
        with pytest.raises(Refused, match="Home: the linked record was deleted"):
            restore(shop, Box, home)

    def test_what_is_not_there_cannot_be_restored(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        with pytest.raises(Refused, match="one is not in the trash"):
            restore(shop, Box, box)

    def test_on_pages(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        add(shop, Box(name="home", home=company))
        browser = shop.browser()
        browser.get(f"/thirdparties/{company}")
        assert browser.post(f"/thirdparties/{company}/delete").status_code == 303
        assert browser.get(f"/thirdparties/{company}/edit").status_code == 404
        assert binned(shop) == {"Zinc", "home"}
        assert browser.post(f"/thirdparties/{company}/restore").status_code == 303
        assert binned(shop) == set()


@pytest.mark.covers("TP-11b")
class TestModulesThatAreOff:
    """Their rows are there, with nobody to ask: the references and the database answer (DESIGN 6)."""

    @pytest.fixture
    def stock(self, shop: Site) -> Site:
        """Two companies; one keeps a box, the other has a box with labels inside a box; then the module goes off."""
        keeper, company = add(shop, ThirdParty(name="Keeper"), ThirdParty(name="Zinc"))
        home, _kept, _linked = add(
            shop, Box(name="home", home=company), Box(name="kept", keeper=keeper), Box(name="linked", hint=company)
        )
        (inner,) = add(shop, Box(name="inner", inside=home))
        add(shop, Label(person="label", box=inner), Label(person="label of home", box=home))
        shop.disable("probe")
        return shop

    def test_they_hold_up_a_delete_by_the_module_s_name(self, stock: Site) -> None:
        with pytest.raises(Refused, match=r"1 in Boxes \(module probe, switched off\)"):
            delete(stock, ThirdParty, 1)

    def test_their_rows_go_along_down_to_the_last_and_come_back(self, stock: Site) -> None:
        operation = delete(stock, ThirdParty, 2)
        assert binned(stock) == {"Zinc", "home", "inner", "label", "label of home"}
        assert fetch(stock, "SELECT name FROM probe_box WHERE hint IS NOT NULL") == []
        told = [entry.change.moved for entry in changes(stock, operation) if entry.change.moved]
        assert {(moved["table"], moved["column"], moved["old"]) for moved in told} == {
            ("probe_box", "hint", 2), ("probe_box", "deleted_at", None), ("probe_label", "deleted_at", None),
        }  # fmt: skip
        restore(stock, ThirdParty, 2)
        assert binned(stock) == set()

    def test_their_rows_come_back_when_the_module_is_on_again(self, stock: Site) -> None:
        delete(stock, ThirdParty, 2)
        stock.enable("probe")
        restore(stock, ThirdParty, 2)
        assert binned(stock) == set()
        (version,) = fetch(stock, text("SELECT version FROM probe_box WHERE name = 'home'"))[0]
        assert version == 3
