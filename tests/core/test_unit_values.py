"""What may be stored: the same rules for forms, plugins and services, checked where it is written (SECURITY A18, A20)."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from core.data.custom_fields import CustomDefinition
from core.data.tables import CustomField, bump
from core.data.unit import Unit
from core.errors import Refused
from core.fields import Integer, Text
from core.testing.site import Site
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, fetch, number_of, row_of, set_field, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]

UTC = datetime.UTC


def refusal(site: Site, service: Callable[[Unit], Any]) -> Refused:
    """What a service is told that writes something wrong; nothing of it is stored."""
    before = fetch(site, "SELECT count(*), max(version), max(deleted_at) FROM probe_box")
    with pytest.raises(Refused) as caught, work(site) as unit:
        service(unit)
    assert fetch(site, "SELECT count(*), max(version), max(deleted_at) FROM probe_box") == before
    return caught.value


class TestCanonicalForm:
    def test_services_and_forms_store_the_same(self, shop: Site) -> None:
        company, box = add(
            shop,
            ThirdParty(
                name="  Zinc\u00a0SARL ", email="Ann@EXAMPLE.com", phone="+33 1 99 00 00 00", website="EXAMPLE.com"
            ),
            Box(name="e\u0301", price=decimal.Decimal("1.5"), weight=decimal.Decimal("2.5000"), sealed=True),
        )
        stored = row_of(shop, ThirdParty, company)
        assert (stored["name"], stored["email"]) == ("Zinc\u00a0SARL", "Ann@example.com")
        assert stored["phone"] == "+33199000000"
        assert stored["website"].lower().rstrip("/").endswith("://example.com")
        assert stored["name_key"] == "zinc sarl"
        found = row_of(shop, Box, box)
        assert (found["name"], found["price"], found["weight"]) == ("é", decimal.Decimal("1.5"), decimal.Decimal("2.5"))

    def test_keys_follow_their_values(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Éloïse & fils", town="Lyon"))
        assert row_of(shop, ThirdParty, company)["town_key"] == "lyon"
        edit(shop, ThirdParty, company, name="Zoé", town=None)
        stored = row_of(shop, ThirdParty, company)
        assert (stored["name_key"], stored["town_key"]) == ("zoe", None)

    WRONG: dict[str, tuple[str, Any]] = {
        "required": ("name", None),
        "empty": ("name", ""),
        "blank": ("name", " \u200b "),
        "too long": ("name", "x" * 41),
        "a megabyte": ("name", "x" * 1_000_000),
        "NUL": ("name", "a\x00b"),
        "right to left": ("name", "a\u202eb"),
        "half a character": ("name", "a\ud800b"),
        "too small": ("number", -1),
        "too great": ("number", 2**70),
        "no such option": ("state", "lost"),
        "no address": ("owner", "nobody"),
        "year 1": ("day", datetime.date(1, 1, 1)),
        "no id": ("inside", 0),
    }

    def test_wrong_values_are_refused_by_name_for_services_too(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        fields = shop.context().registry.entity("box").fields
        for reason, (name, value) in self.WRONG.items():
            new: dict[str, Any] = {"name": "one", name: value}
            error = refusal(shop, lambda unit, new=new: unit.add(Box(**new)))
            assert error.field == name, reason
            assert str(fields[name].label) in str(error), reason
            error = refusal(shop, lambda unit, name=name, value=value: setattr(unit.get(Box, box), name, value))
            assert error.field == name, reason

    WRONG_TYPES: dict[str, tuple[str, Any]] = {
        "number as name": ("name", 5),
        "text as number": ("number", "5"),
        "float as money": ("price", 1.1),
        "text as day": ("day", "2026-01-01"),
        "instant as day": ("day", datetime.datetime(2026, 1, 1, tzinfo=UTC)),
        "naive instant": ("at", datetime.datetime(2026, 1, 1)),
        "text as yes": ("sealed", "yes"),
        "list as text": ("notes", ["x"]),
    }

    def test_values_of_a_wrong_type_never_reach_the_database(self, shop: Site) -> None:
        """A programming mistake: an error of whatever kind, and nothing stored."""
        for reason, (name, value) in self.WRONG_TYPES.items():
            values: dict[str, Any] = {"name": reason, name: value}
            with (
                contextlib.suppress(AttributeError, TypeError, ValueError, Refused, StatementError),
                work(shop) as unit,
            ):
                unit.add(Box(**values))
        assert fetch(shop, "SELECT name FROM probe_box") == []

    def test_facets_are_checked(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))

        def too_long(unit: Unit) -> None:
            unit.facet(Mark, company).remark = "x" * 81

        assert refusal(shop, too_long).field == "probe.remark"
        assert number_of(shop, "probe_mark") == 0


class TestCustomFields:
    @pytest.fixture
    def custom(self, shop: Site) -> Site:
        """Boxes have a length, a number of at most 9 and a text."""
        with work(shop) as unit:
            for code, kind, options in (("length", "integer", {"maximum": 9}), ("colour", "text", {"length": 10})):
                unit.session.add(
                    CustomField(entity="box", code=code, kind=kind, labels={"en": code.title()}, options=options)
                )
            bump(unit.session.connection())
        return shop

    def test_values_live_in_extra_as_text(self, custom: Site) -> None:
        (box,) = add(custom, Box(name="one"))
        set_field(custom, Box, box, "x.length", 7)
        set_field(custom, Box, box, "x.colour", "blue")
        assert row_of(custom, Box, box)["extra"] == {"length": "7", "colour": "blue"}
        set_field(custom, Box, box, "x.length", None)
        assert row_of(custom, Box, box)["extra"] == {"colour": "blue"}
        with custom.runtime.database.reading() as session:
            seat = custom.context().registry.entity("box").fields["x.colour"].column
            assert session.scalars(select(Box.name).where(seat == "blue")).all() == ["one"]

    def test_wrong_values_are_refused_on_every_road(self, custom: Site) -> None:
        (box,) = add(custom, Box(name="one", extra={"length": "3", "unknown": "kept"}))
        entity = custom.context().registry.entity("box")

        def write(unit: Unit) -> None:
            unit.write(unit.get(Box, box), entity.fields["x.length"], 10)

        def by_hand(unit: Unit) -> None:
            unit.get(Box, box).extra = {"length": "many"}

        for service in (write, by_hand, lambda unit: unit.add(Box(name="two", extra={"length": "10"}))):
            assert refusal(custom, service).field == "x.length"
        edit(custom, Box, box, extra={"length": "4", "colour": "  e\u0301  ", "unknown": "kept"})
        assert row_of(custom, Box, box)["extra"] == {"length": "4", "colour": "é", "unknown": "kept"}

    def test_a_stored_value_that_no_longer_fits_does_not_block_other_edits(self, custom: Site) -> None:
        (box,) = add(custom, Box(name="one", extra={"length": "9"}))
        with work(custom) as unit:
            for row in unit.session.scalars(select(CustomField).where(CustomField.code == "length")):
                row.options = {"maximum": 5}
            bump(unit.session.connection())
        edit(custom, Box, box, name="two")
        set_field(custom, Box, box, "x.colour", "red")
        assert row_of(custom, Box, box)["extra"] == {"length": "9", "colour": "red"}

    def test_definitions_may_come_with_the_registry(self, shop: Site) -> None:
        """As an administrator's screens will make them: any type, in `x.` and in `extra`."""
        definition = CustomDefinition("lead", "shoe", "Shoe size", Integer(minimum=1))
        assert (definition.entity, replace(definition, type=Text(5)).type.maximum) == ("lead", 5)


