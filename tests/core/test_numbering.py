"""Numbers without gap or duplicate, whoever takes them, and whatever goes wrong (TP-2, T76)."""

from __future__ import annotations

import datetime
import json

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from core.data.numbering import Counter, Maker, Series, advance, default_series, read_mask
from core.data.unit import Unit
from core.errors import Refused
from core.features.bin import delete_record
from core.features.numbering import Preview, preview
from core.features.undo import undo
from core.masks import Context, Mask, MaskError
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, fetch, number_of, work
from tests.probe.processes import start

pytest_plugins = ["tests.probe.fixtures"]

TODAY = datetime.date(2026, 3, 15)


@pytest.fixture
def numbered(sales: Site) -> Site:
    """Third parties are numbered N-001, N-002."""
    set_mask(sales, "N-{000}")
    return sales


def set_mask(site: Site, mask: str) -> None:
    (series,) = fetch(site, select(Series.__table__.c.id).where(Series.__table__.c.target == "thirdparty"))[0]
    edit(site, Series, series, mask=mask)


def create(site: Site, *codes: str | None) -> tuple[list[str], Unit]:
    """Third parties with these codes, None for the next number; the codes they have, and the unit."""
    with work(site) as unit:
        records = [unit.add(ThirdParty(name=f"Company {code}", **({"code": code} if code else {}))) for code in codes]
    return [record.code for record in records], unit


def codes(site: Site) -> list[str]:
    return [row.code for row in fetch(site, "SELECT code FROM thirdparty_thirdparty ORDER BY code")]


def foreseen(site: Site, on: datetime.date = TODAY) -> Preview:
    """What the series of third parties says comes next."""
    with site.runtime.database.reading() as session:
        series = default_series(session, "thirdparty")
        assert series is not None
        mask = read_mask(session, series.mask, series.counted_by)
        return preview(session, site.context().registry.entity("thirdparty"), mask, Maker(on, "Alice"), series.id)


# -- many at once -----------------------------------------------------------------------------------------------
@pytest.mark.covers("TP-2c")
@pytest.mark.timeout(180)
def test_eight_processes_take_two_hundred_numbers_without_gap_or_duplicate(numbered: Site) -> None:
    """And a third of all units dies after its number was taken; each gives it back."""
    with start(numbered, "tests.faults.writer", 8, 25) as children:
        output, errors = children.communicate(timeout=170)
    assert children.returncode == 0, errors
    said = [json.loads(line) for line in output.splitlines()]
    expected = [f"N-{number:03}" for number in range(1, 201)]
    assert sorted(said) == expected
    assert codes(numbered) == expected
    assert [row.last for row in fetch(numbered, "SELECT last FROM core_counter")] == [200]


# -- codes that are used already --------------------------------------------------------------------------------
@pytest.mark.covers("TP-2b")
class TestUsedCodes:
    def test_one_is_stepped_over_and_that_is_said(self, numbered: Site) -> None:
        create(numbered, "N-002")
        assert create(numbered, None)[0] == ["N-001"]
        made, unit = create(numbered, None)
        assert made == ["N-003"]
        assert [str(notice) for notice in unit.notices] == ["N-002 was already used and was stepped over"]
        (cause,) = fetch(numbered, "SELECT cause FROM core_operation WHERE cause LIKE '%N-002%'")[0]
        assert cause == "N-002 was already used and was stepped over"

    def test_a_whole_block_of_them(self, numbered: Site) -> None:
        create(numbered, *(f"N-{number:03}" for number in range(1, 30, 2)))
        made, unit = create(numbered, *[None] * 10)
        assert made == [f"N-{number:03}" for number in range(2, 21, 2)]
        assert len(unit.notices) == 10

    def test_those_in_the_same_unit_too(self, numbered: Site) -> None:
        made, unit = create(numbered, None, "N-002", None, "N-003", None)
        assert made == ["N-001", "N-002", "N-004", "N-003", "N-005"]
        assert len(unit.notices) == 2

    def test_the_code_of_one_in_the_bin_is_not_given_again(self, numbered: Site) -> None:
        (company,) = add(numbered, ThirdParty(name="Zinc"))
        with work(numbered) as unit:
            delete_record(unit, unit.get(ThirdParty, company))
        with numbered.runtime.database.connection() as connection:
            connection.execute(update(Counter).values(last=0))
        assert create(numbered, None)[0] == ["N-002"]

    def test_on_the_page(self, numbered: Site) -> None:
        create(numbered, "N-001")
        browser = numbered.browser()
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": "Zinc"})
        assert "N-001 was already used and was stepped over" in browser.get(answer.headers["Location"]).text

    def test_the_index_is_the_net(self, numbered: Site) -> None:
        create(numbered, None, None)
        table = ThirdParty.__table__
        double = update(table).where(table.c.code == "N-002").values(code="N-001")
        with pytest.raises(IntegrityError), numbered.runtime.database.connection() as connection:
            connection.execute(double)

    def test_a_typed_code_somebody_has_is_refused_by_name(self, numbered: Site) -> None:
        create(numbered, "N-007")
        with pytest.raises(Refused, match="Code N-007 is used by Company N-007"):
            create(numbered, "N-007")
        assert create(numbered, None)[0] == ["N-001"]


