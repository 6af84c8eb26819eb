"""Numbering masks: the shape of a code, read once into parts and printed from an integer (TP-2, DESIGN 10).

A mask is text with parts in braces: `CU{yy}{mm}-{0000}`. Nothing here reads a database and no code is ever read back
into a number: the counter rows of `core.data.numbering` are keyed by series, `Mask.scope` and `Mask.period`.

Parts: `{yyyy} {yy} {y} {mm} {dd}` of the date; one counter `{000+N@R}`, where `+N` makes the first value N+1 and `@R`
says when counting starts again; `{ccc}` customer code, `{ttt}` third-party type, `{uuu}` user's name, one letter per
character; `{ccc000}` customer code with a counter for each customer.

Resets and the year they print (vectors N2, N5, N8, N10; FACTS-dolibarr 1.5):

| written      | starts again                       | year printed                    |
|--------------|------------------------------------|---------------------------------|
| nothing      | never                              | of the date                     |
| `@1`..`@12`  | each year on the 1st of that month | of the date                     |
| `@-` or `@0` | each fiscal year                   | in which the fiscal year starts |
| `@=`         | each fiscal year                   | of the date                     |
| `@+`         | each fiscal year                   | in which the fiscal year ends   |
| `@99`        | each month                         | of the date                     |
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.errors import Refused
from core.i18n import gettext as _

MAX_LENGTH = 64
"""Characters in a mask. Every part prints fewer characters than it is written with, so codes fit in 64 as well."""
MIN_ZEROS = 3
MAX_ZEROS = 18
"""Counters are kept in 64-bit columns, which hold every number of 18 digits."""
PADDING = "#"
NO_USER = "X"
MONTHLY = 99

_PIECES = re.compile(r"\{(?P<inside>[^{}]*)\}|(?P<literal>[^{}]+)|(?P<stray>[{}])")
_COUNTER = re.compile(r"(?P<customer>c*)(?P<zeros>0+)(?:\+(?P<offset>[0-9]+))?(?:@(?P<reset>[0-9]+|[-=+]))?")
_FIELD = re.compile(r"yyyy|yy?|mm|dd|c+|t+|u+")

PrintedYear = Literal["date", "start", "end"]
_FISCAL: dict[str, PrintedYear] = {"-": "start", "0": "start", "=": "date", "+": "end"}


class MaskError(Refused):
    """A mask that cannot be used, or a counter with no room left. The message says what to do instead."""


@dataclass(frozen=True)
class Context:
    """What a code may print: the record's date, its customer's code, its third party's type, its user's name."""

    on: datetime.date
    customer_code: str | None = None
    type_code: str | None = None
    user_name: str | None = None


@dataclass(frozen=True)
class Reset:
    """When counting starts again and which year is printed."""

    every: Literal["never", "year", "month"] = "never"
    month: int = 1
    year: PrintedYear = "date"

    def start(self, on: datetime.date) -> tuple[int, int]:
        """Year and month in which the period of `on` began; the year is 0 for the first months of the year 1."""
        if self.every == "month":
            return on.year, on.month
        return (on.year if on.month >= self.month else on.year - 1), self.month

    def printed_year(self, on: datetime.date) -> int:
        """The year a code dated `on` shows (vectors N5 and N8)."""
        if self.year == "date":
            return on.year
        started = self.start(on)[0]
        # A fiscal year that starts in January ends in the same year.
        return started + 1 if self.year == "end" and self.month > 1 else started


@dataclass(frozen=True)
class Part:
    """A stretch of a code, always `width` characters: literal `text`, or what the letter `name` stands for.

    The fixed width is what keeps two values of one counter from ever printing the same code.
    """

    name: str
    width: int
    text: str = ""

    def cut(self, source: str) -> str:
        """`source` in exactly `width` characters: the last ones of a year, the first ones of the rest (N20, N28)."""
        return source[-self.width :] if self.name == "y" else source[: self.width].ljust(self.width, PADDING)


@dataclass(frozen=True)
class Mask:
    """A mask that can be used. Made by `Mask.parse`."""

    pattern: str
    parts: tuple[Part, ...]
    width: int
    offset: int = 0
    reset: Reset = Reset()
    apart: Part | None = None
    """The part a counter of its own is kept for each text of: customer or third-party type."""

    @classmethod
    def parse(
        cls, pattern: str, *, fiscal_month: int = 1, short_counters: bool = False, counted_by: str | None = None
    ) -> Mask:
        """Read a mask.

        Arguments: `pattern` as typed; `fiscal_month`, the month in which the company's fiscal year starts;
        `short_counters`, whether counters of one or two digits are allowed; `counted_by`, the letter of what is counted
        separately (`c` customer, `t` third-party type), which must then be printed.
        Raises: MaskError, whatever the text.
        Source: TP-2, FACTS-dolibarr 1.5, vectors N22 to N24 and N27.
        """
        _check_text(pattern, fiscal_month)
        parts: list[Part] = []
        counters: list[re.Match[str]] = []
        for piece in _PIECES.finditer(pattern):
            if piece["stray"]:
                raise MaskError(_("The mask has a brace without its partner: write each part as {...}."))
            if piece["literal"]:
                parts.append(Part("", len(piece["literal"]), piece["literal"]))
                continue
            counter = _COUNTER.fullmatch(piece["inside"])
            if counter:
                counters.append(counter)
            parts.extend(_counter_parts(counter) if counter else [_field(piece["inside"])])
        if not counters:
            raise MaskError(_("The mask has no counter: add one, for example {0000}."))
        if len(counters) > 1:
            raise MaskError(_("The mask has %(count)s counters: keep one of them.", count=len(counters)))
        counter = counters[0]
        width, offset = _read_counter(counter, short_counters)
        reset = _read_reset(counter["reset"], fiscal_month)
        _check_reset(reset, {part.name for part in parts})
        apart = next((part for part in parts if part.name == counted_by), None)
        if counter["customer"]:
            apart = _counter_parts(counter)[0]
        if counted_by is not None and (apart is None or apart.name != counted_by):
            part = f"{{{counted_by * 3}}}"
            raise MaskError(
                _("What is counted separately must show in the number: write %(part)s and a plain counter.", part=part)
            )
        return cls(pattern, tuple(parts), width, offset, reset, apart)

    @property
    def letters(self) -> frozenset[str]:
        """What it prints of a record and its maker: `c` customer code, `t` third-party type, `u` user's name."""
        return frozenset(part.name for part in self.parts) & {"c", "t", "u"}

    @property
    def first(self) -> int:
        """The first value of each period: the offset plus one (N20)."""
        return self.offset + 1

    @property
    def largest(self) -> int:
        """The last value that fits between the counter's braces."""
        return int("9" * self.width)

    def after(self, last: int) -> int:
        """The value that follows `last`. A counter still below the offset jumps to the first value."""
        return max(last + 1, self.first)

    def period(self, on: datetime.date) -> str:
        """The key of the period `on` lies in; a counter row is kept for each.

        `""` never starts again, `2026` is a year from January, `2026-06-start` a year from June, `2026-06` a month.
        The three look different so that changing the reset of a series never continues a counter of another kind.
        """
        if self.reset.every == "never":
            return ""
        year, month = self.reset.start(on)
        if self.reset.every == "month":
            return f"{year:04d}-{month:02d}"
        return f"{year:04d}" if month == 1 else f"{year:04d}-{month:02d}-start"

    def next_period_date(self, on: datetime.date) -> datetime.date | None:
        """The day the period after that of `on` begins; None when there is none (or the calendar ends before it)."""
        if self.reset.every == "never":
            return None
        year, month = self.reset.start(on)
        if self.reset.every == "month":
            year, month = year + month // 12, month % 12 + 1
        else:
            year += 1
        return datetime.date(year, month, 1) if year <= datetime.MAXYEAR else None

    def scope(self, context: Context) -> str:
        """What the counter is counted separately by, as printed: customer, third-party type, or nothing.

        It is the characters *printed*, not the whole customer code: two customers whose codes begin alike print the
        same characters, and with a counter each they would be given the same code.
        """
        return self.apart.cut(_of_record(context)[self.apart.name]) if self.apart else ""

    def format(self, value: int, context: Context) -> str:
        """The code of number `value`.

        Raises: MaskError when the value does not fit the counter. Source: N29, "never a code that holds a message".
        """
        if value < 1:
            raise MaskError(_("Numbers start at 1: give a number of 1 or more."))
        if value > self.largest:
            message = _(
                "The counter of %(mask)s is full: %(largest)s is the last number it has room for."
                " Put one more zero in the mask.",
                mask=self.pattern,
                largest=self.largest,
            )
            raise MaskError(message)
        sources = {
            "y": f"{self.reset.printed_year(context.on):04d}",
            "m": f"{context.on.month:02d}",
            "d": f"{context.on.day:02d}",
            **_of_record(context),
            "0": f"{value:0{self.width}d}",
        }
        return "".join(part.cut(sources[part.name]) if part.name else part.text for part in self.parts)

    def preview(self, last: int, context: Context, count: int = 3) -> list[str]:
        """The next `count` codes after `last` on the date of `context`; fewer when the counter fills up on the way.

        Raises: MaskError when there is no next code at all. Source: TP-2, "live preview of the next three".
        """
        value = self.after(last)
        self.format(value, context)  # raises when the counter is full
        return [self.format(number, context) for number in range(value, min(value + count, self.largest + 1))]


