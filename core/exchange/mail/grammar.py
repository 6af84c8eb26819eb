"""The grammar of text with placeholders (SECURITY 7.11, A13, T21 to T24): parsed with Jinja, then walked.

Allowed: text, declared dotted variables, `if`, comparison, six filters. Everything else is refused when it is saved,
with the piece named, and again before it is rendered. Jinja's sandbox stands behind as a second wall; it is not the
first, because with objects in reach it gave everything away. What is rendered are plain dictionaries of strings, and
what comes out is text that is never parsed again: a name holding `{{7*7}}` is printed so.
"""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.errors import Refused
from core.i18n import format_amount, format_date, format_decimal, lazy as _

MAXIMUM_BYTES = 256 * 1024
"""Of a text as it is written, and as it is filled in."""
MOST_PLACES = 6
LARGEST_FIGURE = 20
"""Digits before the point of what is shown as a figure; nothing anybody sells has more."""
MAXIMUM_PIECES = 1_000
"""Variables and conditions in one text; a letter has a dozen."""
MAXIMUM_SECONDS = 1.0
ALLOWED_NODES = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Compare, nodes.Operand, nodes.Filter)
COMPARISONS = frozenset({"eq", "ne", "lt", "lteq", "gt", "gteq"})
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_SUSPICIOUS = re.compile(r"\{[{%#]")


class Value(str):
    """A field's value as people read it; `dumped` is the same for filters that show it otherwise."""

    __slots__ = ("dumped",)
    dumped: str

    def __new__(cls, shown: str, dumped: str = "") -> Value:
        made = super().__new__(cls, shown)
        made.dumped = dumped or shown
        return made


# -- filters ----------------------------------------------------------------------------------------------------------
def _default(value: Any, otherwise: str = "") -> str:
    return str(value) if isinstance(value, str) and value else otherwise


def _raw(value: Any) -> str:
    return value.dumped if isinstance(value, Value) else str(value)


def _date(value: Any) -> str:
    try:
        return format_date(datetime.date.fromisoformat(_raw(value)[:10]))
    except ValueError:
        return str(value)


