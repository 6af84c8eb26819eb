"""Numbering masks: every row of vectors/numbering.csv, the edges of the grammar, and what must hold for any mask (TP-2)."""

from __future__ import annotations

import calendar
import csv
import datetime
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, strategies as st

from core.errors import Refused
from core.masks import Context, Mask, MaskError, check_sequence

VECTORS = Path(__file__).parents[1] / "vectors" / "numbering.csv"
COLUMNS = ["id", "mask", "context", "calls_and_results", "note"]
MONTHS = list(calendar.month_name)
DAY = datetime.date(2026, 6, 15)
Row = dict[str, str]


# --- The vectors -----------------------------------------------------------------------------------------------------


def rows() -> list[Row]:
    """The rows of the file. Cells beyond the last column would be an unquoted comma: refuse them."""
    with VECTORS.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == COLUMNS
        found = list(reader)
    assert found
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        assert set(row) == set(COLUMNS), row
        assert None not in row.values(), row
    return found


def settings_of(context: str) -> dict[str, object]:
    """The `context` column as arguments of `check_sequence`; fails on words it does not know."""
    if not context:
        return {}
    if found := re.fullmatch(r"fiscal year starts in (\w+)", context):
        return {"fiscal_month": MONTHS.index(found[1])}
    if found := re.fullmatch(r"third-party type (\S+)", context):
        return {"type_code": found[1]}
    if found := re.fullmatch(r"customer code (\S+)", context):
        return {"customer_code": found[1]}
    if found := re.fullmatch(r"counter at (\d+)", context):
        return {"last": int(found[1])}
    raise AssertionError(f"context not understood: {context!r}")


def check_calls(row: Row) -> None:
    calls = [re.fullmatch(r"(\d{4}-\d\d-\d\d) -> (\S+)", call) for call in row["calls_and_results"].split("; ")]
    dates = [datetime.date.fromisoformat(call[1]) for call in calls if call]
    wanted = [call[2] for call in calls if call]
    assert len(wanted) == len(calls), "a call was not understood"
    assert check_sequence(row["mask"], dates, **settings_of(row["context"])) == wanted  # type: ignore[arg-type]


def check_refused_mask(row: Row, reason: str) -> None:
    """The mask is refused when it is read, and the sentence speaks of what the row names."""
    assert not row["context"], "a refused mask with a context was not understood"
    subjects = {"counter", "year", "month"} & set(re.findall(r"\w+", reason))
    assert subjects, f"reason not understood: {reason!r}"
    with pytest.raises(MaskError) as refused:
        Mask.parse(row["mask"])
    assert all(subject in str(refused.value) for subject in subjects)
    if "unless a setting allows it" in reason:
        assert Mask.parse(row["mask"], short_counters=True).first == 1


def check_full(row: Row) -> None:
    """The counter is full: a refusal, and no code whatever."""
    settings = settings_of(row["context"])
    assert list(settings) == ["last"], "a full counter needs its last value"
    mask = Mask.parse(row["mask"])
    last = int(str(settings["last"]))
    assert mask.format(last, Context(DAY))
    with pytest.raises(MaskError, match="full"):
        mask.format(last + 1, Context(DAY))
    with pytest.raises(MaskError, match="full"):
        mask.preview(last, Context(DAY))
    with pytest.raises(MaskError, match="full"):
        check_sequence(row["mask"], [DAY], last)


def check_two_series(row: Row) -> None:
    """Two series in turn, each with counters of its own: neither moves the other."""
    found = re.fullmatch(r"two series: (\S+) and (\S+)", row["mask"])
    assert found, "two masks were expected"
    masks = [Mask.parse(pattern) for pattern in found.groups()]
    context = Context(DAY, type_code="ABC")
    counters: dict[tuple[int, str, str], int] = {}
    for round_ in range(1, 4):
        for series, mask in enumerate(masks):
            key = series, mask.scope(context), mask.period(DAY)
            counters[key] = mask.after(counters.get(key, 0))
            zeros = re.search(r"\{(0+)\}", mask.pattern)
            assert zeros
            assert f"{round_:0{len(zeros[1])}d}" in mask.format(counters[key], context)
    assert set(counters.values()) == {3}


