"""What may be stored, checked for every row on every road, just before it is written (SECURITY A18, A20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from core.data.records import Facet, Fielded, Record
from core.errors import Invalid, Refused
from core.fields import Field
from core.i18n import lazy as _

if TYPE_CHECKING:
    from core.registry import Registry


def check_records(session: Session, registry: Registry, new: Sequence[Fielded], dirty: Sequence[Fielded]) -> None:
    """Bring values into canonical form. Raises `Refused` naming the field when one cannot be stored."""
    unique: dict[tuple[type[Record], str], dict[Any, Record]] = {}
    for row in new:
        for found in registry.entity_of(row).tracked[type(row)]:
            _default(row, found)
            _check(row, found)
            if found.declaration.unique and isinstance(row, Record):
                _remember(unique, row, found)
    for row in dirty:
        state = inspect(row)
        fresh = isinstance(row, Record) and state.attrs.deleted_at.history.has_changes()
        for found in registry.entity_of(row).tracked[type(row)]:
            changed = state.attrs[found.attribute].history.has_changes()
            if changed:
                _check(row, found)
            if (changed or fresh) and found.declaration.unique and isinstance(row, Record) and row.deleted_at is None:
                _remember(unique, row, found)
    for (model, attribute), wanted in unique.items():
        _check_unique(session, model, attribute, wanted)


def _default(row: Fielded, found: Field) -> None:
    default = found.declaration.default
    if default is not None and found.extra_key is None and getattr(row, found.attribute) is None:
        setattr(row, found.attribute, default())


def _check(row: Fielded, found: Field) -> None:
    value = getattr(row, found.attribute)
    if found.extra_key is not None:
        return
    if value is None:
        if found.required and not isinstance(row, Facet):
            raise Refused(_("Enter a value for %(field)s", field=found.label), field=found.name)
        return
    try:
        canonical = found.type.check(value)
    except Invalid as error:
        raise Refused(_("%(field)s: %(reason)s", field=found.label, reason=error.message), field=found.name) from error
    if canonical != value or type(canonical) is not type(value):
        setattr(row, found.attribute, canonical)


def _remember(unique: dict[tuple[type[Record], str], dict[Any, Record]], row: Record, found: Field) -> None:
    value = getattr(row, found.attribute)
    if value is None:
        return
    wanted = unique.setdefault((type(row), found.attribute), {})
    other = wanted.setdefault(value, row)
    if other is not row:
        raise Refused(
            _("%(field)s %(value)s is given twice", field=found.label, value=found.type.text(value)), field=found.name
        )


def _check_unique(session: Session, model: type[Record], attribute: str, wanted: dict[Any, Record]) -> None:
    table = model.__table__
    columns = (table.c.id, table.c[attribute], table.c[model.entity.title])
    live = select(*columns).where(table.c[attribute].in_(list(wanted)), table.c.deleted_at.is_(None))
    for record_id, value, title in session.connection().execute(live):
        row = wanted[value]
        if row.id != record_id:
            label = table.c[attribute].info["field"].label
            message = _("%(field)s %(value)s is used by %(title)s", field=label, value=value, title=title)
            raise Refused(message, field=attribute)