def _figure(value: Any) -> Decimal | None:
    """The value as a figure that can be written out, None for other words."""
    try:
        number = Decimal(_raw(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < LARGEST_FIGURE else None


def _number(value: Any) -> str:
    number = _figure(value)
    if number is None:
        return str(value)
    return format_decimal(number, max(0, min(-int(number.as_tuple().exponent), MOST_PLACES)))


def _money(value: Any, currency: str = "EUR") -> str:
    amount = _figure(value)
    return str(value) if amount is None else format_amount(amount, currency)


FILTERS: Mapping[str, Callable[..., str]] = {
    "default": _default,
    "date": _date,
    "money": _money,
    "number": _number,
    "upper": lambda value: str(value).upper(),
    "title": lambda value: str(value).title(),
}


def _environment() -> ImmutableSandboxedEnvironment:
    """No option of it can be reached from data: it is made here, of constants."""
    environment = ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters.clear()
    environment.tests.clear()
    environment.filters.update(FILTERS)
    return environment


# -- checking ---------------------------------------------------------------------------------------------------------
def check_template(text: str, allowed: Collection[str]) -> set[str]:
    """The variables a text uses. Raises `Refused` naming the piece that is not allowed, or the unknown variables.

    `allowed`: dotted names, `record.name`.
    """
    tree = _parsed(text)
    used: dict[str, int] = {}
    pieces = 0
    for node in _walk(tree):
        if isinstance(node, (nodes.Name, nodes.Getattr)):
            used.setdefault(_dotted(node), node.lineno)
        if not isinstance(node, (nodes.TemplateData, nodes.Output)):
            pieces += 1
        if pieces > MAXIMUM_PIECES:
            raise Refused(_("This text has too many placeholders. Shorten it."), field="body")
    unknown = [name for name in used if name not in allowed]
    if unknown:
        raise Refused(
            _("There is no placeholder %(names)s. Choose one from the list.", names=", ".join(unknown)), field="body"
        )
    return set(used)


def _parsed(text: str) -> nodes.Template:
    if len(text.encode("utf-8", "surrogatepass")) > MAXIMUM_BYTES:
        raise Refused(
            _("This text is longer than %(limit)s kB. Shorten it.", limit=MAXIMUM_BYTES // 1024), field="body"
        )
    try:
        return _environment().parse(text)
    except TemplateSyntaxError as error:
        raise Refused(
            _("Line %(line)s cannot be read: %(problem)s", line=error.lineno, problem=error.message or ""), field="body"
        ) from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise Refused(_("This text cannot be read: it is too deeply nested"), field="body") from error


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """Every node below, each checked; a dotted variable is one node."""
    waiting: list[nodes.Node] = [node]
    while waiting:
        current = waiting.pop()
        _check_node(current)
        yield current
        if not isinstance(current, (nodes.Getattr, nodes.Name)):
            waiting.extend(reversed(list(current.iter_child_nodes())))


def _check_node(node: nodes.Node) -> None:
    if isinstance(node, (nodes.Name, nodes.Getattr)):
        _dotted(node)
    elif isinstance(node, nodes.Const):
        if not isinstance(node.value, str):
            raise _refusal(node, repr(node.value)[:40])
    elif isinstance(node, nodes.Filter):
        if node.name not in FILTERS or node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) > 1:
            raise _refusal(node, node.name)
        if not all(isinstance(argument, nodes.Const) for argument in node.args):
            raise _refusal(node, node.name)
    elif isinstance(node, nodes.Operand):
        if node.op not in COMPARISONS:
            raise _refusal(node, node.op)
    elif not isinstance(node, ALLOWED_NODES):
        raise _refusal(node, type(node).__name__)


def _dotted(node: nodes.Node) -> str:
    """`record.leads.source` of a chain of names; anything hanging on something else is refused."""
    parts: list[str] = []
    current = node
    while isinstance(current, nodes.Getattr):
        parts.append(current.attr)
        current = current.node
    if not isinstance(current, nodes.Name) or current.ctx != "load":
        raise _refusal(node, type(current).__name__)
    parts.append(current.name)
    for part in parts:
        if not _NAME.fullmatch(part):
            raise _refusal(node, part)
    return ".".join(reversed(parts))


WORDS: Mapping[str, str] = {
    "For": "{% for %}", "Call": "( )", "Getitem": "[ ]", "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "FloorDiv": "//",
    "Mod": "%", "Pow": "**", "Concat": "~", "Assign": "{% set %}", "AssignBlock": "{% set %}", "Include": "{% include %}",
    "Import": "{% import %}", "FromImport": "{% from %}", "Macro": "{% macro %}", "Extends": "{% extends %}",
    "Block": "{% block %}", "FilterBlock": "{% filter %}", "CallBlock": "{% call %}", "With": "{% with %}", "Test": "is",
    "CondExpr": "… if … else …", "And": "and", "Or": "or", "Not": "not", "Neg": "-", "Pos": "+", "List": "[ ]",
    "Tuple": "( , )", "Dict": "{ : }", "Slice": "[ : ]", "in": "in", "notin": "not in",
}  # fmt: skip
"""What people typed for a kind of node."""


def _refusal(node: nodes.Node, what: str) -> Refused:
    words = WORDS.get(what, what)
    return Refused(
        _("Line %(line)s: “%(piece)s” cannot be used in a template", line=node.lineno, piece=words), field="body"
    )


# -- rendering --------------------------------------------------------------------------------------------------------
def render(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled; checked again, since it may have been stored long ago.

    `values`: by dotted name. Raises `Refused`.
    """
    check_template(text, values.keys())
    began = time.monotonic()
    try:
        result = _joined(_environment().from_string(text).generate(_tree(values)), began)
    except (TemplateError, ArithmeticError, TypeError, ValueError, RecursionError, SyntaxError, MemoryError) as error:
        raise Refused(
            _("This text cannot be filled in: %(problem)s", problem=str(error)[:200]), field="body"
        ) from error
    return result


def _joined(pieces: Iterable[str], began: float) -> str:
    """What the template gives, piece by piece: neither its size nor its time is found out too late (T24)."""
    found, size = [], 0
    for piece in pieces:
        found.append(piece)
        size += len(piece.encode("utf-8", "surrogatepass"))
        if size > MAXIMUM_BYTES:
            raise Refused(
                _("Filled in, this text is longer than %(limit)s kB. Shorten it.", limit=MAXIMUM_BYTES // 1024),
                field="body",
            )
        if time.monotonic() - began > MAXIMUM_SECONDS:
            raise Refused(_("This text takes too long to fill in. Shorten it."), field="body")
    return "".join(found)


def _tree(values: Mapping[str, str]) -> dict[str, Any]:
    """`{"record.name": "Zinc"}` as nested plain dictionaries of strings."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return tree


def has_placeholders(text: str) -> bool:
    """Whether there is anything to fill in."""
    return _SUSPICIOUS.search(text) is not None
