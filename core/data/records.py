"""What is stored: records, facets of records, and plain rows of the core (DESIGN 4).

A `Record` is something people have lists, sheets and forms of. A `Facet` holds a plugin's fields for somebody else's
record, in a table of its own. Normalised key columns (PERFORMANCE D1) and sort indexes come from the fields.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from sqlalchemy import JSON, BigInteger, ForeignKey, FromClause, Index, Integer, MetaData, Table, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedColumn,
    Mapper,
    Session,
    declared_attr,
    mapped_column,
    object_session,
)

from core.contract.contributions import Entity
from core.errors import ContractError
from core.fields import (
    COMPANIES,
    PEOPLE,
    TEAMS,
    DateTime,
    Declaration,
    Field,
    OneOf,
    SeveralOf,
    field,
    key_column_type,
)
from core.i18n import Text, lazy as _

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.data.unit import Unit

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Identifier = BigInteger().with_variant(Integer, "sqlite")
Document = JSON().with_variant(JSONB, "postgresql")


def now() -> datetime.datetime:
    """The present instant, aware, UTC."""
    return datetime.datetime.now(datetime.UTC)


class Row(DeclarativeBase):
    """Base of every mapped class; classes are declared once per process and never rebuilt (DESIGN 5)."""

    metadata = MetaData(naming_convention=NAMING)


class Fielded(Row):
    """A row whose columns may be fields: adds key columns before mapping and indexes after it."""

    __abstract__ = True

    def __init_subclass__(cls, **arguments: Any) -> None:
        declared = {
            name: found
            for base in reversed(cls.__mro__)
            for name, value in list(vars(base).items())
            if (found := _declaration(value)) is not None
        }
        mapped = not cls.__dict__.get("__abstract__")
        for name, declaration in declared.items() if mapped else ():
            if declaration.type.keyed and (declaration.search or declaration.listed):
                setattr(cls, f"{name}_key", mapped_column(key_column_type(), info={"key_of": name}))
        super().__init_subclass__(**arguments)
        if mapped:
            _add_indexes(cls, declared)


def _declaration(value: object) -> Declaration[Any] | None:
    found = value.column.info.get("field") if isinstance(value, MappedColumn) else None
    return found if isinstance(found, Declaration) else None


def _add_indexes(cls: type[Fielded], declared: dict[str, Declaration[Any]]) -> None:
    table = cast(Table, cls.__table__)
    identity = next(iter(table.primary_key.columns))
    for name, declaration in declared.items():
        column = table.columns[name]
        key = table.columns.get(f"{name}_key")
        if key is not None:
            Index(f"ix_{table.name}_{name}_key", key, identity)
        elif declaration.indexed or column.foreign_keys:
            Index(f"ix_{table.name}_{name}", column, identity)
        if declaration.unique:
            live = text("deleted_at IS NULL")
            Index(f"uq_{table.name}_{name}", column, unique=True, sqlite_where=live, postgresql_where=live)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A record that may be the one meant, and why. `certain`: two would hardly share that, as a VAT number (TP-9)."""

    record: Record
    reasons: Sequence[Text]
    certain: bool = False


