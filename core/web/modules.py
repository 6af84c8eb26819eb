"""The page Modules: what is there, what a click would do, doing it, settings, removal (UX 2.12, MO-1 to MO-3, MO-8)."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from core.access.audit import MODULE
from core.access.permissions import is_administrator
from core.contract.plugin import Plugin
from core.data.unit import transaction
from core.errors import Forbidden, NotFound, PluginError, Refused, StateConflict
from core.i18n import Text, lazy as _, lazy_context, lazy_plural
from core.runtime import activation
from core.settings import read_settings, write_settings
from core.upkeep import overview, purging
from core.upkeep.dumps import entities_of, write_dump
from core.web.arguments import last_values, number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.demo import demo_box
from core.web.form_contexts import FormGroup, FormPage
from core.web.forms import setting_controls, setting_texts
from core.web.module_contexts import ImpactPage, ModuleCard, ModuleDetails, ModulesPage
from core.web.policy import guarded_by_password, policy
from core.web.responses import attachment, is_fragment, page, see
from core.web.shell import make_shell

blueprint = Blueprint("modules", __name__, url_prefix="/admin/modules")
MANAGE = "modules.manage"
FILTERS: tuple[tuple[tuple[str, ...], Text], ...] = (
    (("enabled",), lazy_context("modules", "Enabled")),
    (("disabled",), _("Available")),
    (("attention", "missing"), _("Needs attention")),
)
"""The states of cards each filter shows; the first is its name in the address."""


def _crumbs(*more: Crumb) -> list[Crumb]:
    return [Crumb(_("Administration")), Crumb(_("Modules"), url_for("modules.index") if more else None), *more]


def _state(module: overview.Module) -> str:
    """The state of a card: what is installed and has a fault needs attention, on or off; what is gone is missing."""
    if module.status == "unavailable" and not module.distribution:
        return "missing"
    if module.incidents or module.status in ("set aside", "unavailable"):
        return "attention"
    return "enabled" if module.status == "enabled" else "disabled"


def _card(module: overview.Module) -> ModuleCard:
    plugin = module.plugin
    labels = (
        {found.name: found.label for found in overview.modules(here().runtime)} if plugin and plugin.requires else {}
    )
    running = module.status in ("enabled", "set aside") or (module.status == "unavailable" and module.has_data)
    verb = "disable" if running else "enable"
    problem = module.reason or module.waiting
    if problem is None and module.incidents:
        problem = lazy_plural(
            "%(number)s incident that nobody has cleared",
            "%(number)s incidents that nobody has cleared",
            module.incidents,
        )
    return ModuleCard(
        name=module.name,
        label=module.label,
        description=plugin.description if plugin else "",
        category=(plugin.category if plugin else "") or _("Other"),
        state=_state(module),
        version=module.version,
        icon=plugin.icon if plugin else "puzzle",
        needs=[labels.get(name, name) for name in plugin.requires] if plugin else [],
        problem=problem,
        details_url=url_for("modules.details", name=module.name),
        settings_url=url_for("modules.settings", name=module.name)
        if module.status == "enabled" and plugin and plugin.settings
        else None,
        verb=verb,
        change_url=url_for(f"modules.{verb}", name=module.name) if plugin or running else None,
        foreign=module.distribution not in ("", "comptoir"),
    )


@blueprint.get("")
@policy(MANAGE)
def index() -> Response:
    """All modules as cards."""
    runtime = here().runtime
    everything = overview.modules(runtime)
    cards = [_card(module) for module in everything]
    wanted, search = request.args.get("state", ""), request.args.get("q", "").strip()
    states = [
        (_("All"), url_for("modules.index"), not wanted),
        *(
            (
                _("%(state)s %(number)s", state=label, number=sum(card.state in states for card in cards)),
                url_for("modules.index", state=states[0]),
                wanted == states[0],
            )
            for states, label in FILTERS
        ),
    ]
    kept = next((states for states, _label in FILTERS if states[0] == wanted), None)
    shown = [card for card in cards if (kept is None or card.state in kept) and _matches(card, search)]
    content = ModulesPage(
        cards=shown,
        states=states,
        search=search,
        reload_url=url_for("modules.reload"),
        version=runtime.generation.version,
        upgraded=[
            _("%(module)s: %(what)s", module=module.label, what=module.waiting)
            for module in everything
            if module.waiting
        ],
        demo=demo_box(),
    )
    return page("core/modules.html", page=content, shell=make_shell(_("Modules"), _crumbs()))


def _matches(card: ModuleCard, search: str) -> bool:
    return search.casefold() in f"{card.name} {card.label} {card.description}".casefold()


def _find(name: str) -> overview.Module:
    found = next((module for module in overview.modules(here().runtime) if module.name == name), None)
    if found is None:
        raise NotFound(_("There is no module %(name)s", name=name))
    return found


@blueprint.post("/reload")
@policy(MANAGE)
@guarded_by_password
def reload() -> Response:
    """Look for newly installed modules."""
    here().fresh()
    here().runtime.rescan()
    return see(url_for("modules.index"))


# -- on and off -------------------------------------------------------------------------------------------------
def _impact_page(name: str, verb: str, problem: Text | None, status: int) -> Response:
    _find(name)
    effect = overview.impact(here().runtime, name)
    added = effect.additions
    adds: list[tuple[Text, list[Text]]] = []
    titles: tuple[tuple[Text, tuple[str, ...]], ...] = (
        (_("Menu entries"), added.menus),
        (_("Lists"), added.entities),
        (_("Fields"), added.fields),
        (_("Panels"), added.panels),
        (_("Actions and commands"), tuple(dict.fromkeys((*added.actions, *added.commands)))),
        (_("Permissions"), added.permissions),
        (_("Scheduled jobs"), added.jobs),
        (_("Tables"), added.tables),
    )
    adds += [(title, list(items)) for title, items in titles if items and verb == "enable"]
    adds += [(title, list(items)) for title, items in titles[:5] if items and verb == "disable"]
    if effect.rows:
        adds.append(
            (
                _("Rows kept"),
                [_("%(table)s: %(number)s", table=table, number=number) for table, number in effect.rows.items()],
            )
        )
    content = ImpactPage(
        verb=verb, name=name, label=effect.label, url=url_for(f"modules.{verb}", name=name), version=effect.version, adds=adds,
        others=[label for _name, label in effect.others], blocked=problem or effect.problem,
    )  # fmt: skip
    if is_fragment():
        return page("core/module_change_form.html", status, page=content, in_dialog=True)
    heading = (
        _("Enable %(module)s", module=effect.label)
        if verb == "enable"
        else _("Disable %(module)s", module=effect.label)
    )
    return page("core/module_change.html", status, page=content, shell=make_shell(heading, _crumbs(Crumb(heading))))


@blueprint.get("/<name>/enable")
@policy(MANAGE)
def enable(name: str) -> Response:
    """What enabling would add."""
    return _impact_page(name, "enable", None, 200)


@blueprint.get("/<name>/disable")
@policy(MANAGE)
def disable(name: str) -> Response:
    """What disabling would take away."""
    return _impact_page(name, "disable", None, 200)


def _change(name: str, verb: str, change: Callable[..., Any]) -> Response:
    """Do it with the version that was shown; a refusal shows the page again with the reason."""
    _find(name)
    surroundings = here()
    surroundings.fresh()
    shown = number_argument(request.form, "version")
    try:
        change(shown)
    except (Refused, StateConflict) as error:
        return _impact_page(name, verb, error.message, 409 if isinstance(error, StateConflict) else 422)
    except PluginError as error:
        return _impact_page(name, verb, error.message, 422)
    return see(url_for("modules.index", told=f"{verb}d", module=name))


@blueprint.post("/<name>/enable")
@policy(MANAGE)
@guarded_by_password
def enable_now(name: str) -> Response:
    """Enable, with the modules it needs."""
    surroundings = here()

    def change(shown: int | None) -> None:
        activation.enable(
            surroundings.runtime,
            name,
            shown_version=shown,
            actor=surroundings.actor,
            with_needs=request.form.get("all") == "1",
        )

    return _change(name, "enable", change)


@blueprint.post("/<name>/disable")
@policy(MANAGE)
@guarded_by_password
def disable_now(name: str) -> Response:
    """Disable; the data stays."""
    surroundings = here()

    def change(shown: int | None) -> None:
        activation.disable(
            surroundings.runtime,
            name,
            shown_version=shown,
            actor=surroundings.actor,
            with_dependents=request.form.get("all") == "1",
        )

    return _change(name, "disable", change)


# -- details, settings, removal ---------------------------------------------------------------------------------
@blueprint.get("/<name>")
@policy(MANAGE)
def details(name: str) -> Response:
    """Everything about one module."""
    return _details_page(name, None, 200)


def _details_page(name: str, error: Text | None, status: int) -> Response:
    module = _find(name)
    surroundings = here()
    plugin = module.plugin
    facts: list[tuple[Text, str]] = [
        (_("Name"), module.name),
        (_("Version"), module.version),
        (_("Distribution"), module.distribution),
    ]
    if plugin is not None:
        facts += [
            (_("Author"), plugin.author),
            (_("Licence"), plugin.licence),
            (_("Needs"), ", ".join(plugin.requires)),
        ]
    checks = [
        (label, result.state, result.message)
        for owner, label, result in overview.run_checks(surroundings.runtime)
        if owner == name
    ]
    incidents = [
        (incident.at, f"{incident.kind} {incident.hook}".strip(), incident.detail, incident.cleared)
        for incident in overview.incidents_of(surroundings.session, name)
    ]
    removable = module.status == "disabled" and module.has_data
    rows = _stored_rows(name) if removable else 0
    content = ModuleDetails(
        card=_card(module), facts=facts, checks=checks, incidents=incidents,
        clear_url=url_for("modules.clear", name=name) if module.incidents else None,
        purge_url=url_for("modules.purge", name=name) if removable else None,
        dump_url=url_for("modules.dump", name=name) if rows else None, purge_rows=rows, error=error,
    )  # fmt: skip
    return page(
        "core/module_details.html", status, page=content, shell=make_shell(module.label, _crumbs(Crumb(module.label)))
    )


def _stored_rows(name: str) -> int:
    connection = here().session.connection()
    owners = {module.name for module in overview.modules(here().runtime)}
    return sum(overview.count(connection, table) for table in overview.tables_of(connection, name, owners))


@blueprint.post("/<name>/clear")
@policy(MANAGE)
def clear(name: str) -> Response:
    """Say that the faults of a module were looked at; it counts them anew."""
    _find(name)
    here().fresh()
    overview.clear_faults(here().runtime, name, here().actor)
    return see(url_for("modules.details", name=name, told="cleared", module=name))


@blueprint.get("/<name>/dump")
@policy(MANAGE)
def dump(name: str) -> Response:
    """The data of a module as one file: its tables, and notes and files on its records (MO-3)."""
    _find(name)
    surroundings = here()
    if not is_administrator(surroundings.actor):
        raise Forbidden(_("All data of a module, whoever it belongs to, is for administrators only"))
    entities = entities_of(surroundings.runtime, name)
    plan = purging.plan_dump(surroundings.runtime, surroundings.session, name, entities)
    surroundings.runtime.trail.later(MODULE, f"module.dump: {name}")
    handle = tempfile.TemporaryFile(dir=surroundings.runtime.config.var)  # noqa: SIM115 - closed when it was sent
    try:
        write_dump(surroundings.session, plan, handle)
        handle.seek(0)
    except BaseException:
        handle.close()
        raise
    return attachment(handle, plan.file_name, "application/zip")


@blueprint.post("/<name>/purge")
@policy(MANAGE)
@guarded_by_password
def purge(name: str) -> Response:
    """Remove the data of a disabled module for good; its name must be typed, a dump is kept (MO-3)."""
    if request.form.get("confirm", "").strip() != name:
        return _details_page(name, _("To remove the data, type %(name)s exactly", name=name), 422)
    here().fresh()
    try:
        kept = purging.purge(here().runtime, name, actor=here().actor, dump_to=purging.dump_folder(here().runtime))
    except (Refused, StateConflict) as error:
        return _details_page(name, error.message, 422)
    return see(url_for("modules.index", told="purged", module=name, file=kept.name if kept else None))


def _settings_plugin(name: str) -> Plugin:
    plugin = here().registry.plugins.get(name)
    if plugin is None or not plugin.settings:
        raise NotFound(_("There is no module %(name)s", name=name))
    return plugin


@blueprint.get("/<name>/settings")
@policy("settings.manage")
def settings(name: str) -> Response:
    """The settings a module declares."""
    plugin = _settings_plugin(name)
    values = read_settings(here().session, name, plugin.settings)
    return _settings_page(plugin, setting_texts(plugin.settings, values), {}, 200)


def _settings_page(plugin: Plugin, typed: Mapping[str, str], errors: Mapping[str, Text], status: int) -> Response:
    controls = setting_controls(plugin.settings, typed, errors)
    heading = _("Settings of %(module)s", module=plugin.label)
    content = FormPage(
        heading=heading, url=url_for("modules.settings", name=plugin.name), groups=[FormGroup("", controls, True)],
        errors=list(errors.items()), cancel_url=url_for("modules.index"), key=secrets.token_urlsafe(18), version=None,
        create_another=False,
    )  # fmt: skip
    return page("core/module_settings.html", status, page=content, shell=make_shell(heading, _crumbs(Crumb(heading))))


@blueprint.post("/<name>/settings")
@policy("settings.manage")
@guarded_by_password
def save_settings(name: str) -> Response:
    """Store the settings, or show what is wrong."""
    plugin = _settings_plugin(name)
    here().fresh()
    try:
        with transaction("settings.edit", cause=str(plugin.label)) as unit:
            write_settings(unit.session, name, plugin.settings, last_values(request.form))
    except Refused as error:
        return _settings_page(plugin, last_values(request.form), {error.field or "": error.message}, 422)
    return see(url_for("modules.index", told="saved", module=name))
