"""What may stand in a template, and what is refused with its piece named (SECURITY 7.11, T21 to T24, A13)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st

from core.errors import Refused
from core.exchange.mail.grammar import MAXIMUM_BYTES, Value, check_template, render
from core.i18n import Locale, use_locale

VALUES = {
    "record.name": Value("Zinc {{7*7}} <b>"),
    "record.empty": Value(""),
    "record.day": Value("12/01/2026", "2026-01-12"),
    "record.amount": Value("1 234,50 €", "1234.50"),
    "record.leads.source": Value("fair"),
    "record.x.sector": Value("bakery"),
    "sender.name": Value("alice durand"),
}
HOSTILE = {
    "{{7*7}}": "*",
    "{{ 7 }}": "7",
    "{{ 'a'*10**9 }}": "*",
    "{{ 'a' ~ record.name }}": "~",
    "{{ record.name + 'x' }}": "+",
    "{{ -1 }}": "-",
    "{{ 1 // 0 }}": "//",
    "{{ 2 ** 99999999 }}": "**",
    "{{ ''.__class__ }}": "",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}": "( )",
    "{{ record.name.__class__ }}": "__class__",
    "{{ record.name.__init__.__globals__ }}": "__",
    "{{ record.name.format }}": "record.name.format",
    "{{ record.name.dumped }}": "record.name.dumped",
    "{{ record.name['x'] }}": "[ ]",
    "{{ record['name'] }}": "[ ]",
    "{{ record.name[0:1] }}": "[ ]",
    "{{ record.name.upper() }}": "( )",
    "{{ record.name|attr('__class__') }}": "attr",
    "{{ record.name|map(attribute='x') }}": "map",
    "{{ record.name|format }}": "format",
    "{{ record.name|safe }}": "safe",
    "{{ record.name|default(lipsum) }}": "default",
    "{{ record.name|default('a', true) }}": "default",
    "{{ record.name|default(default_value='a') }}": "default",
    "{{ record.name|default(*x) }}": "default",
    "{{ lipsum }}": "lipsum",
    "{{ lipsum.__globals__['os'].popen('id').read() }}": "( )",
    "{{ cycler.__init__.__globals__.os }}": "__",
    "{{ joiner }}": "joiner",
    "{{ namespace }}": "namespace",
    "{{ self }}": "self",
    "{{ self.__dict__ }}": "__dict__",
    "{{ self._TemplateReference__context }}": "_",
    "{{ config }}": "config",
    "{{ env }}": "env",
    "{{ request.application }}": "request.application",
    "{{ url_for.__globals__ }}": "__globals__",
    "{{ get_flashed_messages }}": "get_flashed_messages",
    "{{ g }}": "g",
    "{{ session }}": "session",
    "{{ record }}": "record",
    "{{ loop }}": "loop",
    "{{ varargs }}": "varargs",
    "{{ caller() }}": "( )",
    "{{ record.owner.password_hash }}": "record.owner.password_hash",
    "{{ user.password_hash }}": "user.password_hash",
    "{{ True }}": "True",
    "{{ none }}": "None",
    "{{ [1, 2] }}": "[ ]",
    "{{ {'a': 1} }}": "{ : }",
    "{{ (1, 2) }}": "( , )",
    "{{ record.name if record.empty else 'x' }}": "if",
    "{{ record.name is defined }}": "is",
    "{{ record.name in 'abc' }}": "in",
    "{{ record.name and record.empty }}": "and",
    "{{ not record.name }}": "not",
    "{% for a in record.name %}{% endfor %}": "for",
    "{% for a in range(999999999) %}{% for b in range(999999999) %}{% endfor %}{% endfor %}": "for",
    "{% set x = 1 %}": "set",
    "{% set x %}a{% endset %}": "set",
    "{% include 'core/base.html' %}": "include",
    "{% import 'a' as b %}": "import",
    "{% from 'a' import b %}": "from",
    "{% extends 'core/base.html' %}": "extends",
    "{% macro a() %}{% endmacro %}": "macro",
    "{% call a() %}{% endcall %}": "call",
    "{% block a %}{% endblock %}": "block",
    "{% filter upper %}a{% endfilter %}": "filter",
    "{% with a = 1 %}{% endwith %}": "with",
    "{% do record.name %}": "do",
    "{% debug %}": "debug",
    "{% trans %}a{% endtrans %}": "trans",
    "{% autoescape false %}{% endautoescape %}": "",
    "{{ record.name": "",
    "{% if record.name %}": "",
    "{{ }}": "",
    "{{ (((((((((((" * 50: "",
    "{{ " + "(" * 5_000 + "record.name" + ")" * 5_000 + " }}": "",
    "{% if record.name %}" * 3_000 + "{% endif %}" * 3_000: "",
    "{{ ''['__cl' 'ass__'] }}": "[ ]",
    "{{ ()|attr('\\x5f\\x5fclass\\x5f\\x5f') }}": "attr",
    "{{ 'x'.format_map(record) }}": "( )",
    "{{ '%s' % record.name }}": "%",
    "{{ dict(a=1) }}": "( )",
    "{{ record.ｎame }}": "",
    "{{ rec\u00f6rd.name }}": "",
    "{{ record.name }}" * 10_000: "",
    "x" * (MAXIMUM_BYTES + 1): "256",
    "é" * (MAXIMUM_BYTES // 2 + 1): "256",
}
"""Public ways out of sandboxes (T22), secrets (T23), cost (T24), and what people try; with the piece to be named."""


PIECES = [*"{}%#()[]|.'\"~+-*/=<> \n_ax07", "{{ ", " }}", "{% ", " %}", "record.name", "if ", "endif", "__class__"]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:40] for text in HOSTILE])
def test_what_is_refused_names_its_piece(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(Refused) as refused:
        check_template(text, VALUES)
    assert HOSTILE[text] in str(refused.value)
    with pytest.raises(Refused):
        render(text, VALUES)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello {{ record.name }}!", "Hello Zinc {{7*7}} <b>!"),
        ("{{record.leads.source|upper}} {{ record.x.sector|title }}", "FAIR Bakery"),
        ("{{ record.empty|default('nobody') }}", "nobody"),
        ("{% if record.empty %}a{% elif record.x.sector == 'bakery' %}b{% else %}c{% endif %}", "b"),
        ("{% if record.x.sector != 'x' %}{% if record.name >= 'A' %}yes{% endif %}{% endif %}", "yes"),
        ("{{ record.day|date }}", "12 Jan 2026"),
        ("{{ record.amount|money }} {{ record.amount|money('USD') }}", "€1,234.50 US$1,234.50"),
        ("{{ record.amount|number }}", "1,234.50"),
        ("{{ record.name|date }}{{ record.name|number }}", "Zinc {{7*7}} <b>" * 2),
        ("{# a note #}50 % {off} {{ 'x' }}\n", "50 % {off} x\n"),
        ("{% raw %}{{ 7*7 }}{% endraw %}", "{{ 7*7 }}"),
        ("", ""),
    ],
)
def test_what_is_allowed(text: str, wanted: str) -> None:
    assert render(text, VALUES) == wanted


def test_unknown_placeholders_are_all_named() -> None:
    with pytest.raises(Refused) as refused:
        check_template("{{ record.nmae }} {{ record.name }} {% if recrod.x %}{% endif %}", VALUES)
    assert "record.nmae" in str(refused.value)
    assert "recrod.x" in str(refused.value)
    assert "record.name" not in str(refused.value).replace("record.nmae", "")


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_whatever_is_typed_is_refused_or_harmless(text: str) -> None:
    try:
        shown = render(text, VALUES)
    except Refused:
        return
    assert len(shown) <= len(text) * 20
    assert "<class" not in shown


@pytest.mark.parametrize("name", ["number", "money"])
@pytest.mark.parametrize(
    "figure",
    ["1e5000", "-1e5000", "1e-5000", "9" * 5_000, "1e31", "1e999999999", "NaN", "sNaN", "Infinity", "1_000", "١٢"],
)
def test_figures_without_measure_are_no_fault(name: str, figure: str) -> None:
    """T24: what a filter cannot write out is shown as it stands; it is never an error."""
    for text in (f"{{{{ '{figure}'|{name} }}}}", f"{{{{ record.wild|{name} }}}}"):
        assert len(render(text, {"record.wild": Value("shown", figure)})) < 10_000


def test_figures_are_still_shown() -> None:
    with use_locale(Locale("en", "GB")):
        assert render("{{ '1234.50'|number }}", {}) == "1,234.50"
        assert "1,234.50" in render("{{ '1234.50'|money }}", {})
        assert render("{{ '1e19'|number }}", {}).count("0") == 19


def test_what_is_filled_in_has_a_size_too() -> None:
    """A few kB of placeholders must not become megabytes for each of 200 recipients (T24)."""
    long = {"record.long": Value("é" * 20_000)}
    text = "{{ record.long }}" * 499
    with pytest.raises(Refused, match="256"):
        render(text, long)
    assert len(render("{{ record.long }}" * 6, long)) == 120_000
