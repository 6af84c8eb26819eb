"""The question a list asks (DESIGN 11): filters, search, sort and place, all in the URL, all resolved by the registry.

Names become columns through the registry only; an unknown one is told on pages and is an error in the API, and never
reaches SQL (SECURITY 7.7). `core.features.list_rows` makes statements of it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from core.errors import Invalid, Refused
from core.fields import Field
from core.fields.links import MAXIMUM_ID
from core.i18n import Text, lazy as _

if TYPE_CHECKING:
    from core.data.scopes import Scope
    from core.registry import RegisteredEntity

PAGE_SIZE = 50
PAGE_SIZES = (25, 50, 100)
MAXIMUM_FILTERS = 50
MAXIMUM_SEARCH = 200
MAXIMUM_SORTS = 3
DENSITIES = ("compact", "comfortable")


@dataclass(frozen=True, slots=True)
class LinkedField:
    """A field of the record a link leads to: `thirdparty_id.town` in a list of rewards (UI-4)."""

    via: Field
    target: RegisteredEntity
    field: Field

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return f"{self.via.name}.{self.field.name}"

    @property
    def label(self) -> Text:
        """What people read: the link, then the field."""
        return _("%(link)s: %(field)s", link=self.via.label, field=self.field.label)


Asked = Field | LinkedField
"""What a list may be filtered and sorted by."""
NO_LINKS: Mapping[str, LinkedField] = MappingProxyType({})


def kind_of(asked: Asked) -> Field:
    """The field whose type says how values are compared and shown."""
    return asked.field if isinstance(asked, LinkedField) else asked


def joined_of(asked: Asked) -> Field:
    """The field of the list's own record that is needed to ask it."""
    return asked.via if isinstance(asked, LinkedField) else asked


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: what is asked, an operator's name, values as typed. Those of one `group` are joined by "or"."""

    field: Asked
    operator: str
    values: tuple[str, ...]
    group: str = ""

    def wire(self) -> str:
        """As it stands in the URL; `:` and `,` in values are escaped once more (DESIGN 11)."""
        values = ",".join(quote(value, safe="") for value in self.values)
        return f"{self.field.name}:{self.operator}" + (f":{values}" if self.values else "")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A condition that was not understood, as it stands in the URL, and why."""

    text: str
    group: str
    reason: Text

    def wire(self) -> str:
        """As it was given."""
        return self.text


def pair_of(one: Filter | LeftOut) -> tuple[str, str]:
    """Name and value of a condition in the URL: `f=...`, or `any=1:...` in a group."""
    return ("any", f"{one.group}:{one.wire()}") if one.group else ("f", one.wire())


@dataclass(frozen=True, slots=True)
class SortKey:
    """What rows are sorted by, and whether the greatest comes first."""

    field: Asked
    descending: bool = False

    def wire(self) -> str:
        """As it stands in the URL."""
        return f"{'-' if self.descending else ''}{self.field.name}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the sorted list a page starts: the sort values and id of the row before it, and which way to go."""

    values: tuple[Any, ...]
    id: int
    backward: bool = False
    number: int = 1

    def wire(self) -> str:
        """An opaque token for the URL."""
        raw = json.dumps([self.values, self.id, self.backward, self.number], default=str, ensure_ascii=False)
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class State:
    """What of a list can be kept as a view: conditions, sort, columns, density, as they stand in the URL (UX 2.1)."""

    base: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    columns: tuple[str, ...] = ()
    density: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of the URL that ask for it."""
        found = [("view", self.base), *self.filters, ("sort", self.sort), *(("c", name) for name in self.columns)]
        return [pair for pair in (*found, ("density", self.density)) if pair[1]]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed question. Made by `parse`; the same object feeds page, count, bulk and export."""

    entity: RegisteredEntity
    filters: tuple[Filter, ...]
    left_out: tuple[LeftOut, ...]
    search: str
    sort: tuple[SortKey, ...]
    view: str
    columns: tuple[Field, ...]
    place: Place | None
    notices: tuple[Text, ...]
    visible: frozenset[str]
    scope: Scope | None
    """Whose view this is; None: that of the system itself."""
    linked: Mapping[str, LinkedField] = field(default_factory=dict)
    density: str = ""
    size: int = PAGE_SIZE
    saved: int | None = None
    """The number of the saved view the address names."""
    usual: State = field(default_factory=State)
    """What an address means that says nothing more: the saved view, or what the person is used to."""
    usual_size: int = PAGE_SIZE

    @property
    def problems(self) -> tuple[Text, ...]:
        """Everything of the question that could not be understood."""
        return (*self.notices, *(one.reason for one in self.left_out))

    @property
    def fixed(self) -> frozenset[str]:
        """The conditions of the built-in view, which are no chips."""
        found = next((view for view in self.entity.entity.views if view.name == self.view), None)
        return frozenset(found.filters) if found else frozenset()

    @property
    def own(self) -> tuple[Filter | LeftOut, ...]:
        """The conditions beside those of the built-in view, also those that were left out."""
        return (*(one for one in self.filters if one.group or one.wire() not in self.fixed), *self.left_out)

    @property
    def state(self) -> State:
        """What of it can be kept as a view."""
        return State(
            base=self.view,
            filters=tuple(pair_of(one) for one in self.own),
            sort=",".join(key.wire() for key in self.sort),
            columns=tuple(found.name for found in self.columns),
            density=self.density,
        )

    def without(self, one: Filter | LeftOut) -> ListQuery:
        """The same question without one condition, from the first page."""
        return replace(
            self,
            filters=tuple(kept for kept in self.filters if kept is not one),
            left_out=tuple(kept for kept in self.left_out if kept is not one),
            place=None,
        )

    def find(self, name: str) -> Asked | None:
        """What a name stands for in filters and sorts, None for what is not there or not for this person."""
        return self.entity.fields[name] if name in self.visible else self.linked.get(name)


