"""The generic list, sheet and trash: for every entity, over one set of routes (DESIGN 8, UX 2.1, 2.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from core.data.query import ListQuery
from core.errors import Invalid
from core.features.list_rows import go_to
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb, HistoryPage
from core.web.current import here
from core.web.desk import desk
from core.web.last_list import list_address, remember_list
from core.web.list_address import asked, list_url, saved_view
from core.web.list_filters import add_filter
from core.web.list_page import make_list_page
from core.web.policy import SIGNED_IN, policy
from core.web.responses import is_fragment, page, record_or_404, see
from core.web.sheet_page import HISTORY_LINES, count_tab, make_history, read_history, show_sheet, tab_asked
from core.web.shell import group_label, make_shell
from core.web.trash import make_bin_page

blueprint = Blueprint("records", __name__)

AFTERWARDS = frozenset({"done", "told"})
"""What an address says only to tell what was done before."""


@blueprint.get("/<entity:entity>")
@policy("entity.view")
def index(entity: RegisteredEntity) -> Response:
    """The list: filters, sort, columns and place all in the URL."""
    if "field" in request.args:  # the filter form: make it a filter of the URL
        added = add_filter(entity, request.args)
        if isinstance(added, str):
            return see(added)
        return page(
            "core/pick_step.html",
            page=added,
            shell=make_shell(added.heading, [Crumb(entity.entity.plural, added.back_url), Crumb(added.heading)]),
        )
    default = desk(entity.name).default_view
    if default is not None and not set(request.args) - AFTERWARDS and desk(entity.name).find(default):
        return see(url_for("records.index", entity=entity, view=default, **dict[str, Any](request.args)))
    query = asked(entity, request.args.to_dict(flat=False))
    if request.args.get("go", "").strip():
        query = _gone_to(query, request.args["go"])
        if not query.notices:
            return see(list_url(query, query.place))
    content = make_list_page(query, exact=request.args.get("count") == "exact")
    if is_fragment():
        return remember_list(page("core/list_region.html", page=content), entity, content.return_url)
    saved = saved_view(query)
    crumbs = [Crumb(group_label(entity.entity.group)), Crumb(content.heading), *([Crumb(saved.name)] if saved else [])]
    title = _("%(view)s – %(list)s", view=saved.name, list=content.heading) if saved else content.heading
    answer = page("core/list.html", page=content, shell=make_shell(title, crumbs))
    return remember_list(answer, entity, content.return_url)


def _gone_to(query: ListQuery, typed: str) -> ListQuery:
    """The list from the row on that the person typed a value of; with a notice when it is none."""
    try:
        return replace(query, place=go_to(here().session, query, typed))
    except Invalid as error:
        return replace(query, notices=(*query.notices, error.message))


@blueprint.get("/<entity:entity>/<int:record_id>")
@policy("entity.view")
def sheet(entity: RegisteredEntity, record_id: int) -> Response:
    """One record: its fields, what plugins say of it, what happened to it."""
    record = record_or_404(entity.model, record_id, deleted=True)
    return show_sheet(entity, record, tab=tab_asked())


@blueprint.get("/<entity:entity>/<int:record_id>/tab/<name>/count")
@policy("entity.view")
def tab_count(entity: RegisteredEntity, record_id: int, name: str) -> Response:
    """The number behind the label of a plugin's tab, fetched once the sheet is there; nothing when it failed."""
    return page("core/tab_count.html", count=count_tab(entity, record_or_404(entity.model, record_id), name))


@blueprint.get("/<entity:entity>/<int:record_id>/history")
@policy("entity.view")
def history(entity: RegisteredEntity, record_id: int) -> Response:
    """Older history of a record, page by page."""
    record = record_or_404(entity.model, record_id, deleted=True)
    before = number_argument(request.args, "before")
    entries = read_history(entity, record, before)
    lines, older = make_history(entity, record, entries[:HISTORY_LINES])
    sheet_url = url_for("records.sheet", entity=entity, record_id=record_id)
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, list_address(entity)),
        Crumb(record.title, sheet_url),
        Crumb(_("History")),
    ]
    content = HistoryPage(record.title, lines, older if len(entries) > HISTORY_LINES else None, sheet_url)
    return page("core/history.html", page=content, shell=make_shell(record.title, crumbs))


@blueprint.get("/trash")
@policy(SIGNED_IN)
def trash() -> Response:
    """Deleted records of all lists the user may see."""
    content = make_bin_page()
    return page("core/bin.html", page=content, shell=make_shell(content.heading, [Crumb(content.heading)]))
