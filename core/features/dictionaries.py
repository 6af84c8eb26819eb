"""Lists of values kept by administrators (PR-1, UX 2.13): label per language, order, tone, icon, open or closed.

Which values there are belongs to a generation, so a change of one makes a new generation: every worker follows before
its next request, and no page asks for them. Codes never change. A removed value keeps its row: history and undo know
what it was called, saved views and files that name it mean what took its place, its code is not given again, and an
upgrade of the module does not bring it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, UniqueConstraint, func, insert, select
from sqlalchemy.orm import Mapped, Session

from core.access.permissions import permissions_now
from core.contract.contributions import Dictionary, Entity, Job
from core.contract.plugin import Plugin
from core.data.labels import Labels
from core.data.records import Facet, Record, now
from core.data.scopes import unscoped
from core.data.session import INCLUDE_DELETED
from core.data.unit import Unit
from core.errors import Forbidden, Invalid, NotFound, Refused
from core.fields import Boolean, Choice, Country, Field, Integer, Option, Samples, Status, Text, field, fold
from core.fields.choices import ICONS
from core.i18n import (
    LANGUAGES,
    Message,
    Text as Words,
    current_locale,
    format_integer,
    lazy as _,
    lazy_context,
    lazy_plural,
)
from core.registry import RegisteredEntity, Registry

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.jobs.run import JobRun

REPLACE = "core.replace_value"
LONGEST_CODE = 60
TONES = (
    Option("neutral", lazy_context("tone", "Neutral"), "neutral"), Option("info", lazy_context("tone", "Information"), "info"),
    Option("progress", lazy_context("tone", "In progress"), "progress"),
    Option("success", lazy_context("tone", "Success"), "success"),
    Option("warning", lazy_context("tone", "Warning"), "warning"), Option("danger", lazy_context("tone", "Danger"), "danger"),
)  # fmt: skip
ICON_NAMES = {
    "ring": lazy_context("icon", "Circle"), "quarter": lazy_context("icon", "Quarter"), "half": lazy_context("icon", "Half"),
    "tick": lazy_context("icon", "Tick"), "triangle": lazy_context("icon", "Triangle"),
    "cross": lazy_context("icon", "Cross"), "star": lazy_context("icon", "Star"), "flag": lazy_context("icon", "Flag"),
}  # fmt: skip


class Countries(Text):
    """Codes of countries, one after the other: `BE FR`."""

    name = "countries"

    def __init__(self) -> None:
        super().__init__(200)

    def check(self, value: str) -> str:
        words = super().check(value).replace(",", " ").replace(";", " ").split()
        if any(len(word) != 2 for word in words):
            raise Invalid(_("Enter codes of countries like FR BE"))
        return " ".join(sorted({Country().check(word) for word in words}))

    def samples(self) -> Samples:
        return Samples(
            {"FR": "FR", "fr, be": "BE FR", "GB US": "GB US"}, ["ZZ", "France", "F R", "\x00", "FR" * 500_000]
        )


class DictionaryEntry(Record):
    """One value of a list. Its label stands in every language; English where one is missing."""

    __tablename__ = "core_dictionary"
    __table_args__ = (UniqueConstraint("dictionary", "code"),)
    entity = Entity(
        "dictionary_entry", _("Value of a list"), _("Lists of values"), slug="dictionary-values", title="label_en",
        new_label=_("Add value"), group="administration", icon="list", pages=False, administrators_only=True, rebuilds=True,
        sentences={"created": _("Value “%(title)s” added."), "updated": _("Value “%(title)s” changed.")},
    )  # fmt: skip
    dictionary: Mapped[str] = field(Text(80), _("List"), readonly=True)
    code: Mapped[str] = field(
        Text(LONGEST_CODE), _("Code"), derived=("label_en",), once=True,
        help=_("For imports and addresses; it never changes. Left empty, it is made from the label."),
    )  # fmt: skip
    label_en: Mapped[str] = field(Text(80), _("Label (English)"))
    label_fr: Mapped[str | None] = field(Text(80), _("Label (French)"))
    tone: Mapped[str] = field(Choice(TONES), _("Tone"), default=lambda: "neutral")
    icon: Mapped[str | None] = field(
        Choice({code: ICON_NAMES[code] for code in ICONS}), _("Icon"), help=_("Left empty, it is that of the tone")
    )
    countries: Mapped[str | None] = field(
        Countries(), _("Countries"), help=_("Where it is used, such as FR BE; empty: everywhere")
    )
    position: Mapped[int] = field(Integer(), _("Order"), readonly=True, default=lambda: 0)
    active: Mapped[bool] = field(Boolean(), _("Active"), readonly=True, default=lambda: True)
    removed: Mapped[bool] = field(Boolean(), _("Removed"), readonly=True, default=lambda: False)
    replaced_by: Mapped[str | None] = field(Text(LONGEST_CODE), _("Replaced by"), readonly=True)

    @property
    def labels(self) -> dict[str, str]:
        """The labels there are, by language."""
        found = {language: getattr(self, f"label_{language}", None) for language in LANGUAGES}
        return {language: label for language, label in found.items() if label}

    @property
    def title(self) -> str:
        """The label in the reader's language."""
        return Labels.of(self.code or "", self.labels).translated(current_locale().language)

    def prepare(self) -> None:
        """A code from the label, when none was typed."""
        if not self.code and self.label_en:
            self.code = "".join(one if one.isalnum() else "-" for one in fold(self.label_en) or "")[
                :LONGEST_CODE
            ].strip("-")
        if self.code and not fold(self.code):
            raise Refused(_("Enter a code of letters or digits"), field="code")

    def settle(self, unit: Unit, change: Change) -> None:
        """A code of its own; what records begin with stays open, and what records have stays there (UX 2.13).

        Raises `Refused`; and `Forbidden` for who takes back what he may no longer do.
        """
        actor = unit.context.actor
        if unit.undo_of is not None and not (actor.is_system or permissions_now(unit).may(actor, "settings.manage")):
            raise Forbidden(_("You may not do this. Ask an administrator."))
        gone = self.removed or self.deleted_at is not None
        registry = unit.context.registry
        if (change.moved("active") and not self.active) or gone:
            _refuse_needed(registry, self, gone=gone)
        if gone and (number := sum(number for _field, number in uses(unit.session, registry, self))):
            message = lazy_plural(
                "%(number)s record has the value “%(name)s”. Choose another value for it.",
                "%(number)s records have the value “%(name)s”. Choose another value for them.",
                number, name=self.title, number=format_integer(number),
            )  # fmt: skip
            raise Refused(message)


