"""Tags of records (TP-6): a tree for every entity, kept by administrators, put on records by who may edit these.

Merging a tag into another is one value of that tag, so it is undone like any other change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.orm import Mapped, Session

from core.contract.contributions import Entity, Job
from core.data.custom_fields import CustomDefinition
from core.data.links import LinkRow
from core.data.records import Record
from core.data.unit import Unit
from core.errors import Forbidden, Invalid, NotFound, Refused
from core.features.tag_field import EXTRA_KEY, LINK_COLUMN, TagChoice, Tags
from core.fields import Choice, Link, Samples, Text, field, fold
from core.fields.base import Control
from core.fields.text import StoredText
from core.i18n import Text as Words, format_integer, lazy as _
from core.registry import TAGGED, RegisteredEntity

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.jobs.run import JobRun

TAG_JOB = "core.bulk_tag"
MAXIMUM_LEVELS = 10
_COLOR = re.compile("#[0-9a-f]{6}")
USUAL_COLOR = "#0a5fbd"


class Color(StoredText):
    """A colour: `#0a5fbd`."""

    name = "color"
    maximum = 7
    json = {"type": "string", "pattern": "^#[0-9a-f]{6}$"}

    def check(self, value: str) -> str:
        color = value.lower()
        if not _COLOR.fullmatch(color):
            raise Invalid(_("Enter a colour like #0a5fbd"))
        return color

    def control(self) -> Control:
        return Control("text", {"type": "color"})

    def samples(self) -> Samples:
        good = {"#0a5fbd": "#0a5fbd", "#FFFFFF": "#ffffff"}
        return Samples(good, ["red", "#fff", "#0a5fbd; x", "url(x)", "\x00", "#" + "f" * 1_000_000])


class TagName(Text):
    """The name of a tag; names are listed with commas between them."""

    def check(self, value: str) -> str:
        name = super().check(value)
        if "," in name or name.startswith("#"):
            raise Invalid(_("The name of a tag has no comma and does not begin with #"))
        return name

    def samples(self) -> Samples:
        found = super().samples()
        good = {typed: stored for typed, stored in found.good.items() if "," not in stored and stored[:1] != "#"}
        return Samples(good, [*found.bad, "a, b", "#1"])


class Tag(Record):
    """A word that records of one entity can have."""

    __tablename__ = "core_tag"
    entity = Entity(
        "tag", _("Tag"), _("Tags"), slug="tags", title="name", new_label=_("New tag"), group="administration",
        icon="tag", order=28, default_sort="name", administrators_only=True, rebuilds=True,
    )  # fmt: skip
    name: Mapped[str] = field(TagName(60), _("Name"), listed=True, search=True)
    target: Mapped[str] = field(Choice(dictionary=TAGGED), _("List"), listed=True, once=True)
    parent_id: Mapped[int | None] = field(
        Link("core_tag", on_merge="move", on_delete="unlink"), _("Parent tag"), listed=True
    )
    color: Mapped[str] = field(Color(), _("Colour"), default=lambda: USUAL_COLOR)
    merged_id: Mapped[int | None] = field(
        Link("core_tag", on_merge="move", on_delete="bin"), _("Merged into"), listed=True, readonly=True
    )

    def settle(self, unit: Unit, change: Change) -> None:
        """A tree without loops, of one entity, where names differ among brothers; merged ones stand apart."""
        if change.kind == "deleted" or self.deleted_at is not None:
            return
        others = {tag.id: tag for tag in _tags_of(unit.session, self.target)}
        above, seen = self.parent_id, {self.id}
        while above is not None:
            if above in seen or len(seen) > MAXIMUM_LEVELS:
                raise Refused(_("%(name)s cannot stand below itself", name=self.name), field="parent_id")
            seen.add(above)
            if (parent := others.get(above)) is None:
                raise Refused(_("The parent of a tag is a tag of the same list"), field="parent_id")
            above = parent.parent_id
        brothers = (one for one in others.values() if one.parent_id == self.parent_id and one.id != self.id)
        if self.merged_id is None and any(
            one.merged_id is None and (fold(one.name) or one.name) == (fold(self.name) or self.name) for one in brothers
        ):
            raise Refused(_("There is a tag %(name)s here already", name=self.name), field="name")


def _tags_of(session: Session, target: str) -> Sequence[Tag]:
    return session.scalars(select(Tag).where(Tag.target == target).order_by(Tag.id)).all()


# -- what there is to choose, for a generation ------------------------------------------------------------------
def read_tags(session: Session) -> list[CustomDefinition]:
    """The field of tags for each entity that has some; read when a generation is built."""
    by_target: dict[str, list[Tag]] = {}
    for tag in session.scalars(select(Tag).order_by(Tag.id)):
        by_target.setdefault(tag.target, []).append(tag)
    return [
        CustomDefinition(target, EXTRA_KEY, _("Tags"), field_of(tags), name=EXTRA_KEY)
        for target, tags in by_target.items()
    ]


def field_of(tags: Iterable[Tag]) -> Tags:
    """The field type bound to these tags, all those of one entity."""
    known = {tag.id: tag for tag in tags}
    alias = {tag.id: end for tag in known.values() if (end := _stands_for(known, tag)) not in (None, tag.id)}
    living = [tag for tag in known.values() if tag.merged_id is None]
    paths = {tag.id: _path(known, tag) for tag in living}
    choices = [
        TagChoice(
            tag.id, tag.name, " / ".join(one.name for one in reversed(paths[tag.id])), tag.color,
            frozenset(other for other, path in paths.items() if tag in path),
        )
        for tag in living
    ]  # fmt: skip
    return Tags(tuple(sorted(choices, key=lambda one: (fold(one.path) or one.path, one.id))), alias)


def _stands_for(known: Mapping[int, Tag], tag: Tag) -> int | None:
    """The tag that a merged one stands for, however often that was merged on; None when it is in the trash."""
    seen = {tag.id}
    while tag.merged_id is not None:
        if tag.merged_id in seen or tag.merged_id not in known:
            return None
        tag = known[tag.merged_id]
        seen.add(tag.id)
    return tag.id


def _path(known: Mapping[int, Tag], tag: Tag) -> list[Tag]:
    """The tag and those above it."""
    path = [tag]
    while tag.parent_id is not None and tag.parent_id in known and len(path) <= MAXIMUM_LEVELS:
        tag = known[tag.parent_id]
        path.append(tag)
    return path


# -- verbs ------------------------------------------------------------------------------------------------------
def tags_field(entity: RegisteredEntity) -> Tags | None:
    """The tags there are for an entity; None when nobody made one."""
    found = entity.fields.get(EXTRA_KEY)
    return found.type if found is not None and isinstance(found.type, Tags) else None


def tag_record(unit: Unit, entity: RegisteredEntity, record: Record, tag_id: int, *, remove: bool = False) -> None:
    """Put a tag on a record, or take it off. Raises `NotFound` for a tag that is not there, `Refused` for too many."""
    kind = tags_field(entity)
    if kind is None or tag_id not in kind.by_id:
        raise NotFound(_("There is no such tag"))
    found = entity.field(EXTRA_KEY)
    before = [one.id for one in kind.shown(unit.read(record, found))]
    wanted = kind.by_id[tag_id].id
    after = [one for one in before if one != wanted] if remove else [*before, wanted]
    if set(after) != set(before):
        try:
            unit.write(record, found, kind.check(tuple(after)) or None)
        except Invalid as error:
            raise Refused(error.message) from error


def give_new_tags(unit: Unit, record: Record, tags: Sequence[Tag]) -> None:
    """Put tags on a record in the unit that makes both: the enabled set does not know those tags yet (demo data)."""
    unit.session.flush()
    value = tuple(sorted(tag.id for tag in tags))
    record.extra = {**record.extra, EXTRA_KEY: Tags().dump(value)}
    if tags_field(unit.context.registry.entity_of(record)) is not None:
        return  # the field is there, and the flush writes the links
    place = {"source_table": record.__tablename__, "source_column": LINK_COLUMN, "record_id": record.id}
    unit.session.connection().execute(insert(LinkRow), [{**place, "target_id": number} for number in value])


def merge_tags(unit: Unit, tag: Tag, into: Tag) -> None:
    """Let a tag stand for another one: every record that has it has the other; its children go there, too (TP-6)."""
    if tag.target != into.target or tag.id == into.id or tag.merged_id is not None or into.merged_id is not None:
        raise Refused(_("%(one)s cannot be merged into %(other)s", one=tag.name, other=into.name))
    others = {one.id: one for one in _tags_of(unit.session, tag.target)}
    if tag in _path(others, into):
        into.parent_id = tag.parent_id
    for child in others.values():
        if child.parent_id == tag.id and child.id != into.id:
            child.parent_id = into.id
    tag.merged_id = into.id
    tag.parent_id = None


def tag_many(job: JobRun) -> Words:
    """Put a tag on the chosen records, or take it off, as one click on each would."""
    name, tag_id, remove = job.payload["entity"], int(job.payload["tag"]), bool(job.payload["remove"])
    checked: list[Unit] = []

    def one(unit: Unit, record_id: int) -> None:
        entity = unit.context.registry.entity(name)
        if unit not in checked:  # rights may have gone since the step before
            job.permissions.require(unit.context.actor, entity.permission("edit"))
            if entity.field(EXTRA_KEY) not in job.permissions.writable(unit.context.actor, entity, "edit"):
                raise Forbidden(_("You may no longer set %(field)s", field=_("Tags")))
            checked[:] = [unit]
        tag_record(unit, entity, unit.get(entity.model, record_id), tag_id, remove=remove)

    job.each(job.payload["ids"], one, action=f"{name}.bulk_tag")
    numbers = {"number": format_integer(job.done - job.errors), "refused": format_integer(job.errors)}
    return _("%(number)s changed, %(refused)s refused", **numbers) if job.errors else _("%(number)s changed", **numbers)


TAG_JOBS = (Job(TAG_JOB, _("Tags of many rows"), tag_many),)
