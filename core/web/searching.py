"""Search over all lists, and the command palette (UX 1.3). Both work from what the person may see, and only read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, current_app, request, url_for
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from core.contract.contributions import Command
from core.data.history import Operation, RecordChange
from core.data.query import MAXIMUM_SEARCH, ListQuery, parse
from core.data.records import Record, value_of
from core.features.search import Found, Hit, find_everywhere, is_searchable, read_titles
from core.fields.keys import fold
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.cells import make_strip
from core.web.commands import command_url, offered_commands
from core.web.contexts import Crumb
from core.web.current import here
from core.web.last_searches import last_searches, remember_search
from core.web.palette_contexts import Palette, PaletteGroup, PaletteOption, SearchGroup, SearchPage
from core.web.plugin_actions import offered, record_buttons
from core.web.policy import SIGNED_IN, policy
from core.web.responses import is_fragment, page, see
from core.web.shell import create_entries, make_shell, menu_groups

blueprint = Blueprint("searching", __name__)
ON_PAGE, IN_PALETTE, OF_A_KIND = 10, 4, 6
RECENT, LOOKED_AT = 5, 40
"""Records shown as the last ones, and how many of the person's last changes are looked through for them."""


def _asked() -> str:
    typed = request.args.get("q", "")
    return "".join(letter for letter in typed if letter.isprintable()).strip()[:MAXIMUM_SEARCH]


def _queries(text: str) -> list[ListQuery]:
    """The question of each list the person may look into, in the order of the menu's lists."""
    surroundings = here()
    found = []
    for registered in sorted(surroundings.registry.slugs.values(), key=lambda one: one.entity.order):
        visible = surroundings.permissions.fields(surroundings.actor, registered)
        if surroundings.may(registered.permission("view")) and is_searchable(registered, visible):
            found.append(parse(registered, {"q": [text]}, visible, scope=surroundings.scope))
    return found


def _record_option(registered: RegisteredEntity, hit: Hit, *, named: bool) -> PaletteOption:
    url = url_for("records.sheet", entity=registered, record_id=hit.id)
    details = [*([str(registered.entity.label)] if named else []), *hit.details]
    return PaletteOption(hit.title, url, registered.entity.icon, " · ".join(details))


# -- the page ---------------------------------------------------------------------------------------------------
@blueprint.get("/search")
@policy(SIGNED_IN)
def index() -> Response:
    """What was found in each list, with a link to the list that shows all of it."""
    text = _asked()
    queries = _queries(text)
    found = find_everywhere(here().session, queries, ON_PAGE)
    number = sum(len(one.hits) for one in found)
    some = any(one.more for one in found)
    content = SearchPage(text, [_group(one, text) for one in found], _number(number, some) if text else None,
                         [query.entity.entity.plural for query in queries])  # fmt: skip
    heading = _("Search")
    return page("core/search.html", page=content, shell=make_shell(heading, [Crumb(heading)]))


def _number(number: int, more: bool = False) -> Text:
    if more:
        return _("%(number)s+ results", number=format_integer(number))
    return lazy_plural("%(number)s result", "%(number)s results", number, number=format_integer(number))


def _group(found: Found, text: str) -> SearchGroup:
    entity = found.entity.entity
    url = url_for("records.index", entity=found.entity, q=text)
    label = _("All results in “%(list)s”", list=entity.plural)
    return SearchGroup(entity.plural, entity.icon, [_record_option(found.entity, hit, named=False) for hit in found.hits],
                       url if found.more else "", label)  # fmt: skip


# -- the palette ------------------------------------------------------------------------------------------------
@blueprint.get("/palette")
@policy(SIGNED_IN)
def palette() -> Response:
    """What the palette lists for what is typed (`q`) on a page (`ctx`); without script the search does.

    `keep`: something was opened by it, so it is among the last searches from now on.
    """
    text = _asked()
    if not is_fragment():
        return see(url_for("searching.index", q=text) if text else url_for("searching.index"))
    if "keep" in request.args:
        return remember_search(Response(status=204), text)
    words = (fold(text) or "").split()
    records = _found(text) if text else _recent()
    groups = [
        PaletteGroup(_("Records") if text else _("Recent records"), records),
        PaletteGroup(_("Last searches"), [] if text else _searches()),
        PaletteGroup(_("Commands"), _matching(_commands(request.args.get("ctx", "")), words)),
    ]
    if text:
        groups.append(PaletteGroup(_("Go to"), _matching(_places(), words)))
        groups.append(PaletteGroup(_("Create"), _creating(text)))
    groups = [group for group in groups if group.options]
    number = _number(sum(len(group.options) for group in groups))
    content = Palette(groups, number)
    if text:
        content = Palette(
            groups, number, url_for("searching.index", q=text), _("All results for “%(text)s”", text=text)
        )
    return page("core/palette.html", page=content)


def _found(text: str) -> list[PaletteOption]:
    found = find_everywhere(here().session, _queries(text), IN_PALETTE)
    return [_record_option(one.entity, hit, named=True) for one in found for hit in one.hits]


