"""Whole days, and instants: stored in UTC, typed and shown in the person's time zone (DESIGN 10).

They are read as people type them, in the order of their region (UX 2.4).
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale
from sqlalchemy import ColumnElement, Date as SqlDate, DateTime as SqlDateTime, and_, not_, or_
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import Invalid
from core.fields.base import AFTER, BEFORE, BETWEEN, EMPTY, FILLED, IS, IS_NOT, FieldType, Operator, Samples
from core.fields.keys import excerpt, fold, narrow
from core.i18n import (
    LANGUAGES,
    Locale,
    babel_locale,
    current_locale,
    format_date,
    format_datetime,
    format_integer,
    lazy as _,
    lazy_context,
)

FIRST_DATE = datetime.date(1000, 1, 1)
LAST_DATE = datetime.date.max
FIRST_INSTANT = datetime.datetime(1000, 1, 2, tzinfo=datetime.UTC)
LAST_INSTANT = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
"""A day short of the limits, so that every time zone can show every instant."""

_LONGEST = 60
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
_FIGURES = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})(?:\2([0-9]{4}|[0-9]{2})|\.)?")
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:er|st|nd|rd|th|\.)? ?([^\W\d_]{3,})\.?,?(?: ?([0-9]{4}))?")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:,? ([0-9]{4}))?")
_WITH_TIME = re.compile(
    r"(.+?)(?:T|,? (?:at |à )?)([0-9]{1,2})[:h]([0-9]{2})?(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(?: ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)


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


def _full_year(year: str | None) -> int:
    """The year meant: none is this year, two digits lie between 79 years ago and 20 years ahead."""
    this = datetime.datetime.now(ZoneInfo(current_locale().timezone)).year
    if year is None or len(year) == 4:
        return int(year or this)
    return this - 79 + (int(year) - this + 79) % 100


def _day(year: int, month: int, day: int, typed: str) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise Invalid(
            _("%(date)s is not in the calendar. Enter a date like %(example)s", date=typed, example=_example())
        ) from None


def read_date(raw: str) -> datetime.date:
    """A typed day: ISO, the region's order of figures, or with the month in words. Raises `Invalid`."""
    text = narrow(raw) if len(raw) <= _LONGEST else ""
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
    text = narrow(raw) if len(raw) <= _LONGEST else ""
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


def _from_to(column: ColumnElement[Any], start: Any, end: Any) -> ColumnElement[bool]:
    """Whether a value lies between two ends, the second left out; None is no end."""
    ends = [] if start is None else [column >= start]
    return and_(*ends, *([] if end is None else [column < end]))


MOST_DAYS = 36_500
TODAY = Operator("today", lazy_context("operator", "is today"), "none", _from_to)
THIS_WEEK = Operator("week", lazy_context("operator", "is in this week"), "none", _from_to)
THIS_MONTH = Operator("month", lazy_context("operator", "is in this month"), "none", _from_to)
LAST_DAYS = Operator("last", lazy_context("operator", "is in the last … days"), "one", _from_to, "days")
NEXT_DAYS = Operator("next", lazy_context("operator", "is in the next … days"), "one", _from_to, "days")
DAYS_AGO = Operator("ago", lazy_context("operator", "is more than … days ago"), "one", _from_to, "days")
RELATIVE = (TODAY, THIS_WEEK, THIS_MONTH, LAST_DAYS, NEXT_DAYS, DAYS_AGO)
_RELATIVE = frozenset(operator.name for operator in RELATIVE)


def today() -> datetime.date:
    """The day it is where the person is."""
    return datetime.datetime.now(ZoneInfo(current_locale().timezone)).date()


def read_days(raw: str) -> int:
    """A typed number of days. Raises `Invalid`."""
    text = narrow(raw.strip()) if len(raw) <= _LONGEST else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_DAYS)) and int(text) <= MOST_DAYS):
        raise Invalid(_("Enter a number of days between 0 and %(limit)s", limit=format_integer(MOST_DAYS)))
    return int(text)


def relative_days(operator: str, values: Sequence[str]) -> tuple[datetime.date | None, datetime.date | None]:
    """The first day a relative condition holds for, and the first after those; None is no end (UI-4). Raises `Invalid`.

    "In the last 30 days" and "more than 30 days ago" leave no day between them. Weeks begin as in the person's region.
    """
    now, one = today(), datetime.timedelta(1)
    if operator == TODAY.name:
        return now, now + one
    if operator == THIS_WEEK.name:
        start = now - datetime.timedelta((now.weekday() - babel_locale(current_locale()).first_week_day) % 7)
        return start, start + datetime.timedelta(7)
    if operator == THIS_MONTH.name:
        first = now.replace(day=1)
        return first, (first + datetime.timedelta(31)).replace(day=1)
    days = datetime.timedelta(read_days(values[0]))
    if operator == NEXT_DAYS.name:
        return now, now + days + one
    return (now - days, now + one) if operator == LAST_DAYS.name else (None, now - days)


