"""Forms made from fields (DESIGN 8): a WTForms class per entity, drawn by one template, read back by the fields."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import url_for
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field as FormField

from core.access.permissions import Doing
from core.contract.plugin import Setting
from core.data.records import Record, value_of
from core.errors import Invalid
from core.fields import Country, Field, Link, Listed, Option
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.form_contexts import FormControl, FormGroup, FormPage, NumberPreview, SimilarHint
from core.web.number_boxes import automatic, is_numbered
from core.web.picking import SELECT_UP_TO, combobox, find_records, target_of
from core.web.sheet_page import sections


class TypedField(FormField):  # type: ignore[misc]  # WTForms has no types
    """A form field that is read by a field of ours. `submitted`: whether the browser sent it at all."""

    def __init__(self, label: str = "", validators: Any = None, *, source: Field, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.source = source
        self.typed = ""
        self.submitted = False
        self.error: Text | None = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read what was typed; a wrong value is kept as typed, with its sentence."""
        if not valuelist:
            return
        self.submitted = True
        several = self.source.type.multiple
        self.typed = ",".join(filter(None, map(str, valuelist))) if several else str(valuelist[-1])
        try:
            self.data = self.source.parse(self.typed)
        except Invalid as error:
            self.error = error.message
            raise ValueError(str(error)) from error


def writable_fields(registered: RegisteredEntity, action: Doing = "edit") -> list[Field]:
    """The fields this person may type, in one list for form, inline edit, raw POST and import (SECURITY 7.6)."""
    surroundings = here()
    return surroundings.permissions.writable(surroundings.actor, registered, action)


def make_form(registered: RegisteredEntity, formdata: MultiDict[str, str] | None, action: Doing = "edit") -> FlaskForm:
    """A form over the writable fields, filled from `formdata`."""
    attributes = {found.name: TypedField(source=found) for found in writable_fields(registered, action)}
    form_class = type(f"{registered.model.__name__}Form", (FlaskForm,), attributes)
    form: FlaskForm = form_class(formdata=formdata)
    return form


def typed_fields(form: FlaskForm) -> dict[str, TypedField]:
    """The fields of ours in a form."""
    return {name: found for name, found in form._fields.items() if isinstance(found, TypedField)}


def form_errors(form: FlaskForm) -> dict[str, Text]:
    """Sentences by field name; empty when everything fits."""
    form.validate()
    fields = typed_fields(form)
    wrong = {name: found.error for name, found in fields.items() if found.error is not None}
    for name, found in fields.items():
        if found.source.declaration.derived and found.submitted and found.data is None and name not in wrong:
            wrong |= _underived(fields, found)
    return wrong


def _underived(fields: Mapping[str, TypedField], found: TypedField) -> dict[str, Text]:
    """The sentence for a field that was left empty, when nothing it could be worked out from is filled either."""
    sources = (fields.get(name) for name in found.source.declaration.derived)
    if not found.source.required or any(one is not None and one.typed for one in sources):
        return {}
    return {found.source.name: _("Enter a value for %(field)s", field=found.source.label)}


def missing_required(form: FlaskForm) -> dict[str, Text]:
    """Required fields a new record did not get and that have no default."""
    missing: dict[str, Text] = {}
    for name, found in typed_fields(form).items():
        if found.source.declaration.derived and not found.submitted:
            missing |= _underived(typed_fields(form), found)
        elif found.source.required and not found.submitted and found.source.declaration.default is None:
            missing[name] = _("Enter a value for %(field)s", field=found.source.label)
    return missing


def typed_values(registered: RegisteredEntity, record: Record | None, defaults: Mapping[str, str]) -> dict[str, str]:
    """What the controls hold at first: the record's values, or defaults for a new one."""
    values: dict[str, str] = {}
    for found in writable_fields(registered, "create" if record is None else "edit"):
        if record is not None:
            value = value_of(record, found)
        else:
            value = _default_value(found, defaults)
        values[found.name] = "" if value is None else found.type.edit_text(value)
    return values


def _default_value(found: Field, defaults: Mapping[str, str]) -> Any:
    if found.name in defaults:
        try:
            return found.type.parse(defaults[found.name])
        except Invalid:
            return None
    return found.declaration.default() if found.declaration.default else None