class Record(Fielded):
    """Base of records: identity that never comes back, version, stamps, the bin, and the administrator's own fields."""

    __abstract__ = True
    entity: ClassVar[Entity]
    similar_by: ClassVar[Mapping[str, str]] = {}
    """Words in addresses -> fields by which `similar` finds records that may be the same, while they are typed."""

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, sort_order=-10)
    version: Mapped[int] = mapped_column(Integer, nullable=False, sort_order=90)
    created_at: Mapped[datetime.datetime] = field(DateTime(), _("Created"), readonly=True, indexed=True)
    updated_at: Mapped[datetime.datetime] = field(DateTime(), _("Modified"), readonly=True)
    deleted_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type(), active_history=True)
    extra: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, active_history=True)

    def __init_subclass__(cls, **arguments: Any) -> None:
        if not cls.__dict__.get("__abstract__"):
            if not isinstance(cls.__dict__.get("entity"), Entity):
                raise ContractError(f"{cls.__name__} must declare `entity = Entity(...)`")
            own = cls.__dict__.get("__table_args__", ())
            cls.__table_args__ = (*own, {"sqlite_autoincrement": True})  # ids never come back (SECURITY 7.9)
        super().__init_subclass__(**arguments)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    def prepare(self) -> None:
        """What follows for a new or changed record from its own values alone, before they are checked and written.

        On every road, undo included. Raises `Refused` naming the field. What needs other records is for `settle`.
        """

    def settle(self, unit: Unit, change: Change) -> None:
        """What must hold, or follow, when this record changed: asked once a round, after the plugins may have refused.

        Raises `Refused`. For rules of the record itself; what concerns other modules they do in `records_changed`.
        """

    @classmethod
    def similar(cls, session: Session, values: Mapping[str, str], *, but: int | None = None) -> Sequence[Likeness]:
        """The records that may be the same as one with these typed values, by field, as far as the person may know them."""
        return ()

    @property
    def title(self) -> str:
        """The record's name for people."""
        return str(getattr(self, self.entity.title) or f"#{self.id}")


class Owned(Record):
    """Base of records that belong to somebody: an owner, a team, companies of ours (TP-3, TP-14, DESIGN 7).

    The entity says `ownership=Ownership(...)`. Whoever makes a record owns it, in the company he works for.
    """

    __abstract__ = True

    owner_id: Mapped[int | None] = field(OneOf(PEOPLE), _("Owner"), indexed=True, section="owner")
    team_id: Mapped[int | None] = field(OneOf(TEAMS, to="core_team"), _("Team"), indexed=True, section="owner")
    companies: Mapped[tuple[int, ...] | None] = field(SeveralOf(COMPANIES), _("Shared with"), section="owner")


class Facet(Fielded):
    """Base of a plugin's fields on somebody else's record: `class Loyalty(Facet, of=ThirdParty)`."""

    __abstract__ = True
    of: ClassVar[type[Record]]
    record_id: Mapped[int]

    def __init_subclass__(cls, of: type[Record] | None = None, **arguments: Any) -> None:
        if of is not None:
            cls.of = of
            target = ForeignKey(f"{of.__tablename__}.id", ondelete="CASCADE")
            cls.record_id = mapped_column(Identifier, target, primary_key=True, autoincrement=False, sort_order=-10)
        elif not cls.__dict__.get("__abstract__"):
            raise ContractError(f"{cls.__name__} must say whose facet it is: class {cls.__name__}(Facet, of=...)")
        super().__init_subclass__(**arguments)


def in_extra(found: Field, extra: Mapping[str, str] | None) -> Any:
    """The value of a field an administrator made, of a record's `extra`."""
    stored = (extra or {}).get(found.extra_key or "")
    return None if stored is None else found.type.load(stored)


def value_of(record: Record, found: Field) -> Any:
    """The value of any field of a record, own, contributed or custom, read by the record's session."""
    if found.extra_key is not None:
        return in_extra(found, record.extra)
    if isinstance(record, found.owner):
        return getattr(record, found.attribute)
    session = object_session(record)
    facet = session.get(found.owner, record.id) if session else None
    return None if facet is None else getattr(facet, found.attribute)


@event.listens_for(Fielded, "before_insert", propagate=True)
@event.listens_for(Fielded, "before_update", propagate=True)
def _write_keys(mapper: Mapper[Any], connection: Any, target: Any) -> None:
    for attribute, key, make in _keys_of(mapper.local_table):
        value = getattr(target, attribute)
        made = None if value is None else make(value)
        if getattr(target, key) != made:
            setattr(target, key, made)


@functools.cache
def _keys_of(table: FromClause) -> list[tuple[str, str, Callable[[Any], Any]]]:
    columns = table.columns
    sources = ((column.info["key_of"], column.name) for column in columns if "key_of" in column.info)
    return [
        (source, key, columns[key].info.get("key_by") or columns[source].info["field"].type.key)
        for source, key in sources
    ]
