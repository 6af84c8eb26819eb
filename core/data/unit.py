"""The unit of work: the only way to write (DESIGN 6).

    with transaction(action="proposal.accept") as unit:
        services.accept(unit, proposal)

On leaving the block, in at most ten rounds: flush, gather what changed, let plugins refuse (phase 1), let them react
(phase 2). Then history, the job rows that will tell the world, commit. Any error leaves nothing behind.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import UOWTransaction
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import identity_key

from core.contract.changes import Change
from core.data import numbering
from core.data.capture import Capture
from core.data.clock import database_clock
from core.data.context import Context, current_context
from core.data.guards import inside_unit
from core.data.history import Operation, write_changes
from core.data.links import Changed, changed_links, write_links
from core.data.records import Facet, Fielded, Record, now, value_of
from core.data.scopes import give_owners
from core.data.session import INCLUDE_DELETED, GuardedSession
from core.data.tables import JobRow, Submission, bump
from core.data.validation import check_moves, check_records
from core.errors import Busy, ContractError, EditConflict, NotFound, PluginError, Refused
from core.fields import Field
from core.i18n import Text, lazy as _

MAXIMUM_ROUNDS = 10
SYSTEM_STAMPS = frozenset({"created_at", "updated_at"})

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Facet)


@dataclass(eq=False)
class Unit:
    """One business operation in one transaction; made by `transaction()`, passed to services and hooks."""

    context: Context
    session: GuardedSession
    action: str
    cause: str | None
    undo_of: int | None
    moment: datetime.datetime = field(default_factory=now)
    """The instant of everything this unit does: stamps, and what went to the bin together."""
    notices: list[Text] = field(default_factory=list)
    """Sentences for the person, such as a code that was stepped over."""
    operation: int | None = None
    """The id of the operation in history, once something was written."""
    changes: list[Change] = field(default_factory=list)
    """What the operation changed, merged over all rounds; filled when the unit ends."""
    moved: list[dict[str, Any]] = field(default_factory=list)
    """Rows of modules that are off, set by statement; written into history for undo."""
    noteworthy: bool = False
    """Whether history tells of the operation even when no record changed, as when a module is switched on."""
    submission: Submission | None = None
    stamped: list[Any] = field(default_factory=list)
    """Rows that want the number of the operation in their `operation_id`."""
    _checking: bool = False
    _handed_out: set[Record] = field(default_factory=set)
    """Records that were asked for: kept, so that the version that was read is the one that is compared."""
    _links: list[Changed] = field(default_factory=list)
    """Fields of several values whose links are written once the flush gave their records numbers."""
    _series: dict[Record, int] = field(default_factory=dict)
    """The numbering series somebody chose for a new record."""
    _answered: str = ""
    """The plugin whose reaction wrote last."""

    def __post_init__(self) -> None:
        self._capture = Capture(self.session, self.context.registry, self.context.actor, self.action)

    # -- verbs --------------------------------------------------------------------------------------------------
    def add(self, record: R) -> R:
        """Add a new record; stamps are set here, a missing number at the flush."""
        record.created_at = record.updated_at = self.moment
        self.session.add(record)
        return record

    def number_from(self, record: Record, series_id: int) -> None:
        """Let a new record take its number from this series instead of the default one (TP-2)."""
        self._series[record] = series_id

    def get(self, model: type[R], record_id: int, *, version: int | None = None, deleted: bool = False) -> R:
        """The record. `version`: what the form was made from; `deleted`: also from the bin.

        Raises `NotFound`, and `EditConflict` when somebody changed it since (F39).
        """
        options = INCLUDE_DELETED if deleted else {}
        record = self.session.get(model, record_id, execution_options=options)
        if record is None or (record.deleted_at is not None and not deleted):
            raise NotFound(_("This record does not exist, or was deleted"))
        if version is not None and record.version != version:
            raise EditConflict(_("Somebody changed this record meanwhile"))
        self._handed_out.add(record)
        return record

    def facet(self, model: type[F], record_id: int) -> F:
        """A plugin's fields of a record; the row is made on first use.

        The record is locked, or its version known, before: a facet has neither, and two units that add to it at once
        must not lose what the other added.
        """
        if identity_key(model.of, record_id) not in self.session.identity_map:
            self.session.get(model.of, record_id, with_for_update=True, execution_options=INCLUDE_DELETED)
        found = self.session.get(model, record_id)
        if found is None:
            found = model(record_id=record_id)
            self.session.add(found)
        return found

    def read(self, record: Record, field: Field) -> Any:
        """The value of any field of a record: own, contributed or custom."""
        return value_of(record, field)

    def write(self, record: Record, field: Field, value: Any) -> None:
        """Set any field of a record."""
        if field.extra_key is not None:
            others = {key: kept for key, kept in (record.extra or {}).items() if key != field.extra_key}
            record.extra = others if value is None else {**others, field.extra_key: field.type.dump(value)}
        elif isinstance(record, field.owner):
            setattr(record, field.attribute, value)
        else:
            if record in self.session.new:
                self.session.flush()  # a facet needs the id of its record
            if value is not None or self.session.get(field.owner, record.id) is not None:
                setattr(self.facet(field.owner, record.id), field.attribute, value)

    def claim(self, key: str, location: str, user_id: int | None) -> None:
        """Bind a form's one-time key to this unit's result, so that a second submit finds it (UX 1.5)."""
        self.submission = Submission(key=key, user_id=user_id, location=location, at=now())
        self.session.add(self.submission)
        self.stamped.append(self.submission)

    def notice(self, message: Text) -> None:
        """Tell the person something about what was done."""
        self.notices.append(message)

    # -- ending -------------------------------------------------------------------------------------------------
    def finish(self) -> None:
        """Run the phases, write history and jobs, commit."""
        hooks = self.context.hooks
        for _round in range(MAXIMUM_ROUNDS):
            self.session.flush()
            changes = self._capture.take_round()
            if not changes:
                break
            if self.undo_of is None:
                check_moves(self.context.registry, changes)
            told = self._told(changes)
            if told:
                self._ask(told)
            self._settle(changes)
            if told:
                hooks.changed(told, self, self._savepoint)
        else:
            message = _(
                "Modules keep answering each other's changes, %(name)s the last. Nothing was written.",
                name=self._answered,
            )
            raise PluginError(self._answered, message)
        self.session.check_transaction()
        self.changes = self._capture.whole()
        if self.changes or self.moved or self.noteworthy:
            self._write_history()
        for watch in self.context.watchers:
            watch(self)
        self.session.end()
        self.session.commit()

    def _write_history(self) -> None:
        context, connection = self.context, self.session.connection()
        facts = {
            "at": now(), "actor_id": context.actor.id, "actor_name": context.actor.name, "action": self.action,
            "request_id": context.request_id, "cause": self._reason(), "undo_of": self.undo_of, "job_id": context.job_id,
        }  # fmt: skip
        self.operation = connection.execute(insert(Operation).values(facts).returning(Operation.id)).scalar_one()
        for row in self.stamped:
            row.operation_id = self.operation
        write_changes(connection, context.registry, self.operation, self.changes, self.moved)
        if not self._told(self.changes):
            return
        moment = database_clock(connection)
        jobs = [
            {
                "name": "changes_committed", "plugin": plugin, "payload": {"operation": self.operation}, "state": "ready",
                "attempts": 0, "run_at": moment, "unique_key": f"changes:{plugin}:{self.operation}",
            }
            for plugin in context.hooks.listeners("changes_committed")
        ]  # fmt: skip
        if jobs:
            connection.execute(insert(JobRow), jobs)

    def _reason(self) -> str | None:
        reasons = [reason for reason in (self.cause, *map(str, self.notices)) if reason]
        return "; ".join(reasons)[:500] or None

    def _told(self, changes: list[Change]) -> list[Change]:
        """What modules hear of: not of accounts, teams and companies, which a broken one must not hold up (F27)."""
        registry = self.context.registry
        return [change for change in changes if not registry.entity(change.entity).entity.rebuilds]

    def _settle(self, changes: list[Change]) -> None:
        """The records' own rules, and a new generation when what changed is part of one."""
        registry = self.context.registry
        for change in changes:
            model = registry.entity(change.entity).model
            record = self.session.get(model, change.record_id, execution_options=INCLUDE_DELETED)
            if record is not None:
                record.settle(self, change)
            if (rule := self.context.rules.get(change.entity)) is not None:
                rule(self, change)
        if any(registry.entity(change.entity).entity.rebuilds for change in changes):
            bump(self.session.connection())

    def _ask(self, changes: list[Change]) -> None:
        """Phase 1: the plugins may refuse, and only that."""
        self._checking = True
        try:
            self.context.hooks.changing(changes, self._refuse_writing)
        finally:
            self._checking = False

    def _refuse_writing(self) -> None:
        session = self.session
        if session.new or session.deleted or any(map(session.is_modified, session.dirty)):
            self.refuse_while_checking()

    def refuse_while_checking(self) -> None:
        """Raise `ContractError` while plugins are asked whether they refuse."""
        if self._checking:
            raise ContractError("records_changing must not write: react in records_changed")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Work that is undone alone when it raises: rows, captured changes and notices alike."""
        mark, notices, moved = self._capture.mark, len(self.notices), len(self.moved)
        try:
            with self.session.begin_nested():
                yield
                self.session.check_transaction()
                self.session.flush()
        except BaseException:
            self._capture.forget_since(mark)
            del self.notices[notices:], self.moved[moved:]
            raise

    @contextmanager
    def _savepoint(self, plugin: str) -> Iterator[None]:
        """One plugin's reaction: undone alone when it raises."""
        mark = self._capture.mark
        try:
            with _in_words(), self.attempt():
                yield
        except ContractError as error:
            message = _("Module %(name)s broke a rule of the core: %(error)s", name=plugin, error=error)
            raise PluginError(plugin, message) from error
        if self._capture.mark > mark:
            self._answered = plugin

    # -- session events -----------------------------------------------------------------------------------------
    def before_flush(self, session: GuardedSession) -> None:
        """Number, check and capture what is about to be written."""
        new = [row for row in session.new if isinstance(row, Fielded)]
        dirty = [row for row in session.dirty if isinstance(row, Fielded) and session.is_modified(row)]
        if self._checking:
            self._refuse_writing()
        if not new and not dirty and not session.deleted:
            return
        if any(isinstance(row, Fielded) for row in session.deleted):
            raise ContractError("records are deleted with delete_record(), which puts them in the bin")
        self._touch(session, new, dirty)
        give_owners(new, self.context.actor, self.context.scope)
        for row in (*new, *dirty):
            if isinstance(row, Record):
                row.prepare()
        self._number(new)
        check_records(session, self.context.registry, new, dirty)
        self._capture.before_flush(new, dirty)
        registry = self.context.registry
        self._links += changed_links((row, registry.entity_of(row).tracked[type(row)]) for row in (*new, *dirty))

    def after_flush(self, session: GuardedSession) -> None:
        """Bring the links of fields of several values up to date."""
        if self._links:
            changed, self._links = self._links, []
            write_links(session.connection(), changed)

    def _touch(self, session: GuardedSession, new: list[Fielded], dirty: list[Fielded]) -> None:
        for row in (*new, *dirty):
            if isinstance(row, Facet):  # its change counts as one of its record: version and stamp move
                owner = session.get(row.of, row.record_id, execution_options=INCLUDE_DELETED)
                if owner is not None:
                    owner.updated_at = self.moment
        for row in new:
            if isinstance(row, Record):
                for stamp in SYSTEM_STAMPS - row.__dict__.keys():
                    setattr(row, stamp, self.moment)
        for row in dirty:
            if isinstance(row, Record):
                row.updated_at = self.moment

    def _number(self, new: list[Fielded]) -> None:
        numbered = [row for row in new if isinstance(row, Record) and row.entity.numbering]
        for model in dict.fromkeys(map(type, numbered)):
            registered = self.context.registry.entity_of(model)
            rows = [row for row in numbered if type(row) is model]
            maker = numbering.Maker(
                datetime.date.today(), None if self.context.actor.is_system else self.context.actor.name
            )
            for code in numbering.give(self.session, registered, rows, self._series, maker):
                self.notice(_("%(code)s was already used and was stepped over", code=code))