# -- for a generation -------------------------------------------------------------------------------------------
def read_dictionaries(session: Session) -> dict[str, tuple[Option, ...]]:
    """All lists: name -> options in their order, removed ones last."""
    found: dict[str, list[Option]] = {}
    ordered = select(DictionaryEntry).order_by(DictionaryEntry.removed, DictionaryEntry.position, DictionaryEntry.id)
    for entry in session.scalars(ordered):
        found.setdefault(entry.dictionary, []).append(option_of(entry))
    return {name: tuple(options) for name, options in found.items()}


def option_of(entry: DictionaryEntry) -> Option:
    """A value as fields know it."""
    return Option(
        entry.code, Labels.of(entry.code, entry.labels), entry.tone, entry.icon or "",
        open=entry.active and not entry.removed, gone=entry.removed, instead=entry.replaced_by or "", countries=tuple((entry.countries or "").split()),
    )  # fmt: skip


def seed_dictionary(session: Session, dictionary: Dictionary) -> None:
    """Write the shipped values that are missing, which is nobody's doing; what administrators changed stays."""
    here = select(DictionaryEntry.code, DictionaryEntry.position).filter_by(dictionary=dictionary.name)
    known = {code: position for code, position in session.execute(here.execution_options(**INCLUDE_DELETED))}
    last = max(known.values(), default=-1)
    missing = [option for option in dictionary.options if option.code not in known]
    rows = [_shipped(dictionary.name, option, last + number) for number, option in enumerate(missing, start=1)]
    if rows:
        session.connection().execute(insert(DictionaryEntry), rows)


