"""What plugins contribute: frozen values returned by declaration hooks (DESIGN 3, UX 1.2).

Nothing here runs by itself. Functions inside (context of a panel, verb of an action) are called by generic pages
behind an error boundary that names the plugin.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from core.errors import ContractError
from core.i18n import Message, Text, lazy as _

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.data.records import Record
    from core.data.unit import Unit
    from core.jobs.run import JobRun

ActionPlace = Literal["sheet", "list", "bulk"]
CommandContext = Literal["any", "list", "record", "rows"]
SHORTCUTS = frozenset("abdhilopqrtwyz")
"""The letters that the core leaves to actions (UX 1.6)."""
Group = Literal["customers", "sales", "agenda", "marketing", "tools", "administration"]


@dataclass(frozen=True, slots=True)
class Section:
    """A group of fields on form and sheet."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class View:
    """A built-in selection of an entity's list, such as prospects: filters as in the URL, and words of its own."""

    name: str
    label: Text
    one: Text
    filters: tuple[str, ...]
    new_label: Text
    defaults: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    """The letter that makes a new one, after `c` (UX 1.6)."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Which field of a new record gets a number when left empty, and the mask of the first series (TP-2).

    `customer_code` and `type_code` name what `{ccc}` and `{ttt}` print: a field of the record (`role`), or one of the
    record that a field links to (`thirdparty_id.code`). Without one, masks with that part are refused.
    """

    field: str
    mask: str
    label: Text
    customer_code: str | None = None
    type_code: str | None = None


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose the records of an entity are (DESIGN 7): the columns that say so, None for those it has not.

    `through` names a link to another entity, whose ownership then decides for these records too.
    """

    owner: str | None = "owner_id"
    team: str | None = "team_id"
    representatives: str | None = None
    companies: str | None = "companies"
    through: str | None = None
    part_of: tuple[str, str] | None = None
    """For what belongs to a record of any entity: the columns that hold the entity's name and the record's id."""


@dataclass(frozen=True, slots=True)
class Entity:
    """What a record class is to people. `title` names the field that names a record; `slug` stands in URLs.

    Without `plural` its lists are called by the label, and without `new_label` new records by "Create:" and the label.
    """

    name: str
    label: Text
    plural: Text = ""
    slug: str = field(kw_only=True)
    title: str = field(kw_only=True)
    new_label: Text = ""
    group: Group = "customers"
    icon: str = "list"
    order: int = 50
    sections: tuple[Section, ...] = ()
    views: tuple[View, ...] = ()
    numbering: Numbering | None = None
    default_sort: str = "-created_at"
    timeline: bool = True
    administrators_only: bool = False
    rebuilds: bool = False
    """Whether generations are built from its records, so that a change of one calls for a new generation."""
    guarded: bool = False
    """Whether changing its records asks for the password again when it was not given lately (A52)."""
    ownership: Ownership | None = None
    pages: bool = True
    """Whether people have a list, sheets and forms at `/slug`; without, its records show on the sheet of their owner."""
    key: str | None = None
    """The letter that makes a new one, after `c` (UX 1.6)."""
    choosers: tuple[str, ...] = ()
    """Fields that are set with one click in the header of a sheet, beside its status, such as a potential (UX 2.3)."""
    facts: tuple[str, ...] = ()
    """The key facts of a sheet, at most seven, empty ones too; without, what lists show and is there."""
    sentences: Mapping[str, Message] = field(default_factory=dict)
    """Words of its own for what happens to a record, by kind of change; `%(title)s` stands for the record."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plural", self.plural or self.label)
        object.__setattr__(self, "new_label", self.new_label or _("Create: %(entity)s", entity=self.label))


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of the main menu. `endpoint` and `values` as for `url_for`; `counter` must answer by primary key.

    `key`: the letter that opens it, after `g` (UX 1.6).
    """

    label: Text
    endpoint: str
    values: Mapping[str, str] = field(default_factory=dict)
    group: Group = "customers"
    order: int = 50
    icon: str = "list"
    permission: str | None = None
    counter: Callable[[Session], int] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A box on a sheet: a template of the plugin, and a function that makes its context from the record."""

    name: str
    label: Text
    template: str
    context: Callable[[Session, Record], Mapping[str, Any]]
    permission: str | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a sheet, made as a panel is, when its address (`?tab=name`) asks for it.

    `count` gives the number behind its label; it is asked after the sheet was shown, so it may take a moment.
    """

    name: str
    label: Text
    template: str
    context: Callable[[Session, Record], Mapping[str, Any]]
    count: Callable[[Session, Record], int] | None = None
    permission: str | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class Widget:
    """A card of the home page. With `entity` it counts the rows of that list, for whoever may see it: those that
    `filters` select (as in the list's address), one figure for each value of the field `by`; each leads to a list with
    exactly that many rows (UX 0.1). Otherwise it is a template of the plugin with its context.
    """

    name: str
    label: Text
    entity: str = ""
    by: str | None = None
    filters: tuple[str, ...] = ()
    template: str = ""
    context: Callable[[Session], Mapping[str, Any]] | None = None
    permission: str | None = None
    order: int = 50

    def __post_init__(self) -> None:
        drawn = bool(self.template and self.context)
        if drawn == bool(self.entity):
            raise ContractError(f"widget {self.name!r} needs an entity to count, or a template and its context")


@dataclass(frozen=True, slots=True)
class Action:
    """A button for records. Either `verb` (a POST that runs in a unit) or `endpoint` (a link with the record's id).

    `where` it is: on the sheet, in the menu of a list's rows, in the bulk bar (a verb, called once for each row).
    `only` says for which records: those whose own field, named first, holds one of these values. `when` does for what one
    field does not tell; in a list it is asked for every row, whose record is read for it, so it must answer from the
    record alone. The verb must check its own preconditions again. `shortcut`: a letter, pressed with Alt and Shift.
    """

    name: str
    label: Text
    permission: str
    verb: Callable[[Unit, Record], None] | None = None
    endpoint: str | None = None
    when: Callable[[Record], bool] | None = None
    only: tuple[str, tuple[Any, ...]] | None = None
    icon: str = "chevron-right"
    where: tuple[ActionPlace, ...] = ("sheet",)
    shortcut: str | None = None

    def __post_init__(self) -> None:
        if (self.verb is None) == (self.endpoint is None) or (self.verb is None and "bulk" in self.where):
            raise ContractError(f"action {self.name!r} needs a verb or an endpoint, in the bulk bar a verb")
        if not self.where or not set(self.where) <= set(get_args(ActionPlace)):
            raise ContractError(f"action {self.name!r} can be on {get_args(ActionPlace)}, not on {self.where}")
        if self.shortcut is not None and self.shortcut not in SHORTCUTS:
            raise ContractError(f"the shortcut of action {self.name!r} must be one of {sorted(SHORTCUTS)}")

    def is_for(self, record: Record) -> bool:
        """Whether a record has it, whoever asks."""
        fits = self.only is None or getattr(record, self.only[0]) in self.only[1]
        return fits and (self.when is None or self.when(record))


@dataclass(frozen=True, slots=True)
class Command:
    """Something to start by its words in the command palette (UX 1.3). `endpoint` and `values` as for `url_for`.

    `context`: where it is offered: anywhere; in a list, whose question its address then carries; on a record, whose id
    it is given as `record_id`; for the chosen rows of a list, as a button of the bulk bar that posts them. In the last
    three `entity` names whose lists and records these are; without, it is for all of them, and `values` get `entity`.
    `method` post: a form sends it, a list's with its rows as the bulk bar does. `permission`: `entity.export` and its
    like stand for those of the entity. `pin`: a list also shows it under *More actions*.
    """

    name: str
    label: Text
    endpoint: str
    values: Mapping[str, str] = field(default_factory=dict)
    context: CommandContext = "any"
    entity: str = ""
    method: Literal["get", "post"] = "get"
    keywords: Text = ""
    permission: str | None = None
    icon: str = "chevron-right"
    pin: bool = False
    order: int = 50

    def __post_init__(self) -> None:
        if self.context not in get_args(CommandContext):
            raise ContractError(f"command {self.name!r} can be for {get_args(CommandContext)}, not {self.context!r}")
        if self.context == "any" and (self.entity or self.pin or self.method == "post"):
            raise ContractError(f"command {self.name!r} is offered anywhere, so it is a link to a page")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Answer of a health check: ok, warning or error, with a sentence and an optional page that mends it."""

    state: Literal["ok", "warning", "error"]
    message: Text
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A health check of the Modules page."""

    name: str
    label: Text
    run: Callable[[Session], CheckResult]


@dataclass(frozen=True, slots=True)
class Job:
    """Work for the background: `run` gets a `JobRun` and may return a sentence on what it did (DESIGN 9, T28).

    `name` begins with the plugin's name and a dot. `every`: it also runs by itself that often; what was missed runs
    once, late (F55). `permission`: what its owner must have, at the start and at each step. `attempts`: how often it
    may fail without getting on before it is parked (F53).
    """

    name: str
    label: Text
    run: Callable[[JobRun], Text | None]
    every: datetime.timedelta | None = None
    permission: str | None = None
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Permission:
    """A right beyond the derived ones (`entity.view`, `.create`, `.edit`, `.delete`, `.export`)."""

    name: str
    label: Text
    roles: frozenset[str] = frozenset({"administrator"})


@dataclass(frozen=True, slots=True)
class NotificationKind:
    """Something people are told of by `notify`, and choose how: in the bell, by e-mail, not at all (US-7).

    `name` begins with the plugin's name and a dot, and has at most 20 characters. `label` completes the table of
    choices: "A proposal of mine was accepted".
    """

    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A list of values an administrator keeps (statuses, potentials); `options` are the shipped ones (PR-1).

    `by_country`: its values say in which countries they are used, and forms offer those of the record's first.
    """

    name: str
    label: Text
    options: Sequence[Any]
    by_country: bool = False