@event.listens_for(GuardedSession, "before_flush")
def _before_flush(session: GuardedSession, flush_context: UOWTransaction, instances: Any) -> None:
    if session.unit is not None:
        session.unit.before_flush(session)
    elif any(isinstance(row, Fielded) for row in (*session.new, *session.dirty)):
        raise ContractError("records are written inside transaction() only")


@event.listens_for(GuardedSession, "after_flush")
def _after_flush(session: GuardedSession, flush_context: UOWTransaction) -> None:
    if session.unit is not None:
        session.unit.after_flush(session)


@contextmanager
def transaction(
    action: str, *, cause: str | None = None, undo_of: int | None = None, context: Context | None = None
) -> Iterator[Unit]:
    """One unit of work (DESIGN 6). `action`: its dotted name for history; `cause`: why, for people.

    Raises `Refused` (nothing was written), `EditConflict` when somebody else was first, `Busy` when the database could
    not be had.
    """
    context = context or current_context()
    with inside_unit(), context.database.writing() as session:
        session.scope = context.scope
        unit = Unit(context, session, action, cause, undo_of)
        session.begin_unit(unit)
        try:
            with _in_words():
                yield unit
                unit.finish()
        except IntegrityError as error:
            raise Refused(
                _("Another record already has this value, or the linked record is gone. Nothing was written.")
            ) from error
        finally:
            session.end()


@contextmanager
def _in_words() -> Iterator[None]:
    """Say in words what comes from others who work at the same time."""
    try:
        yield
    except StaleDataError as error:
        raise EditConflict(_("Somebody changed this record meanwhile")) from error
    except OperationalError as error:
        if "lock" in str(error.orig):
            raise Busy(_("The database is busy. Nothing was lost. Try again in a moment.")) from error
        raise
