"""What notes and files on a sheet share (TP-5): the owner is loaded first, then the part that says it belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from flask import Blueprint, Response, url_for
from sqlalchemy import select

from core.access.models import User
from core.data.records import Record
from core.data.unit import Unit, transaction
from core.errors import NotFound
from core.features.bin import delete_record, restore_record
from core.features.parts import Part, get_part
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.policy import policy
from core.web.responses import record_or_404, see

blueprint = Blueprint("parts", __name__)
P = TypeVar("P", bound=Part)
TABS: dict[str, str] = {"files": "files"}
"""The tabs that show parts, by the word in addresses; the first one where none is named."""


def find_kind(entity: RegisteredEntity, kind: str) -> tuple[RegisteredEntity, type[Part]]:
    """The parts of that word in addresses, if records of the entity have such. Raises `NotFound`."""
    registered = here().registry.parts.get(kind)
    if registered is None or not issubclass(registered.model, Part) or registered.model.of not in ("", entity.name):
        raise NotFound(_("There is no such list"))
    return registered, registered.model


def tab_of(kind: str) -> str:
    """The tab of the sheet that shows parts of this word."""
    return TABS.get(kind, "activity")


def sheet_url(entity: RegisteredEntity, record_id: int, tab: str) -> str:
    """The address of a tab of a record's sheet."""
    return url_for("records.sheet", entity=entity, record_id=record_id, tab=tab)


def part_or_404(
    entity: RegisteredEntity, record_id: int, model: type[P], part_id: int, *, deleted: bool = False
) -> tuple[Record, P]:
    """A live record and one of its parts for reading. Raises `NotFound`, also for the part of another record (T34)."""
    owner = record_or_404(entity.model, record_id)
    return owner, get_part(here().session, model, owner, part_id, here().actor, deleted=deleted)


def part_of_unit(
    unit: Unit, entity: RegisteredEntity, record_id: int, model: type[P], part_id: int, version: int | None = None
) -> P:
    """The same for writing. Raises `NotFound`, and `EditConflict` as `unit.get` does."""
    owner = unit.get(entity.model, record_id)
    found = get_part(unit.session, model, owner, part_id, unit.context.actor)
    return unit.get(model, found.id, version=version)


def author_names(parts: Sequence[Part]) -> dict[int | None, str]:
    """Names of the accounts that made these."""
    ids = {part.author_id for part in parts} - {None}
    names: dict[int | None, str] = {None: "Comptoir"}
    if ids:
        found = here().session.execute(select(User.id, User.name).where(User.id.in_(ids)))
        names.update({number: name for number, name in found})
    return names


def newest(found: Sequence[P], shown: int) -> tuple[Sequence[P], int | None]:
    """The parts to show of one more than that, and the id to go on from when there are more."""
    return (found[:shown], found[shown - 1].id) if len(found) > shown else (found, None)


def live_owners(parts: Iterable[Part]) -> dict[tuple[str, int], tuple[RegisteredEntity, Record]]:
    """The records that parts belong to, as far as the person may see them; those in the bin are left out."""
    surroundings = here()
    ids: dict[str, set[int]] = {}
    for part in parts:
        ids.setdefault(part.owner_entity, set()).add(part.owner_id)
    found: dict[tuple[str, int], tuple[RegisteredEntity, Record]] = {}
    for name, wanted in ids.items():
        registered = surroundings.registry.entities.get(name)
        if registered is not None and surroundings.may(registered.permission("view")):
            model = registered.model
            for record in surroundings.session.scalars(select(model).where(model.id.in_(wanted))):
                found[name, record.id] = (registered, record)
    return found


@blueprint.post("/<entity:entity>/<int:record_id>/<string:kind>/<int:part_id>/delete")
@policy("entity.edit")
def delete(entity: RegisteredEntity, record_id: int, kind: str, part_id: int) -> Response:
    """Put a note, a file, an address into the trash, with Undo."""
    _registered, model = find_kind(entity, kind)
    with transaction(f"{model.entity.name}.delete") as unit:
        delete_record(unit, part_of_unit(unit, entity, record_id, model, part_id))
    return see(sheet_url(entity, record_id, tab_of(kind)), unit.operation)


@blueprint.post("/<entity:entity>/<int:record_id>/<string:kind>/<int:part_id>/restore")
@policy("entity.edit")
def restore(entity: RegisteredEntity, record_id: int, kind: str, part_id: int) -> Response:
    """Take one out of the trash."""
    _registered, model = find_kind(entity, kind)
    with transaction(f"{model.entity.name}.restore") as unit:
        owner = unit.get(entity.model, record_id)
        found = get_part(unit.session, model, owner, part_id, unit.context.actor, deleted=True)
        restore_record(unit, unit.get(model, found.id, deleted=True))
    return see(sheet_url(entity, record_id, tab_of(kind)), unit.operation)