def check_sequence(
    pattern: str,
    dates: Iterable[datetime.date],
    last: int = 0,
    *,
    fiscal_month: int = 1,
    short_counters: bool = False,
    **printed: str | None,
) -> list[str]:
    """The codes a new series would give on `dates`, in the order given, with nothing stored.

    Arguments: `last`, the counter's last value in the period of the first date; `printed`, the texts of `Context`; the
    others as for `Mask.parse`.
    Raises: MaskError when the mask cannot be used or a counter fills up; then there are no codes at all.
    """
    mask = Mask.parse(pattern, fiscal_month=fiscal_month, short_counters=short_counters)
    counters: dict[str, int] = {}
    codes: list[str] = []
    for on in dates:
        period = mask.period(on)
        value = mask.after(counters.get(period, 0 if counters else last))
        codes.append(mask.format(value, Context(on, **printed)))
        counters[period] = value
    return codes


def _check_text(pattern: str, fiscal_month: int) -> None:
    """Refuse what no part of a mask may hold, before anything of it is quoted in a message."""
    if not 1 <= fiscal_month <= 12:
        raise MaskError(_("The fiscal year starts in a month from 1 to 12: change it in the company's settings."))
    if len(pattern) > MAX_LENGTH:
        message = _(
            "The mask has %(length)s characters; shorten it to %(limit)s at most.",
            length=len(pattern),
            limit=MAX_LENGTH,
        )
        raise MaskError(message)
    if not pattern.isprintable():
        message = _("The mask holds a character that cannot be printed: type it again with visible characters only.")
        raise MaskError(message)
    if pattern != pattern.strip():
        raise MaskError(_("The mask begins or ends with a space: remove it, such codes are hard to find again."))