def _recent() -> list[PaletteOption]:
    """The records the person changed last; those that are gone, or not to be known of any more, are left out."""
    surroundings = here()
    statement = (
        select(RecordChange.entity, RecordChange.record_id)
        .join(Operation, Operation.id == RecordChange.operation_id)
        .where(Operation.actor_id == surroundings.actor.id)
        .order_by(Operation.id.desc(), RecordChange.id.desc())
        .limit(LOOKED_AT)
    )
    places = list(dict.fromkeys((row[0], row[1]) for row in surroundings.session.execute(statement)))
    options: dict[tuple[str, int], PaletteOption] = {}
    queries = {query.entity.name: query for query in _queries("")}
    for name in dict.fromkeys(entity for entity, _id in places):
        if name in queries:
            numbers = [number for entity, number in places if entity == name]
            for hit in read_titles(surroundings.session, queries[name], numbers):
                options[name, hit.id] = _record_option(queries[name].entity, hit, named=True)
    return [options[place] for place in places if place in options][:RECENT]


def _searches() -> list[PaletteOption]:
    return [PaletteOption(said, url_for("searching.index", q=said), "search") for said in last_searches()]


def _matching(options: Iterable[tuple[PaletteOption, str]], words: Sequence[str]) -> list[PaletteOption]:
    """The options all words are found in, by what is said of them."""
    shown = []
    for option, more in options:
        said = f" {fold(f'{option.label} {more}') or ''}"
        if all(f" {word}" in said for word in words):
            shown.append(option)
    return shown[:OF_A_KIND] if words else shown


def _context(address: str) -> tuple[RegisteredEntity | None, int | None, str]:
    """List or record that the page at `address` shows, and the list's question."""
    parts = urlsplit(address) if address.startswith("/") and not address.startswith("//") else urlsplit("/")
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None, "a request has an address"
    try:
        endpoint, values = adapter.match(parts.path, method="GET")
    except HTTPException:
        return None, None, ""
    registered: Any = values.get("entity")
    shown = endpoint in ("records.index", "records.sheet") and isinstance(registered, RegisteredEntity)
    if not shown or not here().may(registered.permission("view")):
        return None, None, ""
    return registered, values.get("record_id"), parts.query


def _commands(address: str) -> list[tuple[PaletteOption, str]]:
    registered, record_id, query = _context(address)
    found = [_option(command) for command in offered_commands("any")]
    if registered is not None and record_id is None:
        found = [_option(one, registered, query=query) for one in offered_commands("list", registered)] + found
    if registered is not None and record_id is not None:
        record = here().session.get(registered.model, record_id)
        if record is not None:
            found = [*_of_record(registered, record, address), *found]
    return found


def _option(
    command: Command, registered: RegisteredEntity | None = None, record_id: int | None = None, query: str = ""
) -> tuple[PaletteOption, str]:
    url = command_url(command, registered, record_id, query)
    fields = [("all", "1"), ("query", query)] if command.method == "post" and command.context == "list" else []
    posted = fields if command.method == "post" else None
    return PaletteOption(command.label, url, command.icon, fields=posted), str(command.keywords)


def _of_record(registered: RegisteredEntity, record: Record, address: str) -> list[tuple[PaletteOption, str]]:
    """What can be done with the record of a page: its actions, its statuses, commands for it."""
    found = [_option(command, registered, record.id) for command in offered_commands("record", registered)]
    back = [("return", address)]
    for button in record_buttons(registered, record, offered(registered, "sheet")):
        posted = back if button.method == "post" else None
        found.append((PaletteOption(button.label, button.url, button.icon, fields=posted), ""))
    quick = registered.quick_field
    if quick is not None and here().may(registered.permission("edit")):
        url = url_for("editing.status", entity=registered, record_id=record.id)
        strip = make_strip(quick, value_of(record, quick), record.title, url)
        for status in strip.buttons:
            if not status.pressed:
                fields = [("field", strip.field), ("seen", strip.seen), ("value", status.code), *back]
                found.append((PaletteOption(status.name, url, "flag", fields=fields), str(quick.label)))
    return found


def _places() -> list[tuple[PaletteOption, str]]:
    """Every page of the menu, every setting of a module and every list of values, by its words (UX 2.13)."""
    found = [
        (
            PaletteOption(entry.label, entry.url, entry.icon, keys=f"g {entry.key}" if entry.key else ""),
            str(group.label),
        )
        for group in menu_groups(counted=False)
        for entry in group.entries
    ]
    if here().may("modules.manage"):
        for plugin in here().registry.plugins.values():
            url = url_for("modules.settings", name=plugin.name) if plugin.settings else ""
            found += [
                (PaletteOption(setting.label, url, "settings", str(plugin.label)), str(plugin.label))
                for setting in plugin.settings
            ]
    if here().may("settings.manage"):
        for plugin in here().registry.plugins.values():
            found += [
                (
                    PaletteOption(one.label, url_for("dictionaries.values", name=one.name), "list", str(plugin.label)),
                    str(_("Dictionaries")),
                )
                for one in plugin.dictionaries
            ]
    return found


def _creating(text: str) -> list[PaletteOption]:
    """New records called by what is typed."""
    shown = []
    for entry in create_entries():
        field = entry.title_field
        url = f"{entry.url}{'&' if '?' in entry.url else '?'}{urlencode({field: text})}" if field else entry.url
        label = _("%(entity)s “%(text)s”", entity=entry.label, text=text)
        shown.append(PaletteOption(label, url, entry.icon, keys=f"c {entry.key}" if entry.key else ""))
    return shown
