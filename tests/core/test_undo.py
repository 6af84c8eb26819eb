"""Undo gives back what an operation changed (US-4)."""

from __future__ import annotations

import datetime

import pytest

from core.data.tables import CustomField, bump
from core.features.bin import delete_record, restore_record
from core.testing.site import Site
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.core.undoing import delete, refused, sentences, take_back
from tests.probe.helpers import add, changes, edit, fetch, number_of, row_of, set_field, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]


@pytest.mark.covers("US-4a")
class TestEdits:
    def test_an_edit(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1, day=datetime.date(2026, 1, 1)))
        operation = edit(shop, Box, box, name="two", number=None, notes="new", day=datetime.date(2026, 2, 2))
        undone = take_back(shop, operation)
        stored = row_of(shop, Box, box)
        assert (stored["name"], stored["number"], stored["notes"]) == ("one", 1, None)
        assert str(stored["day"]) == "2026-01-01"
        assert (undone.titles, undone.refused) == (["one"], [])
        (entry,) = changes(shop, undone.operation)
        assert (entry.operation.action, entry.operation.undo_of) == ("undo", operation)
        assert stored["version"] == 3

    def test_a_status_against_its_moves(self, shop: Site) -> None:
        """What was is allowed again, also where nobody may go by himself."""
        (box,) = add(shop, Box(name="one", state="packed"))
        operation = edit(shop, Box, box, state="sent")
        take_back(shop, operation)
        assert row_of(shop, Box, box)["state"] == "packed"

    def test_a_bulk_edit(self, shop: Site) -> None:
        boxes = add(shop, Box(name="one"), Box(name="two", number=2), Box(name="three"))
        with work(shop) as unit:
            for box in boxes:
                unit.get(Box, box).number = 9
        take_back(shop, unit.operation)
        assert [row_of(shop, Box, box)["number"] for box in boxes] == [None, 2, None]

    def test_on_pages_by_the_one_who_did_it(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        browser = shop.browser("Ann", role="user")
        browser.get(f"/thirdparties/{company}")
        answer = browser.post(f"/thirdparties/{company}/status", {"field": "contact_status", "value": "contacted"})
        operation = int(answer.headers["Location"].split("done=")[1].split("&")[0])
        assert shop.browser("Bob", role="user").post(f"/undo/{operation}").status_code == 404
        assert browser.post(f"/undo/{operation}").status_code == 303
        assert row_of(shop, ThirdParty, company)["contact_status"] == "never"

    def test_facets(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
            unit.facet(Origin, company).source = "fair"
            unit.get(ThirdParty, company).town = "Lyon"
        operation = set_field(shop, ThirdParty, company, "probe.points", 6)
        take_back(shop, operation)
        assert row_of(shop, Mark, company)["points"] == 5
        take_back(shop, unit.operation)
        assert row_of(shop, Mark, company)["points"] is None
        assert row_of(shop, Origin, company)["source"] is None
        assert row_of(shop, ThirdParty, company)["town"] is None

    def test_personal_values(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", owner="ann@example.com"))
        operation = edit(shop, Box, box, owner="bob@example.com")
        take_back(shop, operation)
        assert row_of(shop, Box, box)["owner"] == "ann@example.com"

    def test_fields_administrators_made(self, shop: Site) -> None:
        with work(shop) as unit:
            unit.session.add(
                CustomField(entity="box", code="length", kind="integer", labels={"en": "Length"}, options={})
            )
            bump(unit.session.connection())
        (box,) = add(shop, Box(name="one", extra={"other": "kept"}))
        first = set_field(shop, Box, box, "x.length", 5)
        second = set_field(shop, Box, box, "x.length", 6)
        assert sentences(take_back(shop, second)) == []
        assert row_of(shop, Box, box)["extra"] == {"other": "kept", "length": "5"}
        take_back(shop, first)
        assert row_of(shop, Box, box)["extra"] == {"other": "kept"}

    def test_what_plugins_changed_along_goes_back_with_it(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        operation = edit(shop, ThirdParty, company, role="customer")
        assert row_of(shop, ThirdParty, company)["customer_since"] is not None
        take_back(shop, operation)
        stored = row_of(shop, ThirdParty, company)
        assert (stored["role"], stored["customer_since"]) == ("prospect", None)

    def test_and_they_do_not_react_to_it_anew(self, shop: Site) -> None:
        """Taken back in the wrong order, half by half: the day must not come back with the role."""
        (company,) = add(shop, ThirdParty(name="Zinc"))
        first = edit(shop, ThirdParty, company, role="customer")
        second = edit(shop, ThirdParty, company, role="prospect")
        assert sentences(take_back(shop, first)) == ["Type of Zinc has changed since and is now “Prospect”"]
        take_back(shop, second)
        take_back(shop, first)
        stored = row_of(shop, ThirdParty, company)
        assert (stored["role"], stored["customer_since"]) == ("prospect", None)

    def test_a_record_deleted_in_the_same_unit_is_no_trouble_for_plugins(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            record = unit.get(ThirdParty, company)
            record.role = "customer"
            delete_record(unit, record)
        assert number_of(shop, "core_incident") == 0
        take_back(shop, unit.operation)
        stored = row_of(shop, ThirdParty, company)
        assert (stored["role"], stored["customer_since"], stored["deleted_at"]) == ("prospect", None, None)


class TestRecords:
    def test_a_creation_goes_to_the_bin(self, shop: Site) -> None:
        with work(shop) as unit:
            box = unit.add(Box(name="one"))
            lead = unit.add(Lead(name="Ann"))
        take_back(shop, unit.operation)
        assert row_of(shop, Box, box.id)["deleted_at"] is not None
        assert row_of(shop, Lead, lead.id)["deleted_at"] is not None

    def test_a_creation_something_depends_on_stays_and_the_others_go(self, shop: Site) -> None:
        with work(shop) as unit:
            first, second = unit.add(ThirdParty(name="One")), unit.add(ThirdParty(name="Two"))
        add(shop, Box(name="box", keeper=first.id))
        undone = take_back(shop, unit.operation)
        assert sentences(undone) == ["One cannot be deleted: 1 record depends on it. 1 in Boxes: box"]
        assert undone.titles == ["Two"]
        assert row_of(shop, ThirdParty, first.id)["deleted_at"] is None
        assert row_of(shop, ThirdParty, second.id)["deleted_at"] is not None

    def test_an_undo_touches_nothing_but_what_the_operation_touched(self, shop: Site) -> None:
        """What was attached since would go to the bin, or lose its link, without a way back."""
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (created,) = fetch(shop, "SELECT max(id) FROM core_operation")[0]
        child, linked = add(shop, Box(name="child", home=company), Box(name="linked", hint=company))
        assert "2 records depend on it" in refused(shop, created)
        edit(shop, Box, child, home=None)
        assert "1 record depends on it. 1 in Boxes: linked" in refused(shop, created)
        edit(shop, Box, linked, hint=None)
        take_back(shop, created)

    def test_a_delete_with_children_and_emptied_links(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        home, linked = add(shop, Box(name="home", home=company), Box(name="linked", hint=company))
        (label,) = add(shop, Label(person="Ann", box=home))
        operation = delete(shop, ThirdParty, company)
        assert sentences(take_back(shop, operation)) == []
        for model, record_id in ((ThirdParty, company), (Box, home), (Label, label)):
            assert row_of(shop, model, record_id)["deleted_at"] is None
        assert row_of(shop, Box, linked)["hint"] == company

    def test_a_bulk_delete(self, shop: Site) -> None:
        boxes = add(shop, Box(name="one"), Box(name="two"))
        take_back(shop, delete(shop, Box, *boxes))
        assert [row_of(shop, Box, box)["deleted_at"] for box in boxes] == [None, None]

    def test_a_restore_with_children(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        (home,) = add(shop, Box(name="home", home=company))
        delete(shop, ThirdParty, company)
        with work(shop) as unit:
            restore_record(unit, unit.get(ThirdParty, company, deleted=True))
        assert sentences(take_back(shop, unit.operation)) == []
        assert row_of(shop, ThirdParty, company)["deleted_at"] is not None
        assert row_of(shop, Box, home)["deleted_at"] is not None

    def test_deleted_and_restored_since(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation = delete(shop, Box, box)
        with work(shop) as unit:
            restore_record(unit, unit.get(Box, box, deleted=True))
        assert refused(shop, operation) == "one was deleted or restored since"

    def test_a_code_taken_since_keeps_one_in_the_bin_and_lets_the_other_back(self, shop: Site) -> None:
        boxes = add(shop, Box(name="one", serial="A1"), Box(name="two"))
        operation = delete(shop, Box, *boxes)
        add(shop, Box(name="new", serial="A1"))
        undone = take_back(shop, operation)
        assert sentences(undone) == ["Serial number A1 is used by new"]
        assert undone.titles == ["two"]

    def test_parents_come_first_when_one_of_many_cannot_come_back(self, shop: Site) -> None:
        """The way of one change at a time: a child waits for its parent, wherever that stands in the operation."""
        (outer,) = add(shop, Box(name="outer"))
        (inner,) = add(shop, Box(name="inner", inside=outer))
        (innermost,) = add(shop, Box(name="innermost", inside=inner, serial="A1"))
        (label,) = add(shop, Label(person="Ann", box=inner))
        operation = delete(shop, Box, outer)
        add(shop, Box(name="new", serial="A1"))
        undone = take_back(shop, operation)
        assert sentences(undone) == ["Serial number A1 is used by new"]
        assert [row_of(shop, Box, box)["deleted_at"] is None for box in (outer, inner, innermost)] == [
            True,
            True,
            False,
        ]
        assert row_of(shop, Label, label)["deleted_at"] is None


class TestUndoOfUndo:
    def test_back_and_forth(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation: int | None = edit(shop, Box, box, name="two")
        for expected in ("one", "two", "one", "two"):
            operation = take_back(shop, operation).operation
            assert row_of(shop, Box, box)["name"] == expected
        gone: int | None = delete(shop, Box, box)
        for expected_gone in (False, True, False):
            gone = take_back(shop, gone).operation
            assert (row_of(shop, Box, box)["deleted_at"] is not None) is expected_gone

    def test_not_twice(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, name="two")
        take_back(shop, operation)
        assert refused(shop, operation) == "This was taken back already"

    def test_again_after_the_undo_was_undone(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1))
        operation = edit(shop, Box, box, name="two", number=2)
        for _ in range(3):
            undone = take_back(shop, operation)
            assert row_of(shop, Box, box)["name"] == "one"
            take_back(shop, undone.operation)
            assert row_of(shop, Box, box)["number"] == 2
        take_back(shop, operation)
        assert refused(shop, operation) == "This was taken back already"

    def test_a_value_typed_again_is_not_taken_back_twice(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, name="two")
        take_back(shop, operation)
        edit(shop, Box, box, name="two")
        assert refused(shop, operation) == "This was taken back already"
