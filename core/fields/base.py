"""What a field is (DESIGN 4, MO-6): one definition behind form, list, filter, sort, history, import and export.

A `FieldType` knows how values of one kind are stored, typed, shown, compared and moved as text. A `Field` is one such
type at one place: a column of a record, of a facet, a key of `extra`, or a computed expression. Nobody asks for a
type by name: behaviour lives in the type, and a plugin may subclass it.
"""

from __future__ import annotations

import operator as python
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field as attribute
from typing import Any, ClassVar, Generic, Literal, NamedTuple, NoReturn, Protocol, TypedDict, TypeVar, Unpack, cast

from markupsafe import escape
from sqlalchemy import ColumnElement, ForeignKey, String, cast as sql_cast, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import MappedColumn, MappedSQLExpression, column_property, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.errors import Invalid
from core.fields.keys import binary_string, in_any_case
from core.i18n import Text, lazy as _, lazy_context

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAXIMUM_FILTER_VALUES = 50
"""Values one condition may list (SECURITY 7.26)."""


class Operator(NamedTuple):
    """One way to compare a field: its name in URLs, its words, how many values it takes.

    `test` makes the SQL condition of a column and operands as the column stores them. A type for which an operator
    means something else says so with `_replace(test=...)`. `takes`: what the values are when they are not values of the
    field: "days".
    """

    name: str
    label: Text
    values: Literal["none", "one", "two", "many"]
    test: Callable[..., ColumnElement[bool]]
    takes: str = ""


IS = Operator("is", lazy_context("operator", "is"), "one", python.eq)
IS_NOT = Operator("not", lazy_context("operator", "is not"), "one", ColumnElement.is_distinct_from)
IN = Operator("in", lazy_context("operator", "is one of"), "many", lambda column, *values: column.in_(values))
CONTAINS = Operator(
    "contains", lazy_context("operator", "contains"), "one", lambda column, part: in_any_case(column, "contains", part)
)
STARTS = Operator(
    "starts",
    lazy_context("operator", "starts with"),
    "one",
    lambda column, part: in_any_case(column, "startswith", part),
)
BELOW = Operator("below", lazy_context("operator", "is less than"), "one", python.lt)
ABOVE = Operator("above", lazy_context("operator", "is more than"), "one", python.gt)
BETWEEN = Operator(
    "between", lazy_context("operator", "is between"), "two", lambda column, *ends: column.between(min(ends), max(ends))
)
BEFORE = Operator("before", lazy_context("operator", "is before"), "one", python.lt)
AFTER = Operator("after", lazy_context("operator", "is after"), "one", python.gt)
EMPTY = Operator("empty", lazy_context("operator", "is empty"), "none", lambda column: column.is_(None))
FILLED = Operator("filled", lazy_context("operator", "is filled"), "none", lambda column: column.is_not(None))

