"""What a field is (DESIGN 4, MO-6): one definition behind form, list, filter, sort, history, import and export.

A `FieldType` knows how values of one kind are stored, typed, shown, compared and moved as text. A `Field` is one such
type at one place: a column of a record, of a facet, a key of `extra`, or a computed expression. Nobody asks for a
type by name: behaviour lives in the type, and a plugin may subclass it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field as attribute
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar, cast

from markupsafe import escape
from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import MappedColumn, MappedSQLExpression, column_property, mapped_column
from sqlalchemy.types import TypeEngine

from core.errors import Invalid
from core.fields.keys import CodePointOrder
from core.i18n import Text, lazy as _, lazy_context

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAXIMUM_FILTER_VALUES = 50
"""Values one condition may list (SECURITY 7.26)."""


class Operator(NamedTuple):
    """One way to compare a field: its name in URLs, its words, and how many values it takes."""

    name: str
    label: Text
    values: Literal["none", "one", "two", "many"]


IS = Operator("is", lazy_context("operator", "is"), "one")
IS_NOT = Operator("not", lazy_context("operator", "is not"), "one")
IN = Operator("in", lazy_context("operator", "is one of"), "many")
CONTAINS = Operator("contains", lazy_context("operator", "contains"), "one")
STARTS = Operator("starts", lazy_context("operator", "starts with"), "one")
BELOW = Operator("below", lazy_context("operator", "is less than"), "one")
ABOVE = Operator("above", lazy_context("operator", "is more than"), "one")
BETWEEN = Operator("between", lazy_context("operator", "is between"), "two")
BEFORE = Operator("before", lazy_context("operator", "is before"), "one")
AFTER = Operator("after", lazy_context("operator", "is after"), "one")
EMPTY = Operator("empty", lazy_context("operator", "is empty"), "none")
FILLED = Operator("filled", lazy_context("operator", "is filled"), "none")


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice: stored code, label, and for statuses a tone (UX 3.3)."""

    code: str
    label: Text
    tone: str = "neutral"


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