def parse_filter(
    entity: RegisteredEntity,
    text: str,
    allowed: frozenset[str],
    linked: Mapping[str, LinkedField] = NO_LINKS,
    group: str = "",
) -> Filter:
    """`field:op:value,value` as a filter. Raises `Invalid`; a hidden field is answered like an unknown one (T04)."""
    name, operator, raw = ([*text.split(":", 2), "", ""])[:3]
    found: Asked | None = entity.fields.get(name) if name in allowed else linked.get(name)
    if found is None:
        raise Invalid(_("The filter on “%(name)s” was left out: there is no such field", name=name[:60]))
    values = tuple(unquote(value) for value in raw.split(",")) if raw else ()
    try:
        kind_of(found).criterion(operator, values)
    except Invalid as error:
        raise Invalid(_("A filter was left out: %(reason)s", reason=error.message)) from error
    return Filter(found, operator, values, group)


def parse(
    entity: RegisteredEntity,
    arguments: Mapping[str, Sequence[str]],
    allowed: frozenset[str],
    *,
    scope: Scope | None,
    linked: Mapping[str, LinkedField] = NO_LINKS,
) -> ListQuery:
    """The question in a query string. `allowed`: names of the fields the user may see; `linked`: those of the records
    that links lead to; `scope`: whose view this is.

    What cannot be understood is told and left out; the list still opens (UX 2.1).
    """
    notices: list[Text] = []
    view = _first(arguments, "view")
    built_in = {found.name: found for found in entity.entity.views}
    if view and view not in built_in:
        notices.append(_("There is no view “%(name)s”", name=view[:60]))
        view = ""
    wanted = [("", text) for text in (*(built_in[view].filters if view else ()), *arguments.get("f", ()))]
    for text in arguments.get("any", ()):
        group, _colon, rest = text.partition(":")
        wanted.append((group[:20] or "1", rest))
    if len(wanted) > MAXIMUM_FILTERS:
        notices.append(_("Only the first %(number)s filters were used", number=MAXIMUM_FILTERS))
    filters: list[Filter] = []
    left_out: list[LeftOut] = []
    for group, text in wanted[:MAXIMUM_FILTERS]:
        try:
            filters.append(parse_filter(entity, text, allowed, linked, group))
        except Invalid as error:
            left_out.append(LeftOut(text, group, error.message))
    search = _first(arguments, "q").strip()
    if len(search) > MAXIMUM_SEARCH:
        notices.append(_("The search is longer than %(number)s characters and was cut", number=MAXIMUM_SEARCH))
        search = search[:MAXIMUM_SEARCH]
    sort = _parse_sort(entity, _first(arguments, "sort"), allowed, linked, notices)
    density, size = _first(arguments, "density"), _first(arguments, "per")
    return ListQuery(
        entity=entity,
        filters=tuple(filters),
        left_out=tuple(left_out),
        search=search,
        sort=sort,
        view=view,
        columns=_parse_columns(entity, arguments.get("c", ()), allowed, notices),
        place=_parse_place(_first(arguments, "at"), sort, notices),
        notices=tuple(notices),
        visible=allowed,
        scope=scope,
        linked=linked,
        density=density if density in DENSITIES else "",
        size=int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZE,
    )