def _shipped(name: str, option: Option, position: int) -> Mapping[str, object]:
    label, moment = option.label, now()
    labels = {code: label.translated(code) if isinstance(label, Message) else str(label) for code in LANGUAGES}
    return {
        "dictionary": name, "code": option.code, "label_en": labels["en"], "label_fr": labels["fr"], "tone": option.tone,
        "icon": option.icon or None, "countries": " ".join(option.countries) or None, "position": position,
        "active": True, "removed": False, "version": 1, "created_at": moment, "updated_at": moment, "extra": {},
    }  # fmt: skip


# -- what there is, and who has it ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Kept:
    """A list of this enabled set: the module that brings it, its declaration, and the fields that are chosen from it."""

    plugin: Plugin
    dictionary: Dictionary
    fields: Sequence[tuple[RegisteredEntity, Field]]


def kept_lists(registry: Registry) -> dict[str, Kept]:
    """The lists of the enabled modules, by name; those of modules that are off are kept and not shown (MO-3)."""
    return {
        dictionary.name: Kept(plugin, dictionary, chosen_from(registry, dictionary.name))
        for plugin in registry.plugins.values() for dictionary in plugin.dictionaries
    }  # fmt: skip


def chosen_from(registry: Registry, name: str) -> list[tuple[RegisteredEntity, Field]]:
    """The fields whose values are those of a list."""
    return [
        (registered, found) for registered in registry.entities.values() for found in registered.fields.values()
        if isinstance(found.type, Choice) and found.type.dictionary == name
    ]  # fmt: skip


def _refuse_needed(registry: Registry, entry: DictionaryEntry, *, gone: bool) -> None:
    """Raise `Refused` for a value that new records begin with, or that says something to the module."""
    for registered, found in chosen_from(registry, entry.dictionary):
        default = found.declaration.default
        if default is not None and default() == entry.code:
            words = {"name": entry.title, "list": registered.entity.plural}
            raise Refused(_("“%(name)s” is what new records of %(list)s begin with, so it stays", **words))
        moves = found.type.moves if isinstance(found.type, Status) else None
        if gone and (entry.code in found.declaration.no_mail or entry.code in (moves or {})):
            words = {"name": entry.title, "list": registered.entity.plural}
            raise Refused(_("“%(name)s” has a meaning of its own in %(list)s: deactivate it instead", **words))


def _holding(
    registered: RegisteredEntity, found: Field, code: str
) -> tuple[ColumnElement[int], list[ColumnElement[bool]]]:
    """The numbers of the records with a value, and the condition."""
    table = registered.model.__table__
    where: list[ColumnElement[bool]] = [found.column == code, table.c.deleted_at.is_(None)]
    if issubclass(found.owner, Facet):
        where.append(found.owner.__table__.c.record_id == table.c.id)
    return table.c.id, where


def uses(
    session: Session, registry: Registry, entry: DictionaryEntry
) -> list[tuple[tuple[RegisteredEntity, Field], int]]:
    """The fields with that value, and how many records have it, whoever may see them; those in the trash not counted."""
    found = []
    for place in chosen_from(registry, entry.dictionary):
        key, where = _holding(*place, entry.code)
        number = session.connection().execute(select(func.count(key)).where(*where)).scalar_one()
        if number:
            found.append((place, int(number)))
    return found


def holders(session: Session, registry: Registry, entry: DictionaryEntry) -> list[tuple[str, str, list[int]]]:
    """Entity and field with that value, and the numbers of the records that have it."""
    found: list[tuple[str, str, list[int]]] = []
    for registered, one in chosen_from(registry, entry.dictionary):
        key, where = _holding(registered, one, entry.code)
        numbers = list(session.connection().execute(select(key).where(*where).order_by(key)).scalars())
        if numbers:
            found.append((registered.name, one.name, numbers))
    return found


# -- verbs ------------------------------------------------------------------------------------------------------
def entries_of(session: Session, name: str) -> Sequence[DictionaryEntry]:
    """The values of a list in their order, without those that were removed."""
    here = select(DictionaryEntry).filter_by(dictionary=name, removed=False)
    return session.scalars(here.order_by(DictionaryEntry.position, DictionaryEntry.id)).all()