# -- periods ----------------------------------------------------------------------------------------------------
@pytest.mark.covers("TP-2a")
class TestPeriods:
    @pytest.mark.parametrize(
        ("mask", "expected"),
        [
            ("N{yyyy}{mm}-{000}", ["N202601-001", "N202601-002", "N202602-003", "N202702-004", "N202702-005"]),
            ("N{yyyy}-{000@1}", ["N2026-001", "N2026-002", "N2026-003", "N2027-001", "N2027-002"]),
            ("N{yyyy}{mm}-{000@99}", ["N202601-001", "N202601-002", "N202602-001", "N202702-001", "N202702-002"]),
        ],
    )
    def test_never_yearly_monthly(self, sales: Site, mask: str, expected: list[str]) -> None:
        set_mask(sales, mask)
        made = []
        for day in ("2026-01-01", "2026-01-31", "2026-02-01", "2027-02-01", "2027-02-28"):
            with time_machine.travel(f"{day}T12:00:00+00:00", tick=False):
                made += create(sales, None)[0]
        assert made == expected

    def test_back_in_the_old_year_the_old_counter_goes_on(self, sales: Site) -> None:
        set_mask(sales, "N{yyyy}-{000@1}")
        made = []
        for year in (2026, 2027, 2026):
            with time_machine.travel(datetime.datetime(year, 6, 1, 12, tzinfo=datetime.UTC), tick=False):
                made += create(sales, None)[0]
        assert made == ["N2026-001", "N2027-001", "N2026-002"]

    def test_an_offset(self, sales: Site) -> None:
        set_mask(sales, "N-{000+100}")
        assert create(sales, None, None)[0] == ["N-101", "N-102"]


# -- the end of a counter ---------------------------------------------------------------------------------------
class TestFullCounter:
    @pytest.fixture
    def nearly_full(self, numbered: Site) -> Site:
        create(numbered, None)
        with numbered.runtime.database.connection() as connection:
            connection.execute(update(Counter).values(last=997))
        return numbered

    def test_it_refuses_and_nothing_is_stored(self, nearly_full: Site) -> None:
        assert create(nearly_full, None, None)[0] == ["N-998", "N-999"]
        before = number_of(nearly_full, "core_operation")
        with pytest.raises(MaskError, match="999 is the last number it has room for"):
            create(nearly_full, None)
        assert number_of(nearly_full, "thirdparty_thirdparty") == 3
        assert number_of(nearly_full, "core_operation") == before
        assert fetch(nearly_full, "SELECT last FROM core_counter") == [(999,)]

    def test_a_block_that_does_not_fit_takes_nothing(self, nearly_full: Site) -> None:
        with pytest.raises(Refused):
            create(nearly_full, None, None, None)
        assert create(nearly_full, None)[0] == ["N-998"]

    def test_the_page_says_so_and_keeps_what_was_typed(self, nearly_full: Site) -> None:
        create(nearly_full, None, None)
        browser = nearly_full.browser()
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": "Zinc & fils"})
        assert answer.status_code == 422
        assert "999 is the last number it has room for" in answer.text
        assert "Zinc &amp; fils" in answer.text

    def test_one_more_zero_helps(self, nearly_full: Site) -> None:
        create(nearly_full, None, None)
        set_mask(nearly_full, "N-{0000}")
        assert create(nearly_full, None)[0] == ["N-1000"]


