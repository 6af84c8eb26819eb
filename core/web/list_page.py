"""Makes the list page from a question: columns, rows, filters, places (UX 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from flask import request, url_for
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from core.contract.contributions import View
from core.data.numbering import Series
from core.data.query import COUNT_CAP, Filter, ListQuery, Page, Place, count, read_row
from core.exchange.mail.templates import email_fields
from core.fields import Field, Option
from core.fields.base import BETWEEN
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.cells import Cell, cell_maker, link_titles, make_strip
from core.web.commands import list_buttons, rows_buttons
from core.web.contexts import ActionButton, Column, FilterChip, FilterField, ListPage, ListRow, ListView, RowPage
from core.web.current import here
from core.web.form_contexts import Combobox, PickStep
from core.web.picking import TEXT, Sought, few_or_search, make_step, read_link, target_of, title_of
from core.web.plugin_actions import offered, row_buttons, several_buttons
from core.web.tag_boxes import may_tag

Reader = Callable[[Session, ListQuery, Sequence[Field]], Page]
LONG_LIST = 50
"""Values a filter offers; of longer lists (countries, currencies, languages) names and codes are typed."""
KEPT = ("view", "f", "q", "sort", "c")


def list_url(query: ListQuery, place: Place | None = None, **changes: str | None) -> str:
    """The address of the same list with another sort, view or place; everything else is kept (UX 0.1.2)."""
    pairs: list[tuple[str, str]] = []
    if query.view:
        pairs.append(("view", query.view))
    view = _view(query)
    fixed = set(view.filters) if view else set()
    pairs += [("f", one.wire()) for one in query.filters if one.wire() not in fixed]
    if query.search:
        pairs.append(("q", query.search))
    sort = ("-" if query.descending else "") + query.sort_field.name
    if sort != query.entity.entity.default_sort:
        pairs.append(("sort", sort))
    pairs += [("c", name) for name in request.args.getlist("c")]
    pairs = [(name, value) for name, value in pairs if name not in changes]
    pairs += [(name, value) for name, value in changes.items() if value]
    if place is not None:
        pairs.append(("at", place.wire()))
    address = url_for("records.index", entity=query.entity)
    return f"{address}?{urlencode(pairs)}" if pairs else address


def add_filter(entity: RegisteredEntity, arguments: MultiDict[str, str]) -> str | PickStep:
    """The address with the filter of the form added to what was there, or the step that lists the matches of a name."""
    pairs = [(name, value) for name in KEPT for value in arguments.getlist(name)]
    field, operator = arguments.get("field", ""), arguments.get("op", "is")
    values = [value for value in arguments.getlist("value") if value]
    found = entity.fields.get(field)
    surroundings = here()
    if found is not None and field in surroundings.permissions.fields(surroundings.actor, entity):
        sought = _linked(found, arguments, values)
        if sought is not None:
            kept = [*pairs, ("field", field), ("op", operator), *(("value", value) for value in values)]
            index = url_for("records.index", entity=entity)
            return make_step(
                found,
                sought,
                url=index,
                method="get",
                hidden=kept,
                back=f"{index}?{urlencode(pairs)}" if pairs else index,
            )
    if field:
        escaped = ",".join(quote(value, safe="") for value in values)
        pairs.append(("f", f"{field}:{operator}" + (f":{escaped}" if escaped else "")))
    return f"{url_for('records.index', entity=entity)}?{urlencode(pairs)}"


def _linked(found: Field, arguments: MultiDict[str, str], values: list[str]) -> Sought | None:
    """Turn the names typed for a link into numbers, in `values`; the first that is unclear ends it."""
    target = target_of(found)
    if target is None:
        return None
    if "value" + TEXT in arguments:
        typed = [read_link(target, arguments, "value")]
    else:  # the plain input of the form without script
        typed = [
            value
            if value.removeprefix("#").isdecimal()
            else read_link(target, MultiDict({"value" + TEXT: value}), "value")
            for value in values
        ]
    values[:] = [value for value in typed if isinstance(value, str) and value]
    return next((value for value in typed if isinstance(value, Sought)), None)


def _view(query: ListQuery) -> View | None:
    return next((view for view in query.entity.entity.views if view.name == query.view), None)


def make_list_page(query: ListQuery, read: Reader) -> ListPage:
    """Everything the list template shows."""
    surroundings = here()
    entity = query.entity.entity
    view = _view(query)
    heading = view.label if view else entity.plural
    found = read(surroundings.session, query, query.columns)
    rows = make_rows(query, found.rows)
    number = count(surroundings.session, query)
    may_create = surroundings.may(query.entity.permission("create"))
    may_edit = surroundings.may(query.entity.permission("edit"))
    quick = query.entity.quick_field
    bulk_options, bulk_combo = _offers(quick) if quick else ((), None)
    defaults = view.defaults if view else {}
    fixed = set(view.filters) if view else set()
    own = [one for one in query.filters if one.wire() not in fixed]
    return ListPage(
        heading=heading,
        url=list_url(query),
        columns=_columns(query),
        rows=rows,
        quick_column=quick_column(query),
        count=_count_text(number, view.one if view else entity.label, heading),
        notices=query.notices,
        chips=[FilterChip(filter_words(one), list_url(query.without(one))) for one in own],
        clear_url=list_url(
            replace(query, filters=tuple(one for one in query.filters if one not in own), search="", place=None)
        ),
        filters=_filter_fields(query),
        hidden=[("view", query.view)] * bool(query.view)
        + [("f", one.wire()) for one in own]
        + [("c", name) for name in request.args.getlist("c")]
        + [("sort", request.args.get("sort", ""))] * bool(request.args.get("sort")),
        search=query.search,
        views=_views(query),
        new_url=url_for("editing.new", entity=query.entity, **dict[str, Any](defaults)) if may_create else None,
        new_label=view.new_label if view else entity.new_label,
        new_is_button=query.entity.model is Series,
        first_url=list_url(query) if found.first_number > 1 else None,
        previous_url=list_url(query, found.previous) if found.previous and found.first_number > 1 else None,
        next_url=list_url(query, found.next)
        if found.next and len(found.rows) + found.first_number - 1 < _known(number)
        else None,
        range_text=_range_text(found, number),
        bulk_url=_bulk_url(query),
        may_set=may_edit,
        bulk_actions=[*several_buttons(query.entity, "bulk"), *rows_buttons(query.entity)],
        row_actions=several_buttons(query.entity, "list"),
        mail_url=url_for("mail_send.send", entity=query.entity) if may_edit and email_fields(query.entity) else None,
        tag_url=url_for("tags.bulk", entity=query.entity) if may_edit and may_tag(query.entity) else None,
        bulk_statuses=bulk_options,
        bulk_combo=bulk_combo,
        bulk_label=_("Set status")
        if quick is None or target_of(quick) is None
        else _("Set %(field)s", field=quick.label),
        may_delete=may_edit and surroundings.may(query.entity.permission("delete")),
        all_columns=[
            (name, field.label, field in query.columns)
            for name, field in query.entity.fields.items()
            if name in query.visible
        ],
        return_url=list_url(query, query.place),
        csrf=generate_csrf(),
        empty=not rows and not own and not query.search,
        all_url=list_url(query, query.place, all="1") if _bulk_url(query) and number > len(rows) else None,
        all_label=_("Select all %(number)s", number=_counted(number)),
        all_selected="all" in request.args,
        query=urlsplit(list_url(query)).query,
        menu=list_buttons(query.entity, urlsplit(list_url(query)).query) if rows else (),
    )


def _bulk_url(query: ListQuery) -> str | None:
    """Where the bulk bar leads; none, and no boxes to tick, for who can do nothing with many rows."""
    useful = here().may(query.entity.permission("edit")) or offered(query.entity, "bulk") or rows_buttons(query.entity)
    return url_for("editing.bulk", entity=query.entity) if useful else None


def _known(number: int) -> float:
    """The number of rows, or infinity when counting stopped at the cap."""
    return number if number < COUNT_CAP else float("inf")


def _counted(number: int) -> str:
    """A number of rows as people read it: beyond the cap nobody counts."""
    return format_integer(number) if number < COUNT_CAP else f"{format_integer(COUNT_CAP - 1)}+"


def _count_text(number: int, one: Text, heading: Text) -> Text:
    one, words = (str(text)[:1].lower() + str(text)[1:] for text in (one, heading))
    if number >= COUNT_CAP:
        return _("%(number)s+ %(list)s", number=format_integer(COUNT_CAP - 1), list=words)
    return lazy_plural(
        "%(number)s %(one)s", "%(number)s %(list)s", number, number=format_integer(number), one=one, list=words
    )


def _range_text(found: Page, number: int) -> Text:
    if not found.rows:
        return _("No rows")
    last = found.first_number + len(found.rows) - 1
    total = _counted(number)
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
    for field in query.columns:
        current = field is query.sort_field
        down = current and not query.descending
        state = None if not current else ("descending" if query.descending else "ascending")
        url = list_url(replace(query, place=None), sort=("-" if down else "") + field.name)
        columns.append(Column(field.name, field.label, field.type.align, url, state))
    return columns


def _views(query: ListQuery) -> list[ListView]:
    if not query.entity.entity.views:
        return []
    base = url_for("records.index", entity=query.entity)
    everything = ListView(_("All"), base, not query.view)
    return [
        everything,
        *(
            ListView(view.label, f"{base}?view={view.name}", view.name == query.view)
            for view in query.entity.entity.views
        ),
    ]


def quick_column(query: ListQuery) -> int | None:
    """The column that is set with one click, None when there is none, or too much to choose from: a linked record."""
    quick = query.entity.quick_field
    return query.columns.index(quick) if quick in query.columns and quick.type.control().options else None


def _offers(field: Field) -> tuple[Sequence[Option], Combobox | None]:
    """The values there are for a field, or the search among them."""
    target = target_of(field)
    if target is not None:
        return few_or_search(field, target)
    options = [option for option in field.type.control().options if option.code]
    return options if len(options) <= LONG_LIST else [], None


def _filter_fields(query: ListQuery) -> list[FilterField]:
    return [
        FilterField(
            name,
            field.label,
            [(operator.name, operator.label, operator.values) for operator in field.type.operators],
            *_offers(field),
        )
        for name, field in query.entity.fields.items()
        if name in query.visible
    ]


def filter_words(one: Filter) -> Text:
    """A filter as a sentence: `Country is France or Belgium`."""
    operator = next(found.label for found in one.field.type.operators if found.name == one.operator)
    shown = []
    for value in one.values:
        parsed = one.field.type.parse(value)
        target = target_of(one.field)
        if parsed is not None and target is not None:
            shown.append(title_of(target, str(parsed)))
        else:
            shown.append("" if parsed is None else one.field.type.text(parsed))
    values = str(_(" and ") if one.operator == BETWEEN.name else _(" or ")).join(shown)
    return (
        _("%(field)s %(operator)s %(values)s", field=one.field.label, operator=operator, values=values)
        if shown
        else _("%(field)s %(operator)s", field=one.field.label, operator=operator)
    )


# -- rows -------------------------------------------------------------------------------------------------------
def make_rows(query: ListQuery, rows: Sequence[Sequence[Any]]) -> list[ListRow]:
    """Rows of (id, version, sort value, *columns) as the template draws them."""
    makers, buttons = _makers(query, rows), row_buttons(query.entity, [row[0] for row in rows])
    return [_row(query, makers, row, buttons.get(row[0], ())) for row in rows]


def make_one_row(query: ListQuery, record_id: int, error: Text | None = None) -> ListRow | None:
    """One row after a quick change: marked when the list no longer selects it; None when it is gone."""
    row, matches = read_row(here().session, query, query.columns, record_id)
    if row is None:
        return None
    buttons = row_buttons(query.entity, [record_id]).get(record_id, ())
    return replace(_row(query, _makers(query, [row]), row, buttons), gone=not matches, error=error)


def _makers(query: ListQuery, rows: Sequence[Sequence[Any]]) -> list[Cell]:
    surroundings = here()

    def address(target: RegisteredEntity, record_id: int) -> str | None:
        may = surroundings.may(target.permission("view"))
        return url_for("records.sheet", entity=target, record_id=record_id) if may else None

    makers = []
    for position, field in enumerate(query.columns, start=3):
        titles: Mapping[int, tuple[str, str | None]] = link_titles(
            surroundings.session, surroundings.registry, field, (row[position] for row in rows), address
        )
        makers.append(cell_maker(field, titles))
    return makers


def _row(query: ListQuery, makers: Sequence[Cell], row: Sequence[Any], buttons: Sequence[ActionButton]) -> ListRow:
    record_id = row[0]
    cells = [maker(value) for maker, value in zip(makers, row[3:], strict=True)]
    title = str(row[3 + query.columns.index(query.entity.title_field)])
    quick = query.entity.quick_field
    base = f"/{query.entity.entity.slug}/{record_id}"
    strip = None
    column = quick_column(query)
    may_edit = here().may(query.entity.permission("edit"))
    if quick is not None and column is not None and may_edit:
        strip = make_strip(quick, row[3 + column], title, f"{base}/status")
    edit_url = f"{base}/edit" if may_edit else None
    return ListRow(record_id, title, base, cells, strip, edit_url=edit_url, actions=buttons)


def make_row_page(query: ListQuery, row: ListRow, return_url: str) -> RowPage:
    """What the row template needs of its list."""
    return RowPage(
        columns=_columns(query),
        rows=[row],
        quick_column=quick_column(query),
        bulk_url=_bulk_url(query),
        return_url=return_url,
    )