def _first(arguments: Mapping[str, Sequence[str]], name: str) -> str:
    return (arguments.get(name) or [""])[0]


def _parse_sort(
    entity: RegisteredEntity,
    text: str,
    allowed: frozenset[str],
    linked: Mapping[str, LinkedField],
    notices: list[Text],
) -> tuple[SortKey, ...]:
    for wanted in (text, entity.entity.default_sort):
        keys: dict[str, SortKey] = {}
        for part in filter(None, wanted.split(",")[:MAXIMUM_SORTS]):
            name = part.removeprefix("-")
            found: Asked | None = entity.fields.get(name) if name in allowed else linked.get(name)
            if found is not None:
                keys.setdefault(name, SortKey(found, part.startswith("-")))
            elif wanted == text:
                notices.append(_("The list cannot be sorted by “%(name)s”", name=name[:60]))
        if keys:
            return tuple(keys.values())
    return (SortKey(entity.fields["created_at"], descending=True),)


def _parse_columns(
    entity: RegisteredEntity, names: Iterable[str], allowed: frozenset[str], notices: list[Text]
) -> tuple[Field, ...]:
    chosen = []
    for name in names:
        if name in allowed and name in entity.fields:
            chosen.append(entity.fields[name])
        else:
            notices.append(_("The column “%(name)s” was left out: there is no such field", name=name[:60]))
    if chosen:
        return tuple(dict.fromkeys([entity.title_field, *chosen]))
    listed = [found for found in entity.fields.values() if found.declaration.listed and found.name in allowed]
    return tuple(dict.fromkeys([entity.title_field, *listed]))


def _parse_place(text: str, sort: Sequence[SortKey], notices: list[Text]) -> Place | None:
    if not text:
        return None
    try:
        values, record_id, backward, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list):
            raise ValueError("not one value for each key")
        place = Place(tuple(values), int(record_id), bool(backward), int(number))
        if not (0 < place.id <= MAXIMUM_ID and 0 < place.number <= MAXIMUM_ID):
            raise ValueError("not the number of a record")
        for value, key in zip(place.values, sort, strict=True):
            if value is not None:
                _check_place(value, kind_of(key.field))
        return place
    except (Refused, ValueError, TypeError, ArithmeticError, binascii.Error, RecursionError):
        notices.append(_("This page of the list does not exist; this is the first one"))
        return None


def _check_place(value: object, sort: Field) -> None:
    """Raise `ValueError` or what `load` raises for a value no row can have had: the database would refuse it."""
    if not isinstance(value, str) or "\0" in value or value.encode("utf-8", "replace").decode() != value:
        raise ValueError("not the text of a value")
    if sort.key_column is None:
        loaded = sort.type.load(value)
        if sort.type.dump(loaded) != value:
            raise ValueError("not a value as it is dumped")
        if type(loaded) in (int, Decimal) and abs(int(value.replace(".", ""))) > MAXIMUM_ID:
            raise ValueError("more than a column holds")
