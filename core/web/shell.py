"""The frame of every page: menu, breadcrumb, what the last action did (UX 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import request, url_for

from core.access.preferences import preferences_of
from core.contract.contributions import MenuItem
from core.data.history import Summary
from core.features.notifications import MOST_COUNTED
from core.fields import COMPANIES
from core.i18n import Text, current_locale, lazy as _
from core.settings import CORE_SETTINGS, read_settings
from core.upkeep.purging import DUMPS, kept_dump
from core.web.boundary import Boundary
from core.web.contexts import Crumb, Done, MenuEntry, MenuGroup, Shell
from core.web.current import here
from core.web.describe import describe_operations, load_summary, may_be_taken_back
from core.web.desk import desk
from core.web.telling import told

GROUPS: tuple[tuple[str, Text], ...] = (
    ("customers", _("Customers")),
    ("sales", _("Sales")),
    ("agenda", _("Agenda")),
    ("marketing", _("Marketing")),
    ("tools", _("Tools")),
    ("administration", _("Administration")),
)
CORE_MENU: tuple[MenuItem, ...] = (
    MenuItem(_("Outbox"), "mail_outbox.index", group="tools", order=60, icon="mail"),
    MenuItem(_("E-mail templates"), "mail_templates.index", group="tools", order=65, icon="mail"),
    MenuItem(
        _("Mail server"),
        "mail_settings.index",
        group="administration",
        order=40,
        icon="settings",
        permission="settings.manage",
    ),
    MenuItem(
        _("Suppression list"),
        "mail_suppression.index",
        group="administration",
        order=45,
        icon="circle-x",
        permission="settings.manage",
    ),
    MenuItem(_("Trash"), "records.trash", group="tools", order=80, icon="trash"),
    MenuItem(_("Jobs"), "jobs.index", group="tools", order=90, icon="progress"),
    MenuItem(
        _("Modules"), "modules.index", group="administration", order=10, icon="puzzle", permission="modules.manage"
    ),
    MenuItem(
        _("Company settings"),
        "company_settings.index",
        group="administration",
        order=5,
        icon="settings",
        permission="settings.manage",
    ),
    MenuItem(_("Users"), "records.index", {"entity": "user"}, group="administration", order=20, icon="user"),
    MenuItem(_("Teams"), "records.index", {"entity": "team"}, group="administration", order=22, icon="users"),
    MenuItem(
        _("Companies"),
        "records.index",
        {"entity": "company"},
        group="administration",
        order=24,
        icon="building",
    ),
    MenuItem(
        _("Dictionaries"),
        "dictionaries.index",
        group="administration",
        order=27,
        icon="list",
        permission="settings.manage",
    ),
    MenuItem(_("Tags"), "records.index", {"entity": "tag"}, group="administration", order=28, icon="tag"),
    MenuItem(_("Roles"), "roles.index", group="administration", order=26, icon="lock", permission="settings.manage"),
    MenuItem(_("Audit"), "audit.index", group="administration", order=50, icon="history", permission="settings.manage"),
    MenuItem(_("Numbering"), "records.index", {"entity": "series"}, group="administration", order=30, icon="hash"),
)


HOME_KEY = "h"
PLUGIN_FAULT = 500
"""The status of a fault that was logged, so that its number is worth telling."""
TOLD: dict[str, Callable[[Text], Text]] = {
    "enabled": lambda module: _("%(module)s enabled", module=module),
    "disabled": lambda module: _("%(module)s disabled", module=module),
    "purged": lambda module: _("The data of %(module)s was removed", module=module),
    "cleared": lambda module: _("The incidents of %(module)s were cleared", module=module),
    "saved": lambda module: _("The settings of %(module)s were saved", module=module),
}
"""What the Modules page tells after its own actions, which Undo does not take back."""


def group_label(name: str) -> Text:
    """The words of a menu group."""
    return dict(GROUPS)[name]


def make_shell(title: Text, crumbs: Sequence[Crumb] = (), done: Done | None = None) -> Shell:
    """The frame for a page of the signed-in user."""
    surroundings = here()
    user = surroundings.user
    chosen = preferences_of(user)
    company = read_settings(surroundings.session, "core", CORE_SETTINGS)["company_name"]
    return Shell(
        title=title,
        menu=menu_groups(),
        crumbs=crumbs,
        create=create_entries(),
        user_name=user.name if user else "",
        language=current_locale().language,
        theme=(user.theme if user else None) or "system",
        done=done or _done(),
        company=company or "Comptoir",
        companies=_companies(),
        here=request.full_path.rstrip("?"),
        keys=chosen.keys,
        narrow=chosen.narrow,
        unread=_unread(),
        pinned=_pinned(),
    )


def _unread() -> str:
    """What the bell shows: how many notifications were not read, up to 99."""
    number = desk().unread
    return "" if not number else f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)


def _pinned() -> list[MenuEntry]:
    """The saved views of the person's menu, of lists that are there and that he may see."""
    entities, current = here().registry.entities, request.args.get("view")
    shown = [one for one in desk().pinned if one.target in entities and here().may(f"{one.target}.view")]
    return [
        MenuEntry(
            one.name, url_for("records.index", entity=entities[one.target], view=one.id), "star",
            request.endpoint == "records.index" and current == str(one.id),
        )
        for one in shown
    ]  # fmt: skip


def _companies() -> list[tuple[str, Text, bool]]:
    scope, options = here().scope, here().registry.dictionaries.get(COMPANIES, ())
    mine = [option for option in options if scope.companies and int(option.code) in scope.companies]
    return [(option.code, option.label, int(option.code) == scope.active) for option in mine]


