"""Two people edited one record (409): both values side by side, nothing typed is lost (UX 2.0, F39)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for
from werkzeug.datastructures import MultiDict

from core.data.history import changed_since
from core.data.records import Record
from core.errors import Invalid
from core.fields import Field
from core.i18n import Text, format_datetime, lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import ConflictField, ConflictPage
from core.web.forms import typed_values, writable_fields
from core.web.responses import page
from core.web.shell import group_label, make_shell
from core.web.submissions import form_key


def choose(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """The posted values, with the choices of a conflict page applied: mine stays, theirs is left as it stands."""
    values = [(name, value) for name, value in form.items(multi=True) if not name.startswith(("choice.", "mine."))]
    for name, value in form.items():
        if name.startswith("choice.") and value == "mine":
            field = name.removeprefix("choice.")
            values.append((field, form.get(f"mine.{field}", "")))
    return values


def make_conflict_page(entity: RegisteredEntity, record: Record, typed: Mapping[str, str], version: int) -> Response:
    """The 409 page: a choice for each field both sides changed since the form was opened.

    What only the others changed is taken without a question, what only this person changed is kept: asking about a
    field nobody typed in would offer to undo somebody's work (F39).
    """
    entries = changed_since(here().session, entity.name, record.id, version)
    first_of = {name: old for entry in entries for name, (old, _new) in entry.fields.items()}  # newest come first
    present = typed_values(entity, record, {})
    fields = []
    kept = []
    kept_labels = []
    for found in writable_fields(entity):
        mine, theirs = typed.get(found.name, ""), present[found.name]
        if mine == theirs:
            continue
        if found.name not in first_of:
            kept.append((found.name, mine))
            kept_labels.append(str(found.label))
        elif not _is(found, mine, first_of[found.name]):
            fields.append(
                ConflictField(found.name, found.label, _shown(found, mine), _shown(found, theirs), mine, theirs)
            )
    sheet = url_for("records.sheet", entity=entity, record_id=record.id)
    heading = _("Somebody changed %(title)s meanwhile", title=record.title)
    content = ConflictPage(
        heading=heading,
        message=_message(entity, entries, record),
        url=url_for("editing.edit", entity=entity, record_id=record.id),
        fields=fields,
        kept=kept,
        kept_labels=", ".join(kept_labels),
        version=record.version,
        key=form_key(),
        cancel_url=sheet,
    )
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(record.title, sheet),
        Crumb(_("Conflict")),
    ]
    return page("core/conflict.html", 409, page=content, shell=make_shell(heading, crumbs))


def _message(entity: RegisteredEntity, entries: list[Any], record: Record) -> Text:
    if not entries:
        return _("Somebody changed this record meanwhile. Nothing you typed is lost.")
    latest = entries[0].operation
    visible = here().permissions.fields(here().actor, entity)
    names = {name for entry in entries for name in entry.fields} & visible
    labels = ", ".join(str(found.label) for name, found in entity.fields.items() if name in names)
    return _(
        "%(name)s changed %(fields)s on %(when)s. Nothing you typed is lost.",
        name=latest.actor_name,
        fields=labels or record.title,
        when=format_datetime(latest.at),
    )


def _is(found: Field, typed: str, dumped: str | None) -> bool:
    """Whether what the form held is the value it was opened with."""
    try:
        value = found.type.parse(typed)
    except Invalid:
        return False
    return (None if value is None else found.type.dump(value)) == dumped


def _shown(found: Field, typed: str) -> str:
    try:
        value = found.type.parse(typed)
    except Invalid:
        return typed
    return "" if value is None else found.type.text(value)
