"""Days and times as people type them, in the order of their region and in their time zone (UX 2.4)."""

from __future__ import annotations

import datetime
import functools
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale

from core.errors import Invalid
from core.fields.keys import excerpt, fold, narrow
from core.i18n import LANGUAGES, Locale, babel_locale, current_locale, lazy as _

_LONGEST = 60
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_FIGURES = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})(?:\2([0-9]{4}|[0-9]{2})|\.)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:er|st|nd|rd|th|\.)? ?([^\W\d_]{3,})\.?,?(?: ?([0-9]{4}))?")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:,? ([0-9]{4}))?")
_WITH_TIME = re.compile(
    r"(.+?)(?:T|,? (?:at |à )?)([0-9]{1,2})[:h]([0-9]{2})?(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(?: ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_BLANKS = str.maketrans("\u00a0\u202f\u2009\t", "    ")


@functools.cache
def _months() -> dict[str, int]:
    """Folded month names of the product's languages, long and short -> number."""
    found = {"sept": 9, "sep": 9}
    for language in LANGUAGES:
        for names in BabelLocale(language).months["format"].values():
            found.update({fold(str(name)) or "": number for number, name in names.items() if len(name) > 2})
    return found


@functools.lru_cache(maxsize=64)
def _month_first(locale: Locale) -> bool:
    """Whether the region writes the month before the day."""
    return str(babel_locale(locale).date_formats["short"].pattern).startswith("M")


def _example() -> str:
    return "01/31/2026" if _month_first(current_locale()) else "31/01/2026"


def _today() -> datetime.date:
    return datetime.datetime.now(ZoneInfo(current_locale().timezone)).date()


def _full_year(year: str | None) -> int:
    """The year meant: none is this year, two digits lie between 79 years ago and 20 years ahead."""
    if year is None:
        return _today().year
    if len(year) == 4:
        return int(year)
    first = _today().year - 79
    return first + (int(year) - first) % 100


def _day(year: int, month: int, day: int, typed: str) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise Invalid(
            _("%(date)s is not in the calendar. Enter a date like %(example)s", date=typed, example=_example())
        ) from None


def read_date(raw: str) -> datetime.date:
    """A typed day: ISO, the region's order of figures, or with the month in words. Raises `Invalid`."""
    text = narrow(raw).translate(_BLANKS) if len(raw) <= _LONGEST else ""
    if found := _ISO.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]), text)
    if found := _FIGURES.fullmatch(text):
        month_first = found[2] != "." and _month_first(current_locale())
        month, day = (found[1], found[3]) if month_first else (found[3], found[1])
        return _day(_full_year(found[4]), int(month), int(day), text)
    for pattern, day_at, month_at in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        if (found := pattern.fullmatch(text)) and (number := _months().get(fold(found[month_at]) or "")):
            return _day(_full_year(found[3]), number, int(found[day_at]), text)
    raise Invalid(_("Enter a date like %(example)s", example=_example()))


class Span(NamedTuple):
    """What a typed instant covers: a day when no time was typed, else a minute, a second or a millisecond."""

    start: datetime.datetime
    end: datetime.datetime


def read_span(raw: str) -> Span:
    """The instants a typed day or time covers, in the locale's time zone. Raises `Invalid`."""
    text = narrow(raw).translate(_BLANKS) if len(raw) <= _LONGEST else ""
    found = _WITH_TIME.fullmatch(text)
    day = read_date(found[1] if found else text or raw)
    zone: datetime.tzinfo = ZoneInfo(current_locale().timezone)
    try:
        if found is None:
            midnight = datetime.datetime.combine(day, datetime.time(), zone)
            return Span(midnight, datetime.datetime.combine(day + datetime.timedelta(1), datetime.time(), zone))
        hour, minute, second, fraction, offset = found.groups()[1:]
        if offset:
            zone = datetime.datetime.fromisoformat(f"2000-01-01T00:00{offset}").tzinfo or zone
        time = datetime.time(int(hour), int(minute or 0), int(second or 0), int((fraction or "0").ljust(6, "0")))
        start = datetime.datetime.combine(day, time, zone).astimezone(datetime.UTC)
        length = {"milliseconds": 1} if fraction else {"seconds": 1} if second else {"minutes": 1}
        return Span(start, start + datetime.timedelta(**length))
    except ValueError:
        raise Invalid(_("%(time)s is not a time. Enter a time like 14:30", time=excerpt(text))) from None
    except OverflowError:
        raise Invalid(_("Enter a year between 1000 and 9999")) from None
