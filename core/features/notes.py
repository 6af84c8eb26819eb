"""Notes on any record (TP-5): public ones for everybody who sees the record, private ones for their author."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Index, or_, select, true
from sqlalchemy.orm import Mapped

from core.access.models import ADMINISTRATOR
from core.contract.changes import Actor
from core.contract.contributions import Entity
from core.data.history import RecordChange
from core.data.records import Record
from core.data.unit import Unit
from core.errors import Forbidden
from core.features.parts import OF_ITS_RECORD, Part
from core.fields import Boolean, RichText, field
from core.i18n import lazy as _

EXCERPT = 60


class Note(Part):
    """A text on a record. A private one exists for its author and administrators only, on every road."""

    __tablename__ = "core_note"
    __table_args__ = (Index("ix_core_note_owner", "owner_entity", "owner_id", "id"),)
    entity = Entity(
        "note", _("Note"), _("Notes"), slug="notes", title="text", new_label=_("New note"), pages=False, ownership=OF_ITS_RECORD,
        sentences={
            "created": _("Note added."), "updated": _("Note changed."), "deleted": _("Note moved to the trash."),
            "restored": _("Note restored."),
        },
    )  # fmt: skip
    text: Mapped[str] = field(RichText(), _("Note"), personal=True)
    private: Mapped[bool] = field(Boolean(), _("Private"), default=lambda: False)

    @property
    def title(self) -> str:
        """The first words; a private note is told by its number, since sentences with titles go to anybody."""
        if self.private:
            return f"#{self.id}"
        words = " ".join(RichText().text(self.text).split())
        return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rstrip()}…"

    @classmethod
    def visible_to(cls, actor: Actor) -> ColumnElement[bool]:
        """Public, or the person's own; administrators see all."""
        if ADMINISTRATOR in actor.roles:
            return true()
        return or_(cls.__table__.c.private.is_(False), cls.__table__.c.author_id == actor.id)


def visible_changes(actor: Actor) -> ColumnElement[bool]:
    """The condition on history that leaves out private notes of others, also what they were while public.

    A note that was purged can no longer say whether it was private: only administrators read what it said.
    """
    if ADMINISTRATOR in actor.roles:
        return true()
    seen = select(Note.__table__.c.id).where(Note.visible_to(actor))
    return or_(RecordChange.entity != Note.entity.name, RecordChange.record_id.in_(seen))


def add_note(unit: Unit, owner: Record, text: str, *, private: bool = False) -> Note:
    """Put a note on a record, written by who the unit works for. `text`: markup, cleaned on the way in."""
    note = Note(
        owner_entity=owner.entity.name, owner_id=owner.id, author_id=unit.context.actor.id, text=text, private=private
    )
    return unit.add(note)


def change_note(unit: Unit, note: Note, text: str, *, private: bool) -> None:
    """Change a note. Raises `Forbidden` when somebody else but an administrator makes it private or public."""
    actor = unit.context.actor
    if private != note.private and note.author_id != actor.id and ADMINISTRATOR not in actor.roles:
        raise Forbidden(_("Only its author or an administrator can make a note private or public"))
    if text != note.text:
        note.text = text
    if private != note.private:
        note.private = private
