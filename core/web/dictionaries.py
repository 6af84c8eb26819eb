"""The lists of values that administrators keep: their order, words, tones; removal with a replacement (PR-1, UX 2.13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from core.data.unit import transaction
from core.errors import EditConflict, Invalid, NotFound, Refused
from core.features.bulk import MAXIMUM_AT_ONCE, MAXIMUM_ROWS
from core.features.dictionaries import (
    REPLACE,
    DictionaryEntry,
    Kept,
    add_entry,
    check_replacement,
    entries_of,
    entry_in,
    holders,
    kept_lists,
    move_entry,
    option_of,
    remove_entry,
    uses,
)
from core.fields import Option
from core.fields.choices import badge
from core.i18n import LANGUAGES, Text, format_integer, lazy as _, lazy_plural
from core.jobs.enqueue import enqueue
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.dictionary_contexts import ListGroup, ListLine, RemovePage, ValueLine, ValuesPage
from core.web.form_contexts import FormControl
from core.web.forms import form_errors, make_form, make_form_page, missing_required, typed_fields, typed_values
from core.web.policy import policy
from core.web.responses import page, see
from core.web.shell import group_label, make_shell
from core.web.submissions import earlier_result, form_key
from core.web.templating import cell_html

blueprint = Blueprint("dictionaries", __name__, url_prefix="/admin/dictionaries")
TITLE = _("Dictionaries")
SHOWN_VALUES = 12


def _kept(name: str) -> Kept:
    found = kept_lists(here().registry).get(name)
    if found is None:
        raise NotFound(_("There is no such list"))
    return found


def _entry(name: str, entry_id: int) -> DictionaryEntry:
    _kept(name)
    entry = here().session.get(DictionaryEntry, entry_id)
    if entry is None or entry.dictionary != name or entry.removed:
        raise NotFound(_("There is no such value"))
    return entry


def _entity() -> RegisteredEntity:
    return here().registry.entity(DictionaryEntry.entity.name)


def _address(endpoint: str, name: str, entry: DictionaryEntry | None = None) -> str:
    place: dict[str, Any] = {} if entry is None else {"entry_id": entry.id}
    return url_for(f"dictionaries.{endpoint}", name=name, **place)


def _crumbs(*more: Crumb) -> list[Crumb]:
    return [Crumb(group_label("administration")), Crumb(TITLE, url_for("dictionaries.index")), *more]


def _toned(options: Sequence[Option]) -> bool:
    return any(one.tone != "neutral" or one.icon for one in options)


def _drawn(options: Sequence[Option]) -> list[Markup]:
    """Values as lists show them: as words, unless they tell good from bad."""
    toned = _toned(options)
    return [cell_html(badge(one.label, one.tone, one.icon)) if toned else escape(str(one.label)) for one in options]


def _places(kept: Kept) -> str:
    """Where values of a list are chosen: "Third parties: Contact status"."""
    pairs = ((registered.entity.plural, found.label) for registered, found in kept.fields)
    return ", ".join(str(_("%(list)s: %(field)s", list=plural, field=label)) for plural, label in pairs)


# -- what there is ----------------------------------------------------------------------------------------------
@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """All lists of the enabled modules with their values."""
    groups: dict[str, tuple[Text, list[ListLine]]] = {}
    for name, kept in kept_lists(here().registry).items():
        options = [one for one in here().registry.dictionaries.get(name, ()) if one.open]
        between = escape(" ") if _toned(options) else escape(" · ")
        more = " …" if len(options) > SHOWN_VALUES else ""
        shown = between.join(_drawn(options)[:SHOWN_VALUES]) + more
        line = ListLine(kept.dictionary.label, _address("values", name), _places(kept), shown)
        groups.setdefault(kept.plugin.name, (kept.plugin.label, []))[1].append(line)
    content = [ListGroup(label, lines) for label, lines in groups.values()]
    return page("core/dictionaries.html", groups=content, shell=make_shell(TITLE, _crumbs()))


@blueprint.get("/<name>")
@policy("settings.manage")
def values(name: str) -> Response:
    """The values of one list in their order."""
    kept = _kept(name)
    entries = entries_of(here().session, name)
    drawn = _drawn([option_of(entry) for entry in entries])
    lines = [_line(name, entry, shown) for entry, shown in zip(entries, drawn, strict=True)]
    content = ValuesPage(
        kept.dictionary.label, _places(kept), _address("values", name), _address("new", name), list(LANGUAGES.items()),
        kept.dictionary.by_country, lines,
    )  # fmt: skip
    return page(
        "core/dictionary.html", page=content, shell=make_shell(content.heading, _crumbs(Crumb(content.heading)))
    )


def _line(name: str, entry: DictionaryEntry, shown: Markup) -> ValueLine:
    labels = entry.labels
    return ValueLine(
        name=entry.title,
        shown=shown,
        labels=[(language, labels.get(language, "")) for language in LANGUAGES],
        code=entry.code,
        countries=entry.countries or "",
        active=entry.active,
        edit_url=_address("edit", name, entry),
        move_url=_address("move", name, entry),
        switch_url=_address("switch", name, entry),
        remove_url=_address("remove", name, entry),
    )


# -- adding and editing -----------------------------------------------------------------------------------------
@blueprint.get("/<name>/new")
@policy("settings.manage")
def new(name: str) -> Response:
    """The form of another value."""
    return _form(name, None, typed_values(_entity(), None, {}), {}, 200)


def _form(
    name: str, entry: DictionaryEntry | None, typed: Mapping[str, str], errors: Mapping[str, Text], status: int,
    message: Text | None = None, version: int | None = None,
) -> Response:  # fmt: skip
    kept, entity = _kept(name), _entity()
    heading = entity.entity.new_label if entry is None else _("Edit %(title)s", title=entry.title)
    content = make_form_page(
        entity, heading=heading, url=_address("add" if entry is None else "save", name, entry),
        cancel_url=_address("values", name), values=typed, errors=errors, key=form_key(), message=message,
        version=(version or entry.version) if entry is not None else None,
    )  # fmt: skip
    hidden = set() if kept.dictionary.by_country else {"countries"}
    groups = [
        replace(group, controls=[_derived(one) for one in group.controls if one.name not in hidden])
        for group in content.groups
    ]
    crumbs = _crumbs(Crumb(kept.dictionary.label, _address("values", name)), Crumb(heading))
    content = replace(content, groups=groups, checks_url=None)
    return page("core/form.html", status, page=content, shell=make_shell(heading, crumbs))


def _derived(control: FormControl) -> FormControl:
    """The code may be left empty: it is made from the label."""
    return replace(control, required=False) if control.name == "code" else control


@blueprint.post("/<name>/new")
@policy("settings.manage")
def add(name: str) -> Response:
    """Add a value at the end of the list."""
    _kept(name)
    key = form_key()
    if (earlier := earlier_result(key)) is not None:
        return earlier
    form = make_form(_entity(), MultiDict(list(request.form.items(multi=True))), "create")
    errors = {**form_errors(form), **missing_required(form)}
    fields = typed_fields(form)
    typed = {
        **typed_values(_entity(), None, {}),
        **{one: found.typed for one, found in fields.items() if found.submitted},
    }
    if errors:
        return _form(name, None, typed, errors, 422)
    location = _address("new" if request.form.get("then") == "another" else "values", name)
    try:
        with transaction("dictionary_entry.create") as unit:
            add_entry(unit, name, [(found.source, found.data) for found in fields.values() if found.submitted])
            if key:
                unit.claim(key, location, here().actor.id)
    except Refused as error:
        return earlier_result(key) or _refused(name, None, typed, error)
    return see(location, unit.operation)


def _refused(name: str, entry: DictionaryEntry | None, typed: Mapping[str, str], error: Refused) -> Response:
    known = {error.field: error.message} if error.field and error.field in typed else {}
    return _form(name, entry, typed, known, 422, None if known else error.message)


@blueprint.get("/<name>/<int:entry_id>")
@policy("settings.manage")
def edit(name: str, entry_id: int) -> Response:
    """The form of a value; its code stays."""
    entry = _entry(name, entry_id)
    return _form(name, entry, typed_values(_entity(), entry, {}), {}, 200)


@blueprint.post("/<name>/<int:entry_id>")
@policy("settings.manage")
def save(name: str, entry_id: int) -> Response:
    """Save it; when somebody else was faster, what was typed comes back (F39)."""
    entry = _entry(name, entry_id)
    form = make_form(_entity(), MultiDict(list(request.form.items(multi=True))))
    errors, fields = form_errors(form), typed_fields(form)
    current = typed_values(_entity(), entry, {})
    typed = {**current, **{one: found.typed for one, found in fields.items() if found.submitted}}
    version = number_argument(request.form, "version") or 0
    if errors:
        return _form(name, entry, typed, errors, 422, version=version)
    try:
        with transaction("dictionary_entry.edit") as unit:
            fresh = entry_in(unit, name, entry_id, version=version)
            for one, found in fields.items():
                if found.submitted and found.typed != current.get(one):
                    unit.write(fresh, found.source, found.data)
    except EditConflict:
        here().fresh()
        message = _("Somebody changed this meanwhile. Nothing you typed is lost: save again to keep it.")
        return _form(name, _entry(name, entry_id), typed, {}, 409, message)
    except Refused as error:
        return _refused(name, _entry(name, entry_id), typed, error)
    return see(_address("values", name), unit.operation)


# -- order, and whether it can be chosen ------------------------------------------------------------------------
@blueprint.post("/<name>/<int:entry_id>/move")
@policy("settings.manage")
def move(name: str, entry_id: int) -> Response:
    """Move a value up or down."""
    _entry(name, entry_id)
    with transaction("dictionary_entry.move") as unit:
        move_entry(unit, entry_in(unit, name, entry_id), -1 if request.form.get("to") == "up" else 1)
    return see(_address("values", name), unit.operation)


@blueprint.post("/<name>/<int:entry_id>/switch")
@policy("settings.manage")
def switch(name: str, entry_id: int) -> Response:
    """Let nobody choose a value any more, or again; records that have it keep it."""
    _entry(name, entry_id)
    with transaction("dictionary_entry.switch") as unit:
        entry_in(unit, name, entry_id).active = request.form.get("to") == "on"
    return see(_address("values", name), unit.operation)


# -- removal ----------------------------------------------------------------------------------------------------
@blueprint.get("/<name>/<int:entry_id>/remove")
@policy("settings.manage")
def remove(name: str, entry_id: int) -> Response:
    """How many records have the value, and which one they shall have instead."""
    return _ask(name, _entry(name, entry_id), None, 200)


def _ask(name: str, entry: DictionaryEntry, error: Text | None, status: int) -> Response:
    kept, session = _kept(name), here().session
    found = uses(session, here().registry, entry)
    said: list[Text] = [
        lazy_plural(
            "%(number)s record of %(list)s has this value in %(field)s.",
            "%(number)s records of %(list)s have this value in %(field)s.",
            number, number=format_integer(number), list=registered.entity.plural, field=field.label,
        )
        for (registered, field), number in found
    ]  # fmt: skip
    others = [option_of(one) for one in entries_of(session, name) if one.active and one.id != entry.id]
    heading = _("Remove “%(name)s”", name=entry.title)
    content = RemovePage(
        heading, _address("remove", name, entry), entry.version, said or [_("No record has this value.")],
        others if found else (), error, _address("values", name),
    )  # fmt: skip
    crumbs = _crumbs(Crumb(kept.dictionary.label, _address("values", name)), Crumb(heading))
    return page("core/dictionary_remove.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("/<name>/<int:entry_id>/remove")
@policy("settings.manage")
def remove_now(name: str, entry_id: int) -> Response:
    """Remove it: at once where few records have it, else by a job; either is taken back in one go."""
    entry = _entry(name, entry_id)
    code = request.form.get("replacement") or None
    version = number_argument(request.form, "version")
    try:
        if code is not None:
            check_replacement(here().session, entry, code)
        rows = holders(here().session, here().registry, entry)
        if rows and code is None:
            raise Invalid(_("Choose the value that replaces it"), field="replacement")
        number = sum(len(ids) for _entity, _field, ids in rows)
        if number > MAXIMUM_ROWS:
            raise Refused(
                _(
                    "More than %(number)s records have this value: replace it in the list first, in parts",
                    number=format_integer(MAXIMUM_ROWS),
                )
            )
        if number > MAXIMUM_AT_ONCE:
            return _start(name, entry, rows, number, str(code))
        with transaction("dictionary_entry.remove") as unit:
            remove_entry(unit, entry_in(unit, name, entry_id, version=version), code)
            unit.notice(_("The value “%(name)s” was removed", name=entry.title))
    except (Invalid, Refused) as error:
        here().fresh()
        return _ask(name, _entry(name, entry_id), error.message, 422)
    return see(_address("values", name), unit.operation)


def _start(
    name: str, entry: DictionaryEntry, rows: Sequence[tuple[str, str, list[int]]], number: int, code: str
) -> Response:
    """Let a job give the records the other value."""
    label = lazy_plural(
        "Replacement of “%(name)s” in %(number)s record", "Replacement of “%(name)s” in %(number)s records", number,
        name=entry.title, number=format_integer(number),
    )  # fmt: skip
    payload = {"dictionary": name, "entry": entry.id, "code": entry.code, "replacement": code, "rows": rows}
    with transaction("job.start") as unit:
        job_id = enqueue(unit, REPLACE, payload, label=label, module=_kept(name).plugin.name)
    return see(url_for("jobs.show", job_id=job_id))
