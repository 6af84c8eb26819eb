"""Fields in both databases: stored, sorted and compared as in Python (MO-6)."""

from __future__ import annotations

import datetime
import decimal
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from core.errors import Invalid
from core.fields import (
    Amount,
    Boolean,
    Date,
    DateTime,
    Decimal,
    Field,
    FieldType,
    Integer,
    KeyedText,
    Link,
    key_column_type,
)
from core.fields.base import Declaration
from core.fields.dates import DAYS_AGO, LAST_DAYS, NEXT_DAYS, THIS_MONTH, THIS_WEEK, TODAY
from core.i18n import use_locale
from core.testing import servers
from tests.core.field_kinds import FRENCH, TYPES, every_type, short, values_of


# -- both databases -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = sa.create_engine("sqlite://")
        yield engine
        engine.dispose()
        return
    with servers.fresh_database(request.getfixturevalue("postgresql_url")) as url:
        engine = sa.create_engine(url)
        yield engine
        engine.dispose()


def make(table: sa.Table, connection: sa.Connection) -> None:
    """An empty table; Python's SQLite driver does not roll tables back."""
    table.drop(connection, checkfirst=True)
    table.create(connection)


class Stored:
    """A table of one type's values, with the key column and the place of a custom field; one row has no value."""

    def __init__(self, kind: FieldType[Any], connection: sa.Connection) -> None:
        self.kind = kind
        self.connection = connection
        self.values = [*values_of(kind), None]
        document = sa.JSON().with_variant(JSONB(), "postgresql")
        self.table = sa.Table(
            "trial", sa.MetaData(),
            sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", kind.column_type()),
            sa.Column("value_key", key_column_type()), sa.Column("extra", document),
        )  # fmt: skip
        make(self.table, connection)
        for number, value in enumerate(self.values):
            key = kind.key(value) if kind.keyed and value is not None else None
            extra = {} if value is None else {"f": kind.dump(value)}
            connection.execute(self.table.insert().values(id=number, value=value, value_key=key, extra=extra))

    def field(self, place: str) -> Field:
        column = self.seat() if place == "custom" else self.table.c.value
        key = self.table.c.value_key if place == "key" else None
        declaration = Declaration(self.kind, "Trial")
        return Field(
            name="f", plugin="core", declaration=declaration, attribute="f", owner=object, column=column, key_column=key,
            required=False, nullable=True, type=self.kind,
        )  # fmt: skip

    def seat(self) -> sa.ColumnElement[Any]:
        return self.kind.seat(self.table.c.extra, "f")

    def found(self, field: Field, operator: str, typed: list[str]) -> list[Any]:
        """The values that the condition selects."""
        statement = sa.select(self.table.c.id).where(field.criterion(operator, typed)).order_by(self.table.c.id)
        return [self.values[number] for number in self.connection.scalars(statement)]


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@every_type
def test_databases_give_back_what_was_stored(kind: FieldType[Any], connection: sa.Connection) -> None:
    stored = Stored(kind, connection)
    for column in (stored.table.c.value, stored.seat()):
        read = list(connection.scalars(sa.select(column).order_by(stored.table.c.id)))
        assert read == stored.values
        assert [type(value) for value in read] == [type(value) for value in stored.values]
        for value in read:
            if isinstance(value, datetime.datetime):
                assert value.tzinfo is datetime.UTC


@every_type
def test_databases_sort_as_python_does(kind: FieldType[Any], connection: sa.Connection) -> None:
    stored = Stored(kind, connection)
    for column in (stored.table.c.value, stored.seat()):
        statement = sa.select(column).where(column.is_not(None)).order_by(column)
        assert list(connection.scalars(statement)) == sorted(value for value in stored.values if value is not None)


RELATIVE = {operator.name for operator in (TODAY, THIS_WEEK, THIS_MONTH, LAST_DAYS, NEXT_DAYS, DAYS_AGO)}
"""What these mean goes by the day it is: `test_list_questions.py` compares them."""


def expected(kind: FieldType[Any], place: str, operator: str, typed: list[str], value: Any) -> bool:
    """What an operator means, said in Python."""
    if operator in ("empty", "filled"):
        return (value is None) == (operator == "empty")
    if isinstance(kind, Boolean):
        return bool(value) == kind.parse(typed[0])
    if value is None:
        return operator == "not"
    if isinstance(kind, DateTime):
        spans = [kind.span(text) for text in typed]
        tests = {"before": value < spans[0].start, "after": value >= spans[0].end}
        within = spans[0].start <= value < spans[-1].end
        return tests.get(operator, not within if operator == "not" else within)
    if operator in ("contains", "starts"):
        return _holds(kind, place, operator, typed[0], value)
    operands: list[Any] = [kind.parse(text) for text in typed]
    if place == "key":
        assert isinstance(kind, KeyedText)
        value = kind.key(value)
        operands = [kind.key(operand) for operand in operands]
    if operator == "between":
        return bool(min(operands) <= value <= max(operands))
    first = operands[0]
    if operator in ("below", "before", "above", "after"):
        return bool(value < first if operator in ("below", "before") else value > first)
    return {"is": value == first, "not": value != first, "in": value in operands}[operator]