def check_row(row: Row) -> None:
    """What the `calls_and_results` column asks for; fails on a row it does not understand."""
    result = row["calls_and_results"]
    if " -> " in result:
        check_calls(row)
    elif result == "each counts by itself":
        check_two_series(row)
    elif result.startswith("refused with a clear error; nothing is stored"):
        check_full(row)
    elif found := re.fullmatch(r"refused: (.+)", result):
        check_refused_mask(row, found[1])
    elif re.fullmatch(r"\S+", result):
        assert check_sequence(row["mask"], [DAY], **settings_of(row["context"])) == [result]  # type: ignore[arg-type]
    else:
        raise AssertionError(f"result not understood: {result!r}")


@pytest.mark.covers("TP-2a")
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["id"])
def test_vector(row: Row) -> None:
    check_row(row)


@pytest.mark.parametrize(
    "change",
    [
        {"context": "on a full moon"},
        {"calls_and_results": "it depends"},
        {"calls_and_results": ""},
        {"calls_and_results": "1915-01-01 -> 1915-0001; then more"},
        {"calls_and_results": "refused: it is ugly"},
    ],
)
def test_a_row_that_is_not_understood_fails(change: Row) -> None:
    row = {"id": "X", "mask": "{yyyy}-{0000}", "context": "", "calls_and_results": "1915-01-01 -> 1915-0001"}
    check_row(row)
    with pytest.raises(AssertionError):
        check_row(row | change)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "no counter"),
        ("{000}{000}", "2 counters"),
        ("{ccc000}-{000}", "2 counters"),
        ("{0000", "brace"),
        ("0000}", "brace"),
        ("{{0000}}", "brace"),
        ("A{0000}{}", "not known"),
        ("A{0000}{yyy}", "not known"),
        ("A{0000}{YYYY}", "not known"),
        ("A{0000}{jj}", "not known"),
        ("A{0000}{cct}", "not known"),
        ("{yyyy}{0000@1+5}", "not known"),
        ("{٠٠٠}", "not known"),
        ("{yyyy}{0000@٣}", "not known"),
        ("{yyyy}{mm}{0000@13}", "no month 13"),
        ("{yyyy}{mm}{0000@100}", "no month 100"),
        ("{0000@13}", "no month 13"),
        ("{0000@0}", "needs a year"),
        ("{mm}{0000@99}", "year and the month"),
        ("{yyyy}{0000@99}", "year and the month"),
        ("{yyyy}-{0000@6}", "needs the month"),
        ("{000+999}", "no room"),
        ("{000+" + "9" * 50 + "}", "no room"),
        ("{" + "0" * 19 + "}", "too long"),
        ("A\0{0000}", "cannot be printed"),
        ("A\n{0000}", "cannot be printed"),
        ("A\u202e{0000}", "cannot be printed"),
        ("A\ud800{0000}", "cannot be printed"),
        (" {0000}", "space"),
        ("{0000}" + "A" * 59, "65 characters"),
        ("A" * 10_000, "10000 characters"),
        ("{" * 10_000, "10000 characters"),
    ],
    ids=lambda value: ascii(value)[1:25],
)
def test_a_bad_mask_is_refused_with_a_short_sentence(pattern: str, says: str) -> None:
    with pytest.raises(MaskError, match=re.escape(says)) as refused:
        Mask.parse(pattern)
    assert isinstance(refused.value, Refused)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("month", [-1, 0, 13])
def test_no_such_fiscal_month(month: int) -> None:
    with pytest.raises(MaskError, match="1 to 12"):
        Mask.parse("{000}", fiscal_month=month)


@pytest.mark.parametrize("value", [0, -1, 1000, 10**5000], ids=["zero", "negative", "one-too-many", "huge"])
def test_a_number_that_cannot_be_printed(value: int) -> None:
    with pytest.raises(MaskError):
        Mask.parse("{000}").format(value, Context(DAY))


# --- Parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("{dd}.{mm}.{yy}/{y}/{000}", "15.06.26/6/001"),
        ("Devis-É中-{000}", "Devis-É中-001"),
        ("{ccc}{tttt}{uu}{000}", "AB#Éta#Du001"),
        ("{c}{t}{u}{000}", "AÉD001"),
        ("FV {000}", "FV 001"),
        ("A" * 59 + "{000}", "A" * 59 + "001"),
        ("{000+00}", "001"),
    ],
)
def test_parts(pattern: str, code: str) -> None:
    context = Context(DAY, customer_code="AB", type_code="TE_Éta", user_name=" Dupont ")
    assert Mask.parse(pattern).format(1, context) == code


def test_parts_without_a_record_behind_them() -> None:
    assert Mask.parse("{cc}{tt}{uu}{000}").format(1, Context(DAY)) == "####X#001"
    assert Mask.parse("{uu}{000}").format(1, Context(DAY, user_name="  ")) == "X#001"


