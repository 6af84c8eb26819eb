"""Makes the list page from a question: columns, rows, places, and what arranges them (UX 2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import request, url_for
from flask_wtf.csrf import generate_csrf

from core.contract.contributions import Action, View
from core.data.numbering import Series
from core.data.query import DENSITIES, MAXIMUM_SORTS, PAGE_SIZES, Asked, ListQuery, SortKey
from core.exchange.mail.templates import email_fields
from core.features.list_rows import FIRST_COLUMN, Page, count, count_for_page, read_page, read_row
from core.fields import Field, Link, Option
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.bulk_fields import assigned_field, fields_of_many
from core.web.cells import Titles, link_titles
from core.web.commands import list_buttons, rows_buttons
from core.web.current import here
from core.web.desk import desk
from core.web.facets import facets_url
from core.web.form_contexts import Combobox
from core.web.forms import writable_fields
from core.web.list_address import ALL, list_url, pairs_of, query_string, shown_string
from core.web.list_contexts import Arrangement, Column, ListPage, ListTab, ListTools
from core.web.list_filters import empty_form, field_groups, make_chips
from core.web.picking import few_or_search, target_of
from core.web.plugin_actions import offered, row_actions, several_buttons
from core.web.row_writer import STRIPS_UP_TO, RowAction, RowState, writer_of
from core.web.saved_view_box import make_view_box
from core.web.tag_boxes import may_tag

COLUMNS, SORT = "columns", "sort"
"""The dialogs that arrange a list."""


def _view(query: ListQuery) -> View | None:
    return next((view for view in query.entity.entity.views if view.name == query.view), None)


def make_list_page(query: ListQuery, *, exact: bool = False) -> ListPage:
    """Everything the list template shows. `exact`: count all rows, however many."""
    surroundings = here()
    entity = query.entity.entity
    view = _view(query)
    heading = view.label if view else entity.plural
    found = read_page(surroundings.session, query, [*query.columns, *_more(query)])
    rows = make_rows(query, found.rows)
    number, capped = len(rows), False
    if query.place is not None or found.next is not None:
        session = surroundings.session
        number, capped = (count(session, query, None), False) if exact else count_for_page(session, query)
    may_create = surroundings.may(query.entity.permission("create"))
    may_edit = surroundings.may(query.entity.permission("edit"))
    quick = query.entity.quick_field
    bulk_options, bulk_combo = _offers(quick) if quick else ((), None)
    defaults = view.defaults if view else {}
    nothing = replace(
        query, filters=tuple(one for one in query.filters if one not in query.own), left_out=(), search=""
    )
    return ListPage(
        heading=heading,
        url=list_url(query),
        columns=_columns(query),
        rows=rows,
        quick_column=quick_column(query),
        count=_count_text(number, view.one if view else entity.label, heading, capped=capped),
        exact_url=list_url(query, query.place, count="exact") if capped else None,
        notices=query.notices,
        chips=make_chips(query),
        clear_url=list_url(replace(nothing, place=None)),
        filter=empty_form(query),
        hidden=[pair for pair in pairs_of(query) if pair[0] != "q"],
        search=query.search,
        views=_views(query),
        view=make_view_box(query),
        tools=_tools(query, number),
        density=query.density,
        new_url=url_for("editing.new", entity=query.entity, **dict[str, Any](defaults)) if may_create else None,
        new_label=view.new_label if view else entity.new_label,
        new_is_button=query.entity.model is Series,
        first_url=list_url(query) if found.first_number > 1 else None,
        previous_url=list_url(query, found.previous) if found.previous and found.first_number > 1 else None,
        next_url=list_url(query, found.next)
        if found.next and (capped or len(found.rows) + found.first_number - 1 < number)
        else None,
        range_text=_range_text(found, number, capped=capped),
        go_label=query.sort[0].field.label,
        bulk_url=_bulk_url(query),
        may_set=may_edit,
        bulk_actions=[*several_buttons(query.entity, "bulk"), *rows_buttons(query.entity)],
        row_actions=several_buttons(query.entity, "list"),
        mail_url=url_for("mail_send.send", entity=query.entity) if may_edit and email_fields(query.entity) else None,
        tag_url=url_for("tags.bulk", entity=query.entity) if may_edit and may_tag(query.entity) else None,
        edit_url=url_for("bulk_fields.edit", entity=query.entity)
        if may_edit and fields_of_many(query.entity)
        else None,
        assigned=found_owner.name if may_edit and (found_owner := assigned_field(query.entity)) else None,
        bulk_statuses=bulk_options,
        bulk_combo=bulk_combo,
        bulk_label=_("Set status")
        if quick is None or target_of(quick) is None
        else _("Set %(field)s", field=quick.label),
        may_delete=may_edit and surroundings.may(query.entity.permission("delete")),
        return_url=list_url(query, query.place),
        csrf=generate_csrf(),
        empty=not rows and not query.own and not query.search,
        all_url=list_url(query, query.place, all="1") if _bulk_url(query) and number > len(rows) else None,
        all_label=_("Select all %(number)s", number=_counted(number, capped=capped)),
        all_selected="all" in request.args,
        query=query_string(query),
        menu=list_buttons(query.entity, query_string(query)) if rows else (),
    )


def _bulk_url(query: ListQuery) -> str | None:
    """Where the bulk bar leads; none, and no boxes to tick, for who can do nothing with many rows."""
    useful = here().may(query.entity.permission("edit")) or offered(query.entity, "bulk") or rows_buttons(query.entity)
    return url_for("editing.bulk", entity=query.entity) if useful else None


def _counted(number: int, *, capped: bool) -> str:
    """A number of rows as people read it: beyond the cap nobody counts."""
    return f"{format_integer(number - 1)}+" if capped else format_integer(number)


def _count_text(number: int, one: Text, heading: Text, *, capped: bool) -> Text:
    one, words = (str(text)[:1].lower() + str(text)[1:] for text in (one, heading))
    if capped:
        return _("%(number)s+ %(list)s", number=format_integer(number - 1), list=words)
    return lazy_plural(
        "%(number)s %(one)s", "%(number)s %(list)s", number, number=format_integer(number), one=one, list=words
    )


def _range_text(found: Page, number: int, *, capped: bool) -> Text:
    if not found.rows:
        return _("No rows")
    last = found.first_number + len(found.rows) - 1
    total = _counted(number, capped=capped)
    return lazy_plural(
        "Row %(first)s–%(last)s of %(total)s",
        "Rows %(first)s–%(last)s of %(total)s",
        last - found.first_number + 1,
        first=format_integer(found.first_number),
        last=format_integer(last),
        total=total,
    )


def _columns(query: ListQuery) -> list[Column]:
    columns = []
    first = query.sort[0]
    typed = writable_fields(query.entity) if here().may(query.entity.permission("edit")) else []
    edited = [found for found in typed if found not in (query.columns[0], query.entity.quick_field)]
    for field in query.columns:
        by = _sorted_by(query, field)
        current = first.field.name == by.name
        state = None if not current else ("descending" if first.descending else "ascending")
        key = SortKey(by, descending=current and not first.descending)
        url = list_url(replace(query, place=None, sort=(key,)))
        columns.append(Column(field.name, field.label, field.type.align, url, state, field in edited))
    return columns


def _sorted_by(query: ListQuery, field: Field) -> Asked:
    """What a column is sorted by: a link by the name of what it leads to, since its number says nothing."""
    target = target_of(field)
    return query.linked.get(f"{field.name}.{target.title_field.name}", field) if target is not None else field


def _views(query: ListQuery) -> list[ListTab]:
    """The views of the list: all of it, those that are built in, the saved ones."""
    known = desk(query.entity.name)
    base = url_for("records.index", entity=query.entity)
    if not query.entity.entity.views and not known.here:
        return []
    plain = query.saved is None
    everything = f"{base}?view={ALL}" if known.default_view is not None else base
    return [
        ListTab(_("All"), everything, plain and not query.view),
        *(
            ListTab(view.label, f"{base}?view={view.name}", plain and view.name == query.view)
            for view in query.entity.entity.views
        ),
        *(ListTab(one.name, f"{base}?view={one.id}", one.id == query.saved) for one in known.here),
    ]


def make_arrangement(query: ListQuery) -> Arrangement:
    """Columns in their order, then the others; sort keys."""
    shown = query.columns[1:]
    visible = [found for name, found in query.entity.fields.items() if name in query.visible]
    others = [found for found in visible if found not in query.columns]
    sorts = [(key.field.name, key.descending) for key in query.sort]
    return Arrangement(
        url=url_for("lists.arrange", entity=query.entity),
        query=shown_string(query),
        columns=[(found.name, found.label, found in shown) for found in (*shown, *others)],
        first_column=query.columns[0].label,
        sort_groups=field_groups(query, sorting=True),
        sorts=[*sorts, *[("", False)] * (MAXIMUM_SORTS - len(sorts))],
    )


def _tools(query: ListQuery, number: int) -> ListTools:
    """What arranges the list: the ways to columns and sort keys, density, rows per page."""
    shown_facets = request.args.get("facets") == "1"
    labels = {"": _("Automatic"), DENSITIES[0]: _("Compact"), DENSITIES[1]: _("Comfortable")}
    return ListTools(
        url=url_for("lists.arrange", entity=query.entity),
        query=shown_string(query),
        columns_url=url_for("lists.arrange_form", entity=query.entity, what=COLUMNS, query=shown_string(query)),
        sorting_url=url_for("lists.arrange_form", entity=query.entity, what=SORT, query=shown_string(query)),
        densities=[(name, label, name == query.density) for name, label in labels.items()],
        sizes=[(str(size), _("%(number)s per page", number=size), size == query.size) for size in PAGE_SIZES]
        if number > PAGE_SIZES[0]
        else (),
        facets_url=facets_url(query),
        facets_toggle_url=list_url(query, query.place, **({} if shown_facets else {"facets": "1"})),
        facets_open=shown_facets,
        facets_key=hashlib.sha256(shown_string(query).encode()).hexdigest()[:12],
    )


def quick_column(query: ListQuery) -> int | None:
    """The column that is set with one click, None when there is none, or too much to choose from: a linked record."""
    quick = query.entity.quick_field
    return query.columns.index(quick) if quick in query.columns and quick.type.control().options else None


def _offers(field: Field) -> tuple[Sequence[Option], Combobox | None]:
    """The values there are for a field, or the search among them."""
    target = target_of(field)
    if target is not None:
        return few_or_search(field, target)
    return [option for option in field.type.control().options if option.code], None


# -- rows -------------------------------------------------------------------------------------------------------
def _more(query: ListQuery) -> list[Field]:
    """Fields a row is read with beside its columns: those that say which actions it has."""
    wanted = (query.entity.field(action.only[0]) for _plugin, action in offered(query.entity, "list") if action.only)
    return [found for found in dict.fromkeys(wanted) if found not in query.columns]


def make_rows(
    query: ListQuery, rows: Sequence[Sequence[Any]], *, error: Text | None = None, gone: bool = False
) -> list[str]:
    """Rows of (id, version, *columns, *more, ...) as HTML. `error`, `gone`: of the one row that answers a click."""
    actions = offered(query.entity, "list")
    fields = [*query.columns, *_more(query)]
    places = {found.name: place for place, found in enumerate(fields, start=FIRST_COLUMN)}
    shown = row_actions(query.entity, actions, rows, places)
    links = [at for at, (_plugin, action) in enumerate(actions) if action.endpoint is not None]
    states = [RowState(of, _urls(actions, links, of, row[0]), gone, error) for of, row in zip(shown, rows, strict=True)]
    end, title = FIRST_COLUMN + len(query.columns), places[query.entity.title_field.name]
    may_edit = here().may(query.entity.permission("edit"))
    writer = writer_of(
        here().kept, query.entity, query.columns, strip=quick_column(query) if may_edit else None,
        in_menu=query.size > STRIPS_UP_TO, picked=_bulk_url(query) is not None, edited=may_edit,
        actions=[
            RowAction(action.label, f"a{at}" if action.endpoint is None else None, action.shortcut)
            for at, (_plugin, action) in enumerate(actions)
        ],
    )  # fmt: skip
    return writer.write(
        [(row[0], str(row[title]), row[FIRST_COLUMN:end]) for row in rows],
        states,
        _titles(query, rows),
        token=generate_csrf(),
        all_picked="all" in request.args,
    )


def _urls(
    actions: Sequence[tuple[str, Action]], links: Sequence[int], shown: Sequence[int], record_id: int
) -> dict[int, str] | None:
    """The addresses of the actions of a row that are links."""
    return {at: url_for(str(actions[at][1].endpoint), record_id=record_id) for at in links if at in shown} or None


def _titles(query: ListQuery, rows: Sequence[Sequence[Any]]) -> dict[int, Titles]:
    """Names and addresses of linked records, by the places of their columns."""
    surroundings = here()

    def address(target: RegisteredEntity, record_id: int) -> str | None:
        may = surroundings.may(target.permission("view"))
        return url_for("records.sheet", entity=target, record_id=record_id) if may else None

    found: dict[int, Titles] = {}
    for place, field in enumerate(query.columns):
        if isinstance(field.type, Link):
            values = (row[FIRST_COLUMN + place] for row in rows)
            found[place] = link_titles(surroundings.session, surroundings.registry, field, values, address)
    return found


def make_one_row(query: ListQuery, record_id: int, error: Text | None = None) -> str | None:
    """One row after a quick change: marked when the list no longer selects it; None when it is gone."""
    row, matches = read_row(here().session, query, [*query.columns, *_more(query)], record_id)
    return None if row is None else make_rows(query, [row], error=error, gone=not matches)[0]
