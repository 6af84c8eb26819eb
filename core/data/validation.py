"""What may be stored, checked for every row on every road, just before it is written (SECURITY A18, A20)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, inspect, null, select, true

from core.data.records import Facet, Fielded, Record, Row
from core.data.session import GuardedSession
from core.errors import Invalid, Refused
from core.fields import AnyLink, Field, Link
from core.i18n import lazy as _

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.registry import RegisteredEntity, Registry


def check_records(
    session: GuardedSession, registry: Registry, new: Sequence[Fielded], dirty: Sequence[Fielded]
) -> None:
    """Bring values into canonical form. Raises `Refused` naming the field when one cannot be stored."""
    together = _Together(session, registry, dirty)
    undoing = session.unit is not None and session.unit.undo_of is not None
    for row in new:
        for found in registry.entity_of(row).tracked[type(row)]:
            default = found.declaration.default
            if row.__dict__.get(found.attribute) is None:
                if default is not None:
                    setattr(row, found.attribute, default())
                elif not found.required:
                    continue  # most fields of most new records
            _check(row, found, None, undoing)
            together.remember(row, found)
    for row in dirty:
        attributes = inspect(row).attrs
        fresh = isinstance(row, Record) and attributes.deleted_at.history.has_changes()
        binned = isinstance(row, Record) and row.deleted_at is not None
        for found in registry.entity_of(row).tracked[type(row)]:
            history = attributes[found.attribute].history
            if history.has_changes():
                _check(row, found, history.deleted[0] if history.deleted else None, undoing)
            if (history.has_changes() or fresh) and not binned:
                together.remember(row, found)
    together.check()


def _check(row: Fielded, found: Field, before: Any, undoing: bool) -> None:
    if found.extra_key is not None:
        _check_in_extra(row, found, found.extra_key, before or {})
        return
    value = row.__dict__.get(found.attribute)
    if value is not None:
        canonical = _canonical(found, value)
        if canonical != before and not found.type.is_open(canonical) and not undoing:
            words = {"field": found.label, "value": found.type.text(canonical)}
            raise Refused(_("%(field)s: “%(value)s” can no longer be chosen", **words), field=found.name)
        if canonical != value or type(canonical) is not type(value):
            setattr(row, found.attribute, canonical)
    elif found.required and not isinstance(row, Facet):
        raise Refused(_("Enter a value for %(field)s", field=found.label), field=found.name)


def _check_in_extra(row: Fielded, found: Field, key: str, before: Mapping[str, str]) -> None:
    """The value of a field an administrator made: kept as text, checked as the value it stands for."""
    extra = row.__dict__.get("extra") or {}
    stored = extra.get(key)
    if stored is None or stored == before.get(key):
        return
    try:
        value = found.type.load(stored)
    except (TypeError, ValueError, AttributeError) as error:
        raise Refused(_("%(field)s: this is no value of this field", field=found.label), field=found.name) from error
    setattr(row, found.attribute, {**extra, key: found.type.dump(_canonical(found, value))})


def _canonical(found: Field, value: Any) -> Any:
    try:
        return found.type.check(value)
    except Invalid as error:
        raise Refused(_("%(field)s: %(reason)s", field=found.label, reason=error.message), field=found.name) from error


def check_moves(registry: Registry, changes: Sequence[Change]) -> None:
    """Raise `Refused` when a status went where its moves do not lead (SECURITY 7.8)."""
    for change in changes:
        fields = registry.entity(change.entity).fields
        for name, new in change.new.items() if change.kind == "updated" else ():
            found, old = fields[name], change.old.get(name)
            if not found.type.allows(old, new):
                was, value = ("" if each is None else found.type.text(each) for each in (old, new))
                message = _("%(title)s cannot go from %(old)s to %(new)s", title=change.title, old=was, new=value)
                raise Refused(message, field=name)


class _Together:
    """What the database is asked once for all rows of a flush: who has a unique value, and whether links lead anywhere."""

    def __init__(self, session: GuardedSession, registry: Registry, dirty: Sequence[Fielded]) -> None:
        self._session = session
        self._registry = registry
        self._unique: dict[tuple[type[Record], Field], dict[Any, Record]] = {}
        self._links: dict[tuple[str, Field], set[int]] = {}
        self._alive = {(row.__tablename__, row.id): row.deleted_at is None for row in dirty if isinstance(row, Record)}

    def remember(self, row: Fielded, found: Field) -> None:
        """Look at this value when all are known."""
        kind = found.type
        unique = found.declaration.unique and isinstance(row, Record)
        if not unique and not isinstance(kind, Link | AnyLink):
            return
        value = getattr(row, found.attribute)
        if value is None:
            return
        table = kind.to if isinstance(kind, Link) else self._table(row, kind) if isinstance(kind, AnyLink) else None
        if table is not None:
            self._links.setdefault((table, found), set()).add(value)
        if unique and isinstance(row, Record):
            other = self._unique.setdefault((type(row), found), {}).setdefault(value, row)
            if other is not row:
                given = _("%(field)s %(value)s is given twice", field=found.label, value=found.type.text(value))
                raise Refused(given, field=found.name)

    def _table(self, row: Fielded, kind: AnyLink) -> str | None:
        """The table of the entity a row names; None while its module is off, which nobody can link to anew."""
        registered = self._registry.entities.get(getattr(row, kind.entity_in))
        return None if registered is None else registered.model.__tablename__

    def check(self) -> None:
        """Raise `Refused` naming the field, and who has the value."""
        for (table, found), ids in self._links.items():
            self._check_links(table, found, ids)
        for (model, found), wanted in self._unique.items():
            self._check_unique(model, found, wanted)

    def _check_unique(self, model: type[Record], found: Field, wanted: dict[Any, Record]) -> None:
        table = model.__table__
        column = table.c[found.attribute]
        known = self._known(self._registry.entity_of(model))
        live = select(table.c.id, column, table.c[model.entity.title], known).where(
            column.in_(list(wanted)), table.c.deleted_at.is_(None)
        )
        for record_id, value, title, may_know in self._session.connection().execute(live):
            if wanted[value].id != record_id:
                words = {"field": found.label, "value": found.type.text(value)}
                message = _("%(field)s %(value)s is used already", **words)
                if may_know:
                    message = _("%(field)s %(value)s is used by %(title)s", title=title, **words)
                raise Refused(message, field=found.name)

    def _known(self, registered: RegisteredEntity | None) -> ColumnElement[bool]:
        """Whether who asks may know of a row: else a refusal must not tell of it (T35)."""
        scope = self._session.scope
        criterion = scope.known(registered) if scope and registered else None
        return true() if criterion is None else criterion

    def _check_links(self, name: str, found: Field, ids: Collection[int]) -> None:
        """The linked records must be there, and stay until this unit has ended: the lock waits for who deletes (F43)."""
        table = Row.metadata.tables[name]
        deleted_at = table.c.get("deleted_at", null())
        known = self._known(self._registry.by_table(name))
        asked = select(table.c.id, deleted_at).where(table.c.id.in_(ids), known).order_by(table.c.id)
        rows = self._session.connection().execute(asked.with_for_update(read=True, key_share=True, of=table))
        alive = {row_id: deleted is None for row_id, deleted in rows}
        for wanted in ids:
            if not self._alive.get((name, wanted), alive.get(wanted, False)):
                message = _("%(field)s: the linked record was deleted or does not exist", field=found.label)
                raise Refused(message, field=found.name)
