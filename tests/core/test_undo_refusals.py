"""Undo refuses only what changed since, and says which; modules that are off (US-4)."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from sqlalchemy import select

from core.contract.changes import Actor
from core.data.history import PersonalValue
from core.data.unit import transaction
from core.errors import NotFound
from core.features.bin import restore_record
from core.features.undo import undoable
from core.testing.site import Site
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty
from tests.core.undoing import delete, refused, sentences, take_back
from tests.probe.helpers import add, changes, edit, fetch, history, row_of, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]


class TestRefusals:
    def test_only_what_changed_since_is_refused_and_named(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1, notes="a"))
        operation = edit(shop, Box, box, name="two", number=2, notes="b")
        edit(shop, Box, box, number=3)
        undone = take_back(shop, operation)
        assert sentences(undone) == ["Number of one has changed since and is now “3”"]
        stored = row_of(shop, Box, box)
        assert (stored["name"], stored["number"], stored["notes"]) == ("one", 3, "a")
        assert changes(shop, undone.operation)[0].operation.cause is None  # who reads history may not know of all of it
        assert refused(shop, operation) == "Number of one has changed since and is now “3”"
        edit(shop, Box, box, number=2)
        take_back(shop, operation)  # the rest, now that it can be
        assert row_of(shop, Box, box)["number"] == 1

    def test_a_changed_personal_value_is_named_but_not_told(self, shop: Site) -> None:
        """Whoever takes something back may be told of a record, and not of all its fields."""
        (box,) = add(shop, Box(name="one", owner="ann@example.com"))
        operation = edit(shop, Box, box, owner="bob@example.com", name="two")
        edit(shop, Box, box, owner="eve@example.com")
        assert sentences(take_back(shop, operation)) == ["Owner of one has changed since"]
        assert not [row.cause for row in fetch(shop, "SELECT cause FROM core_operation") if "eve" in (row.cause or "")]
        assert fetch(shop, select(PersonalValue.new).where(PersonalValue.new == "eve@example.com"))

    def test_all_of_it_changed(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, name="two")
        edit(shop, Box, box, name="three")
        assert refused(shop, operation) == "Name of three has changed since and is now “three”"

    def test_in_the_bin_since(self, shop: Site) -> None:
        """The field did not change since, so it goes back; where the record is, is another matter."""
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, name="two")
        delete(shop, Box, box)
        assert sentences(take_back(shop, operation)) == []
        stored = row_of(shop, Box, box)
        assert (stored["name"], stored["deleted_at"] is not None) == ("one", True)

    def test_too_old(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, name="two")
        moment = datetime.datetime.now(datetime.UTC)
        with time_machine.travel(moment + datetime.timedelta(hours=24, minutes=1)):
            assert "more than 24 hours old" in refused(shop, operation)
        with time_machine.travel(moment + datetime.timedelta(hours=23, minutes=59)):
            take_back(shop, operation)

    def test_somebody_else_s(self, shop: Site) -> None:
        ann, bob = Actor(7, "Ann", frozenset({"user"})), Actor(8, "Bob", frozenset({"user"}))
        (box,) = add(shop, Box(name="one"))
        operation = edit(shop, Box, box, actor=ann, name="two")
        assert refused(shop, operation, bob) == "This operation does not exist"
        with shop.runtime.database.reading() as session:
            assert [found.id for found in undoable(session, ann)] == [operation]
            assert undoable(session, bob) == []
        take_back(shop, operation, Actor(8, "Bob", frozenset({"administrator"})))
        with shop.runtime.database.reading() as session:
            assert undoable(session, ann) == []

    def test_what_does_not_exist_or_has_no_inverse(self, shop: Site) -> None:
        with pytest.raises(NotFound):
            take_back(shop, 987654)
        (enabled,) = fetch(shop, "SELECT max(id) FROM core_operation WHERE action = 'module.enable'")[0]
        assert refused(shop, enabled) == "This cannot be taken back"

    def test_a_link_to_what_was_deleted_since(self, shop: Site) -> None:
        first, second = add(shop, ThirdParty(name="One"), ThirdParty(name="Two"))
        (box,) = add(shop, Box(name="box", keeper=first))
        operation = edit(shop, Box, box, keeper=second, name="renamed")
        delete(shop, ThirdParty, first)
        assert "Keeper: the linked record was deleted" in refused(shop, operation)
        with transaction("restore", context=shop.context()) as unit:
            restore_record(unit, unit.get(ThirdParty, first, deleted=True))
        take_back(shop, operation)
        assert row_of(shop, Box, box)["keeper"] == first


class TestModulesThatAreOff:
    def test_their_fields_stay_and_are_named(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
            unit.get(ThirdParty, company).town = "Lyon"
        shop.disable("probe")
        undone = take_back(shop, unit.operation)
        assert sentences(undone) == ["The field probe.points belongs to a module that is off"]
        assert row_of(shop, ThirdParty, company)["town"] is None
        assert row_of(shop, Mark, company)["points"] == 5
        shop.enable("probe")
        take_back(shop, unit.operation)
        assert row_of(shop, Mark, company)["points"] is None

    def test_their_records_stay_and_are_named(self, shop: Site) -> None:
        with work(shop) as unit:
            lead = unit.add(Lead(name="Ann"))
            box = unit.add(Box(name="one"))
        shop.disable("leads")
        undone = take_back(shop, unit.operation)
        assert sentences(undone) == ["Ann belongs to a module that is off"]
        assert row_of(shop, Box, box.id)["deleted_at"] is not None
        assert row_of(shop, Lead, lead.id)["deleted_at"] is None

    @pytest.fixture
    def stock(self, shop: Site) -> tuple[Site, int, int, int]:
        """A company with a box of its own and one that points at it; the module is off. (site, company, home, linked)"""
        (company,) = add(shop, ThirdParty(name="Zinc"))
        home, linked = add(shop, Box(name="home", home=company), Box(name="linked", hint=company))
        add(shop, Label(person="Ann", box=home))
        shop.disable("probe")
        return shop, company, home, linked

    def state(self, site: Site, home: int, linked: int) -> tuple[bool, bool, int | None]:
        (label,) = fetch(site, "SELECT deleted_at FROM probe_label")
        gone = row_of(site, Box, home)["deleted_at"] is not None
        return gone, label.deleted_at is not None, row_of(site, Box, linked)["hint"]

    def test_unlink_and_bin_of_their_rows_back_and_forth(self, stock: tuple[Site, int, int, int]) -> None:
        site, company, home, linked = stock
        operation: int | None = delete(site, ThirdParty, company)
        assert self.state(site, home, linked) == (True, True, None)
        for expected in ((False, False, company), (True, True, None), (False, False, company)):
            undone = take_back(site, operation)
            assert sentences(undone) == []
            assert self.state(site, home, linked) == expected
            operation = undone.operation
        assert (row_of(site, ThirdParty, company)["deleted_at"] is None) is True

    def test_the_module_is_on_again_by_then(self, stock: tuple[Site, int, int, int]) -> None:
        site, company, home, linked = stock
        operation = delete(site, ThirdParty, company)
        site.enable("probe")
        assert sentences(take_back(site, operation)) == []
        assert self.state(site, home, linked) == (False, False, company)
        assert [entry.change.kind for entry in history(site, Box, home)] == ["created", "restored"]
        assert history(site, Box, linked)[-1].fields == {"hint": (None, str(company))}

    def test_rows_that_changed_since_stay(self, stock: tuple[Site, int, int, int]) -> None:
        site, company, home, linked = stock
        (other,) = add(site, ThirdParty(name="Iron"))
        operation = delete(site, ThirdParty, company)
        site.enable("probe")
        edit(site, Box, linked, hint=other)
        with work(site) as unit:
            unit.get(Box, home, deleted=True).home = None
            restore_record(unit, unit.get(Box, home, deleted=True))
        site.disable("probe")
        undone = take_back(site, operation)
        assert sorted(sentences(undone)) == ["1 row of Boxes has changed since"] * 2 + [
            "1 row of Labels has changed since"
        ]
        assert self.state(site, home, linked) == (False, False, other)
        assert row_of(site, ThirdParty, company)["deleted_at"] is None
