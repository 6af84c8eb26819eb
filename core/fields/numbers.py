"""Whole numbers, and exact decimals stored as scaled integers (DESIGN 10: no float anywhere near money).

They are read as people type them: thousands marks, `,` or `.` before decimals, true minus signs (UX 2.4).
"""

from __future__ import annotations

import decimal
import functools
import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from babel.numbers import get_group_symbol
from markupsafe import escape
from sqlalchemy import BigInteger, ColumnElement, cast, func
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import ContractError, Invalid
from core.fields.base import ABOVE, BELOW, BETWEEN, EMPTY, FILLED, IS, IS_NOT, FieldType, Samples
from core.fields.keys import narrow
from core.i18n import babel_locale, current_locale, decimal_mark, format_decimal, format_integer, lazy as _, lazy_plural

N = TypeVar("N", int, decimal.Decimal)

MINIMUM_INTEGER = -(2**63)
MAXIMUM_INTEGER = 2**63 - 1
MAXIMUM_AMOUNT = 10**15 - 1
"""In the smallest unit: 9,999,999,999,999.99 with two places; thousands of such rows still add up in SQL."""

_DUMPED = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,9})?")
LONGEST = 60
"""More characters than any number needs."""
_GLYPHS = str.maketrans(
    dict.fromkeys("\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}", "'")
    | dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}\N{NON-BREAKING HYPHEN}\N{HYPHEN}", "-")
)
_WHOLE = re.compile(
    r"[0-9]*|[0-9]{1,3}(?P<mark>[ ',.])[0-9]{3}(?:(?P=mark)[0-9]{3})*|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"  # 12,34,567 in India
)
_BODY = re.compile(r"([+-]?) ?([0-9 ',.]*[0-9][0-9 ',.]*)")
_SEPARATORS = str.maketrans("", "", " ',.")


class Typed(NamedTuple):
    """A number taken apart: sign, digits before and after the decimal mark."""

    sign: str
    whole: str
    decimals: str
    usual: bool
    """Whether the decimal mark is the region's own."""


def take_apart(raw: str) -> Typed | None:
    """The parts of a typed number; None when it is none. Where `1,234` has two readings the region decides."""
    if raw.isdecimal() and raw.isascii() and len(raw) <= LONGEST:
        return Typed("", raw, "", True)
    found = _BODY.fullmatch(narrow(raw).translate(_GLYPHS)) if len(raw) <= LONGEST else None
    if found is None:
        return None
    sign, body = found.groups()
    last = max(body.rfind(","), body.rfind("."))
    mark, whole, decimals, usual = body[last], body[:last], body[last + 1 :], True
    if last < 0 or mark in whole or _groups(mark, whole, decimals):
        whole, decimals = body, ""
    else:
        usual = mark == decimal_mark()
    if not _WHOLE.fullmatch(whole) or (decimals and not decimals.isdecimal()):
        return None
    return Typed(sign.replace("+", ""), whole.translate(_SEPARATORS) or "0", decimals, usual)


def _groups(mark: str, whole: str, decimals: str) -> bool:
    """Whether a lone mark parts thousands: `1,234` in Great Britain, not in France."""
    if len(decimals) != 3 or not whole.isdecimal() or len(whole) > 3 or whole.startswith("0"):
        return False
    return mark != decimal_mark() and mark == get_group_symbol(babel_locale(current_locale()))


class Number(FieldType[N], Generic[N]):
    """What whole and decimal numbers share."""

    operators = (IS, IS_NOT, BELOW, ABOVE, BETWEEN, EMPTY, FILLED)
    align: ClassVar[Literal["start", "end"]] = "end"

    @property
    @abstractmethod
    def limits(self) -> tuple[N, N]:
        """The least and the greatest value."""

    def check(self, value: N) -> N:
        low, high = self.limits
        if value > high:
            raise Invalid(_("Enter a number no greater than %(limit)s", limit=self.text(high)))
        if value < low:
            raise Invalid(_("Enter a number no less than %(limit)s", limit=self.text(low)))
        return value

    def html(self, value: N) -> str:
        shown = str(escape(self.text(value)))
        return f'<span class="negative">{shown}</span>' if value < 0 else shown


