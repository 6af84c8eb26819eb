"""Numbers for records: series, counters, and taking them without gap or duplicate (TP-2, PERFORMANCE D11).

A counter row per (series, scope, period) is moved on by UPDATE ... RETURNING inside the unit, as late as the flush, so
a rollback gives the number back; a unique index on the code stands behind it. A code already in use is stepped over.
What an administrator may do with series, and what they show before, is in `core.features.numbering`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.contributions import Entity
from core.data.records import Identifier, Record, Row
from core.data.tables import stored_settings
from core.errors import Invalid, Refused
from core.fields import Boolean, Choice, Text, field
from core.fields.keys import fold
from core.i18n import lazy as _
from core.masks import Context, Mask, MaskError

if TYPE_CHECKING:
    from core.registry import RegisteredEntity

NUMBERED = "core.numbered"
"""The list of the entities whose records have numbers; the registry makes it."""
FISCAL_MONTH, SHORT_COUNTERS = "core.fiscal_month", "core.short_counters"
"""The settings of the company that masks are read by; declared in `core.settings`."""


class Maker(NamedTuple):
    """What codes print of who makes a record, and when; the system has no name."""

    on: datetime.date
    name: str | None


@dataclass(frozen=True, eq=False)
class Numbered(Choice):
    """One of the entities that have numbers."""

    maximum = 80
    keyed = True

    def key(self, value: str) -> str | None:
        return fold(value)


class MaskText(Text):
    """A numbering mask; one that cannot work is refused when it is saved, by the company's settings then."""

    name = "mask"
    keyed = False

    def __init__(self) -> None:
        super().__init__(64)

    def check(self, value: str) -> str:
        """The mask as typed; raises `Invalid` with the reason."""
        checked = super().check(value)
        try:
            Mask.parse(checked, short_counters=True)
        except MaskError as error:
            raise Invalid(error.message) from error
        return checked


class Series(Record):
    """A way of numbering one kind of record. Kept by administrators on the page Numbering."""

    __tablename__ = "core_series"
    entity = Entity(
        "series", _("Numbering series"), _("Numbering"), slug="numbering", title="name", new_label=_("Add series"),
        group="administration", icon="hash", order=30, default_sort="name", administrators_only=True,
    )  # fmt: skip
    name: Mapped[str] = field(Text(80), _("Name"), listed=True, search=True)
    target: Mapped[str] = field(Numbered(dictionary=NUMBERED), _("Numbers records of"), listed=True, once=True)
    mask: Mapped[str] = field(
        MaskText(),
        _("Pattern"),
        listed=True,
        help=_("For example CU{yy}{mm}-{0000}: year, month and a counter of four digits"),
    )
    counted_by: Mapped[str | None] = field(
        Choice({"type": _("Third-party type"), "customer": _("Customer")}), _("Counted separately by")
    )
    is_default: Mapped[bool] = field(
        Boolean(), _("Default"), listed=True, default=lambda: False,
        help=_("Used unless somebody chooses another series; where none is, the oldest is used"),
    )  # fmt: skip


Index("ix_core_series_target", Series.__table__.columns["target"])


class Counter(Row):
    """The last number given in one series, scope and period."""

    __tablename__ = "core_counter"
    __table_args__ = (UniqueConstraint("series_id", "scope", "period"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("core_series.id"))
    scope: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(40))
    last: Mapped[int] = mapped_column(BigInteger)


def default_series(session: Session, target: str, series_id: int | None = None) -> Series | None:
    """The live series an entity is numbered by, or the one that was chosen."""
    found = select(Series).where(Series.target == target).order_by(Series.is_default.desc(), Series.id).limit(1)
    with session.no_autoflush:
        return session.scalars(found if series_id is None else found.where(Series.id == series_id)).first()


def read_mask(session: Session, pattern: str, counted_by: str | None) -> Mask:
    """The mask of a series, read by the company's settings. Raises `MaskError`."""
    with session.no_autoflush:
        stored = stored_settings(session)
    month, short = int(stored.get(FISCAL_MONTH) or 1), stored.get(SHORT_COUNTERS) == "true"
    letter = counted_by[:1] if counted_by else None
    return Mask.parse(pattern, fiscal_month=month, short_counters=short, counted_by=letter)


def place(series_id: int | None, mask: Mask, context: Context) -> dict[str, Any]:
    """Where the counter for a code stands: the key of its row."""
    return {"series_id": series_id, "scope": mask.scope(context), "period": mask.period(context.on)}


