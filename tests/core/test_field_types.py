"""What every type of field promises about values, and what each adds (MO-6)."""

from __future__ import annotations

import datetime
import html.parser
import itertools
import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings, strategies as st

from core.errors import ContractError, Invalid
from core.fields import (
    KEY_LENGTH,
    Amount,
    Boolean,
    Choice,
    Decimal,
    Email,
    FieldType,
    Integer,
    Link,
    LongText,
    Option,
    Phone,
    Status,
    Text,
    Url,
    digits,
    fold,
)
from core.fields.choices import SHAPES
from core.fields.contacts import _PLAIN_EMAIL, _reserved_endings, read_email
from core.i18n import Locale, use_locale
from tests.core.field_kinds import AMERICAN, FRENCH, LOCALES, TYPES, every_type, short, values_of


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
