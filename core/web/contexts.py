"""What the page templates are given: frozen values, made by views, documented here and nowhere else (DESIGN 8).

Templates get nothing but these and the helpers of `core.web.templating`. All text is plain; cells ending in `html`
were escaped by their field type.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import Text
from core.web.part_contexts import FilesBox, NotesBox, TagBox, UploadForm


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One link of the main menu."""

    label: Text
    url: str
    icon: str
    current: bool = False
    counter: int | None = None
    key: str | None = None
    """The letter for it, after `g` in the menu and after `c` among what can be created."""
    title_field: str = ""
    """Of what can be created: the field that names it."""


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """A named group of the main menu; the home link stands alone in a group without label."""

    name: str
    label: Text
    entries: Sequence[MenuEntry]


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the breadcrumb; the last has no address."""

    label: Text
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What the last action did, with Undo when it can be taken back: shown in the polite region (UX 2.0)."""

    message: Text
    undo_url: str | None = None
    notices: Sequence[Text] = ()


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of every signed-in page."""

    title: Text
    menu: Sequence[MenuGroup]
    crumbs: Sequence[Crumb]
    create: Sequence[MenuEntry]
    user_name: str
    language: str
    theme: str
    done: Done | None = None
    company: str = "Comptoir"
    companies: Sequence[tuple[str, Text, bool]] = ()
    """The companies the person works for, when there are several: number, name, whether active (TP-14)."""
    here: str = ""
    """The address of this page, for `return` of the forms in the frame."""
    keys: bool = True
    """Whether single keys do something (UX 1.6)."""
    narrow: bool = False
    """Whether the menu shows icons only."""
    unread: str = ""
    """How many notifications were not read: empty for none, `99+` for very many."""
    pinned: Sequence[MenuEntry] = ()
    """The saved views of the person's menu."""

    @property
    def menu_state(self) -> tuple[tuple[str, bool, int | None], ...]:
        """What of the menu differs from page to page: entries that are current, and numbers beside them."""
        return tuple((entry.url, entry.current, entry.counter) for group in self.menu for entry in group.entries)


@dataclass(frozen=True, slots=True)
class StatusButton:
    """One value of the quick field: code, label, tone, its accessible name for this row, whether it is set, its icon."""

    code: str
    label: Text
    tone: str
    name: Text
    pressed: bool
    icon: str = ""


@dataclass(frozen=True, slots=True)
class StatusStrip:
    """The buttons that set a row's quick field with one click (UX 2.1); `seen` is the value they were drawn for."""

    url: str
    field: str
    seen: str
    label: Text
    buttons: Sequence[StatusButton]


@dataclass(frozen=True, slots=True)
class ActionButton:
    """A button or link of a sheet's header, of a row's menu or of the bulk bar; `method` is get or post."""

    label: Text
    url: str
    method: str
    icon: str
    shortcut: str | None = None
    form: str = ""
    """In a row's menu: the id of the form that a post button sends."""
    again: bool = False
    """Whether it may be pressed again at once, since the page stays: it gives a file."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A field on the sheet, its value as HTML (empty string: nothing), and where it is changed in place."""

    name: str
    label: Text
    html: str
    edit_url: str | None = None


@dataclass(frozen=True, slots=True)
class FactGroup:
    """A section of fields on the sheet."""

    label: Text
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class HistoryValue:
    """One field of a history line, old and new as people read them."""

    label: Text
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of history: who, when, what, why."""

    at: datetime.datetime
    who: str
    what: Text
    why: str | None
    values: Sequence[HistoryValue]
    undo_url: str | None = None


@dataclass(frozen=True, slots=True)
class PanelBox:
    """A plugin's panel: its HTML when it worked, else the plugin's label and an incident to name."""

    label: Text
    html: str | None
    plugin_label: Text
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab of the sheet: a link; `count` is shown behind the label when it is known, or asked for at `count_url`."""

    name: str
    label: Text
    url: str
    current: bool
    count: int | None = None
    count_url: str | None = None


@dataclass(frozen=True, slots=True)
class SheetPage:
    """A record's sheet (UX 2.3). `facts`: above the tabs; `choosers`: what is set beside the path of the status."""

    entity_label: Text
    heading: str
    subtitle: str
    badges: Sequence[str]
    path: StatusStrip | None
    groups: Sequence[FactGroup]
    history: Sequence[HistoryLine]
    older_url: str | None
    panels: Sequence[PanelBox]
    actions: Sequence[ActionButton]
    edit_url: str | None
    delete_url: str | None
    restore_url: str | None
    deleted: Text | None
    return_url: str
    facts: Sequence[Fact]
    tabs: Sequence[TabLink]
    tab: str
    box: PanelBox | None
    """What a plugin's tab shows."""
    notes: NotesBox | None
    """On the tab Activity."""
    files: FilesBox | None
    """On the tab Files."""
    upload: UploadForm | None
    """Where dropped files go, on every tab of a record the person may edit."""
    steps: Sequence[tuple[str, Text, str, str]] = ()
    """To the records before and behind it in the list: way, words, address, icon."""
    place_url: str = ""
    """Says which row of that list it is."""
    errors: Sequence[tuple[str, Text]] = ()
    tags: TagBox | None = None
    choosers: Sequence[StatusStrip] = ()


@dataclass(frozen=True, slots=True)
class BinRow:
    """A record in the trash."""

    title: str
    entity_label: Text
    url: str
    deleted_at: datetime.datetime
    who: str
    restore_url: str


@dataclass(frozen=True, slots=True)
class BinPage:
    """The trash of all entities the user may see."""

    rows: Sequence[BinRow]
    heading: Text


@dataclass(frozen=True, slots=True)
class RecentRow:
    """One of the user's own actions of the last 24 hours."""

    what: Text
    at: datetime.datetime
    undo_url: str


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A plain page for what cannot be done: status, sentence, incident number when it is our fault.

    `retry_url`: where the form whose values are `kept` can be sent again.
    """

    status: int
    heading: Text
    message: Text
    incident: str | None = None
    home_url: str = "/"
    retry_url: str | None = None
    kept: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class RecentPage:
    """The user's actions of the last 24 hours that can be taken back."""

    rows: Sequence[RecentRow]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Older history of a record."""

    heading: str
    history: Sequence[HistoryLine]
    older_url: str | None
    return_url: str
    subtitle: str = ""
