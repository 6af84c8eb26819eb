"""Makes the sheet of a record: facts by section, panels behind an error boundary, history (UX 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from flask import Response, render_template, request, url_for

from core.access.permissions import is_administrator
from core.contract.contributions import Panel, Tab
from core.data.history import Entry, history_of
from core.data.records import Record, value_of
from core.errors import NotFound
from core.exchange.mail.templates import email_fields
from core.features.files import StoredFile
from core.features.notes import visible_changes
from core.features.parts import count_parts
from core.features.tag_field import EXTRA_KEY
from core.fields import Field, Link
from core.i18n import Text, format_datetime, lazy as _
from core.registry import CORE_TABS, SYSTEM_ATTRIBUTES, RegisteredEntity
from core.web.boundary import Boundary
from core.web.cells import cell_maker, link_titles, linked_cell, make_strip
from core.web.contexts import (
    ActionButton,
    Crumb,
    Fact,
    FactGroup,
    HistoryLine,
    PanelBox,
    SheetPage,
    StatusStrip,
    TabLink,
)
from core.web.current import here
from core.web.describe import describe_change, history_values, load_summary, may_be_taken_back
from core.web.last_list import list_address
from core.web.mail_outbox import make_panel
from core.web.number_gaps import series_actions
from core.web.part_boxes import make_files_box, make_notes_box, make_upload_form
from core.web.parts import sheet_url
from core.web.plugin_actions import offered, record_buttons
from core.web.responses import page
from core.web.shell import group_label, make_done, make_shell
from core.web.stepping import step_links
from core.web.tag_boxes import make_tag_box, tag_actions
from core.web.user_admin import user_actions, user_panels

HISTORY_LINES = 20
KEY_FACTS = 7
ACTIVITY, DETAILS, FILES = CORE_TABS


def show_sheet(
    registered: RegisteredEntity,
    record: Record,
    *,
    tab: str,
    errors: Sequence[tuple[str, Text]] = (),
    operation: int | None = None,
) -> Response:
    """The page of a record's sheet. `errors`: what is wrong with a form on it; `operation`: what was done nevertheless."""
    content = make_sheet_page(registered, record, tab, errors)
    crumbs = [
        Crumb(group_label(registered.entity.group)),
        Crumb(registered.entity.plural, list_address(registered)),
        Crumb(record.title),
    ]
    summary = load_summary(here().session, operation) if operation is not None else None
    shell = make_shell(record.title, crumbs, make_done(summary) if summary else None)
    return page("core/sheet.html", 422 if errors else 200, page=content, shell=shell)


def make_sheet_page(
    registered: RegisteredEntity, record: Record, tab: str = ACTIVITY, errors: Sequence[tuple[str, Text]] = ()
) -> SheetPage:
    """Everything the sheet template shows in one of its tabs."""
    surroundings = here()
    deleted = record.deleted_at is not None
    own = [] if deleted else offered_tabs(registered)
    shown = next(((plugin, found) for plugin, found in own if found.name == tab), None)
    tab = tab if tab in CORE_TABS or shown else ACTIVITY
    tabs = [*_tabs(registered, record, tab), *(_own_tab(registered, record, found, tab) for _plugin, found in own)]
    entries = read_history(registered, record) if tab == ACTIVITY or deleted else []
    lines, older = make_history(registered, record, entries[:HISTORY_LINES])
    place: dict[str, Any] = {"entity": registered, "record_id": record.id}
    may_edit = surroundings.may(registered.permission("edit")) and not deleted
    may_delete = surroundings.may(registered.permission("delete"))
    numbering = registered.entity.numbering
    return SheetPage(
        entity_label=registered.entity.label,
        heading=record.title,
        subtitle=str(getattr(record, numbering.field) or "") if numbering else "",
        badges=[],
        path=_path(registered, record) if may_edit else None,
        choosers=_choosers(registered, record) if may_edit else [],
        groups=_groups(registered, record) if tab == DETAILS else [],
        history=lines if tab == ACTIVITY else [],
        older_url=older if len(entries) > HISTORY_LINES else None,
        panels=[] if deleted else _panels(registered, record),
        actions=[] if deleted else _actions(registered, record),
        edit_url=url_for("editing.edit", **place) if may_edit else None,
        delete_url=url_for("editing.delete", **place) if may_delete and not deleted else None,
        restore_url=url_for("editing.restore", **place) if may_delete and deleted else None,
        deleted=_deleted(record, entries) if deleted else None,
        return_url=next(found.url for found in tabs if found.current),
        facts=_key_facts(registered, record, may_edit=may_edit) if tab != DETAILS else [],
        tabs=tabs,
        tab=tab,
        box=_panel(shown[0], shown[1], "tab", record) if shown else None,
        notes=make_notes_box(registered, record, may_edit=may_edit) if tab == ACTIVITY and not deleted else None,
        files=make_files_box(registered, record, may_edit=may_edit) if tab == FILES and not deleted else None,
        upload=make_upload_form(registered, record) if may_edit else None,
        steps=() if deleted else step_links(registered, record.id),
        place_url=url_for("stepping.place", **place),
        errors=errors,
        tags=None if deleted else make_tag_box(registered, record, may_edit=may_edit),
    )


