"""The unit of work: rounds, the two phases, and what happens to plugins that break its rules (DESIGN 6, F26 to F31)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.contract.changes import Change
from core.data.tables import PluginIncident
from core.data.unit import Unit
from core.testing.site import Site


def incidents(site: Site) -> list[tuple[str, str, str]]:
    with site.runtime.database.reading() as session:
        found = session.scalars(select(PluginIncident).order_by(PluginIncident.id))
        return [(row.plugin, row.hook, row.kind) for row in found]


class Recorder:
    """A hook that keeps what it is told, round by round."""

    def __init__(self) -> None:
        self.rounds: list[list[tuple[str, str, dict[str, Any], dict[str, Any]]]] = []

    def __call__(self, told: Sequence[Change], unit: Unit | None = None) -> None:
        self.rounds.append([(change.entity, change.kind, dict(change.old), dict(change.new)) for change in told])