def test_text_of_a_record_cannot_break_a_code() -> None:
    context = Context(DAY, customer_code="{a}\0b", type_code="\ud800x", user_name="de la\u202e")
    assert Mask.parse("{ccccc}{tt}{uuuuuu}{000}").format(1, context) == "#a##b#xde#la#001"


def test_a_counter_for_each_customer() -> None:
    """The scope is what is printed: codes that begin alike share a counter, or they would share codes."""
    mask = Mask.parse("{ccc000+4}")
    assert mask.format(mask.first, Context(DAY, customer_code="AB")) == "AB#005"
    scopes = [mask.scope(Context(DAY, customer_code=code)) for code in ("AB", "ABCD", "ABCE", None)]
    assert scopes == ["AB#", "ABC", "ABC", "###"]
    assert Mask.parse("{ccc}{000}").scope(Context(DAY, customer_code="AB")) == ""


# --- Counting --------------------------------------------------------------------------------------------------------


def test_offset_counts_again_after_each_reset() -> None:
    dates = [datetime.date(2025, 12, 31), datetime.date(2025, 12, 31), datetime.date(2026, 1, 1)]
    assert check_sequence("{yy}-{000+100@1}", dates) == ["25-101", "25-102", "26-101"]


def test_a_counter_below_the_offset_jumps_to_the_first_value() -> None:
    mask = Mask.parse("{000+100}")
    assert (mask.first, mask.after(0), mask.after(50), mask.after(100), mask.after(250)) == (101, 101, 101, 101, 251)


def test_last_counts_in_the_period_of_the_first_date_only() -> None:
    dates = [datetime.date(2026, 1, 1), datetime.date(2025, 12, 31), datetime.date(2026, 1, 2)]
    assert check_sequence("{yy}-{000@1}", dates, 41) == ["26-042", "25-001", "26-043"]


def test_preview_stops_where_the_counter_is_full() -> None:
    mask = Mask.parse("A{000}")
    assert mask.preview(0, Context(DAY)) == ["A001", "A002", "A003"]
    assert mask.preview(997, Context(DAY)) == ["A998", "A999"]
    assert mask.preview(5, Context(DAY), count=0) == []
    with pytest.raises(MaskError, match=r"A\{000\} is full: 999"):
        mask.preview(999, Context(DAY))


def test_leap_day() -> None:
    leap = datetime.date(2024, 2, 29)
    mask = Mask.parse("{yyyy}{mm}{dd}-{000@99}")
    assert mask.format(1, Context(leap)) == "20240229-001"
    assert (mask.period(leap), mask.next_period_date(leap)) == ("2024-02", datetime.date(2024, 3, 1))
    assert check_sequence("{yy}{mm}{000@3}", [leap, datetime.date(2024, 3, 1)]) == ["2402001", "2403001"]


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize(("mark", "shift"), [("-", 0), ("0", 0), ("+", 1)])
def test_fiscal_year_borders(month: int, mark: str, shift: int) -> None:
    """The last day of one fiscal year and the first of the next, for each month it can start in."""
    first = datetime.date(2026, month, 1)
    eve = first - datetime.timedelta(days=1)
    shift = shift if month > 1 else 0  # a fiscal year from January ends in the year it starts
    codes = check_sequence(f"{{yyyy}}-{{000@{mark}}}", [eve, eve, first], fiscal_month=month)
    assert codes == [f"{2025 + shift}-001", f"{2025 + shift}-002", f"{2026 + shift}-001"]
    mask = Mask.parse(f"{{yyyy}}-{{000@{mark}}}", fiscal_month=month)
    assert mask.next_period_date(eve) == first
    assert mask.next_period_date(first) == datetime.date(2027, month, 1)


@pytest.mark.parametrize("month", range(1, 13))
def test_reset_in_a_month_prints_the_year_of_the_date(month: int) -> None:
    first = datetime.date(2026, month, 1)
    eve = first - datetime.timedelta(days=1)
    dates = [eve, eve, first]
    codes = check_sequence(f"{{yyyy}}{{mm}}-{{000@{month}}}", dates)
    assert codes == [f"{eve:%Y%m}-001", f"{eve:%Y%m}-002", f"{first:%Y%m}-001"]
    assert check_sequence("{yyyy}{mm}-{000@=}", dates, fiscal_month=month) == codes


