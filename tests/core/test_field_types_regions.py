"""What is typed is read, and what is stored is shown, as the region of the person has it (UX 3.4)."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from core.errors import Invalid
from core.fields import (
    Amount,
    Country,
    Date,
    DateTime,
    Decimal,
    Phone,
    fold,
)
from core.i18n import Locale, use_locale
from tests.core.field_kinds import AMERICAN, BRITISH, FRENCH, LOCALES


# -- regions ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "british", "french"),
    [
        ("1,234", "1234", "1.234"), ("1.234", "1.234", "1.234"), ("1 234", "1234", "1234"), ("0,234", "0.234", "0.234"),
        ("1,234,567", "1234567", "1234567"), ("1.234.567", "1234567", "1234567"), ("12,5", "12.5", "12.5"),
        ("1.234,5", "1234.5", "1234.5"), ("1,234.5", "1234.5", "1234.5"), ("1234,567", "1234.567", "1234.567"),
        ("12,34,567", "1234567", "1234567"), ("1'234'567.5", "1234567.5", "1234567.5"),
    ],
)  # fmt: skip
def test_the_region_decides_between_two_readings(typed: str, british: str, french: str) -> None:
    for locale, expected in ((BRITISH, british), (FRENCH, french)):
        with use_locale(locale):
            assert Decimal(3).parse(typed) == decimal.Decimal(expected)


def test_a_foreign_thousands_mark_is_never_taken_for_decimals() -> None:
    with use_locale(FRENCH):
        for typed in ("1.234", "1.500"):
            with pytest.raises(Invalid, match=r"2 decimals|2 décimales"):
                Amount().parse(typed)
        assert Amount().parse("1,500") == decimal.Decimal("1.50")
        assert Amount().edit_text(decimal.Decimal("-1234.50")) == "-1234,50"
        assert Amount().text(decimal.Decimal("-1234.50")) == "−1\u202f234,50"


@pytest.mark.parametrize(("typed", "british", "american"), [("12/1", (1, 12), (12, 1)), ("2-3-2026", (3, 2), (2, 3)), ("2.3.2026", (3, 2), (3, 2))])  # fmt: skip
def test_day_and_month_stand_as_the_region_writes_them(typed: str, british: Any, american: Any) -> None:
    for locale, (month, day) in ((BRITISH, british), (FRENCH, british), (AMERICAN, american)):
        with use_locale(locale):
            value = Date().parse(typed)
            assert value is not None
            assert (value.month, value.day) == (month, day)
            assert value.year == (2026 if "2026" in typed else datetime.datetime.now(datetime.UTC).year)


@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: f"{locale.language}_{locale.region}")
def test_dates_are_read_as_they_are_shown(locale: Locale) -> None:
    with use_locale(locale):
        for month in range(1, 13):
            day = datetime.date(2026, month, 28)
            assert Date().parse(Date().text(day)) == day
            instant = datetime.datetime(2026, month, 28, 12, 5, tzinfo=datetime.UTC)
            assert DateTime().parse(DateTime().text(instant)) == instant


def test_two_digits_of_a_year_mean_the_nearest() -> None:
    year = datetime.date.today().year
    for meant in (year - 60, year, year + 15):
        assert Date().parse(f"1.2.{meant % 100:02}") == datetime.date(meant, 2, 1)


def test_instants_are_typed_in_the_zone_of_the_person() -> None:
    with use_locale(FRENCH):
        summer, winter = DateTime().parse("12/07/2026 14h30"), DateTime().parse("2026-01-12T14:30")
    assert summer == datetime.datetime(2026, 7, 12, 12, 30, tzinfo=datetime.UTC)
    assert winter == datetime.datetime(2026, 1, 12, 13, 30, tzinfo=datetime.UTC)
    with use_locale(AMERICAN):
        assert DateTime().edit_text(winter) == "2026-01-12T08:30"


def test_phones_are_shown_nationally_at_home() -> None:
    with use_locale(FRENCH):
        assert Phone().parse("04 78 00 00 00") == Phone().parse("0478000000 ") == "+33478000000"
        assert Phone().parse("04.78.00.00.00 poste 12") == "+33478000000;ext=12"
        assert Phone().text("+33478000000") == "04 78 00 00 00"
        assert Phone().text("+442079460958") == "+44 20 7946 0958"
    with use_locale(BRITISH):
        assert Phone().parse("020 7946 0958") == "+442079460958"
        assert Phone().text("+33478000000") == "+33 4 78 00 00 00"
    assert Phone().html("+33478000000") == '<a href="tel:+33478000000">+33 4 78 00 00 00</a>'
    assert Phone().text("kept from long ago") == "kept from long ago"


def test_countries_are_known_by_the_names_people_write() -> None:
    names = {
        "Netherlands": "NL", "United States": "US", "South Korea": "KR", "Czechia": "CZ", "République tchèque": "CZ",
        "Türkiye": "TR", "Turkey": "TR", "Turquie": "TR", "Hong Kong": "HK", "Macau": "MO", "Macedonia": "MK",
        "Netherlands Antilles": "CW", "Russia": "RU", "Vietnam": "VN", "Viet Nam": "VN", "Taiwan": "TW", "uk": "GB",
        "Allemagne": "DE", "ETATS UNIS": "US", "St. Lucia": "LC", "Bosnia and Herzegovina": "BA", "Isle of Man": "IM",
        "Falkland Islands": "FK", "British Virgin Islands": "VG", "Bahamas": "BS", "The Gambia": "GM", "Gambie": "GM",
        "Guernsey": "GG", "FRA": "FR", "usa": "US", "Ivory Coast": "CI", "Congo": "CG", "DRC": "CD",
    }  # fmt: skip
    assert {name: Country().parse(name) for name in names} == names
    with use_locale(FRENCH):
        assert Country().text("NL") == "Pays-Bas"
        labels = [str(option.label) for option in Country().control().options]
    assert labels == sorted(labels, key=lambda label: fold(label) or "")
    assert labels[0] == "Afghanistan"