def _holds(kind: FieldType[Any], place: str, operator: str, typed: str, value: str) -> bool:
    if place == "key":
        assert isinstance(kind, KeyedText)
        key, parts = kind.key(value) or "", {kind.part(typed)}
    else:
        wanted = kind.fragment(typed) if isinstance(kind, KeyedText) else kind.parse(typed)
        key, parts = ascii_lower(value), {ascii_lower(word) for word in (wanted, wanted.lower(), wanted.upper())}
    return any(part in key if operator == "contains" else key.startswith(part) for part in parts)


def ascii_lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def operands_of(kind: FieldType[Any], count: str, operator: str) -> list[list[str]]:
    """Typed values to compare with."""
    typed = [text for text in kind.samples().good if text.strip()]
    if count == "none":
        return [[]]
    if operator in ("contains", "starts"):
        cut = [text.strip()[start:stop] for text in typed for start, stop in ((0, 3), (2, 9), (0, 200))]
        return [[text] for text in (*cut, "éLo", "ÉLO", "%", "_", "/", "\\", "0478", "x" * 250) if text.strip()]
    if count == "one":
        return [[text] for text in typed]
    if count == "two":
        return [list(pair) for pair in itertools.product(typed[:7], repeat=2)]
    return [typed[:1], typed[1:4], typed[:50]]


PLACES = [
    (name, place)
    for name, kind in TYPES.items()
    for place in ("key", "value", "custom")
    if place != "key" or kind.keyed
]


@pytest.mark.parametrize(("name", "place"), PLACES, ids=[f"{name}-{place}" for name, place in PLACES])
def test_every_operator_finds_the_same_rows_as_python(name: str, place: str, connection: sa.Connection) -> None:
    kind = TYPES[name]
    stored = Stored(kind, connection)
    field = stored.field(place)
    tried = 0
    operators = [operator for operator in kind.operators if operator.name not in RELATIVE]
    for operator in operators:
        for typed in operands_of(kind, operator.values, operator.name):
            try:
                wanted = [value for value in stored.values if expected(kind, place, operator.name, typed, value)]
            except Invalid:
                with pytest.raises(Invalid):
                    stored.found(field, operator.name, typed)
                continue
            if place == "key" and operator.values != "none" and _keyless(kind, operator.name, typed):
                with pytest.raises(Invalid):
                    stored.found(field, operator.name, typed)
                continue
            assert stored.found(field, operator.name, typed) == wanted, (operator.name, list(map(short, typed)))
            tried += 1
    assert tried >= len(operators)


def _keyless(kind: FieldType[Any], operator: str, typed: list[str]) -> bool:
    """Whether nothing of a typed value remains in keys; such filters are refused."""
    return operator not in ("contains", "starts") and any(kind.key(kind.parse(text)) is None for text in typed)


def test_amounts_add_up_exactly_in_the_database(connection: sa.Connection) -> None:
    table = sa.Table("sums", sa.MetaData(), sa.Column("amount", Amount().column_type()))
    make(table, connection)
    connection.execute(table.insert(), [{"amount": decimal.Decimal("0.10")}] * 1_000 + [{"amount": decimal.Decimal("9999999999999.99")}])  # fmt: skip
    total, largest, double = connection.execute(
        sa.select(
            sa.func.sum(table.c.amount), sa.func.max(table.c.amount), sa.func.max(table.c.amount + table.c.amount)
        )
    ).one()
    assert (total, largest) == (decimal.Decimal("10000000000099.99"), decimal.Decimal("9999999999999.99"))
    assert double == decimal.Decimal("19999999999999.98")
    for product in (lambda: table.c.amount * 2, lambda: 2 * table.c.amount, lambda: table.c.amount / table.c.amount):
        with pytest.raises(TypeError, match="Python"):
            product()
    with pytest.raises(sa.exc.StatementError, match="float"):
        connection.execute(table.insert().values(amount=0.1))
    with pytest.raises(sa.exc.StatementError, match="decimals"):
        connection.execute(table.insert().values(amount=decimal.Decimal("0.101")))


def test_an_instant_without_zone_is_refused(connection: sa.Connection) -> None:
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        connection.execute(sa.select(sa.literal(datetime.datetime(2026, 1, 1), DateTime().column_type())))


def test_a_day_finds_all_instants_of_that_day_where_the_person_lives(connection: sa.Connection) -> None:
    table = sa.Table("instants", sa.MetaData(), sa.Column("at", DateTime().column_type()))
    make(table, connection)
    start = datetime.datetime(2026, 7, 11, 22, tzinfo=datetime.UTC)
    instants = [start - datetime.timedelta(milliseconds=1), start, start + datetime.timedelta(hours=23, minutes=59)]
    connection.execute(table.insert(), [{"at": instant} for instant in (*instants, start + datetime.timedelta(1))])
    with use_locale(FRENCH):
        condition = DateTime().criterion(table.c.at, "is", ["12/07/2026"])
    assert set(connection.scalars(sa.select(table.c.at).where(condition))) == set(instants[1:])


@pytest.mark.parametrize(
    "kind", [Integer(), Decimal(2), Link("t", on_merge="keep", on_delete="bin"), Date(), DateTime()]
)
@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "1e5", "9" * 40, "2026-01-01T00:00", "0001-01-01T00:00+23:59", "99999"]
)
def test_loading_a_forged_text_is_a_value_error_or_storable(
    kind: FieldType[Any], text: str, connection: sa.Connection
) -> None:
    try:
        value = kind.load(text)
    except ValueError:
        return
    connection.scalar(sa.select(sa.literal(value, kind.column_type())))
