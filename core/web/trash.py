"""The trash page: what is in the bin, newest first (TP-11)."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import select

from core.data.history import Operation, RecordChange
from core.features.parts import Part
from core.i18n import lazy as _
from core.registry import RegisteredEntity
from core.web.contexts import BinPage, BinRow
from core.web.current import here
from core.web.parts import live_owners, sheet_url, tab_of

SHOWN = 200


def make_bin_page() -> BinPage:
    """Deleted records of the entities the user may see, with who deleted them."""
    surroundings = here()
    rows: list[BinRow] = []
    for registered in surroundings.registry.slugs.values():
        if not surroundings.may(registered.permission("view")):
            continue
        model = registered.model
        statement = select(model).where(model.deleted_at.is_not(None)).order_by(model.deleted_at.desc()).limit(SHOWN)
        found = surroundings.session.scalars(statement, execution_options={"include_deleted": True}).all()
        who = _deleted_by(registered.name, [record.id for record in found])
        may_restore = surroundings.may(registered.permission("delete"))
        for record in found:
            assert record.deleted_at is not None
            place = {"entity": registered, "record_id": record.id}
            rows.append(
                BinRow(
                    title=record.title,
                    entity_label=registered.entity.label,
                    url=url_for("records.sheet", **place),  # type: ignore[arg-type]
                    deleted_at=record.deleted_at,
                    who=who.get(record.id, ""),
                    restore_url=url_for("editing.restore", **place) if may_restore else "",  # type: ignore[arg-type]
                )
            )
    for registered in surroundings.registry.parts.values():
        rows += _parts(registered)
    rows.sort(key=lambda row: row.deleted_at, reverse=True)
    return BinPage(rows[:SHOWN], _("Trash"))


def _parts(registered: RegisteredEntity) -> list[BinRow]:
    """Deleted notes or files of live records; those of deleted ones come back with them."""
    surroundings = here()
    assert issubclass(registered.model, Part), "what has no pages is part of a record"
    model, tab = registered.model, tab_of(registered.entity.slug)
    deleted = select(model).where(model.deleted_at.is_not(None), model.visible_to(surroundings.actor))
    newest = deleted.order_by(model.deleted_at.desc()).limit(SHOWN)
    found = surroundings.session.scalars(newest, execution_options={"include_deleted": True}).all()
    owners = live_owners(found)
    who = _deleted_by(registered.name, [part.id for part in found])
    rows = []
    for part in found:
        if (part.owner_entity, part.owner_id) not in owners:
            continue
        assert part.deleted_at is not None
        owner, record = owners[part.owner_entity, part.owner_id]
        place: dict[str, Any] = {
            "entity": owner,
            "record_id": record.id,
            "kind": registered.entity.slug,
            "part_id": part.id,
        }
        rows.append(
            BinRow(
                title=part.title,
                entity_label=registered.entity.label,
                url=sheet_url(owner, record.id, tab),
                deleted_at=part.deleted_at,
                who=who.get(part.id, ""),
                restore_url=url_for("parts.restore", **place) if surroundings.may(owner.permission("edit")) else "",
            )
        )
    return rows


def _deleted_by(entity: str, ids: list[int]) -> dict[int, str]:
    statement = (
        select(RecordChange.record_id, Operation.actor_name)
        .join(Operation, Operation.id == RecordChange.operation_id)
        .where(RecordChange.entity == entity, RecordChange.kind == "deleted", RecordChange.record_id.in_(ids))
        .order_by(RecordChange.id)
    )
    return {record_id: name for record_id, name in here().session.execute(statement)}
