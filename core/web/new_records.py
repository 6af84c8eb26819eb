"""New records: what their forms start with, the short form of the Create menu, and where saving leads (UX 1.4, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from core.contract.contributions import View
from core.fields import Field, FieldType, LongText
from core.i18n import Text
from core.registry import RegisteredEntity
from core.settings import read_settings
from core.web.current import here
from core.web.form_contexts import FormGroup
from core.web.forms import make_form_page, typed_values, writable_fields
from core.web.number_boxes import is_numbered
from core.web.policy import policy
from core.web.responses import came_from, home_path, is_fragment, page, see

blueprint = Blueprint("new_records", __name__)
SHORT = 5
"""Fields of the short form."""
MORE, ANOTHER, STAY = "more", "another", "stay"
"""What a form is sent for beside saving and opening the record: the whole form, one more, going on where one was."""
LONGEST_FILLED = 200
"""Characters of a value that an address may fill a field with."""
LONGEST_LOCATION = 500
"""Characters `core_submission` keeps of an address."""
DEFAULT = "default_"


@blueprint.get("/<entity:entity>/new/short")
@policy("entity.create")
def short(entity: RegisteredEntity) -> Response:
    """The few fields a new record needs, for the dialog of the Create menu; without script the whole form."""
    if not is_fragment():
        return see(url_for("editing.new", entity=entity, **dict[str, Any](filled(entity))))
    values = typed_values(entity, None, {**setting_defaults(entity), **filled(entity)})
    url = url_for("editing.new", entity=entity)
    content = make_form_page(entity, heading=new_label(entity, values), url=url, cancel_url="", values=values)
    names = [found.name for found in _short_fields(entity)]
    controls = [control for group in content.groups for control in group.controls if control.name in names]
    controls.sort(key=lambda control: names.index(control.name))
    carried = [(name, value) for name, value in values.items() if value and name not in names]
    content = replace(content, groups=[FormGroup("", controls, True)])
    return page("core/new_short.html", page=content, carried=carried, return_url=came_from())


def _short_fields(entity: RegisteredEntity) -> list[Field]:
    """The name, what makes it one kind or another, what must be given, then what records are found by and lists show."""
    kinds = {name for view in entity.entity.views for name in view.defaults}
    fields = [found for found in writable_fields(entity, "create") if not isinstance(found.type, LongText)]
    needed = [found for found in fields if found.required and found.declaration.default is None]
    rest = sorted(
        (found for found in fields if found.declaration.search or found.declaration.listed),
        key=lambda found: not found.declaration.search,
    )
    first = [found for found in fields if found is entity.title_field]
    first += [found for found in fields if found.name in kinds]
    useful = [found for found in dict.fromkeys([*first, *needed, *rest]) if not is_numbered(entity, found.name)]
    return useful[: max(SHORT, len(first) + len(needed))]


def next_page(entity: RegisteredEntity, values: Mapping[str, str], record_id: int) -> str:
    """Where saving a new record leads: to it, to the form of another one, or back to where the person was."""
    then = request.form.get("then")
    if then == ANOTHER:
        return _another(entity, values)
    if then == STAY and len(home_path(came_from())) <= LONGEST_LOCATION:
        return home_path(came_from())
    return url_for("records.sheet", entity=entity, record_id=record_id)


def setting_defaults(entity: RegisteredEntity) -> dict[str, str]:
    """Settings called `default_<field>` are what a new record starts with."""
    plugin = here().registry.plugins.get(entity.plugin)
    found = [setting for setting in plugin.settings if setting.name.startswith(DEFAULT)] if plugin is not None else []
    values = read_settings(here().session, entity.plugin, found)
    types: Mapping[str, FieldType[Any]] = {setting.name: setting.type for setting in found}
    return {
        name.removeprefix(DEFAULT): types[name].edit_text(value) for name, value in values.items() if value is not None
    }


def _view_of(entity: RegisteredEntity, values: Mapping[str, str]) -> View | None:
    """The built-in view a record with these values is made for."""
    views = (view for view in entity.entity.views if view.defaults)
    return next((view for view in views if view.defaults.items() <= values.items()), None)


def new_label(entity: RegisteredEntity, values: Mapping[str, str]) -> Text:
    """What the form for these values is called: *New customer* for one."""
    view = _view_of(entity, values)
    return view.new_label if view else entity.entity.new_label


def filled(entity: RegisteredEntity) -> dict[str, str]:
    """The values in the address that fill fields of the form; the form carries them on."""
    names = {found.name for found in writable_fields(entity, "create")}
    return {name: value for name, value in request.args.items() if name in names and len(value) <= LONGEST_FILLED}


def _another(entity: RegisteredEntity, values: Mapping[str, str]) -> str:
    """The address of the form for another one of the same kind: a customer after a customer."""
    view = _view_of(entity, values)
    again = {**(view.defaults if view else {}), **filled(entity)}
    address = url_for("editing.new", entity=entity, **dict[str, Any](again))
    return address if len(address) <= LONGEST_LOCATION else url_for("editing.new", entity=entity)
