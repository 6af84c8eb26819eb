"""Several series, what their masks may print, and the settings masks are read by (TP-2)."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from sqlalchemy import select

from core.data.numbering import Series
from core.errors import Refused
from core.features.bin import delete_record, restore_record
from core.features.undo import undo
from core.settings import CORE_SETTINGS, write_settings
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, fetch, history, work

pytest_plugins = ["tests.probe.fixtures"]


def first_series(site: Site) -> int:
    """The series the module brought."""
    return int(fetch(site, select(Series.__table__.c.id).where(Series.__table__.c.target == "thirdparty"))[0][0])


def set_mask(site: Site, mask: str, **more: object) -> None:
    edit(site, Series, first_series(site), mask=mask, **more)


def add_series(site: Site, mask: str, **more: object) -> int:
    return add(site, Series(name="Others", target="thirdparty", mask=mask, **more))[0]


def create(site: Site, *roles: str, series: int | None = None) -> list[str]:
    """The codes of new third parties."""
    with work(site) as unit:
        records = [unit.add(ThirdParty(name=f"Company {role}", role=role)) for role in roles]
        for record in records if series is not None else ():
            assert series is not None
            unit.number_from(record, series)
    return [record.code for record in records]


def defaults(site: Site) -> list[int]:
    table = Series.__table__
    chosen = select(table.c.id).where(table.c.is_default, table.c.deleted_at.is_(None)).order_by(table.c.id)
    return [row.id for row in fetch(site, chosen)]


# -- offsets ----------------------------------------------------------------------------------------------------
@pytest.mark.covers("TP-2a")
@pytest.mark.parametrize(("mask", "expected"), [("N-{000+100}", "N-101"), ("N-{000+1}", "N-003")])
def test_an_offset_given_later_lifts_a_counter_that_is_below_it(sales: Site, mask: str, expected: str) -> None:
    set_mask(sales, "N-{000}")
    assert create(sales, "prospect", "prospect") == ["N-001", "N-002"]
    set_mask(sales, mask)
    assert create(sales, "prospect") == [expected]


# -- what masks print -------------------------------------------------------------------------------------------
@pytest.mark.covers("TP-2a")
class TestLetters:
    def test_type_and_maker(self, sales: Site) -> None:
        set_mask(sales, "{ttt}{uuu}-{000}")
        browser = sales.browser("Lafleur", "user")
        browser.get("/thirdparties/new")
        for role in ("prospect", "customer"):
            assert browser.post("/thirdparties/new", {"name": f"Company {role}", "role": role}).status_code == 303
        made = fetch(sales, "SELECT code FROM thirdparty_thirdparty ORDER BY id")
        assert [row.code for row in made] == ["proLaf-001", "cusLaf-002"]
        assert create(sales, "both") == ["botX##-003"], "nobody, when it is the system"

    def test_a_type_nobody_chose_is_the_usual_one(self, sales: Site) -> None:
        set_mask(sales, "{ttt}-{000}")
        with work(sales) as unit:
            record = unit.add(ThirdParty(name="Zinc"))
        assert record.code == "pro-001"

    @pytest.mark.parametrize("mask", ["{ccc}-{000}", "{ccc000}"])
    def test_what_an_entity_cannot_fill_is_refused(self, sales: Site, mask: str) -> None:
        with pytest.raises(Refused, match="Third parties have no customer whose code could be printed") as caught:
            set_mask(sales, mask)
        assert caught.value.field == "mask"

    @pytest.mark.parametrize(("mask", "fits"), [("x" * 28 + "{0000}", True), ("x" * 29 + "{0000}", False)])
    def test_numbers_longer_than_their_field_are_refused(self, sales: Site, mask: str, fits: bool) -> None:
        if fits:
            set_mask(sales, mask)
            assert create(sales, "prospect") == ["x" * 28 + "0001"]
        else:
            with pytest.raises(Refused, match="have 33 characters, and Code has room for 32") as caught:
                set_mask(sales, mask)
            assert caught.value.field == "mask"


# -- several ----------------------------------------------------------------------------------------------------
class TestSeveral:
    def test_the_default_one_numbers_unless_another_is_chosen(self, sales: Site) -> None:
        set_mask(sales, "N-{000}")
        other = add_series(sales, "EX{000}")
        assert create(sales, "prospect") == ["N-001"]
        assert create(sales, "prospect", "prospect", series=other) == ["EX001", "EX002"]
        edit(sales, Series, other, is_default=True)
        assert create(sales, "prospect") == ["EX003"]
        assert create(sales, "prospect", series=first_series(sales)) == ["N-002"]

    def test_one_is_the_default_and_history_tells_of_both(self, sales: Site) -> None:
        first, other = first_series(sales), add_series(sales, "EX{000}")
        assert defaults(sales) == [first]
        operation = edit(sales, Series, other, is_default=True)
        assert defaults(sales) == [other]
        assert history(sales, Series, first)[-1].operation.id == operation
        undo(operation, context=sales.context())
        assert defaults(sales) == [first]

    def test_one_that_comes_back_from_the_bin_is_the_default_again(self, sales: Site) -> None:
        first, other = first_series(sales), add_series(sales, "EX{000}")
        with work(sales) as unit:
            delete_record(unit, unit.get(Series, first))
        edit(sales, Series, other, is_default=True)
        with work(sales) as unit:
            restore_record(unit, unit.get(Series, first, deleted=True))
        assert defaults(sales) == [first]

    def test_two_that_look_alike_never_give_the_same_in_one_unit(self, sales: Site) -> None:
        set_mask(sales, "N-{000}")
        other = add_series(sales, "N-{000}")
        with work(sales) as unit:
            records = [unit.add(ThirdParty(name=name)) for name in ("Zinc", "Tin")]
            unit.number_from(records[1], other)
        assert [record.code for record in records] == ["N-001", "N-002"]
        assert len(unit.notices) == 1

    def test_one_that_is_gone_or_for_others_is_refused(self, sales: Site) -> None:
        other = add_series(sales, "EX{000}")
        with work(sales) as unit:
            delete_record(unit, unit.get(Series, other))
        for wanted in (other, 999):
            with pytest.raises(Refused, match="was deleted or does not exist"):
                create(sales, "prospect", series=wanted)

    def test_it_keeps_what_it_numbers(self, sales: Site) -> None:
        with pytest.raises(Refused) as caught:
            edit(sales, Series, first_series(sales), target="lead")
        assert caught.value.field == "target"

    def test_only_records_that_have_numbers(self, sales: Site) -> None:
        with pytest.raises(Refused) as caught:
            add(sales, Series(name="Leads", target="lead", mask="L{000}"))
        assert caught.value.field == "target"


# -- counted separately -----------------------------------------------------------------------------------------
@pytest.mark.covers("TP-2a")
class TestCountedSeparately:
    def test_by_type(self, sales: Site) -> None:
        set_mask(sales, "{t}-{000}", counted_by="type")
        assert create(sales, "prospect", "customer", "prospect") == ["p-001", "c-001", "p-002"]
        assert create(sales, "customer") == ["c-002"]

    def test_what_it_is_counted_by_must_be_printed(self, sales: Site) -> None:
        with pytest.raises(Refused, match=r"must show in the number: write \{ttt\}"):
            set_mask(sales, "N-{000}", counted_by="type")


# -- settings ---------------------------------------------------------------------------------------------------
def settle(site: Site, **typed: str) -> None:
    with work(site) as unit:
        write_settings(unit.session, "core", CORE_SETTINGS, typed)


@pytest.mark.covers("TP-2a")
class TestSettings:
    def test_the_fiscal_year(self, sales: Site) -> None:
        settle(sales, fiscal_month="6")
        set_mask(sales, "N{yyyy}-{000@-}")
        made = []
        for month in (5, 6, 7):
            with time_machine.travel(datetime.datetime(2026, month, 1, 12, tzinfo=datetime.UTC), tick=False):
                made += create(sales, "prospect")
        assert made == ["N2025-001", "N2026-001", "N2026-002"]

    def test_short_counters(self, sales: Site) -> None:
        with pytest.raises(Refused, match="allow short counters in the settings"):
            set_mask(sales, "N-{00}")
        settle(sales, short_counters="on")
        set_mask(sales, "N-{00}")
        assert create(sales, "prospect") == ["N-01"]