_COUNTS = {"none": range(1), "one": range(1, 2), "two": range(2, 3), "many": range(1, MAXIMUM_FILTER_VALUES + 1)}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice: stored code, label, and for statuses a tone (UX 3.3) and a shape when not the tone's own.

    `open`: whether it can be chosen anew; a closed one stays where it is. `gone`: it was removed, and only history and
    undo know it; `instead`: the code that took its place. `countries`: ISO codes of where it is used, none for everywhere.
    """

    code: str
    label: Text
    tone: str = "neutral"
    icon: str = ""
    open: bool = True
    gone: bool = False
    instead: str = ""
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """How a form shows a field; the template draws each `kind` once.

    Kinds: text, textarea, select, radio, checkbox, checkboxes, link. `attributes` are plain HTML attributes (never event handlers).
    """

    kind: str
    attributes: Mapping[str, str] = attribute(default_factory=dict)
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class Samples:
    """Values for the generated contract tests: what a person types -> the value stored, and texts to refuse."""

    good: Mapping[str, Any]
    bad: Sequence[str]


class FieldType(ABC, Generic[T]):
    """One kind of value. Subclasses are immutable and compare by identity."""

    name: ClassVar[str]
    operators: ClassVar[tuple[Operator, ...]] = (IS, IS_NOT, IN, EMPTY, FILLED)
    align: ClassVar[Literal["start", "end"]] = "start"
    merge: ClassVar[Literal["choose", "unite"]] = "choose"
    keyed: ClassVar[bool] = False
    """Whether sort, search and comparison use a normalised key column beside the value (PERFORMANCE D1)."""
    multiple: ClassVar[bool] = False
    """Whether a value holds several ids, which `core_link` keeps one a row."""
    attributes: ClassVar[Mapping[str, str]] = {}
    """HTML attributes of the form control."""
    json: ClassVar[Mapping[str, Any]] = {"type": "string"}
    """What of the JSON schema is the same for every field of the type."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A field type cannot be changed")

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose from at present, so that the field is not shown."""
        return False

    # -- storage ------------------------------------------------------------------------------------------------
    @abstractmethod
    def column_type(self) -> TypeEngine[Any]:
        """The SQL type of the column; the same behaviour on SQLite and PostgreSQL."""

    def foreign_keys(self) -> Sequence[ForeignKey]:
        """What a column of ids points at."""
        return ()

    def key(self, value: T) -> str | None:
        """The normalised form of `value` for keyed types, None when nothing is left of it."""
        return None

    # -- values -------------------------------------------------------------------------------------------------
    def parse(self, raw: str) -> T | None:
        """The value of what a person typed or a file holds; empty is None. Raises `Invalid` with a cure."""
        text = raw.strip()
        return self.check(self.read(text)) if text else None

    @abstractmethod
    def read(self, text: str) -> T:
        """The value of a non-empty, trimmed text. Raises `Invalid`."""

    def check(self, value: T) -> T:
        """`value` in canonical form; raises `Invalid` when it cannot be stored. Every road passes here."""
        return value

    def is_open(self, value: T) -> bool:
        """Whether a value may be chosen anew; one that is closed stays where it is (PR-1)."""
        return True

    def allows(self, old: T | None, new: T | None) -> bool:
        """Whether a stored value may go from `old` to `new`; types with declared moves refuse some (SECURITY 7.8)."""
        return True

    def dump(self, value: T) -> str:
        """Lossless text, independent of language: history, export, import. `load` reverses it."""
        return str(value)

    def load(self, text: str) -> T:
        """The value `dump` was given."""
        return self.read(text)

    # -- showing ------------------------------------------------------------------------------------------------
    def text(self, value: T) -> str:
        """The value as people read it in the current locale."""
        return self.dump(value)

    def html(self, value: T) -> str:
        """The value as an escaped HTML cell."""
        return str(escape(self.text(value)))

    def edit_text(self, value: T) -> str:
        """The value as a form control holds it; `parse` reads it back to the same value."""
        return self.dump(value)

    def control(self) -> Control:
        """The form control."""
        return Control("text", self.attributes)

    # -- comparing ----------------------------------------------------------------------------------------------
    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """The SQL condition `column operator values`; values are typed text. Raises `Invalid`.

        "is not" treats an empty value as different (IS DISTINCT FROM, DESIGN 4).
        """
        return self.compare(column, operator, [self.operand(value) for value in values])

    def key_criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """As `criterion`, on the key column of a keyed type. Emptiness is asked of the value, never here."""
        return self.compare(column, operator, [self.key(self.operand(value)) for value in values])

    def compare(self, column: ColumnElement[Any], operator: str, operands: Sequence[Any]) -> ColumnElement[bool]:
        """The condition of an operator with operands as the column stores them."""
        return next(known for known in self.operators if known.name == operator).test(column, *operands)

    def matches_nothing(self, operator: str, values: Sequence[str]) -> bool:
        """Whether an empty value satisfies a condition, which `criterion` made without complaint: asked for records that
        link to none, or to one that the person may not know of."""
        return operator in (EMPTY.name, IS_NOT.name)

    def operand(self, raw: str) -> Any:
        """A filter's typed value as the column stores it."""
        value = self.parse(raw)
        if value is None:
            raise Invalid(_("Enter a value to compare with"))
        return value

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        """The SQL expression of a custom field's value, kept as its `dump` in the JSON column `extra`."""
        return type_coerce(sql_cast(extra[key].as_string(), binary_string()), Dumped(self))

    def search_term(self, text: str) -> str | None:
        """What of a searched text to look for inside this field's column; None: this type is not searched so."""
        return None

    # -- describing ---------------------------------------------------------------------------------------------
    def schema(self) -> dict[str, Any]:
        """JSON schema of the value in the API."""
        return dict(self.json)

    @abstractmethod
    def samples(self) -> Samples:
        """Values for the contract tests; every type brings its own, hostile ones included."""


class Dumped(TypeDecorator[Any]):
    """A value kept as the text that its field type dumps, and sorting as that text does. An empty one is NULL."""

    impl = String
    cache_ok = True

    def __init__(self, kind: FieldType[Any], length: int | None = None) -> None:
        super().__init__(length)
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return self.kind.dump(value) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.kind.load(value)


