"""Every field type keeps what a field type promises, on both databases and in every language."""

from __future__ import annotations

import datetime
import decimal
import html.parser
import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import assume, given, settings, strategies as st
from sqlalchemy.dialects.postgresql import JSONB

from core.errors import ContractError, Invalid
from core.fields import (
    KEY_LENGTH,
    Amount,
    Boolean,
    Choice,
    Country,
    Date,
    DateTime,
    Decimal,
    Email,
    Field,
    FieldType,
    Integer,
    KeyedText,
    Link,
    LongText,
    Option,
    Phone,
    Status,
    Text,
    Url,
    digits,
    fold,
    key_column_type,
)
from core.fields.base import Declaration
from core.fields.choices import SHAPES
from core.fields.contacts import _PLAIN_EMAIL, _reserved_endings, read_email
from core.i18n import Locale, lazy as _, use_locale
from core.testing import servers

LOCALES = (
    Locale("en", "GB", "Europe/London"),
    Locale("fr", "FR", "Europe/Paris"),
    Locale("en", "US", "America/New_York"),
)
BRITISH, FRENCH, AMERICAN = LOCALES
TYPES: dict[str, FieldType[Any]] = {
    "text": Text(120),
    "text of lines": Text(200, multiline=True),
    "long text": LongText(),
    "integer": Integer(),
    "percentage": Integer(0, 100),
    "decimal": Decimal(3),
    "whole decimal": Decimal(0),
    "small decimal": Decimal(2, 0, 100),
    "amount": Amount(),
    "choice": Choice({"a": "Alpha", "b": _("Beta"), "c": "Été", "d": "<b>&"}),
    "short choice": Choice([Option("only", "Only this", "danger")]),
    "dictionary": Choice(dictionary="sizes").bound([Option("s", "Small"), Option("l", "Large", "no such tone")]),
    "status": Status([Option("new", _("New"), "info"), Option("won", _("Won"), "success")], moves={"new": ["won"]}),
    "boolean": Boolean(),
    "date": Date(),
    "datetime": DateTime(),
    "email": Email(),
    "phone": Phone(),
    "url": Url(),
    "country": Country(),
    "link": Link("core_thing", on_merge="move", on_delete="refuse"),
}
every_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())


def values_of(kind: FieldType[Any]) -> list[Any]:
    """The distinct values of a type's samples."""
    return list({kind.dump(value): value for value in kind.samples().good.values()}.values())


def short(text: str) -> str:
    return repr(text if len(text) < 60 else f"{text[:60]}... ({len(text)})")


# -- values -------------------------------------------------------------------------------------------------------
@every_type
def test_good_samples_give_the_value_promised(kind: FieldType[Any]) -> None:
    for typed, stored in kind.samples().good.items():
        value = kind.parse(typed)
        assert (value, type(value)) == (stored, type(stored)), short(typed)
        assert kind.check(value) == value


@every_type
def test_bad_samples_are_refused_with_a_sentence(kind: FieldType[Any]) -> None:
    for typed in kind.samples().bad:
        with pytest.raises(Invalid) as refusal:
            raise AssertionError(f"{short(typed)} became {short(repr(kind.parse(typed)))}")
        assert 5 < len(str(refusal.value)) < 300
        assert str(refusal.value).isprintable()


@every_type
def test_every_type_is_tried_with_hostile_samples(kind: FieldType[Any]) -> None:
    samples = kind.samples()
    assert samples.good
    assert any("\x00" in typed for typed in samples.bad) or kind.name in ("date", "datetime")
    assert any(len(typed) >= 1_000 for typed in samples.bad)


@every_type
def test_dump_and_load_are_lossless_in_every_language(kind: FieldType[Any]) -> None:
    for value in values_of(kind):
        with use_locale(FRENCH):
            dumped = kind.dump(value)
        with use_locale(AMERICAN):
            assert kind.load(dumped) == value
            assert kind.dump(value) == dumped


@every_type
@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: f"{locale.language}_{locale.region}")
def test_what_a_form_shows_is_read_back(kind: FieldType[Any], locale: Locale) -> None:
    with use_locale(locale):
        for value in values_of(kind):
            assert kind.parse(kind.edit_text(value)) == value


@every_type
def test_nothing_typed_is_no_value(kind: FieldType[Any]) -> None:
    nothing = False if isinstance(kind, Boolean) else None
    for typed in ("", " ", "\t \r\n", "\u3000\u00a0"):
        assert kind.parse(typed) is nothing