def advance(session: Session, series: Series, mask: Mask, context: Context, count: int) -> int:
    """Move the counter on by `count` under its row lock; returns the new last value.

    A counter still below the offset of the mask jumps to it, as `Mask.after` says (FACTS-dolibarr 1.5).
    """
    connection = session.connection()
    key, before = place(series.id, mask, context), mask.first - 1
    last = case((Counter.last < before, before), else_=Counter.last) + count
    move = update(Counter).filter_by(**key).values(last=last).returning(Counter.last)
    moved = connection.execute(move).scalar_one_or_none()
    if moved is None:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(Counter).values(**key, last=before).on_conflict_do_nothing())
        moved = connection.execute(move).scalar_one()
    return int(moved)


def give(
    session: Session, registered: RegisteredEntity, rows: Iterable[Record], chosen: Mapping[Record, int], maker: Maker
) -> list[str]:
    """Number the records among `rows`, new ones of an entity, that have no code; returns the codes stepped over.

    `chosen`: the series of records that shall not have one of the default series.
    Raises `Refused` when there is no such series, and `MaskError` when the counter is exhausted; then the unit is
    rolled back and the counter stays where it was.
    """
    attribute = number_field(registered)
    given = {getattr(row, attribute) for row in rows}  # the database does not know them yet
    read: dict[int | None, tuple[Series, Mask]] = {}
    waiting: dict[tuple[int | None, Context], list[Record]] = {}
    skipped: list[str] = []
    for row in rows:
        if not getattr(row, attribute):
            if (wanted := chosen.get(row)) not in read:
                series = _series(session, registered, wanted)
                read[wanted] = series, read_mask(session, series.mask, series.counted_by)
            context = printed(session, registered, read[wanted][1], maker, row)
            waiting.setdefault((wanted, context), []).append(row)
    for (wanted, context), records in waiting.items():
        while records:
            last = advance(session, *read[wanted], context, len(records))
            offered = [read[wanted][1].format(value, context) for value in range(last - len(records) + 1, last + 1)]
            taken = in_use(session, registered, offered) | given
            free = [code for code in offered if code not in taken]
            skipped.extend(code for code in offered if code in taken)
            given.update(free)
            for record, code in zip(records, free, strict=False):
                setattr(record, attribute, code)
            del records[: len(free)]
    return skipped


def _series(session: Session, registered: RegisteredEntity, wanted: int | None) -> Series:
    series = default_series(session, registered.entity.name, wanted)
    if series is None and wanted is not None:
        raise Refused(_("This numbering series was deleted or does not exist. Choose another."))
    if series is None:
        words = {"entity": registered.entity.plural}
        raise Refused(_("There is no numbering series for %(entity)s. Add one under Numbering.", **words))
    return series


def number_field(registered: RegisteredEntity) -> str:
    """The field of an entity that is numbered."""
    assert registered.entity.numbering is not None
    return registered.entity.numbering.field


def in_use(session: Session, registered: RegisteredEntity, codes: Sequence[str]) -> set[str]:
    """Those of some codes that records have, in the bin too."""
    found = registered.fields[number_field(registered)]
    column, key = registered.model.__table__.columns[found.attribute], found.key_column
    taken = select(column).where(column.in_(codes))
    if key is not None:  # the key's index knows those in the trash, too; that of the code does not
        taken = taken.where(key.in_({made for code in codes if (made := found.type.key(code)) is not None}))
    return set(session.connection().execute(taken).scalars())


def printed(session: Session, of: RegisteredEntity, mask: Mask, maker: Maker, record: Record | None = None) -> Context:
    """What the codes of a mask print for a new record; of none, its fields' defaults."""
    assert of.entity.numbering is not None
    paths = (("c", of.entity.numbering.customer_code), ("t", of.entity.numbering.type_code))
    texts = [_text_at(session, of, record, path) if path and letter in mask.letters else None for letter, path in paths]
    return Context(maker.on, texts[0], texts[1], maker.name if "u" in mask.letters else None)


def _text_at(session: Session, registered: RegisteredEntity, record: Record | None, path: str) -> str | None:
    name, _dot, further = path.partition(".")
    declaration = registered.fields[name].declaration
    value = getattr(record, name, None) or (declaration.default() if declaration.default else None)
    if value is not None and further:
        table = Row.metadata.tables[getattr(declaration.type, "to")]  # noqa: B009 - a link, which only it has
        value = session.connection().execute(select(table.c[further]).where(table.c.id == value)).scalar_one_or_none()
    return None if value is None else str(value)
