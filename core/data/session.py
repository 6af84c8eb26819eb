"""The one session class, with the guards every road passes (DESIGN 6).

* Records in the bin are left out of every ORM select unless the statement says `include_deleted`.
* Records outside the scope of who asks are left out of every ORM select (DESIGN 7).
* A bulk UPDATE, DELETE or INSERT, which no lifecycle hook would see, is refused unless marked `without_events`.
* A plugin cannot end the transaction it works in (F31).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Connection, TextClause, event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from core.data.guards import cover, uncover
from core.data.records import Record
from core.errors import ContractError

if TYPE_CHECKING:
    from core.data.scopes import Scope
    from core.data.unit import Unit

READING = "reading"
"""Marks, in the `info` of a session, that it only reads, always the same state of the database."""
INCLUDE_DELETED = {"include_deleted": True}
WITHOUT_EVENTS = {"without_events": True}
"""Execution options. `without_events` marks, for the reviewer, a bulk statement that skips history and hooks."""
BULK = "a bulk statement skips history and lifecycle hooks: change records, or mark it without_events and say why"


FAILED = 3
"""What libpq calls PQTRANS_INERROR."""
ENDINGS = ("commit", "rollback", "close")
"""What ends a transaction, by a session or its connection."""
ROUNDABOUT = ("reset", "invalidate", "get_transaction", "get_nested_transaction")
"""What else of a session ends one, or hands out something that serves for nothing but ending it."""


class GuardedSession(Session):
    """A session that belongs to at most one unit; reading sessions have none."""

    unit: Unit | None = None
    scope: Scope | None = None
    """Whose view this is; None: that of the system itself."""
    ending = False
    _covered: tuple[object, ...] = ()

    def begin_unit(self, unit: Unit) -> None:
        """From here on nobody but this unit may end the transaction."""
        self.unit = unit
        self._cover(self, *ENDINGS, *ROUNDABOUT)
        self._covered = (self,)

    def end(self) -> None:
        """From here on the transaction may be ended; said by the unit alone."""
        self.ending = True
        for covered in self._covered:
            uncover(covered)

    def connection(self, *arguments: Any, **options: Any) -> Connection:
        """The connection the transaction runs on; inside a unit it cannot be committed, rolled back or closed."""
        connection = super().connection(*arguments, **options)
        if self.unit is not None and not self.ending:
            self._cover(connection, *ENDINGS)
            self._covered = (self, connection)
        return connection

    def _cover(self, target: object, *verbs: str) -> None:
        cover(target, *verbs, why="inside a unit of work: the unit alone ends its transaction")

    def check_transaction(self) -> None:
        """Raise `ContractError` when a statement failed and its error was hidden (F31)."""
        driver: Any = self.connection().connection.driver_connection
        if getattr(getattr(driver, "info", None), "transaction_status", None) == FAILED:
            raise ContractError("a statement failed and its error was hidden: PostgreSQL undoes what came before it")

    def _refuse_bulk(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ContractError(BULK)

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse_bulk


_LIVE = with_loader_criteria(Record, lambda cls: cls.deleted_at.is_(None), include_aliases=True)
"""Relationship loads too: their parent may be new, or come from the bin, and then brings no criteria along."""


@event.listens_for(GuardedSession, "do_orm_execute")
def _guard(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    options = state.execution_options
    session = state.session
    assert isinstance(session, GuardedSession)
    if state.is_select:
        if not state.is_column_load:
            criteria = [] if options.get("include_deleted") else [_LIVE]
            state.statement = statement.options(*criteria, *(session.scope.options if session.scope else ()))
        return
    writes = state.is_update or state.is_delete or state.is_insert or isinstance(statement, TextClause)
    if writes and not options.get("without_events"):
        raise ContractError(BULK)
    if writes and session.unit is not None:
        session.unit.refuse_while_checking()