class Cell(html.parser.HTMLParser):
    """What a browser makes of a cell."""

    ATTRIBUTES = {"a": {"href", "rel", "target"}, "span": {"class", "aria-hidden"}, "time": {"datetime"}}

    def __init__(self, source: str) -> None:
        super().__init__()
        self.shown = ""
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _value in attrs} <= self.ATTRIBUTES[tag]
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@every_type
@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: f"{locale.language}_{locale.region}")
def test_cells_show_the_text_and_only_the_text(kind: FieldType[Any], locale: Locale) -> None:
    with use_locale(locale):
        for value in values_of(kind):
            cell = Cell(kind.html(value))
            shown = cell.shown
            if isinstance(kind, Choice) and kind.toned:
                shape, shown = shown.split(" ", 1)
                assert shape in SHAPES.values()
            assert shown == kind.text(value)
            assert cell.open == []
            assert all(link.startswith(("https://", "http://", "mailto:", "tel:+")) for link in cell.links)


@every_type
def test_controls_and_schemas_are_plain_data(kind: FieldType[Any]) -> None:
    control = kind.control()
    assert control.kind in ("text", "textarea", "select", "radio", "checkbox", "link")
    assert not [name for name in control.attributes if name.startswith("on") or not name.replace("-", "").isalpha()]
    assert kind.schema()["type"] in ("string", "integer", "boolean")


# -- any text -----------------------------------------------------------------------------------------------------
any_text = st.text(st.characters(exclude_categories=()), max_size=80)
figures = st.text("0123456789 ,.'-+/:TZhe\u00a0\u202f\u2212\uff11\u0663", max_size=24)
addresses = st.text("abcAZ09.-_@:/?#%&;=<>\"'\\ éß。\u202e", max_size=40)
near_url = st.builds("{}{}{}".format, st.sampled_from(["http://", "https://", "HTTPS://", "//", "www.", ""]), addresses, st.sampled_from(["", ".com", ".com/", "/x"]))  # fmt: skip
near_email = st.builds(
    "{}@{}.{}".format, addresses, addresses, st.sampled_from(["com", "fr", "test", "local", "xn--p1ai"])
)


@every_type
@settings(max_examples=250, deadline=None)
@given(raw=any_text | figures | addresses | near_url | near_email, locale=st.sampled_from(LOCALES))
def test_any_text_is_read_or_refused(kind: FieldType[Any], raw: str, locale: Locale) -> None:
    with use_locale(locale):
        try:
            value = kind.parse(raw)
        except Invalid as refusal:
            str(refusal).encode()
            return
        if value is None:
            return
        assert kind.check(value) == value
        assert kind.load(kind.dump(value)) == value
        assert Cell(kind.html(value)).shown.endswith(kind.text(value))
        assert kind.parse(kind.edit_text(value)) == value or _repeated_hour(value, locale)
        if kind.keyed:
            key = kind.key(value)
            assert key is None or 0 < len(key) <= KEY_LENGTH


def _repeated_hour(value: Any, locale: Locale) -> bool:
    return isinstance(value, datetime.datetime) and value.astimezone(ZoneInfo(locale.timezone)).fold == 1


@settings(max_examples=500)
@given(any_text)
def test_folding_twice_is_folding_once(text: str) -> None:
    key = fold(text)
    assert key is None or (fold(key) == key and key == key.strip() and "  " not in key and len(key) <= KEY_LENGTH)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("L'Œuvre & Søn, S.A.", "l oeuvre son s a"), ("ÉCOLE", "ecole"), ("E\u0301cole", "ecole"), ("Straße", "strasse"),
        ("İstanbul", "istanbul"), ("ＡＢＣ１２", "abc12"), ("株式会社 サンプル", "株式会社 サンプル"), ("が", "が"),
        ("한국", "한국"), ("شَرِكَة", "شركة"), ("Ἀθῆναι", "αθηναι"), ("กำไร", fold("กำไร")), ("a\u00adb\u200dc", "abc"),
        ("!!!", None), ("", None), ("🎉", None), ("x" * 300, "x" * KEY_LENGTH), ("a" * 254 + " b", "a" * 254),
    ],
)  # fmt: skip
def test_folding(text: str, key: str | None) -> None:
    assert fold(text) == key


def test_digits_are_the_ascii_ones() -> None:
    assert digits("+33 (0)4-78") == "330478"
    assert digits("１２٣") == "12"
    assert digits("none") is None


@settings(max_examples=300)
@given(st.from_regex(_PLAIN_EMAIL, fullmatch=True))
def test_the_short_way_for_addresses_agrees_with_the_library(address: str) -> None:
    from email_validator import validate_email

    plain = _PLAIN_EMAIL.fullmatch(address)
    assume(plain is not None and len(address) < 64 and plain[1] not in _reserved_endings())
    assert read_email(address) == validate_email(address, check_deliverability=False, strict=True).normalized


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