def _tabs(registered: RegisteredEntity, record: Record, current: str) -> list[TabLink]:
    surroundings = here()
    number = count_parts(surroundings.session, StoredFile, record, surroundings.actor)
    labels: Sequence[tuple[str, Text, int | None]] = (
        (ACTIVITY, _("Activity"), None), (DETAILS, _("Details"), None), (FILES, _("Files"), number),
    )  # fmt: skip
    return [
        TabLink(name, label, sheet_url(registered, record.id, name), name == current, count)
        for name, label, count in labels
    ]


def offered_tabs(registered: RegisteredEntity) -> list[tuple[str, Tab]]:
    """The tabs of plugins that the person may see, each with its plugin."""
    return [(plugin, tab) for plugin, tab in registered.tabs if tab.permission is None or here().may(tab.permission)]


def _own_tab(registered: RegisteredEntity, record: Record, tab: Tab, current: str) -> TabLink:
    url = None
    if tab.count is not None:
        url = url_for("records.tab_count", entity=registered, record_id=record.id, name=tab.name)
    return TabLink(tab.name, tab.label, sheet_url(registered, record.id, tab.name), tab.name == current, count_url=url)


def count_tab(registered: RegisteredEntity, record: Record, name: str) -> int | None:
    """The number behind the label of a plugin's tab; None when it could not be counted. Raises `NotFound`."""
    found = next(((plugin, tab) for plugin, tab in offered_tabs(registered) if tab.name == name), None)
    if found is None or found[1].count is None:
        raise NotFound(_("There is no such tab"))
    number: int | None = None
    with Boundary(found[0], f"tab {name}", "tab"):
        number = found[1].count(here().session, record)
    return number


def tab_asked() -> str:
    """The tab the address names; for a word that is none the sheet shows its first."""
    return request.args.get("tab", ACTIVITY)


def read_history(registered: RegisteredEntity, record: Record, before: int | None = None) -> list[Entry]:
    """One more line of a record's history than a page shows, with its notes and files as far as the person may know."""
    surroundings = here()
    parts = visible_changes(surroundings.actor)
    return history_of(
        surroundings.session, registered.name, record.id, limit=HISTORY_LINES + 1, before=before, parts=parts
    )


def _key_facts(registered: RegisteredEntity, record: Record, *, may_edit: bool) -> list[Fact]:
    """What matters most of it, above every tab, each changed in place: as declared, or what lists show of it (UX 2.3)."""
    surroundings = here()
    visible = surroundings.permissions.fields(surroundings.actor, registered)
    writable = surroundings.permissions.writable(surroundings.actor, registered, "edit") if may_edit else []
    if registered.entity.facts:
        chosen = [registered.field(name) for name in registered.entity.facts if name in visible]
        shown = [found for found in chosen if found in writable or value_of(record, found) is not None]
        return [_editable(registered, record, found, found in writable) for found in shown[:KEY_FACTS]]
    left_out = {registered.entity.title, *SYSTEM_ATTRIBUTES}
    if registered.entity.numbering:
        left_out.add(registered.entity.numbering.field)
    fields = [
        found
        for name, found in registered.fields.items()
        if (found.declaration.listed or found.declaration.search)
        and name in visible
        and found.attribute not in left_out
        and found.name != EXTRA_KEY
    ]
    filled = [found for found in fields if value_of(record, found) is not None][:KEY_FACTS]
    return [_editable(registered, record, found, found in writable) for found in filled]


def _editable(registered: RegisteredEntity, record: Record, field: Field, may_edit: bool) -> Fact:
    fact = _fact(record, field)
    if not may_edit:
        return fact
    place: dict[str, Any] = {"entity": registered, "record_id": record.id, "name": field.name}
    return replace(fact, edit_url=url_for("one_field.edit", **place))


def _deleted(record: Record, entries: Sequence[Entry]) -> Text:
    assert record.deleted_at is not None
    who = next((entry.operation.actor_name for entry in entries if entry.change.kind == "deleted"), "")
    return _("Deleted by %(name)s on %(date)s", name=who, date=format_datetime(record.deleted_at))


def _path(registered: RegisteredEntity, record: Record) -> StatusStrip | None:
    quick = registered.quick_field
    if quick is None or not quick.type.control().options:
        return None
    return make_strip(quick, value_of(record, quick), record.title, f"/{registered.entity.slug}/{record.id}/status")


def _choosers(registered: RegisteredEntity, record: Record) -> list[StatusStrip]:
    """The other fields a click sets in the header."""
    writable = {found.name: found for found in here().permissions.writable(here().actor, registered, "edit")}
    chosen = [writable[name] for name in registered.entity.choosers if name in writable]
    url = f"/{registered.entity.slug}/{record.id}/status"
    strips = [make_strip(found, value_of(record, found), record.title, url) for found in chosen]
    return [replace(strip, label=found.label) for strip, found in zip(strips, chosen, strict=True)]