def add_entry(unit: Unit, name: str, typed: Iterable[tuple[Field, object]]) -> DictionaryEntry:
    """A new value at the end of a list. Raises `Refused` for a code that is taken, be it by a removed value."""
    entry = DictionaryEntry(dictionary=name)
    for found, value in typed:
        if value is not None:
            setattr(entry, found.attribute, value)
    entry.prepare()
    entry.position = max((one.position for one in entries_of(unit.session, name)), default=-1) + 1
    taken = select(DictionaryEntry.id).filter_by(dictionary=name, code=entry.code).execution_options(**INCLUDE_DELETED)
    if unit.session.scalar(taken) is not None:
        raise Refused(
            _("The code %(code)s is taken, perhaps by a removed value. Type another.", code=entry.code), field="code"
        )
    return unit.add(entry)


def entry_in(unit: Unit, name: str, number: int, *, version: int | None = None) -> DictionaryEntry:
    """A value of a list in a unit. Raises `NotFound`, also for one that was removed."""
    entry = unit.get(DictionaryEntry, number, version=version)
    if entry.dictionary != name or entry.removed:
        raise NotFound(_("There is no such value"))
    return entry


def move_entry(unit: Unit, entry: DictionaryEntry, by: int) -> None:
    """Move a value up (-1) or down (1) in its list; at its end it stays."""
    row = list(entries_of(unit.session, entry.dictionary))
    at = row.index(entry)
    if 0 <= at + by < len(row):
        row[at], row[at + by] = row[at + by], row[at]
        for position, one in enumerate(row):
            if one.position != position:
                one.position = position


def replace_value(unit: Unit, entity: str, name: str, number: int, old: str, new: str) -> None:
    """Give a record another value of a list, unless it has another one by now; all rules and modules hear of it."""
    registered = unit.context.registry.entity(entity)
    found = registered.field(name)
    with unscoped(unit.session, reason="an administrator removes a value of all records, whosever they are"):
        record = unit.get(registered.model, number)
        if unit.read(record, found) == old:
            unit.write(record, found, new)


def remove_entry(unit: Unit, entry: DictionaryEntry, replacement: str | None) -> None:
    """Remove a value; what has it gets the replacement, in the same operation. Raises `Refused` when there is none."""
    _refuse_needed(unit.context.registry, entry, gone=True)
    if replacement is not None:
        for entity, name, numbers in holders(unit.session, unit.context.registry, entry):
            for number in numbers:
                replace_value(unit, entity, name, number, entry.code, replacement)
    entry.active, entry.removed, entry.replaced_by = False, True, replacement


def check_replacement(session: Session, entry: DictionaryEntry, code: str) -> str:
    """The code of another open value of the list. Raises `Invalid`."""
    if code not in {one.code for one in entries_of(session, entry.dictionary) if one.active and one.id != entry.id}:
        raise Invalid(_("Choose the value that replaces it"), field="replacement")
    return code


def replace_many(job: JobRun) -> Words:
    """Close a value, give the records that have it its replacement, then remove it: what a click does for a few.

    Each step is an operation; Undo of the job takes all of them back.
    """
    payload = job.payload
    name, number, old, new = payload["dictionary"], int(payload["entry"]), payload["code"], payload["replacement"]
    items = [(entity, field_name, row) for entity, field_name, rows in payload["rows"] for row in rows]

    def one(unit: Unit, item: tuple[str, str, int]) -> None:
        replace_value(unit, *item, old, new)

    with job.step("dictionary_entry.switch") as step:
        entry_in(step.unit, name, number).active = False  # nobody gets it meanwhile
    job.each(items, one, action="dictionary_entry.replace")
    with job.step("dictionary_entry.remove") as step:
        remove_entry(step.unit, entry_in(step.unit, name, number), new)
        numbers = {"number": format_integer(job.done - job.errors), "refused": format_integer(job.errors)}
        said = (
            _("%(number)s changed, %(refused)s refused", **numbers) if job.errors
            else _("%(number)s changed", **numbers)
        )  # fmt: skip
        step.finish(said)
    return said


DICTIONARY_JOBS = (Job(REPLACE, _("Replacement of a value"), replace_many, permission="settings.manage"),)