# -- choices ------------------------------------------------------------------------------------------------------
def test_an_unknown_code_is_shown_as_it_is() -> None:
    choice = TYPES["choice"]
    assert choice.text("<gone>") == "<gone>"
    assert choice.html("<gone>") == '<span class="status status-neutral"><span aria-hidden="true" class="shape">○</span> &lt;gone&gt;</span>'  # fmt: skip
    with pytest.raises(Invalid):
        choice.check("<gone>")


def test_labels_are_read_in_any_capitals_and_accents() -> None:
    choice = TYPES["choice"]
    assert [choice.parse(word) for word in ("ALPHA", "ete", "Été", "beta")] == ["a", "c", "c", "b"]


def test_a_label_of_two_options_means_neither() -> None:
    choice = Choice({"one": "Same", "two": "same"})
    assert choice.parse("one") == "one"
    with pytest.raises(Invalid):
        choice.parse("Same")


def test_a_dictionary_is_bound_later() -> None:
    free = Choice(dictionary="sizes")
    assert free.allowed == ()
    with pytest.raises(Invalid):
        free.parse("s")
    bound = free.bound([Option("s", "Small")])
    assert bound.parse("Small") == "s"
    assert bound.dictionary == "sizes"
    assert free.allowed == ()


def test_few_options_are_buttons_and_many_a_list() -> None:
    assert [Choice({str(n): "x" for n in range(count)}).control().kind for count in (3, 4)] == ["radio", "select"]


def test_moves_of_a_status() -> None:
    status = Status({"new": "New", "open": "Open", "won": "Won"}, moves={"new": ["open"], "open": ["won"]})
    allowed = {
        pair for pair in itertools.product(("new", "open", "won", "gone", None), repeat=2) if status.allows(*pair)
    }
    assert {("new", "open"), ("open", "won"), ("won", "won"), ("gone", "new"), (None, "won")} <= allowed
    assert not {("new", "won"), ("won", "new"), ("open", "new"), ("open", None)} & allowed
    assert Status({"a": "A", "b": "B"}).allows("b", "a")


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Text(0), lambda: Text(KEY_LENGTH + 1), lambda: Integer(5, 1), lambda: Integer(0, 2**63),
        lambda: Decimal(10), lambda: Decimal(2, 5, 1), lambda: Amount(2, 0, 10**15), Choice, lambda: Choice({"": "x"}),
        lambda: Choice({"x" * 65: "x"}), lambda: Choice([Option("a", "A"), Option("a", "B")]),
        lambda: Status({"a": "A"}, moves={"a": ["b"]}),
    ],
)  # fmt: skip
def test_impossible_declarations_are_refused(declare: Any) -> None:
    with pytest.raises(ContractError):
        declare()


def test_types_are_immutable() -> None:
    for kind in TYPES.values():
        with pytest.raises((AttributeError, TypeError)):
            kind.places = 3  # type: ignore[attr-defined]


# -- both databases -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = sa.create_engine("sqlite://")
        yield engine
        engine.dispose()
        return
    try:
        with servers.postgresql_server() as server, servers.fresh_database(server) as url:
            engine = sa.create_engine(url)
            yield engine
            engine.dispose()
    except servers.ServerMissing as missing:
        pytest.skip(str(missing))


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
    for operator in kind.operators:
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
    assert tried >= len(kind.operators)


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


def test_links_point_at_their_table() -> None:
    (key,) = Link("core_thing", on_merge="move", on_delete="refuse").foreign_keys()
    assert key.target_fullname == "core_thing.id"


# -- cost ---------------------------------------------------------------------------------------------------------
def test_what_is_slow_to_import_waits_for_its_first_use() -> None:
    code = (
        "import sys, core.fields; print([name for name in ('phonenumbers', 'email_validator') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


# -- search -------------------------------------------------------------------------------------------------------
def test_what_a_search_looks_for() -> None:
    assert Text(20).search_term(" Élan & Co ") == "elan co"
    assert Text(20).search_term("&") is None
    assert Email().search_term(" Jean@EXAMPLE ") == "jean@example"
    assert Url().search_term("https://www.Example.com") == "example.com"
    assert [Phone().search_term(text) for text in ("04 78 00", "+33 4", "Martin 75", "75")] == [
        "47800",
        "334",
        None,
        None,
    ]
    assert LongText().search_term("word") is None