@dataclass(frozen=True, slots=True)
class Declaration(Generic[T]):
    """What `field()` writes on a column: everything about the field but where it stands."""

    type: FieldType[T]
    label: Text
    required: bool = False
    unique: bool = False
    listed: bool = False
    quick: bool = False
    search: bool = False
    indexed: bool = False
    personal: bool = False
    readonly: bool = False
    once: bool = False
    derived: tuple[str, ...] = ()
    no_mail: tuple[Any, ...] = ()
    permission: str | None = None
    help: Text | None = None
    default: Callable[[], T] | None = None
    section: str = "main"
    computed: bool = False


class Reads(Protocol[T_co]):
    """What `field()` needs a type to show the type checker: `Mapped[int] = field(Text())` is an error."""

    def read(self, text: str, /) -> T_co:
        """The value of a typed text."""
        ...


class Options(TypedDict, Generic[T], total=False):
    """What `field()` can say of a field, in the words of `Declaration`."""

    required: bool
    unique: bool
    listed: bool
    quick: bool
    search: bool
    indexed: bool
    personal: bool
    readonly: bool
    once: bool
    derived: tuple[str, ...]
    no_mail: tuple[T, ...]
    permission: str | None
    help: Text | None
    default: Callable[[], T] | None
    section: str


def field(type: Reads[T], label: Text, **options: Unpack[Options[T]]) -> MappedColumn[T]:
    """A column that is a field (DESIGN 4); optional comes from `Mapped[... | None]`.

    `required` asks people for a value even though the column may be empty. `unique` holds among live records.
    `listed` shows it in lists, `quick` changes it there with one click, `search` finds records by it, `indexed` keeps
    sorting by it fast. `personal` marks data of a person (logs, export right, erasure). `readonly` is set by services
    only; `once` is typed for a new record and stays. `permission` hides it on every road from users without it. `default` is called for each new record.
    `derived`: the fields it is worked out from by the record's `prepare`, when it is left empty.
    `no_mail`: values with which a record says that it wants no mail; the opt-out gate asks for them (ML-4).
    """
    kind = cast("FieldType[T]", type)
    info = {"field": Declaration(kind, label, **options)}
    return mapped_column(kind.column_type(), *kind.foreign_keys(), info=info, active_history=True)


def computed(
    type: FieldType[T], label: Text, expression: ColumnElement[Any], **options: Unpack[Options[T]]
) -> MappedSQLExpression[T]:
    """A field the database works out from columns of the same row; shown, filtered and sorted, never typed."""
    options["readonly"] = True
    return column_property(expression, info={"field": Declaration(type, label, computed=True, **options)})


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A declared field at its place in one registry. `name` is `email`, or `loyalty.tier` for a contributed one."""

    name: str
    plugin: str
    declaration: Declaration[Any]
    attribute: str
    owner: type[Any]
    column: ColumnElement[Any]
    type: FieldType[Any]
    key_column: ColumnElement[Any] | None = None
    required: bool = False
    nullable: bool = True
    extra_key: str | None = None
    """For a field an administrator made: its key in `extra`."""

    @property
    def label(self) -> Text:
        """The name people see."""
        return self.declaration.label

    @property
    def sort_column(self) -> ColumnElement[Any]:
        """What lists sort and compare by: the normalised key where there is one."""
        return self.column if self.key_column is None else self.key_column

    @property
    def writable(self) -> bool:
        """Whether people may type it."""
        return not self.declaration.readonly and not self.type.idle

    def parse(self, raw: str) -> Any:
        """The typed text as a value, with the rule on emptiness. Raises `Invalid`."""
        value = self.type.parse(raw)
        if value is None and self.required and not self.declaration.derived:
            raise Invalid(_("Enter a value for %(field)s", field=self.label), field=self.name)
        return value

    def criterion(self, operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """The condition of a filter on this field. Raises `Invalid` for an operator or value it does not know."""
        known = next((known for known in self.type.operators if known.name == operator), None)
        if known is None:
            raise Invalid(_("%(field)s cannot be compared that way", field=self.label))
        if len(values) not in _COUNTS[known.values]:
            raise Invalid(_("The filter on %(field)s has a wrong number of values", field=self.label))
        if self.key_column is not None and values:
            return self.type.key_criterion(self.key_column, operator, values)
        return self.type.criterion(self.column, operator, values)