class FieldType(Generic[T]):
    """One kind of value. Subclasses are immutable and compare by identity."""

    name: ClassVar[str]
    operators: ClassVar[tuple[Operator, ...]] = (IS, IS_NOT, IN, EMPTY, FILLED)
    align: ClassVar[Literal["start", "end"]] = "start"
    merge: ClassVar[Literal["choose", "unite"]] = "choose"
    keyed: ClassVar[bool] = False
    """Whether sort, search and comparison use a normalised key column beside the value (PERFORMANCE D1)."""
    multiple: ClassVar[bool] = False
    """Whether a value holds several ids, which `core_link` keeps one a row."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to choose from at present, so that the field is not shown."""
        return False

    # -- storage ------------------------------------------------------------------------------------------------
    def column_type(self) -> TypeEngine[Any]:
        """The SQL type of the column; the same behaviour on SQLite and PostgreSQL."""
        raise ContractMissing(self, "column_type")

    def key(self, value: T) -> str | None:
        """The normalised form of `value` for keyed types, None when nothing is left of it."""
        raise ContractMissing(self, "key")

    # -- values -------------------------------------------------------------------------------------------------
    def parse(self, raw: str) -> T | None:
        """The value of what a person typed or a file holds; empty is None. Raises `Invalid` with a cure."""
        text = raw.strip()
        return self.check(self.read(text)) if text else None

    def read(self, text: str) -> T:
        """The value of a non-empty, trimmed text. Raises `Invalid`."""
        raise ContractMissing(self, "read")

    def check(self, value: T) -> T:
        """`value` in canonical form; raises `Invalid` when it cannot be stored. Every road passes here."""
        return value

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
        return self.text(value)

    def control(self) -> Control:
        """The form control."""
        return Control("text")

    # -- comparing ----------------------------------------------------------------------------------------------
    def criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """The SQL condition `column operator values`; values are typed text. Raises `Invalid`.

        "is not" treats an empty value as different (IS DISTINCT FROM, DESIGN 4).
        """
        if operator == EMPTY.name:
            return column.is_(None)
        if operator == FILLED.name:
            return column.is_not(None)
        return self.compare(column, operator, [self.operand(value) for value in values])

    def key_criterion(self, column: ColumnElement[Any], operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """As `criterion`, on the key column of a keyed type. Emptiness is asked of the value, never here."""
        raise ContractMissing(self, "key_criterion")

    def compare(self, column: ColumnElement[Any], operator: str, operands: Sequence[Any]) -> ColumnElement[bool]:
        """The condition of an operator with operands as the column stores them."""
        condition: ColumnElement[bool]
        if operator == IS.name:
            condition = column == operands[0]
        elif operator == IS_NOT.name:
            condition = column.is_distinct_from(operands[0])
        elif operator == IN.name:
            condition = column.in_(operands) if operands else false()
        elif operator in (BELOW.name, BEFORE.name):
            condition = column < operands[0]
        elif operator in (ABOVE.name, AFTER.name):
            condition = column > operands[0]
        elif operator == BETWEEN.name:
            condition = column.between(min(operands), max(operands))
        else:
            raise ContractMissing(self, f"operator {operator}")
        return condition

    def operand(self, raw: str) -> Any:
        """A filter's typed value as the column stores it."""
        value = self.parse(raw)
        if value is None:
            raise Invalid(_("Enter a value to compare with"))
        return value

    def seat(self, extra: Any, key: str) -> ColumnElement[Any]:
        """The SQL expression of a custom field's value, kept as its `dump` in the JSON column `extra`."""
        return CodePointOrder(extra[key].as_string())

    def search_term(self, text: str) -> str | None:
        """What of a searched text to look for inside this field's column; None: this type is not searched so."""
        return None

    # -- describing ---------------------------------------------------------------------------------------------
    def schema(self) -> dict[str, Any]:
        """JSON schema of the value in the API."""
        return {"type": "string"}

    def samples(self) -> Samples:
        """Values for the contract tests; every type brings its own, hostile ones included."""
        raise ContractMissing(self, "samples")


class ContractMissing(TypeError):
    """A field type lacks a method it must have."""

    def __init__(self, owner: FieldType[Any], method: str) -> None:
        super().__init__(f"{type(owner).__name__} must define {method}")


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
    secret: bool = False
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


def field(
    type: Reads[T],
    label: Text,
    *,
    required: bool | None = None,
    unique: bool = False,
    listed: bool = False,
    quick: bool = False,
    search: bool = False,
    indexed: bool = False,
    personal: bool = False,
    readonly: bool = False,
    permission: str | None = None,
    help: Text | None = None,
    default: Callable[[], T] | None = None,
    section: str = "main",
) -> MappedColumn[T]:
    """A column that is a field (DESIGN 4); optional comes from `Mapped[... | None]`.

    `required` asks people for a value even though the column may be empty. `unique` holds among live records.
    `listed` shows it in lists, `quick` changes it there with one click, `search` finds records by it, `indexed` keeps
    sorting by it fast. `personal` marks data of a person (logs, export right, erasure). `readonly` is set by services
    only. `permission` hides it on every road from users without it. `default` is called for each new record.
    """
    kind = cast("FieldType[T]", type)
    declaration = Declaration(
        type=kind, label=label, required=bool(required), unique=unique, listed=listed, quick=quick, search=search,
        indexed=indexed, personal=personal, readonly=readonly, permission=permission, help=help, default=default,
        section=section,
    )  # fmt: skip
    links: Sequence[Any] = kind.foreign_keys() if isinstance(kind, LinkLike) else ()
    return mapped_column(kind.column_type(), *links, info={"field": declaration}, active_history=True)


class LinkLike(FieldType[T]):
    """Base of the types whose column points at another record."""

    def foreign_keys(self) -> Sequence[Any]:
        """The column's foreign keys."""
        raise ContractMissing(self, "foreign_keys")


def computed(
    type: FieldType[T],
    label: Text,
    expression: ColumnElement[Any],
    *,
    listed: bool = False,
    permission: str | None = None,
    help: Text | None = None,
    section: str = "main",
) -> MappedSQLExpression[T]:
    """A field the database works out from columns of the same row; shown, filtered and sorted, never typed."""
    declaration = Declaration(
        type=type, label=label, listed=listed, readonly=True, permission=permission, help=help, section=section,
        computed=True,
    )  # fmt: skip
    return column_property(expression, info={"field": declaration})


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A declared field at its place in one registry. `name` is `email`, or `loyalty.tier` for a contributed one."""

    name: str
    plugin: str
    declaration: Declaration[Any]
    attribute: str
    owner: type[Any]
    column: ColumnElement[Any]
    key_column: ColumnElement[Any] | None
    required: bool
    nullable: bool
    type: FieldType[Any]
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
        if value is None and self.required:
            raise Invalid(_("Enter a value for %(field)s", field=self.label), field=self.name)
        return value

    def criterion(self, operator: str, values: Sequence[str]) -> ColumnElement[bool]:
        """The condition of a filter on this field. Raises `Invalid` for an operator or value it does not know."""
        known = {known.name: known for known in self.type.operators}.get(operator)
        if known is None:
            raise Invalid(_("%(field)s cannot be compared that way", field=self.label))
        counts = {"none": len(values) == 0, "one": len(values) == 1, "two": len(values) == 2}
        if not counts.get(known.values, 0 < len(values) <= MAXIMUM_FILTER_VALUES):
            raise Invalid(_("The filter on %(field)s has a wrong number of values", field=self.label))
        if self.key_column is not None and values:
            return self.type.key_criterion(self.key_column, operator, values)
        return self.type.criterion(self.column, operator, values)