def test_period_keys() -> None:
    keys = {pattern: Mask.parse(pattern).period(DAY) for pattern in ("{000}", "{yy}{000@1}", "{yy}{mm}{000@99}")}
    assert list(keys.values()) == ["", "2026", "2026-06"]
    assert Mask.parse("{yy}{mm}{000@6}").period(DAY) == "2026-06-start"
    assert Mask.parse("{yy}{mm}{000@7}").period(DAY) == "2025-07-start"


def test_the_ends_of_the_calendar() -> None:
    mask = Mask.parse("{yyyy}-{000@-}", fiscal_month=6)
    assert mask.format(1, Context(datetime.date.min)) == "0000-001"
    assert mask.next_period_date(datetime.date.max) is None
    assert Mask.parse("{yyyy}-{000@+}", fiscal_month=6).format(1, Context(datetime.date.max)) == "0000-001"
    assert Mask.parse("{yy}{mm}{000@99}").next_period_date(datetime.date.max) is None
    assert Mask.parse("{000}").next_period_date(DAY) is None


# --- Properties ------------------------------------------------------------------------------------------------------

RESETS = ["", *(f"@{month}" for month in range(1, 13)), "@-", "@0", "@=", "@+", "@99"]
texts = st.none() | st.text(max_size=8)
dates = st.dates()


@st.composite
def masks(draw: st.DrawFn, resets: list[str] = RESETS) -> Mask:
    """Any mask that holds a four-digit year and the month."""
    counter = (
        f"{{{draw(st.sampled_from(['', 'cc']))}0000{draw(st.sampled_from(['', '+7']))}{draw(st.sampled_from(resets))}}}"
    )
    others = draw(st.lists(st.sampled_from(["A", "/", "É", "7", "{dd}", "{ccc}", "{tt}", "{uuu}"]), max_size=5))
    pieces = draw(st.permutations([counter, "{yyyy}", "{mm}", *others]))
    return Mask.parse("".join(pieces), fiscal_month=draw(st.integers(1, 12)))


contexts = st.builds(Context, dates, texts, texts, texts)


@given(masks(), contexts, contexts, st.integers(1, 9999), st.integers(1, 9999))
def test_two_values_of_one_counter_never_print_the_same_code(
    mask: Mask, one: Context, other: Context, value: int, different: int
) -> None:
    assume(value != different)
    moved = Context(other.on, one.customer_code, other.type_code, other.user_name)
    for context in (one, moved, other):
        if (mask.scope(one), mask.period(one.on)) == (mask.scope(context), mask.period(context.on)):
            assert mask.format(value, one) != mask.format(different, context)


@given(masks(RESETS[1:]), contexts, dates, st.integers(1, 9999), st.integers(1, 9999))
def test_two_periods_never_print_the_same_code(
    mask: Mask, context: Context, on: datetime.date, value: int, again: int
) -> None:
    # The calendar of the machine ends in 9999; a year printed as 10000 would need a fifth digit.
    assume(max(on.year, context.on.year) < 9999 and mask.period(on) != mask.period(context.on))
    other = Context(on, context.customer_code, context.type_code, context.user_name)
    assert mask.format(value, context) != mask.format(again, other)


@given(masks(), contexts, st.integers(1, 9999))
def test_codes_hold_no_brace_and_can_be_stored(mask: Mask, context: Context, value: int) -> None:
    code = mask.format(value, context)
    assert not set("{}\0") & set(code)
    assert code.isprintable()
    assert code.encode()
    assert len(code) <= 64


@given(masks(), dates)
def test_the_period_changes_exactly_at_the_declared_border(mask: Mask, on: datetime.date) -> None:
    border = mask.next_period_date(on)
    if border is None:
        assert mask.reset.every == "never" or on.year >= 9998
        return
    assert border > on
    assert border.day == 1
    assert mask.period(border) != mask.period(on)
    days = [on, *(on + (border - on) * n // 7 for n in range(1, 7)), border - datetime.timedelta(days=1)]
    assert all(mask.period(day) == mask.period(following) for day, following in pairwise(sorted(days)))


@given(
    st.text() | st.text(alphabet="{}0123456789@+-=yMmdctu A") | st.from_regex(r"\A(\{[yc0+@19=-]*\}|A)*\Z"),
    st.booleans(),
)
def test_reading_a_mask_raises_nothing_but_a_mask_error(pattern: str, short_counters: bool) -> None:
    try:
        mask = Mask.parse(pattern, short_counters=short_counters)
    except MaskError:
        return
    assert mask.format(mask.first, Context(DAY))
