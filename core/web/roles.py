"""Roles: the matrix of lists and what may be done with them (US-1, UX 2.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from sqlalchemy import func, select

from core.access.models import ADMINISTRATOR, User
from core.access.permissions import CORE_PERMISSIONS, reaches_of
from core.access.rights import add_role, decide, remove_role
from core.access.roles import VERBS, Rights, Verb
from core.data.scopes import REACHES, Reach
from core.data.unit import transaction
from core.errors import NotFound, Refused
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import Crumb
from core.web.current import here
from core.web.policy import guarded_by_password, policy
from core.web.responses import page, see
from core.web.shell import group_label, make_shell

blueprint = Blueprint("roles", __name__, url_prefix="/admin/roles")

SEE: tuple[tuple[Reach, Text], ...] = (("own", _("See own")), ("team", _("See team")), ("all", _("See all")))
DO: tuple[tuple[Verb, Text], ...] = (
    ("create", _("Create records")),
    ("edit", _("Edit records")),
    ("delete", _("Delete records")),
    ("export", _("Export records")),
)
CORE_LABELS = {"modules.manage": _("Manage modules"), "settings.manage": _("Change settings and roles")}


@dataclass(frozen=True, slots=True)
class Box:
    """One checkbox of the matrix."""

    name: str
    value: str
    label: Text
    checked: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One list with its boxes; None where the list does not know that reach."""

    label: Text
    boxes: Sequence[Box | None]


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role in the list of roles."""

    code: str
    label: Text
    people: int
    url: str
    second_factor: bool


@dataclass(frozen=True, slots=True)
class RolesPage:
    """All roles, and the form for another one."""

    roles: Sequence[RoleLine]
    error: Text | None = None
    code: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class RolePage:
    """The matrix of one role."""

    heading: Text
    url: str
    columns: Sequence[Text]
    rows: Sequence[MatrixRow]
    others: Sequence[Box]
    second_factor: bool
    fixed: bool
    remove_url: str | None


def _crumbs(*more: Crumb) -> list[Crumb]:
    return [Crumb(group_label("administration")), Crumb(_("Roles"), url_for("roles.index")), *more]


@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """All roles with how many people have each."""
    return _roles_page(None, 200)


def _roles_page(error: Text | None, status: int) -> Response:
    surroundings = here()
    counted = select(User.role, func.count()).group_by(User.role)
    people: dict[str, int] = {role: number for role, number in surroundings.session.execute(counted)}
    lines = [
        RoleLine(code, rights.label, people.get(code, 0), url_for("roles.matrix", code=code), rights.second_factor)
        for code, rights in surroundings.permissions.roles.items()
    ]
    content = RolesPage(lines, error, request.form.get("code", ""), request.form.get("label", ""))
    return page("core/roles.html", status, page=content, shell=make_shell(_("Roles"), _crumbs()))


@blueprint.post("")
@policy("settings.manage")
@guarded_by_password
def add() -> Response:
    """Add a role that may do nothing yet."""
    code = request.form.get("code", "").strip()
    here().fresh()
    try:
        with transaction("role.add", cause=code) as unit:
            add_role(unit.session, code, request.form.get("label", ""))
            unit.noteworthy = True
    except Refused as error:
        return _roles_page(error.message, 422)
    return see(url_for("roles.matrix", code=code))


def _rights(code: str) -> Rights:
    found = here().permissions.roles.get(code)
    if found is None:
        raise NotFound(_("There is no role %(role)s", role=code))
    return found


@blueprint.get("/<code>")
@policy("settings.manage")
def matrix(code: str) -> Response:
    """What a role may see and do."""
    rights = _rights(code)
    registry = here().registry
    reaches = reaches_of(registry, rights)
    rows = [_row(registered, reaches.get) for registered in _lists()]
    others = [
        Box(name, "all", label, name in reaches)
        for name, label in (
            *CORE_LABELS.items(),
            *((found.name, found.label) for plugin in registry.plugins.values() for found in plugin.permissions),
        )
    ]
    heading = _("Role %(name)s", name=rights.label)
    content = RolePage(
        heading, url_for("roles.save", code=code), [label for _name, label in (*SEE, *DO)], rows, others,
        rights.second_factor, code == ADMINISTRATOR, None if rights.built_in else url_for("roles.remove", code=code),
    )  # fmt: skip
    return page("core/role.html", page=content, shell=make_shell(heading, _crumbs(Crumb(rights.label))))


def _lists() -> list[RegisteredEntity]:
    found = here().registry.slugs.values()  # what has no pages goes by the rights on its record
    return sorted(found, key=lambda registered: (registered.entity.administrators_only, registered.entity.order))


def _row(registered: RegisteredEntity, reach_of: object) -> MatrixRow:
    assert callable(reach_of)
    reach: Reach = reach_of(registered.permission("view")) or "none"
    object_name = registered.entity.plural
    boxes: list[Box | None] = []
    for value, label in SEE:
        name = _("%(permission)s on %(object)s", permission=label, object=object_name)
        owned = registered.entity.ownership is not None or value == "all"
        checked = REACHES.index(reach) >= REACHES.index(value)
        boxes.append(Box(registered.permission("view"), value, name, checked) if owned else None)
    for verb, label in DO:
        permission = registered.permission(verb)
        name = _("%(permission)s on %(object)s", permission=label, object=object_name)
        boxes.append(Box(permission, "all", name, bool(reach_of(permission))))
    return MatrixRow(object_name, boxes)


@blueprint.post("/<code>")
@policy("settings.manage")
@guarded_by_password
def save(code: str) -> Response:
    """Set what a role may see and do; who has it signs in again."""
    rights = _rights(code)
    shown = {registered.permission(verb) for registered in _lists() for verb in VERBS}
    shown |= {*CORE_PERMISSIONS, *(found.name for one in here().registry.plugins.values() for found in one.permissions)}
    granted: dict[str, Reach] = {}
    for name in shown:
        chosen = [reach for reach in REACHES if reach in request.form.getlist(name)]
        if chosen:
            granted[name] = chosen[-1]
    here().fresh()
    with transaction("role.edit", cause=str(rights.label)) as unit:
        most = here().permissions.grantable(here().actor, code)
        decide(unit.session, code, shown, granted, second_factor="second_factor" in request.form, most=most)
        unit.noteworthy = True
    return see(url_for("roles.index"), unit.operation)


@blueprint.post("/<code>/remove")
@policy("settings.manage")
@guarded_by_password
def remove(code: str) -> Response:
    """Remove a role nobody has."""
    rights = _rights(code)
    here().fresh()
    with transaction("role.remove", cause=str(rights.label)) as unit:
        remove_role(unit.session, code)
        unit.noteworthy = True
    return see(url_for("roles.index"), unit.operation)
