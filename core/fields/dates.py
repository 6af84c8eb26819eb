"""Whole days, and instants: stored in UTC, typed and shown in the person's time zone (DESIGN 10)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date as SqlDate, DateTime as SqlDateTime, and_, not_, or_
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import Invalid
from core.fields.base import AFTER, BEFORE, BETWEEN, EMPTY, FILLED, IS, IS_NOT, Control, FieldType, Samples
from core.fields.typed_dates import Span, read_date, read_span
from core.i18n import current_locale, format_date, format_datetime, lazy as _

FIRST_DATE = datetime.date(1000, 1, 1)
LAST_DATE = datetime.date.max
FIRST_INSTANT = datetime.datetime(1000, 1, 2, tzinfo=datetime.UTC)
LAST_INSTANT = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
"""A day short of the limits, so that every time zone can show every instant."""


class Date(FieldType[datetime.date]):
    """A whole day, the same everywhere."""

    name = "date"
    operators = (IS, IS_NOT, BEFORE, AFTER, BETWEEN, EMPTY, FILLED)

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

    def html(self, value: datetime.date) -> str:
        return f'<time datetime="{value.isoformat()}">{super().html(value)}</time>'

    def control(self) -> Control:
        return Control("text", {"type": "date", "min": FIRST_DATE.isoformat(), "max": LAST_DATE.isoformat()})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

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
    operators = (IS, IS_NOT, BEFORE, AFTER, BETWEEN, EMPTY, FILLED)

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

    def control(self) -> Control:
        return Control("text", {"type": "datetime-local", "step": "any", "min": "1000-01-02T00:00", "max": "9999-12-29T23:59"})  # fmt: skip

    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
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

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

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
