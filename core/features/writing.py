"""Writing what a person typed or chose into a field, on every road by which that happens (SECURITY 7.6, TP-14)."""

from __future__ import annotations

from typing import Any

from core.data.records import Record
from core.data.unit import Unit
from core.errors import Refused
from core.fields import Field
from core.i18n import lazy as _


def write_typed(unit: Unit, record: Record, field: Field, value: Any) -> None:
    """Write a value somebody chose. Raises `Refused` for companies he does not work for: neither into nor out of them."""
    scope, ownership = unit.context.scope, record.entity.ownership
    shared = ownership is not None and isinstance(record, field.owner) and field.attribute == ownership.companies
    if shared and scope is not None and scope.companies is not None:
        before, after = frozenset(unit.read(record, field) or ()), frozenset(value or ())
        into_first = not after and before and not scope.home  # what names no company belongs to the first one
        if into_first or (before ^ after) - scope.companies:
            raise Refused(_("A record is shared only with companies you work for"), field=field.name)
    unit.write(record, field, value)