def _groups(registered: RegisteredEntity, record: Record) -> list[FactGroup]:
    surroundings = here()
    visible = surroundings.permissions.fields(surroundings.actor, registered)
    groups: list[FactGroup] = []
    for label, fields in sections(registered, list(registered.fields.values())):
        facts = [_fact(record, field) for field in fields if field.name in visible]
        if facts:
            groups.append(FactGroup(label, facts))
    return groups


def sections(registered: RegisteredEntity, fields: Sequence[Field]) -> list[tuple[Text, list[Field]]]:
    """Fields by section: the entity's own sections first, then one per plugin that contributes, then the stamps."""
    surroundings = here()
    known = {section.name: section.label for section in registered.entity.sections} or {"main": registered.entity.label}
    grouped: dict[str, tuple[Text, list[Field]]] = {name: (label, []) for name, label in known.items()}
    for field in fields:
        if field.attribute in SYSTEM_ATTRIBUTES:
            grouped.setdefault("~stamps", (_("Record"), []))[1].append(field)
        elif field.extra_key is not None:
            label = field.label if field.declaration.section == field.name else _("Custom fields")
            grouped.setdefault(f"~{field.declaration.section}", (label, []))[1].append(field)
        elif field.plugin != registered.plugin:
            label = surroundings.registry.plugins[field.plugin].label
            grouped.setdefault(f"~{field.plugin}", (label, []))[1].append(field)
        else:
            name = field.declaration.section if field.declaration.section in known else next(iter(known))
            grouped[name][1].append(field)
    stamps = grouped.pop("~stamps", None)
    ordered = [*grouped.values(), *([stamps] if stamps else [])]
    return [(label, found) for label, found in ordered if found]


def _fact(record: Record, field: Field) -> Fact:
    surroundings = here()
    value = value_of(record, field)
    if value is None:
        return Fact(field.name, field.label, "")

    def address(target: RegisteredEntity, record_id: int) -> str | None:
        may = surroundings.may(target.permission("view"))
        return url_for("records.sheet", entity=target, record_id=record_id) if may else None

    titles = link_titles(surroundings.session, surroundings.registry, field, [value], address)
    return Fact(
        field.name, field.label, (linked_cell(titles) if isinstance(field.type, Link) else cell_maker(field, ""))(value)
    )


def _panels(registered: RegisteredEntity, record: Record) -> list[PanelBox]:
    boxes = []
    for plugin, panel in registered.panels:
        if panel.permission is None or here().may(panel.permission):
            boxes.append(_panel(plugin, panel, "panel", record))
    if email_fields(registered):
        mails = render_template("core/mail_panel.html", panel=make_panel(registered, record.id))
        boxes.append(PanelBox(_("E-mails"), mails, ""))
    return [*user_panels(registered, record), *boxes]


def _panel(plugin: str, panel: Panel | Tab, kind: Literal["panel", "tab"], record: Record) -> PanelBox:
    """One panel or tab behind its own error boundary: a failing one names its module and the page stays (F28)."""
    surroundings = here()
    label = surroundings.registry.plugins[plugin].label
    html: str | None = None
    with Boundary(plugin, f"{kind} {panel.name}", kind):
        html = render_template(panel.template, **panel.context(surroundings.session, record))
    return PanelBox(panel.label, html, label, plugin)


def _actions(registered: RegisteredEntity, record: Record) -> list[ActionButton]:
    buttons = record_buttons(registered, record, offered(registered, "sheet"))
    if email_fields(registered) and here().may(registered.permission("edit")):
        url = url_for("mail_send.compose", entity=registered, id=record.id)
        buttons.append(ActionButton(_("Send e-mail"), url, "get", "mail"))
    return [*user_actions(record), *tag_actions(record), *series_actions(record), *buttons]


def make_history(
    registered: RegisteredEntity, record: Record, entries: Sequence[Entry]
) -> tuple[list[HistoryLine], str | None]:
    """History lines, and the address of older ones."""
    surroundings = here()
    user = surroundings.user
    visible = surroundings.permissions.fields(surroundings.actor, registered)
    administrator = is_administrator(surroundings.actor)  # who else may see fields of modules that are off nobody knows
    lines = []
    for entry in entries:
        operation = entry.operation
        undo_url = None
        if user is not None and may_be_taken_back(operation, user):
            undo_url = url_for("actions.undo_operation", operation_id=operation.id)
        owner = (
            registered if entry.change.entity == registered.name else surroundings.registry.entity(entry.change.entity)
        )
        shown = Entry(
            operation,
            entry.change,
            {
                name: pair
                for name, pair in entry.fields.items()
                if owner is not registered or name in visible or (administrator and name not in registered.fields)
            },
        )
        what = describe_change(surroundings.registry, shown)
        if operation.undo_of is not None:
            what = _("Taken back: %(what)s", what=what)
        values = [] if entry.change.kind == "created" else history_values(owner, shown)
        lines.append(HistoryLine(operation.at, operation.actor_name, what, operation.cause, values, undo_url))
    older = None
    if entries:
        older = url_for("records.history", entity=registered, record_id=record.id, before=entries[-1].change.id)
    return lines, older
