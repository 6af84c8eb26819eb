"""Saved views of a list: save, change, copy, pin, set as default, delete (UX 2.1). Who may is decided by the record."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for

from core.access.models import User
from core.data.unit import Unit, transaction
from core.errors import EditConflict, Forbidden, Invalid, NotFound, Refused
from core.features.bin import delete_record
from core.features.list_views import (
    PRIVATE,
    SHARING,
    ListView,
    Saved,
    choice_of,
    copy_view,
    join_roles,
    move_pin,
    pin_view,
    save_view,
    unpin_view,
    view_in,
    write_state,
)
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import is_ticked, number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.desk import desk
from core.web.list_address import read_query_string
from core.web.list_contexts import ViewForm, ViewLine, ViewsPage
from core.web.policy import policy
from core.web.responses import came_from, page, see
from core.web.saved_view_box import may_lock, role_options
from core.web.shell import group_label, make_shell

blueprint = Blueprint("saved_views", __name__)


def _person() -> User:
    user = here().user
    assert user is not None, "the policy lets nobody in who has not signed in"
    return user


def _known(entity: RegisteredEntity, view_id: int) -> Saved:
    """The view. Raises `NotFound`, also for one that the person may not know of."""
    found = desk(entity.name).find(view_id)
    if found is None:
        raise NotFound(_("This view does not exist, or was deleted"))
    return found


@blueprint.get("/<entity:entity>/views")
@policy("entity.view")
def index(entity: RegisteredEntity) -> Response:
    """All views of the list that the person knows of, and what he may do with each."""
    known = desk(entity.name)
    pins = [one.id for one in known.pinned]
    lines = [_line(entity, one, known.default_view, pins) for one in known.here]
    heading = _("Saved views: %(list)s", list=entity.entity.plural)
    content = ViewsPage(
        heading, url_for("records.index", entity=entity), url_for("saved_views.index", entity=entity), lines
    )
    return page("core/views.html", page=content, shell=make_shell(heading, _crumbs(entity, _("Saved views"))))


def _crumbs(entity: RegisteredEntity, last: Text) -> list[Crumb]:
    index_url = url_for("records.index", entity=entity)
    return [Crumb(group_label(entity.entity.group)), Crumb(entity.entity.plural, index_url), Crumb(last)]


def _line(entity: RegisteredEntity, one: Saved, default: int | None, pins: list[int]) -> ViewLine:
    def address(endpoint: str) -> str:
        return url_for(f"saved_views.{endpoint}", entity=entity, view_id=one.id)

    return ViewLine(
        id=one.id,
        name=one.name,
        url=url_for("records.index", entity=entity, view=one.id),
        sharing=SHARING[one.sharing],
        pinned=one.position is not None,
        default=one.id == default,
        edit_url=address("edit") if one.mine else None,
        pin_url=address("pin"),
        default_url=address("default"),
        copy_url=address("copy"),
        delete_url=address("delete") if one.mine else None,
        first=pins[:1] == [one.id],
        last=pins[-1:] == [one.id],
    )


# -- saving -----------------------------------------------------------------------------------------------------
def _typed() -> tuple[str, str, list[str]]:
    """Name, sharing and roles of the form. Raises `Invalid`."""
    name = ListView.__table__.c.name.info["field"].type.parse(request.form.get("name", ""))
    if name is None:
        raise Invalid(_("Enter a name"), field="name")
    sharing = request.form.get("sharing", PRIVATE)
    if sharing not in SHARING:
        raise Invalid(_("Choose whom the view is for"), field="sharing")
    roles = {option.code for option in role_options()}
    chosen = [code for code in request.form.getlist("role") if code in roles] if sharing != PRIVATE else []
    return name, sharing, chosen


@blueprint.post("/<entity:entity>/views")
@policy("entity.view")
def create(entity: RegisteredEntity) -> Response:
    """Save the list as a view, pin it and open the list with it, as ticked."""
    query = read_query_string(entity, request.form.get("query", ""))
    try:
        name, sharing, roles = _typed()
        with transaction("list_view.save") as unit:
            view = save_view(unit, query, name, sharing, roles)
            unit.session.flush()
            if is_ticked(request.form, "pin"):
                pin_view(unit, _person().id, view)
            if is_ticked(request.form, "default"):
                choice_of(unit, _person().id, entity.name).view_id = view.id
    except Refused as error:
        return _form(entity, None, error=error, hidden=request.form.get("query", ""))
    return see(url_for("records.index", entity=entity, view=view.id), unit.operation)


@blueprint.get("/<entity:entity>/views/<int:view_id>")
@policy("entity.view")
def edit(entity: RegisteredEntity, view_id: int) -> Response:
    """The form of a view: its name, and whom it is for."""
    saved = _known(entity, view_id)
    if not saved.mine:
        raise Forbidden(_("Only its owner may change this view, and a locked one only an administrator"))
    return _form(entity, saved)


@blueprint.post("/<entity:entity>/views/<int:view_id>")
@policy("entity.view")
def save(entity: RegisteredEntity, view_id: int) -> Response:
    """Rename a view, or share it with others."""
    try:
        name, sharing, roles = _typed()
        with transaction("list_view.edit") as unit:
            view = view_in(unit, entity.name, view_id, version=number_argument(request.form, "version"))
            view.name, view.sharing, view.roles = name, sharing, join_roles(roles)
    except Refused as error:
        return _form(entity, _known(entity, view_id), error=error)
    except EditConflict as conflict:
        return _form(entity, _known(entity, view_id), error=Refused(conflict.message), status=409)
    return see(url_for("saved_views.index", entity=entity), unit.operation)


def _form(
    entity: RegisteredEntity, saved: Saved | None, *, error: Refused | None = None, hidden: str = "",
    status: int = 422,
) -> Response:  # fmt: skip
    typed = request.form if error is not None else None
    heading = _("Edit view") if saved else _("Save view")
    content = ViewForm(
        heading=heading,
        url=url_for("saved_views.save", entity=entity, view_id=saved.id)
        if saved
        else url_for("saved_views.create", entity=entity),
        cancel_url=url_for("saved_views.index", entity=entity),
        name=typed.get("name", "") if typed is not None else saved.name if saved else "",
        sharing=typed.get("sharing", PRIVATE) if typed is not None else saved.sharing if saved else PRIVATE,
        chosen=typed.getlist("role") if typed is not None else saved.roles if saved else (),
        roles=role_options(),
        may_lock=may_lock(),
        version=saved.version if saved else None,
        query=hidden,
        error=error.message if error is not None else None,
    )
    shell = make_shell(heading, _crumbs(entity, heading))
    return page("core/view_form.html", 200 if error is None else status, form=content, shell=shell)


@blueprint.post("/<entity:entity>/views/<int:view_id>/state")
@policy("entity.view")
def keep(entity: RegisteredEntity, view_id: int) -> Response:
    """Save what was changed of a view since it was opened."""
    query = read_query_string(entity, request.form.get("query", ""))
    return _change(
        entity, view_id, "list_view.edit", lambda unit, view: setattr(view, "state", write_state(query.state))
    )


def _change(
    entity: RegisteredEntity, view_id: int, action: str, work: Callable[[Unit, ListView], object], *, back: str = ""
) -> Response:
    with transaction(action) as unit:
        work(unit, view_in(unit, entity.name, view_id))
    return see(back or url_for("records.index", entity=entity, view=view_id), unit.operation)


@blueprint.post("/<entity:entity>/views/<int:view_id>/copy")
@policy("entity.view")
def copy(entity: RegisteredEntity, view_id: int) -> Response:
    """A private copy for this person."""
    with transaction("list_view.copy") as unit:
        view = view_in(unit, entity.name, view_id)
        names = {one.name for one in desk(entity.name).here}
        name = str(_("Copy of %(name)s", name=view.name))
        number = 2
        while name[:80] in names:
            name = str(_("Copy %(number)s of %(name)s", number=number, name=view.name))
            number += 1
        copy_view(unit, view, name[:80])
    return see(url_for("saved_views.index", entity=entity), unit.operation)


@blueprint.post("/<entity:entity>/views/<int:view_id>/pin")
@policy("entity.view")
def pin(entity: RegisteredEntity, view_id: int) -> Response:
    """Put a view into one's menu, take it out, move it up or down."""
    to, person = request.form.get("to", "on"), _person().id
    with transaction("list_view.pin") as unit:
        view = view_in(unit, entity.name, view_id)
        if to == "on":
            pin_view(unit, person, view)
        elif to == "off":
            unpin_view(unit, person, view.id)
        else:
            move_pin(unit, person, view.id, -1 if to == "up" else 1)
    return see(came_from())


@blueprint.post("/<entity:entity>/views/<int:view_id>/default")
@policy("entity.view")
def default(entity: RegisteredEntity, view_id: int) -> Response:
    """Open the list with this view, or no longer."""
    with transaction("list_view.default") as unit:
        view = view_in(unit, entity.name, view_id)
        choice_of(unit, _person().id, entity.name).view_id = None if request.form.get("to") == "off" else view.id
    return see(came_from())


@blueprint.post("/<entity:entity>/views/<int:view_id>/delete")
@policy("entity.view")
def delete(entity: RegisteredEntity, view_id: int) -> Response:
    """Delete a view; the page after it offers Undo."""
    back = url_for("saved_views.index", entity=entity)
    return _change(entity, view_id, "list_view.delete", delete_record, back=back)
