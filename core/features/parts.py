"""What is part of another record, of any entity: notes and files (TP-5). They are records themselves, so history, undo,
versions and the bin hold for them too; they point at their owner by entity and id (DESIGN 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.changes import Actor
from core.contract.contributions import Ownership
from core.data.records import Identifier, Record
from core.data.session import INCLUDE_DELETED
from core.errors import NotFound
from core.fields import AnyLink, Text, field
from core.i18n import lazy as _

MAXIMUM_ENTITY_NAME = 80
OF_ITS_RECORD = Ownership(
    owner=None, team=None, companies=None, part_of=("owner_entity", "owner_id")
)  # fmt: skip
"""Who may know of a record may know of its parts (T34)."""


class Part(Record):
    """Base of records that belong to one record of any entity, their owner, and show on its sheet."""

    __abstract__ = True
    of: ClassVar[str] = ""
    """The one entity whose records have such parts, if it is not for all."""
    typed: ClassVar[bool] = False
    """Whether people fill its fields in a form made from them."""
    owner_entity: Mapped[str] = field(Text(MAXIMUM_ENTITY_NAME), _("Belongs to"), readonly=True)
    owner_id: Mapped[int] = field(
        AnyLink("owner_entity", on_merge="move", on_delete="bin"), _("Belongs to number"), readonly=True
    )
    author_id: Mapped[int | None] = mapped_column(Identifier)
    """The account that made it, None for jobs and commands. Its name stands in history."""

    @classmethod
    def visible_to(cls, actor: Actor) -> ColumnElement[bool]:
        """The condition under which `actor` may know of one, given that they may see its owner."""
        return true()


P = TypeVar("P", bound=Part)


def belonging_to(model: type[P], owner: Record) -> ColumnElement[bool]:
    """The condition on the parts of one record."""
    return and_(model.owner_entity == owner.entity.name, model.owner_id == owner.id)


def parts_of(
    session: Session, model: type[P], owner: Record, actor: Actor, *, limit: int, before: int | None = None
) -> Sequence[P]:
    """The newest parts of a record that `actor` may see, newest first; `before`: only those with a smaller id."""
    statement = select(model).where(belonging_to(model, owner), model.visible_to(actor))
    if before is not None:
        statement = statement.where(model.id < before)
    return session.scalars(statement.order_by(model.id.desc()).limit(limit)).all()


def count_parts(session: Session, model: type[Part], owner: Record, actor: Actor) -> int:
    """How many parts of a record `actor` may see."""
    statement = select(func.count(model.id)).where(belonging_to(model, owner), model.visible_to(actor))
    return int(session.scalar(statement) or 0)


def get_part(
    session: Session, model: type[P], owner: Record, part_id: int, actor: Actor, *, deleted: bool = False
) -> P:
    """One part of a record. Raises `NotFound` when it is another record's, or not for this person (T34)."""
    wanted = (model.id == part_id, belonging_to(model, owner), model.visible_to(actor))
    options: dict[str, Any] = INCLUDE_DELETED if deleted else {}
    found = session.scalars(select(model).where(*wanted), execution_options=options).one_or_none()
    if found is None:
        raise NotFound(_("This record does not exist, or was deleted"))
    return found