class TestUnique:
    def test_the_sentence_names_the_holder(self, shop: Site) -> None:
        add(shop, Box(name="the first", serial="A1"))
        error = refusal(shop, lambda unit: unit.add(Box(name="the second", serial="A1")))
        assert str(error) == "Serial number A1 is used by the first"
        assert error.field == "serial"

    def test_twice_in_one_unit(self, shop: Site) -> None:
        def service(unit: Unit) -> None:
            unit.add(Box(name="one", serial="A1"))
            unit.add(Box(name="two", serial=" A1 "))

        assert str(refusal(shop, service)) == "Serial number A1 is given twice"

    def test_only_among_live_records(self, shop: Site) -> None:
        first, second = add(shop, Box(name="one", serial="A1"), Box(name="two"))
        edit(shop, Box, first, deleted_at=datetime.datetime.now(UTC))
        edit(shop, Box, second, serial="A1")

        def restore(unit: Unit) -> None:
            unit.get(Box, first, deleted=True).deleted_at = None

        assert str(refusal(shop, restore)) == "Serial number A1 is used by two"
        edit(shop, Box, second, serial="A2")
        with work(shop) as unit:
            restore(unit)

    def test_empty_is_no_value(self, shop: Site) -> None:
        add(shop, Box(name="one"), Box(name="two"))
        assert number_of(shop, "probe_box") == 2

    def test_keeping_its_own_is_fine(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", serial="A1"))
        edit(shop, Box, box, name="two", serial="A1 ")

    def test_the_index_is_the_net(self, shop: Site) -> None:
        """Two that look at the same moment: the second is told in words, by the database's own word."""
        add(shop, Box(name="one", serial="A1"))

        def race(unit: Unit) -> None:
            box = unit.add(Box(name="two", serial="A2"))
            unit.session.flush()
            unit.session.connection().execute(
                Box.__table__.update().where(Box.__table__.c.id == box.id).values(serial="A1")
            )

        assert "Another record already has this value" in str(refusal(shop, race))


class TestLinks:
    def test_they_lead_to_live_records_only(self, shop: Site) -> None:
        company, gone = add(shop, ThirdParty(name="Zinc"), ThirdParty(name="Gone"))
        edit(shop, ThirdParty, gone, deleted_at=datetime.datetime.now(UTC))
        for target in (gone, 987654):
            error = refusal(shop, lambda unit, target=target: unit.add(Box(name="one", keeper=target)))
            assert error.field == "keeper"
            assert "deleted or does not exist" in str(error)
        (box,) = add(shop, Box(name="one", keeper=company))
        error = refusal(shop, lambda unit: setattr(unit.get(Box, box), "hint", gone))
        assert error.field == "hint"

    def test_an_old_link_does_not_block_other_edits(self, shop: Site) -> None:
        company, other = add(shop, ThirdParty(name="Zinc"), ThirdParty(name="Iron"))
        (box,) = add(shop, Box(name="one", keeper=company))
        with work(shop) as unit:  # as a plain road might leave it
            unit.session.connection().exec_driver_sql(
                "UPDATE thirdparty_thirdparty SET deleted_at = created_at WHERE name = 'Zinc'"
            )
        edit(shop, Box, box, name="two")
        edit(shop, Box, box, keeper=other)

    def test_what_is_restored_must_have_its_target(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        (label,) = add(shop, Label(person="Ann", box=box))
        moment = datetime.datetime.now(UTC)
        edit(shop, Label, label, deleted_at=moment)
        edit(shop, Box, box, deleted_at=moment)

        def restore(unit: Unit) -> None:
            unit.get(Label, label, deleted=True).deleted_at = None

        assert refusal(shop, restore).field == "box"
        with work(shop) as unit:  # both at once is fine
            unit.get(Box, box, deleted=True).deleted_at = None
            restore(unit)

    def test_to_a_record_of_the_same_unit(self, shop: Site) -> None:
        with work(shop) as unit:
            company = unit.add(ThirdParty(name="Zinc"))
            unit.session.flush()
            unit.add(Box(name="one", keeper=company.id))
        assert number_of(shop, "probe_box") == 1


class TestStatus:
    def test_only_declared_moves(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        error = refusal(shop, lambda unit: setattr(unit.get(Box, box), "state", "sent"))
        assert (str(error), error.field) == ("one cannot go from Open to Sent", "state")
        edit(shop, Box, box, state="packed")
        edit(shop, Box, box, state="sent")
        refusal(shop, lambda unit: setattr(unit.get(Box, box), "state", "open"))

    def test_leads_may_go_anywhere(self, shop: Site) -> None:
        (lead,) = add(shop, Lead(name="Ann"))
        for status in ("qualified", "new", "progress"):
            edit(shop, Lead, lead, status=status)
