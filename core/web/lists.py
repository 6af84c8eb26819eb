"""What arranges a list: the filter builder, and what a person is used to in it (UX 2.1)."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from core.data.query import DENSITIES, MAXIMUM_SORTS, PAGE_SIZES, ListQuery, SortKey
from core.data.unit import transaction
from core.errors import NotFound, Refused
from core.features.list_views import keep_choice
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import Crumb
from core.web.current import here
from core.web.list_address import list_url, plain, read_query_string
from core.web.list_contexts import ArrangeForm
from core.web.list_filters import filled_form
from core.web.list_page import COLUMNS, SORT, make_arrangement, make_list_page
from core.web.policy import policy
from core.web.responses import is_fragment, page, see
from core.web.shell import make_shell

blueprint = Blueprint("lists", __name__)


@blueprint.get("/<entity:entity>/filter-editor")
@policy("entity.view")
def filter_editor(entity: RegisteredEntity) -> Response:
    """The builder for a field: a page, the content of a dialog, or only what follows the field."""
    form = filled_form(entity, request.args)
    if is_fragment():
        only = request.headers.get("HX-Target", "").rpartition("#")[2] != "dialog"
        return page("core/filter_rest.html" if only else "core/filter_form.html", form=form, in_dialog=True)
    crumbs = [Crumb(entity.entity.plural, form.cancel_url), Crumb(form.heading)]
    return page("core/filter_page.html", form=form, shell=make_shell(form.heading, crumbs))


@blueprint.get("/<entity:entity>/arrange")
@policy("entity.view")
def arrange_form(entity: RegisteredEntity) -> Response:
    """Which columns, or by which keys it is sorted: a page, or the content of a dialog."""
    headings = {COLUMNS: _("Columns"), SORT: _("Sort")}
    what = request.args.get("what", "")
    if what not in headings:
        raise NotFound(_("This list cannot be arranged that way"))
    query = replace(read_query_string(entity, request.args.get("query", "")), place=None)
    form = ArrangeForm(what, headings[what], make_arrangement(query))
    if is_fragment():
        return page("core/arrange_form.html", form=form, in_dialog=True)
    crumbs = [Crumb(entity.entity.plural, list_url(query)), Crumb(form.heading)]
    return page("core/arrange_page.html", form=form, shell=make_shell(form.heading, crumbs))


@blueprint.post("/<entity:entity>/arrange")
@policy("entity.view")
def arrange(entity: RegisteredEntity) -> Response:
    """Set columns, sort, density or rows per page, and remember it for the person, unless it is a saved view's."""
    query = replace(read_query_string(entity, request.form.get("query", "")), place=None)
    what = request.form.get("what", "")
    kept: dict[str, list[str]] = {}
    if what == COLUMNS:
        names = [] if "reset" in request.form else _moved(request.form.getlist("c"), request.form.get("move", ""))
        found = [entity.fields[name] for name in names if name in query.visible]
        kept["c"] = [one.name for one in found]
        query = replace(
            query, columns=tuple(dict.fromkeys((entity.title_field, *found))) if found else plain(query).columns
        )
    elif what == SORT:
        keys = [] if "reset" in request.form else _sort_keys(query)
        kept["sort"] = [",".join(key.wire() for key in keys)] if keys else []
        query = replace(query, sort=tuple(keys) or plain(query).sort)
    elif what == "density" and request.form.get("density", "") in ("", *DENSITIES):
        kept["density"] = [request.form["density"]] if request.form.get("density") else []
        query = replace(query, density=request.form.get("density", ""))
    elif what == "per" and request.form.get("per", "") in map(str, PAGE_SIZES):
        kept["per"] = [request.form["per"]]
        query = replace(query, size=int(request.form["per"]))
    else:
        raise Refused(_("This list cannot be arranged that way"))
    user = here().user
    if user is not None and (query.saved is None or what == "per"):
        with transaction("list.arrange") as unit:
            keep_choice(unit, user.id, entity.name, **kept)
        here().fresh()
        query = replace(
            query,
            usual=read_query_string(entity, f"view={query.view}").usual,
            usual_size=query.size if what == "per" else query.usual_size,
        )
    if not is_fragment():
        return see(list_url(query))
    answer = page("core/list_region.html", page=make_list_page(query))
    answer.headers["HX-Push-Url"] = list_url(query)
    return answer


def _moved(names: list[str], move: str) -> list[str]:
    """The names with one of them moved: `up:town`, `down:town`."""
    way, _colon, name = move.partition(":")
    if name in names and way in ("up", "down"):
        at = names.index(name)
        to = max(0, at - 1) if way == "up" else at + 1
        names.insert(to, names.pop(at))
    return names


def _sort_keys(query: ListQuery) -> list[SortKey]:
    """The keys of the dialog, those without a field left out, each field once."""
    keys: dict[str, SortKey] = {}
    for number in range(1, MAXIMUM_SORTS + 1):
        found = query.find(request.form.get(f"sort{number}", ""))
        if found is not None:
            keys.setdefault(found.name, SortKey(found, request.form.get(f"way{number}") == "down"))
    return list(keys.values())