def _field(inside: str) -> Part:
    """The part for what stands in braces and is not a counter; a MaskError when it is nothing we know."""
    if not _FIELD.fullmatch(inside):
        message = _(
            "The mask part {%(part)s} is not known. Use {yyyy}, {yy}, {y}, {mm}, {dd}, {ccc}, {ttt}, {uuu} or a counter"
            " such as {0000}, {0000+100}, {0000@1} or {0000+100@1}.",
            part=inside,
        )
        raise MaskError(message)
    return Part(inside[0], len(inside))


def _counter_parts(counter: re.Match[str]) -> list[Part]:
    """The parts a counter prints: the customer characters of `{ccc000}`, if any, then the digits."""
    customer = [Part("c", len(counter["customer"]))] if counter["customer"] else []
    return [*customer, Part("0", len(counter["zeros"]))]


def _read_counter(counter: re.Match[str], short_counters: bool) -> tuple[int, int]:
    """Width and offset of a counter (N20, N23)."""
    width = len(counter["zeros"])
    if width < MIN_ZEROS and not short_counters:
        message = _(
            "The counter {%(counter)s} is too short: write at least three zeros, for example {000},"
            " or allow short counters in the settings.",
            counter=counter[0],
        )
        raise MaskError(message)
    if width > MAX_ZEROS:
        raise MaskError(_("The counter is too long: write at most %(limit)s zeros.", limit=MAX_ZEROS))
    offset = int(counter["offset"] or 0)
    if offset >= 10**width - 1:
        message = _(
            "The counter {%(counter)s} has no room for its first number: lower what follows the + or add zeros.",
            counter=counter[0],
        )
        raise MaskError(message)
    return width, offset


def _read_reset(written: str | None, fiscal_month: int) -> Reset:
    """What follows the `@` of a counter, as in the table at the top (N2, N5, N8, N10, N27)."""
    if written is None:
        return Reset()
    code = written if written in _FISCAL else str(int(written))
    if code in _FISCAL:
        return Reset("year", fiscal_month, _FISCAL[code])
    month = int(code)
    if month == MONTHLY:
        return Reset("month")
    if month > 12:
        message = _(
            "There is no month %(month)s: after the @ write a month from 1 to 12, - for the fiscal year"
            " or 99 for every month.",
            month=month,
        )
        raise MaskError(message)
    return Reset("year", month)


def _check_reset(reset: Reset, printed: set[str]) -> None:
    """Refuse a reset after which the same code would come a second time (N24, FACTS-dolibarr 1.5).

    Year and month may stand anywhere (N19) and the year may have one digit (N20).
    """
    if reset.every == "month" and not {"y", "m"} <= printed:
        message = _(
            "The counter starts again each month, so the mask needs the year and the month:"
            " add what is missing of {yyyy} and {mm}, or remove @99."
        )
        raise MaskError(message)
    if reset.every == "year" and "y" not in printed:
        message = _(
            "The counter starts again each year, so the mask needs a year: add {yyyy}, or remove the @ and what follows it."
        )
        raise MaskError(message)
    # January to May and June to December of one calendar year lie in two periods but print the same year.
    if reset.every == "year" and reset.year == "date" and reset.month > 1 and "m" not in printed:
        message = _(
            "The counter starts again in the middle of the year that is printed, so the mask needs the month as well:"
            " add {mm}, or write @- to print the year in which the fiscal year starts."
        )
        raise MaskError(message)


def _of_record(context: Context) -> dict[str, str]:
    """What the letters print that stand for a record and its maker."""
    return {
        "c": _clean(context.customer_code),
        # Type codes taken over from Dolibarr begin with TE_, which its masks do not print.
        "t": _clean(context.type_code).removeprefix("TE_"),
        "u": _clean(context.user_name) or NO_USER,
    }


def _clean(text: str | None) -> str:
    """Text of a record, made fit for a code: what is blank, unprintable or a brace becomes padding."""
    kept = (text or "").strip()
    return "".join(PADDING if char in "{} " or not char.isprintable() else char for char in kept)
