"""The one session class, with the guards every road passes (DESIGN 6).

* Records in the bin are left out of every ORM select unless the statement says `include_deleted`.
* A bulk UPDATE, DELETE or INSERT, which no lifecycle hook would see, is refused unless marked `without_events`.
* A plugin cannot end the transaction it works in (F31).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import TextClause, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from core.errors import ContractError

if TYPE_CHECKING:
    from core.data.unit import Unit

INCLUDE_DELETED = {"include_deleted": True}
WITHOUT_EVENTS = {"without_events": True}
"""Execution options. `without_events` marks, for the reviewer, a bulk statement that skips history and hooks."""


class GuardedSession(Session):
    """A session that belongs to at most one unit; reading sessions have none."""

    unit: Unit | None = None
    ending = False

    def commit(self) -> None:
        """Commit, unless a plugin tries to inside a unit."""
        self._refuse_inside_unit("commit")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a plugin tries to inside a unit."""
        self._refuse_inside_unit("rollback")
        super().rollback()

    def close(self) -> None:
        """Close, unless a plugin tries to inside a unit."""
        self._refuse_inside_unit("close")
        super().close()

    def _refuse_inside_unit(self, verb: str) -> None:
        if self.unit is not None and not self.ending:
            raise ContractError(f"{verb} inside a unit of work: the unit alone ends its transaction")


@event.listens_for(GuardedSession, "do_orm_execute")
def _guard(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    options = state.execution_options
    if state.is_select:
        if not options.get("include_deleted") and not state.is_column_load and not state.is_relationship_load:
            from core.data.records import Record

            state.statement = statement.options(
                with_loader_criteria(Record, lambda cls: cls.deleted_at.is_(None), include_aliases=True)
            )
        return
    writes = state.is_update or state.is_delete or state.is_insert or isinstance(statement, TextClause)
    if writes and not options.get("without_events"):
        raise ContractError(
            "a bulk statement skips history and lifecycle hooks: change records, or mark it without_events and say why"
        )