# -- series -----------------------------------------------------------------------------------------------------
class TestSeries:
    def test_two_series_that_look_alike_count_apart(self, numbered: Site) -> None:
        with work(numbered) as unit:
            other = unit.add(Series(name="Others", target="thirdparty", mask="N-{000}"))
        mask = Mask.parse("N-{000}")
        context = Context(on=TODAY)

        def take(session: object, series: Series, count: int) -> int:
            return advance(session, series, mask, context, count)  # type: ignore[arg-type]

        with work(numbered) as unit:
            first = default_series(unit.session, "thirdparty")
            assert first is not None
            assert first.id < other.id
            taken = [take(unit.session, series, count) for series, count in ((first, 3), (other, 1), (first, 1))]
        assert taken == [3, 1, 4]

    def test_the_next_one_takes_over_when_the_first_is_in_the_bin(self, numbered: Site) -> None:
        create(numbered, None)
        add(numbered, Series(name="Others", target="thirdparty", mask="N-{000}"))
        (first,) = fetch(numbered, "SELECT min(id) FROM core_series")[0]
        with work(numbered) as unit:
            delete_record(unit, unit.get(Series, first))
        assert create(numbered, None)[0] == ["N-002"]  # its own counter gives N-001 first, which is used

    def test_without_one_nothing_is_stored(self, numbered: Site) -> None:
        (first,) = fetch(numbered, "SELECT min(id) FROM core_series")[0]
        with work(numbered) as unit:
            delete_record(unit, unit.get(Series, first))
        with pytest.raises(Refused, match="There is no numbering series for Third parties"):
            create(numbered, None)
        assert create(numbered, "typed")[0] == ["typed"]

    def test_a_mask_that_cannot_work_is_not_stored(self, numbered: Site) -> None:
        for mask in ("N", "N-{0}", "N-{000@99}", "{000}{000}", "N-{000"):
            with pytest.raises(Refused) as caught:
                set_mask(numbered, mask)
            assert caught.value.field == "mask"

    def test_a_preview_takes_none(self, numbered: Site) -> None:
        create(numbered, None)
        assert foreseen(numbered) == Preview(("N-002", "N-003", "N-004"), (), None)
        assert create(numbered, None)[0] == ["N-002"]

    def test_a_preview_steps_over_what_is_used_and_says_so(self, numbered: Site) -> None:
        create(numbered, "N-001", "N-003", "N-004", "N-009")
        assert foreseen(numbered) == Preview(("N-002", "N-005", "N-006"), ("N-001", "N-003", "N-004"), None)
        assert create(numbered, None, None)[0] == ["N-002", "N-005"]

    def test_a_preview_of_the_next_period(self, sales: Site) -> None:
        set_mask(sales, "N{yy}{mm}-{000@99}")
        with time_machine.travel("2026-12-15T12:00:00+00:00", tick=False):
            create(sales, None)
            later = (datetime.date(2027, 1, 1), "N2701-001")
            assert foreseen(sales, datetime.date(2026, 12, 15)).later == later
            assert foreseen(sales, datetime.date(2026, 12, 15)).codes[0] == "N2612-002"

    def test_an_undone_creation_keeps_its_number(self, numbered: Site) -> None:
        """The one in the bin may come back, so nobody else gets its number."""
        _made, unit = create(numbered, None)
        assert unit.operation is not None
        undo(unit.operation, context=numbered.context())
        assert create(numbered, None)[0] == ["N-002"]
