"""What the templates of lists are given (UX 2.1); see `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field as attribute

from core.fields import Option
from core.i18n import Text
from core.web.contexts import ActionButton
from core.web.form_contexts import Combobox


@dataclass(frozen=True, slots=True)
class Column:
    """A list column's head: its sort link and state (`ascending`, `descending` or none).

    `edits`: its cells are edited in place.
    """

    name: str
    label: Text
    align: str
    sort_url: str | None
    sorted: str | None
    edits: bool = False


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that is on: words, the addresses that change it and that leave it out.

    `wrong`: it was not understood, and the words say why. `alternative`: it is joined to the one before by "or".
    """

    label: Text
    remove_url: str
    edit_url: str | None = None
    wrong: bool = False
    alternative: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields to choose from that have one source: name and label of each."""

    label: Text
    fields: Sequence[tuple[str, Text]]


@dataclass(frozen=True, slots=True)
class FilterForm:
    """The filter builder. `id` begins the ids of its controls; `hidden`: what the address says beside the filter.

    `operators`: name, label, how many values, what these are. None of the rest is there before a field is chosen.
    """

    id: str
    url: str
    editor_url: str
    hidden: Sequence[tuple[str, str]]
    groups: Sequence[FieldGroup]
    field: str = ""
    operators: Sequence[tuple[str, Text, str, str]] = ()
    operator: str = ""
    values: Sequence[str] = ()
    options: Sequence[Option] = ()
    combo: Combobox | None = None
    attributes: dict[str, str] = attribute(default_factory=dict)
    alternative: bool = False
    heading: Text = ""
    cancel_url: str = ""
    options_html: str = ""
    """The groups as HTML, before one of their fields is chosen."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet: words, number of rows, the address that adds it or takes it away."""

    label: Text
    number: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetBox:
    """The values of one field with their numbers; `count_url` instead, when counting them takes long."""

    label: Text
    values: Sequence[FacetValue]
    count_url: str | None = None


@dataclass(frozen=True, slots=True)
class FacetsPage:
    """The facets of a list."""

    heading: Text
    list_url: str
    boxes: Sequence[FacetBox]


@dataclass(frozen=True, slots=True)
class ListTab:
    """A view in the row of views."""

    label: Text
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class ViewBox:
    """What can be done with the list as a view: `name` of the one it began with, `changed` whether it still is it."""

    save_as_url: str
    query: str
    roles: Sequence[Option]
    may_lock: bool
    manage_url: str
    name: str = ""
    changed: bool = False
    save_url: str | None = None
    reset_url: str | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The dialogs for columns and sort keys: names, labels and what is chosen; `url` takes them.

    `sorts`: for each key the chosen field and whether it falls.
    """

    url: str
    query: str
    columns: Sequence[tuple[str, Text, bool]]
    first_column: Text
    sort_groups: Sequence[FieldGroup]
    sorts: Sequence[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class ArrangeForm:
    """One of those dialogs: `what` is columns or sort."""

    what: str
    heading: Text
    tools: Arrangement


@dataclass(frozen=True, slots=True)
class ListTools:
    """What else arranges a list: `url` takes all of it. `columns_url` and `sorting_url` lead to the dialogs.

    `sizes` and `densities`: value, words, chosen; no sizes where all rows fit the smallest.
    """

    url: str
    query: str
    columns_url: str
    sorting_url: str
    densities: Sequence[tuple[str, Text, bool]]
    sizes: Sequence[tuple[str, Text, bool]]
    facets_url: str | None
    """Counts the values of fields, where there are some that take few."""
    facets_toggle_url: str
    facets_open: bool
    facets_key: str
    """Differs from list to list, so that the panel is loaded again when it changes."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """The list of an entity (UX 2.1)."""

    heading: Text
    url: str
    columns: Sequence[Column]
    rows: Sequence[str]
    """As HTML (`core.web.row_writer`)."""
    quick_column: int | None
    count: Text
    exact_url: str | None
    """Counts all rows, where the count stopped at the cap."""
    notices: Sequence[Text]
    chips: Sequence[FilterChip]
    clear_url: str
    filter: FilterForm
    hidden: Sequence[tuple[str, str]]
    search: str
    views: Sequence[ListTab]
    view: ViewBox
    tools: ListTools
    density: str
    new_url: str | None
    new_label: Text
    first_url: str | None
    previous_url: str | None
    next_url: str | None
    range_text: Text
    go_label: Text
    bulk_url: str | None
    may_set: bool
    """Whether the bulk bar sets the quick field."""
    bulk_actions: Sequence[ActionButton]
    row_actions: Sequence[ActionButton]
    """The forms behind the buttons in the menus of rows."""
    mail_url: str | None
    bulk_statuses: Sequence[Option]
    bulk_combo: Combobox | None
    bulk_label: Text
    may_delete: bool
    return_url: str
    csrf: str
    empty: bool
    all_url: str | None = None
    """Selects every row of the list, not only those of this page."""
    all_label: Text = ""
    all_selected: bool = False
    new_is_button: bool = False
    """Whether UX names the link to the form as a button."""
    query: str = ""
    """The list as its address asks for it, for what is done with all its rows."""
    menu: Sequence[ActionButton] = ()
    """What modules do with the list as it is shown, under *More actions*."""
    tag_url: str | None = None
    """Puts a tag on the chosen rows."""
    edit_url: str | None = None
    """Gives a field of the chosen rows a value."""
    assigned: str | None = None
    """The field that says who is responsible for a row, where the person may set it."""

    @property
    def rows_html(self) -> str:
        """All rows."""
        return "\n".join(self.rows)


@dataclass(frozen=True, slots=True)
class ViewLine:
    """A view on the page of views: its words and what this person may do with it, by address."""

    id: int
    name: str
    url: str
    sharing: Text
    pinned: bool
    default: bool
    edit_url: str | None
    pin_url: str
    default_url: str
    copy_url: str
    delete_url: str | None
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """All views of a list that the person knows of."""

    heading: Text
    url: str
    manage_url: str
    lines: Sequence[ViewLine]


@dataclass(frozen=True, slots=True)
class ViewForm:
    """A view's name and whom it is shared with. `query`: the list that is saved, for a new one."""

    heading: Text
    url: str
    cancel_url: str
    name: str
    sharing: str
    chosen: Sequence[str]
    roles: Sequence[Option]
    may_lock: bool
    version: int | None
    query: str = ""
    error: Text | None = None
