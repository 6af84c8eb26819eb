"""The trash page: what is in the bin, newest first (TP-11)."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import select

from core.data.history import Operation, RecordChange
from core.i18n import lazy as _
from core.web.contexts import BinPage, BinRow
from core.web.current import here

SHOWN = 200


def make_bin_page() -> BinPage:
    """Deleted records of the entities the user may see, with who deleted them."""
    surroundings = here()
    rows: list[BinRow] = []
    for registered in surroundings.registry.entities.values():
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
    rows.sort(key=lambda row: row.deleted_at, reverse=True)
    return BinPage(rows[:SHOWN], _("Trash"))


def _deleted_by(entity: str, ids: list[int]) -> dict[int, str]:
    statement = (
        select(RecordChange.record_id, Operation.actor_name)
        .join(Operation, Operation.id == RecordChange.operation_id)
        .where(RecordChange.entity == entity, RecordChange.kind == "deleted", RecordChange.record_id.in_(ids))
        .order_by(RecordChange.id)
    )
    return {record_id: name for record_id, name in here().session.execute(statement)}