class Date(FieldType[datetime.date]):
    """A whole day, the same everywhere."""

    name = "date"
    operators = (IS, IS_NOT, BEFORE, AFTER, BETWEEN, *RELATIVE, EMPTY, FILLED)
    attributes = {"type": "date", "min": FIRST_DATE.isoformat(), "max": LAST_DATE.isoformat()}
    json = {"type": "string", "format": "date"}

    def column_type(self) -> TypeEngine[Any]:
        return SqlDate()

    def read(self, text: str) -> datetime.date:
        return read_date(text)

    def check(self, value: datetime.date) -> datetime.date:
        if isinstance(value, datetime.datetime):
            raise TypeError("A Date field holds a date, not an instant")
        if value < FIRST_DATE:
            raise Invalid(_("Enter a year between 1000 and 9999"))
        return value

    def dump(self, value: datetime.date) -> str:
        return value.isoformat()

    def load(self, text: str) -> datetime.date:
        return datetime.date.fromisoformat(text)

    def text(self, value: datetime.date) -> str:
        return format_date(value)

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator in _RELATIVE:
            return self.compare(column, operator, relative_days(operator, values))
        return super().criterion(column, operator, values)

    def html(self, value: datetime.date) -> str:
        return f'<time datetime="{value.isoformat()}">{super().html(value)}</time>'

    def samples(self) -> Samples:
        day = datetime.date(2026, 1, 12)
        good = {"1000-01-01": FIRST_DATE, "9999-12-31": LAST_DATE, "29.2.2024": datetime.date(2024, 2, 29)}
        typed = (
            "2026-01-12", "2026/1/12", "12.1.2026", "12 Jan 2026", "12 janv. 2026", "January 12, 2026", " 2026-01-12 ",
            "2026-01-12T00:00:00", "２０２６-01-12",
        )  # fmt: skip
        return Samples(dict.fromkeys(typed, day) | good, [*_NO_DATES, "2026-01-12 10:30"])


class UtcDateTime(TypeDecorator[datetime.datetime]):
    """An aware instant: kept in UTC, and aware UTC again on both databases."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("An instant needs a time zone")
        value = value.astimezone(datetime.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)


class DateTime(FieldType[datetime.datetime]):
    """An instant, to the millisecond. Filters compare with all that was typed: a day, a minute, a second.

    In the hour that clocks repeat in autumn, typed times mean the first; forms leave untouched values alone.
    """

    name = "datetime"
    operators = (IS, IS_NOT, BEFORE, AFTER, BETWEEN, *RELATIVE, EMPTY, FILLED)
    attributes = {"type": "datetime-local", "step": "any", "min": "1000-01-02T00:00", "max": "9999-12-29T23:59"}
    json = {"type": "string", "format": "date-time"}

    def column_type(self) -> TypeEngine[Any]:
        return UtcDateTime()

    def read(self, text: str) -> datetime.datetime:
        return read_span(text).start

    def check(self, value: datetime.datetime) -> datetime.datetime:
        if value.tzinfo is None:
            raise TypeError("An instant needs a time zone")
        if not FIRST_INSTANT <= value <= LAST_INSTANT:
            raise Invalid(_("Enter a year between 1000 and 9999"))
        value = value.astimezone(datetime.UTC)
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    def dump(self, value: datetime.datetime) -> str:
        """Always of the same width, so that texts sort as instants do."""
        return value.astimezone(datetime.UTC).isoformat(timespec="microseconds")

    def load(self, text: str) -> datetime.datetime:
        value = datetime.datetime.fromisoformat(text)
        if value.tzinfo is None or not FIRST_INSTANT <= value <= LAST_INSTANT:
            raise ValueError("not an instant")
        return value.astimezone(datetime.UTC)

    def text(self, value: datetime.datetime) -> str:
        return format_datetime(value)

    def html(self, value: datetime.datetime) -> str:
        moment = value.astimezone(datetime.UTC).isoformat(timespec="seconds")
        return f'<time datetime="{moment}">{super().html(value)}</time>'

    def edit_text(self, value: datetime.datetime) -> str:
        local = value.astimezone(ZoneInfo(current_locale().timezone)).replace(tzinfo=None)
        precision = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
        return local.isoformat(timespec=precision)

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        if operator in _RELATIVE:
            zone = ZoneInfo(current_locale().timezone)
            days = relative_days(operator, values)
            midnights = [day and datetime.datetime.combine(day, datetime.time(), zone) for day in days]
            return self.compare(column, operator, midnights)
        if not values:
            return super().criterion(column, operator, values)
        spans = [self.span(value) for value in values]
        within = and_(column >= spans[0].start, column < spans[-1].end)
        if operator == IS_NOT.name:
            return or_(column.is_(None), not_(within))
        if operator == BEFORE.name:
            return column < spans[0].start
        return column >= spans[0].end if operator == AFTER.name else within

    def span(self, raw: str) -> Span:
        """The instants a filter's value covers."""
        span = read_span(raw.strip())
        self.check(span.start)
        return span

    def samples(self) -> Samples:
        instant = datetime.datetime(2026, 1, 12, 14, 30, tzinfo=datetime.UTC)
        good = {
            "2026-01-12T14:30Z": instant, "2026-01-12 15:30:00+01:00": instant, "2026-01-12T09:00:00-05:30": instant,
            "2026-01-12T14:30:00.000Z": instant, "2026-01-12T14:30:05Z": instant.replace(second=5),
            "2026-01-12T14:30:05.123456Z": instant.replace(second=5, microsecond=123_000),
        }  # fmt: skip
        bad = [*_NO_DATES, "14:30", "2026-01-12T25:00", "2026-01-12T14:60", "2026-01-12T14:30+99:00", "9999-12-31"]
        return Samples(good, bad)


_NO_DATES = (
    "yesterday", "2026-02-29", "2026-13-01", "0999-12-31", "10000-01-01", "31/31/2026", "0/0/2026", "1e9", "NaN",
    "٣/١/2026", "2026-01-12\x00", "<b>2026-01-12</b>", "2026-1", "20260112", "1" * 1_000,
)  # fmt: skip
