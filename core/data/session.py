"""The one session class, with the guards every road passes (DESIGN 6).

* Records in the bin are left out of every ORM select unless the statement says `include_deleted`.
* Records outside the scope of who asks are left out of every ORM select (DESIGN 7).
* A bulk UPDATE, DELETE or INSERT, which no lifecycle hook would see, is refused unless marked `without_events`.
* A plugin cannot end the transaction it works in (F31).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Connection, TextClause, event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, with_loader_criteria

from core.errors import ContractError

if TYPE_CHECKING:
    from core.data.scopes import Scope
    from core.data.unit import Unit

INCLUDE_DELETED = {"include_deleted": True}
WITHOUT_EVENTS = {"without_events": True}
"""Execution options. `without_events` marks, for the reviewer, a bulk statement that skips history and hooks."""
BULK = "a bulk statement skips history and lifecycle hooks: change records, or mark it without_events and say why"


def _refusal(verb: str) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise ContractError(f"{verb} inside a unit of work: the unit alone ends its transaction")

    return refuse


FAILED = 3
"""What libpq calls PQTRANS_INERROR."""
REFUSALS = {verb: _refusal(verb) for verb in ("commit", "rollback", "close")}


class GuardedSession(Session):
    """A session that belongs to at most one unit; reading sessions have none."""

    unit: Unit | None = None
    scope: Scope | None = None
    """Whose view this is; None: that of the system itself."""
    ending = False
    _covered: Connection | None = None

    def end(self) -> None:
        """From here on the transaction may be ended; said by the unit alone."""
        self.ending = True
        if self._covered is not None:
            for verb in REFUSALS:
                self._covered.__dict__.pop(verb, None)

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

    def reset(self) -> None:
        """Start afresh, unless a plugin tries to inside a unit."""
        self._refuse_inside_unit("reset")
        super().reset()

    def invalidate(self) -> None:
        """Drop the connection, unless a plugin tries to inside a unit."""
        self._refuse_inside_unit("invalidate")
        super().invalidate()

    def _refuse_inside_unit(self, verb: str) -> None:
        if self.unit is not None and not self.ending:
            _refusal(verb)()

    def connection(self, *arguments: Any, **options: Any) -> Connection:
        """The connection the transaction runs on; inside a unit it cannot be committed, rolled back or closed."""
        connection = super().connection(*arguments, **options)
        if self.unit is not None and not self.ending:
            self._covered = connection
            connection.__dict__.update(REFUSALS)
        return connection

    def get_transaction(self) -> SessionTransaction | None:
        """The transaction; refused inside a unit, since all one can do with it is to end it."""
        self._refuse_inside_unit("the transaction")
        return super().get_transaction()

    def get_nested_transaction(self) -> SessionTransaction | None:
        """The savepoint; refused inside a unit."""
        self._refuse_inside_unit("the savepoint")
        return super().get_nested_transaction()

    def check_transaction(self) -> None:
        """Raise `ContractError` when a statement failed and its error was hidden (F31)."""
        driver: Any = self.connection().connection.driver_connection
        if getattr(getattr(driver, "info", None), "transaction_status", None) == FAILED:
            raise ContractError("a statement failed and its error was hidden: PostgreSQL undoes what came before it")

    def bulk_save_objects(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: no lifecycle hook sees it."""
        raise ContractError(BULK)

    def bulk_insert_mappings(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: no lifecycle hook sees it."""
        raise ContractError(BULK)

    def bulk_update_mappings(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: no lifecycle hook sees it."""
        raise ContractError(BULK)


@event.listens_for(GuardedSession, "do_orm_execute")
def _guard(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    options = state.execution_options
    if state.is_select:
        if state.is_column_load:
            return
        criteria = []
        if not options.get("include_deleted"):
            from core.data.records import Record

            # Relationship loads too: their parent may be new, or come from the bin, and then brings no criteria along.
            criteria.append(with_loader_criteria(Record, lambda cls: cls.deleted_at.is_(None), include_aliases=True))
        scope = getattr(state.session, "scope", None)
        if scope is not None:
            criteria.extend(scope.options)
        if criteria:
            state.statement = statement.options(*criteria)
        return
    writes = state.is_update or state.is_delete or state.is_insert or isinstance(statement, TextClause)
    if writes and not options.get("without_events"):
        raise ContractError(BULK)
    if writes and isinstance(state.session, GuardedSession) and state.session.unit is not None:
        state.session.unit.refuse_while_checking()
