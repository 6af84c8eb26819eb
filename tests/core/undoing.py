"""Undo: the inverse of an operation, as far as nothing changed since (US-4)."""

from __future__ import annotations

from typing import Any

import pytest

from core.contract.changes import SYSTEM, Actor
from core.errors import Forbidden, NotFound, Refused
from core.features.bin import delete_record
from core.features.undo import Undone, undo
from core.testing.site import Site
from tests.probe.helpers import number_of, work


def take_back(site: Site, operation: int | None, actor: Actor = SYSTEM) -> Undone:
    assert operation is not None
    return undo(operation, context=site.context(actor))


def sentences(undone: Undone) -> list[str]:
    return [str(reason) for reason in undone.refused]


def delete(site: Site, model: Any, *ids: int) -> int:
    with work(site, "delete") as unit:
        for record_id in ids:
            delete_record(unit, unit.get(model, record_id))
    assert unit.operation is not None
    return unit.operation


def refused(site: Site, operation: int | None, actor: Actor = SYSTEM) -> str:
    """The sentence of an undo that does nothing, and leaves nothing."""
    before = number_of(site, "core_operation")
    with pytest.raises((Refused, Forbidden, NotFound)) as caught:
        take_back(site, operation, actor)
    assert number_of(site, "core_operation") == before
    return str(caught.value)