@dataclass(frozen=True, eq=False)
class Integer(Number[int]):
    """A whole number between `minimum` and `maximum`."""

    name = "integer"
    attributes = {"inputmode": "numeric", "maxlength": str(LONGEST), "autocomplete": "off"}

    minimum: int = MINIMUM_INTEGER
    maximum: int = MAXIMUM_INTEGER

    def __post_init__(self) -> None:
        if not MINIMUM_INTEGER <= self.minimum <= self.maximum <= MAXIMUM_INTEGER:
            raise ContractError("The limits of Integer must fit 64 bits, the smaller one first")

    @property
    def limits(self) -> tuple[int, int]:
        return self.minimum, self.maximum

    def column_type(self) -> TypeEngine[Any]:
        return BigInteger()

    def read(self, text: str) -> int:
        parts = take_apart(text)
        if parts is None or parts.decimals.strip("0") or (parts.decimals and not parts.usual):
            raise Invalid(_("Enter a whole number like %(example)s", example=format_integer(1250)))
        return int(parts.sign + parts.whole)

    def load(self, text: str) -> int:
        if not MINIMUM_INTEGER <= (number := int(text)) <= MAXIMUM_INTEGER:
            raise ValueError("more than 64 bits")
        return number

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        return cast(super().seat(extra, key), BigInteger)

    def text(self, value: int) -> str:
        return format_integer(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def samples(self) -> Samples:
        wished = {
            "0": 0, "7": 7, " 42 ": 42, "+5": 5, "-3": -3, "\N{MINUS SIGN}3": -3, "1 234": 1234, "1,234": 1234,
            "12\u00a0345\u202f678": 12345678, "1'000": 1000, "12.0": 12, "１２": 12, "007": 7,
            str(self.minimum): self.minimum, str(self.maximum): self.maximum,
        }  # fmt: skip
        good = {typed: stored for typed, stored in wished.items() if self.minimum <= stored <= self.maximum}
        beyond = (str(self.maximum + 1), str(self.minimum - 1), "9" * 50, "9" * 1_000_000)
        return Samples(good, [*_NO_NUMBERS, "1.5", "1 2", "12 34", *beyond])


class ScaledDecimal(TypeDecorator[decimal.Decimal]):
    """An exact decimal as an integer number of its smallest unit: 12.50 with two places is 1250."""

    impl = BigInteger
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[decimal.Decimal]):
        """Comparing, adding and summing keep the scale; a product would not, and nobody would notice."""

        def operate(self, op: OperatorType, *other: Any, **arguments: Any) -> ColumnElement[Any]:
            _refuse_products(op)
            return super().operate(op, *other, **arguments)

        def reverse_operate(self, op: OperatorType, other: Any, **arguments: Any) -> ColumnElement[Any]:
            _refuse_products(op)
            return super().reverse_operate(op, other, **arguments)

    comparator_factory = Comparator

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: decimal.Decimal | int | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError("An exact decimal cannot be a float")
        scaled = decimal.Decimal(value).scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {self.places} decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> decimal.Decimal | None:
        return None if value is None else decimal.Decimal(value).scaleb(-self.places)


def _refuse_products(op: OperatorType) -> None:
    if op in (operators.mul, operators.truediv, operators.floordiv, operators.mod):
        raise TypeError("Multiply exact decimals in Python, or type_coerce() them to BigInteger and mind the scale")


