"""The generic list, sheet and trash: for every entity, over one set of routes (DESIGN 8, UX 2.1, 2.3)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from core.data.query import parse, read_page
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb, HistoryPage
from core.web.current import here
from core.web.last_list import list_address, remember_list
from core.web.list_page import add_filter, make_list_page
from core.web.policy import SIGNED_IN, policy
from core.web.responses import is_fragment, page, record_or_404, see
from core.web.sheet_page import HISTORY_LINES, count_tab, make_history, read_history, show_sheet, tab_asked
from core.web.shell import group_label, make_shell
from core.web.trash import make_bin_page

blueprint = Blueprint("records", __name__)


@blueprint.get("/<entity:entity>")
@policy("entity.view")
def index(entity: RegisteredEntity) -> Response:
    """The list: filters, sort, columns and place all in the URL."""
    surroundings = here()
    if "field" in request.args:  # the filter form without script: make it a filter of the URL
        added = add_filter(entity, request.args)
        if isinstance(added, str):
            return see(added)
        return page(
            "core/pick_step.html",
            page=added,
            shell=make_shell(added.heading, [Crumb(entity.entity.plural, added.back_url), Crumb(added.heading)]),
        )
    allowed = surroundings.permissions.fields(surroundings.actor, entity)
    query = parse(entity, request.args.to_dict(flat=False), allowed, scope=surroundings.scope)
    content = make_list_page(query, read_page)
    if is_fragment():
        return remember_list(page("core/list_region.html", page=content), entity, content.return_url)
    crumbs = [Crumb(group_label(entity.entity.group)), Crumb(content.heading)]
    answer = page("core/list.html", page=content, shell=make_shell(content.heading, crumbs))
    return remember_list(answer, entity, content.return_url)


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
