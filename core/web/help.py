"""Help: how things are done, the keys, and the way back to the first steps (UX 1.6, 2.15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, url_for

from core.access.preferences import preferences_of
from core.i18n import Text, lazy as _
from core.web.contexts import Crumb
from core.web.current import here
from core.web.policy import SIGNED_IN, policy
from core.web.responses import came_from, is_fragment, page, see
from core.web.shell import create_entries, make_shell, menu_groups

blueprint = Blueprint("help", __name__, url_prefix="/help")


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """Keys that work at one place, each with what it does."""

    label: Text
    keys: Sequence[tuple[Sequence[str], Text]]


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The list of keys, and whether single ones are on."""

    groups: Sequence[KeyGroup]
    on: bool
    return_url: str


def _key_groups() -> list[KeyGroup]:
    """Those that work for this person: letters for pages he has, and for what he may create."""
    places = [
        (("g", entry.key), entry.label) for group in menu_groups(counted=False) for entry in group.entries if entry.key
    ]
    made = [(("c", entry.key), _("Create: %(entity)s", entity=entry.label)) for entry in create_entries() if entry.key]
    return [
        KeyGroup(
            _("Everywhere"),
            [
                (("Ctrl+K",), _("Search or type a command")), (("/",), _("Search or type a command")),
                (("?",), _("Keyboard shortcuts")), (("u",), _("Undo the last action of this page")), *places, *made,
            ],
        ),
        KeyGroup(
            _("In a list"),
            [
                (("j",), _("Next row")), (("k",), _("Previous row")), (("Enter",), _("Open the row")),
                (("x",), _("Select the row")), (("Shift+x",), _("Select all rows from the last one selected")),
                (("s", "1–9"), _("Set the status of the row")), (("m",), _("Change the status")),
                (("→",), _("Walk through the cells of the row")), (("F2",), _("Edit the cell")), (("e",), _("Edit the cell")), (("f",), _("Add filter")), (("v",), _("Choose a view")),
            ],
        ),
        KeyGroup(_("On a record"), [(("e",), _("Edit")), (("n",), _("Add a note")), (("m",), _("Change the status")), (("j",), _("Next record")), (("k",), _("Previous record"))]),
        KeyGroup(
            _("In forms and dialogs"),
            [(("Ctrl+Enter",), _("Save")), (("Ctrl+S",), _("Save")), (("Esc",), _("Cancel or close"))],
        ),
    ]  # fmt: skip


def _keys_page(return_url: str) -> KeysPage:
    return KeysPage(_key_groups(), preferences_of(here().user).keys, return_url)


@blueprint.get("")
@policy(SIGNED_IN)
def index() -> Response:
    """The page Help."""
    heading = _("Help")
    content = _keys_page(url_for("help.index"))
    return page("core/help.html", page=content, shell=make_shell(heading, [Crumb(heading)]))


@blueprint.get("/keys")
@policy(SIGNED_IN)
def keys() -> Response:
    """The keys, for the dialog of every page; without script they stand on the page Help."""
    if not is_fragment():
        return see(url_for("help.index") + "#keys")
    return page("core/help_keys.html", page=_keys_page(came_from()), dialog=True)