@dataclass(frozen=True, eq=False)
class Decimal(Number[decimal.Decimal]):
    """An exact number with a fixed count of decimals."""

    name = "decimal"
    attributes = {"inputmode": "decimal", "maxlength": str(LONGEST), "autocomplete": "off"}
    largest: ClassVar[int] = MAXIMUM_INTEGER

    places: int
    minimum: decimal.Decimal | int | None = None
    maximum: decimal.Decimal | int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.places <= 9:
            raise ContractError("A decimal field has 0 to 9 places")
        low, high = self.limits
        if not -self.limit <= low <= high <= self.limit:
            message = f"The limits of {type(self).__name__} must lie within {self.limit}, the smaller one first"
            raise ContractError(message)

    @functools.cached_property
    def limit(self) -> decimal.Decimal:
        """The greatest number that the column holds."""
        return decimal.Decimal(self.largest).scaleb(-self.places)

    @functools.cached_property
    def limits(self) -> tuple[decimal.Decimal, decimal.Decimal]:
        low = -self.limit if self.minimum is None else decimal.Decimal(self.minimum)
        high = self.limit if self.maximum is None else decimal.Decimal(self.maximum)
        return low, high

    def column_type(self) -> TypeEngine[Any]:
        return ScaledDecimal(self.places)

    def read(self, text: str) -> decimal.Decimal:
        parts = take_apart(text)
        if parts is None:
            example = format_decimal(round(decimal.Decimal("1250.5"), self.places), self.places)
            raise Invalid(_("Enter a number like %(example)s", example=example))
        # A thousands mark of another region ("1.500" in France) must not pass as 1.5.
        if parts.decimals[self.places :].strip("0" if parts.usual else ""):
            raise self._too_precise()
        return decimal.Decimal(f"{parts.sign}{parts.whole}.{parts.decimals or 0}")

    def check(self, value: decimal.Decimal) -> decimal.Decimal:
        value = decimal.Decimal(value)
        value = super().check(value if value.is_finite() else decimal.Decimal("Infinity"))
        rounded = value.quantize(decimal.Decimal(1).scaleb(-self.places))
        if rounded != value:
            raise self._too_precise()
        return rounded if rounded else abs(rounded)

    def _too_precise(self) -> Invalid:
        if not self.places:
            return Invalid(_("Enter a number without decimals"))
        return Invalid(
            lazy_plural("Enter at most %(number)s decimal", "Enter at most %(number)s decimals", self.places)
        )

    def dump(self, value: decimal.Decimal) -> str:
        return f"{value:f}"

    def load(self, text: str) -> decimal.Decimal:
        if not _DUMPED.fullmatch(text):
            raise ValueError("not an exact decimal")
        return decimal.Decimal(text)

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        """The dump has all its decimals, so that without the point it is the scaled integer."""
        return cast(func.replace(super().seat(extra, key), ".", ""), ScaledDecimal(self.places))

    def text(self, value: decimal.Decimal) -> str:
        return format_decimal(value, self.places)

    def edit_text(self, value: decimal.Decimal) -> str:
        return f"{value:f}".replace(".", "," if decimal_mark() == "," else ".")

    def schema(self) -> dict[str, Any]:
        decimals = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        return {"type": "string", "format": "decimal", "pattern": f"^-?[0-9]+{decimals}$"}

    def samples(self) -> Samples:
        low, high = self.limits
        wished = {
            "0": "0", "-0": "0", "12": "12", "12.5": "12.5", "12,5": "12.5", "1,234": "1234", "1 234,5": "1234.5",
            "1,234.50": "1234.5", "1.234,5": "1234.5", "1'000": "1000", "\N{MINUS SIGN}0.5": "-0.5", ".5": "0.5",
            "１２．５": "12.5", "5.0000000000": "5", f"{low:f}": f"{low:f}", f"{high:f}": f"{high:f}",
        }  # fmt: skip
        values = {typed: decimal.Decimal(stored) for typed, stored in wished.items()}
        fit = {typed: value for typed, value in values.items() if low <= value <= high}
        unit = decimal.Decimal(1).scaleb(-self.places)
        good = {typed: value.quantize(unit) for typed, value in fit.items() if value == value.quantize(unit)}
        beyond = ("0." + "0" * self.places + "1", f"{high + unit:f}", f"{low - unit:f}", "9" * 1_000_000)
        return Samples(good, [*_NO_NUMBERS, "1.2.3,4", "1,23.4", "12 34.5", *beyond])


@dataclass(frozen=True, eq=False)
class Amount(Decimal):
    """Money without its currency, which stands in a field of its own."""

    name = "amount"
    largest = MAXIMUM_AMOUNT

    places: int = 2


_NO_NUMBERS = (
    "twelve", "NaN", "-nan", "sNaN", "Infinity", "-inf", "1e5", "1e308", "1e999", "0x10", "1_000", "1,2,3", "--1", "1-",
    "- -1", "+", ".", ",", "1..2", "٣", "²", "½", "5²", "①", "1\x002", "<b>1</b>", "12 %", "1 2 3", "9" * 5_000,
)  # fmt: skip
