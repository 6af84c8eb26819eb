"""What pages show of tags (TP-6): those of a record on its sheet, and those to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for

from core.data.records import Record, value_of
from core.features.tag_field import BOXES_UP_TO, EXTRA_KEY, TagChoice
from core.features.tags import Tag, tags_field
from core.fields import Option
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import ActionButton
from core.web.current import here
from core.web.part_contexts import TagBox, TagChooser, TagItem


def may_tag(entity: RegisteredEntity) -> bool:
    """Whether the person may put tags on records of the entity, and there are some."""
    return tags_field(entity) is not None and entity.field(EXTRA_KEY) in here().permissions.writable(
        here().actor, entity, "edit"
    )


def make_tag_box(entity: RegisteredEntity, record: Record, *, may_edit: bool) -> TagBox | None:
    """The tags of a record for its sheet; None while the entity has none."""
    kind = tags_field(entity)
    if kind is None or EXTRA_KEY not in here().permissions.fields(here().actor, entity):
        return None
    field = entity.field(EXTRA_KEY)
    shown = kind.shown(value_of(record, field))
    edits = may_edit and may_tag(entity)
    items = [
        TagItem(
            one.path, kind.html((one.id,)),
            url_for("records.index", entity=entity, f=f"{EXTRA_KEY}:in:%23{one.id}"),
            url_for("tags.remove", entity=entity, record_id=record.id, tag_id=one.id) if edits else None,
        )
        for one in shown
    ]  # fmt: skip
    add_url = url_for("tags.add", entity=entity, record_id=record.id) if edits else None
    return TagBox(field.label, items, add_url, choose_among([one for one in kind.choices if one not in shown]))


def choose_among(choices: Sequence[TagChoice]) -> TagChooser:
    """The control that chooses one of these tags."""
    typed = len(choices) > BOXES_UP_TO
    return TagChooser([Option(one.path if typed else one.code, one.path) for one in choices], typed)


def tag_actions(record: Record) -> list[ActionButton]:
    """What can be done with a tag on its sheet."""
    if not isinstance(record, Tag) or record.merged_id is not None or not here().may("tag.edit"):
        return []
    return [ActionButton(_("Merge with…"), url_for("tags.merge", record_id=record.id), "get", "arrow-down")]