def menu_groups(*, counted: bool = True) -> list[MenuGroup]:
    """The main menu as the person sees it; `counted`: with the numbers beside its entries."""
    current = request.full_path.rstrip("?")
    home = MenuGroup("home", "", [MenuEntry(_("Home"), url_for("home.index"), "home", current == "/", key=HOME_KEY)])
    return [home, *(MenuGroup(name, label, _entries(items, current, counted)) for name, label, items in _menu())]


def _menu() -> list[tuple[str, Text, list[tuple[str, MenuItem, str]]]]:
    """Groups with their entries in order, each with plugin and address; made once for those with the same rights."""
    surroundings = here()
    key = ("menu", surroundings.actor.roles)
    known: list[tuple[str, Text, list[tuple[str, MenuItem, str]]]] | None = surroundings.kept.get(key)
    if known is not None:
        return known
    by_group: dict[str, list[tuple[str, MenuItem]]] = {}
    for plugin, item in (*surroundings.registry.menu, *(("core", item) for item in CORE_MENU)):
        if _may_see(item):
            by_group.setdefault(item.group, []).append((plugin, item))
    made = [
        (name, label, [
            (plugin, item, url_for(item.endpoint, **dict[str, Any](item.values)))
            for plugin, item in sorted(by_group[name], key=lambda pair: pair[1].order)
        ])
        for name, label in GROUPS if name in by_group
    ]  # fmt: skip
    surroundings.kept[key] = made
    return made


def _may_see(item: MenuItem) -> bool:
    surroundings = here()
    entity = item.values.get("entity")
    if entity is not None:
        if entity not in surroundings.registry.entities:
            return False
        if not surroundings.may(f"{entity}.view"):
            return False
    return item.permission is None or surroundings.may(item.permission)


def _entries(items: Iterable[tuple[str, MenuItem, str]], current: str, counted: bool) -> list[MenuEntry]:
    entries = []
    for plugin, item, url in items:
        number = _counted(plugin, item) if counted and item.counter is not None else 0
        entries.append(MenuEntry(item.label, url, item.icon, _is_current(url, current), number or None, key=item.key))
    return entries


def _counted(plugin: str, item: MenuItem) -> int:
    """The number beside an entry; none where modules are managed, which asks no plugin anything (SECURITY 7.30)."""
    number = 0
    entity = here().registry.entities.get(item.values.get("entity", ""))
    hidden = entity is not None and not here().scope.sees_all(entity)  # the number counts all records (T35)
    if item.counter is not None and request.blueprint != "modules" and not hidden:
        with Boundary(plugin, f"menu {item.endpoint}", "menu"):
            number = item.counter(here().session)
    return number


def _is_current(url: str, current: str) -> bool:
    """Whether the page shown is the entry's: same path, and the same built-in view when it has one."""
    entry, here_ = urlsplit(url), urlsplit(current)
    view = [pair for pair in here_.query.split("&") if pair.startswith("view=")]
    return entry.path == here_.path and view == [pair for pair in entry.query.split("&") if pair.startswith("view=")]


def create_entries() -> list[MenuEntry]:
    """What the person may create, in the order of use (UX 1.4)."""
    surroundings = here()
    key = ("create", surroundings.actor.roles)
    known: list[MenuEntry] | None = surroundings.kept.get(key)
    if known is not None:
        return known
    entries: list[MenuEntry] = []
    for registered in sorted(surroundings.registry.entities.values(), key=lambda found: found.entity.order):
        entity = registered.entity
        if entity.administrators_only or not surroundings.may(registered.permission("create")):
            continue
        title = "" if registered.title_field.declaration.readonly else entity.title
        if entity.views:
            entries += [
                MenuEntry(
                    view.one,
                    url_for("editing.new", entity=registered, **dict[str, Any](view.defaults)),
                    entity.icon,
                    key=view.key,
                    title_field=title,
                )
                for view in entity.views
            ]
        else:
            url = url_for("editing.new", entity=registered)
            entries.append(MenuEntry(entity.label, url, entity.icon, key=entity.key, title_field=title))
    surroundings.kept[key] = entries
    return entries


def _done() -> Done | None:
    surroundings = here()
    switched = TOLD.get(request.args.get("told", ""))
    if switched is not None and (found := surroundings.runtime.discovery.found.get(request.args.get("module", ""))):
        kept = kept_dump(surroundings.runtime, request.args.get("file", ""))
        notices = [_("A copy of it is kept on the server as %(file)s", file=f"{DUMPS}/{kept.name}")] if kept else []
        return Done(switched(found.label), notices=notices)
    number = request.args.get("done", "")
    if not number.isdecimal() or len(number) > 18 or surroundings.user is None:
        return None
    summary = load_summary(surroundings.session, int(number))
    if summary is None or summary.operation.actor_id != surroundings.user.id:
        return None
    return make_done(summary)


def make_done(summary: Summary) -> Done:
    """The message on an operation just done, with Undo when it can be taken back."""
    surroundings = here()
    operation = summary.operation
    undo_url = None
    if summary.kinds and surroundings.user and may_be_taken_back(operation, surroundings.user):
        undo_url = url_for("actions.undo_operation", operation_id=operation.id)
    notices = [operation.cause] if operation.cause and summary.kinds else []
    (what,) = describe_operations([summary])
    return Done(what, undo_url, [*notices, *told(operation.id)])