def make_form_page(
    registered: RegisteredEntity,
    *,
    heading: Text,
    url: str,
    cancel_url: str,
    values: Mapping[str, str],
    errors: Mapping[str, Text] | None = None,
    version: int | None = None,
    key: str | None = None,
    message: Text | None = None,
    preview: NumberPreview | None = None,
    similar: SimilarHint | None = None,
) -> FormPage:
    """The page of a create or edit form, with what was typed and what is wrong."""
    errors = errors or {}
    groups: list[FormGroup] = []
    fields_shown = writable_fields(registered, "create" if version is None else "edit")
    country = country_of(registered, values)
    for label, fields in sections(registered, fields_shown):
        controls = [
            make_control(registered, found, values.get(found.name, ""), errors.get(found.name), country)
            for found in fields
        ]
        if version is None:
            controls = [_numbered(registered, control) for control in controls]
        is_open = not groups or any(control.error for control in controls)
        groups.append(FormGroup(label, controls, is_open))
    return FormPage(
        heading=heading,
        url=url,
        groups=groups,
        errors=[(name, text) for name, text in errors.items()],
        cancel_url=cancel_url,
        key=key or secrets.token_urlsafe(18),
        version=version,
        create_another=version is None,
        message=message,
        checks_url=url_for("editing.check", entity=registered),
        preview=preview,
        similar=similar,
    )


def _numbered(registered: RegisteredEntity, control: FormControl) -> FormControl:
    """The field of a new record that gets a number by itself, with that number."""
    return replace(control, automatic=automatic(registered)) if is_numbered(registered, control.name) else control


def setting_controls(
    declared: Iterable[Setting], typed: Mapping[str, str], errors: Mapping[str, Text]
) -> list[FormControl]:
    """The controls of declared settings, with what was typed and what is wrong."""
    controls = []
    for setting in declared:
        control = setting.type.control()
        controls.append(
            FormControl(
                setting.name, setting.label, control.kind, dict(control.attributes), control.options,
                typed.get(setting.name, ""), False, setting.help, errors.get(setting.name),
            )
        )  # fmt: skip
    return controls


def setting_texts(declared: Iterable[Setting], values: Mapping[str, Any]) -> dict[str, str]:
    """What the controls of settings hold at first."""
    return {
        setting.name: "" if values[setting.name] is None else setting.type.edit_text(values[setting.name])
        for setting in declared
    }


def country_of(registered: RegisteredEntity, values: Mapping[str, str]) -> str:
    """The country a record is in, as its form has it; "" when it says none."""
    return next((values.get(name, "") for name, one in registered.fields.items() if isinstance(one.type, Country)), "")


def _by_country(options: Sequence[Option], country: str) -> list[Option]:
    """Those used in a country first; those of others say where they are used."""
    here_too = [one for one in options if not one.countries or country in one.countries]
    elsewhere = [one for one in options if one not in here_too]
    return [*here_too, *(replace(one, label=f"{one.label} ({', '.join(one.countries)})") for one in elsewhere)]


def make_control(
    registered: RegisteredEntity, found: Field, value: str, error: Text | None, country: str = ""
) -> FormControl:
    """The control of one field, with what was typed and what is wrong. `country`: where the record is."""
    control = found.type.control()
    options: Sequence[Option] = control.options
    kind, combo = control.kind, None
    if isinstance(found.type, Listed) and value not in ("", *(one.code for one in options)):
        options = [*options, *(one for one in found.type.allowed if one.code == value)]  # closed since it was chosen
    if any(one.countries for one in options):
        options = _by_country(options, country)
    if isinstance(found.type, Link):
        target = target_of(found)
        combo = combobox(found, target, value) if target is not None else None
        kind = "text" if target is None else "select" if combo is None else "combobox"
        if target is not None and combo is None:
            options = [Option("", ""), *find_records(target, "", SELECT_UP_TO)]
    return FormControl(
        name=found.name,
        label=found.label,
        kind=kind,
        attributes=dict(control.attributes),
        options=options,
        value=value,
        required=found.required,
        help=found.declaration.help,
        error=error,
        combo=combo,
    )


def posted(names: Iterable[str], sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """The values of the named fields of what was sent; everything else is ignored (T38)."""
    wanted = set(names)
    return MultiDict([(name, value) for name, value in sent.items(multi=True) if name in wanted])
