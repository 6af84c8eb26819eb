"""Numbers for records: series, counters, and taking them without gap or duplicate (TP-2, PERFORMANCE D11).

A counter row per (series, scope, period) is moved on by UPDATE ... RETURNING inside the unit, as late as the flush, so
a rollback gives the number back; a unique index on the code stands behind it. A code already in use is stepped over.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.contributions import Entity
from core.data.records import Identifier, Record, Row
from core.errors import Invalid, Refused
from core.fields import Text, field
from core.i18n import lazy as _
from core.masks import Context, Mask, MaskError

if TYPE_CHECKING:
    from core.registry import RegisteredEntity


class MaskText(Text):
    """A numbering mask; one that cannot work is refused when it is saved."""

    name = "mask"
    keyed = False

    def __init__(self) -> None:
        super().__init__(64)

    def check(self, value: str) -> str:
        """The mask as typed; raises `Invalid` with the reason."""
        checked = super().check(value)
        try:
            Mask.parse(checked)
        except MaskError as error:
            raise Invalid(error.message) from error
        return checked


class Series(Record):
    """A way of numbering one kind of record. Kept by administrators on the page Numbering."""

    __tablename__ = "core_series"
    entity = Entity(
        "series", _("Numbering series"), _("Numbering"), slug="numbering", title="name", new_label=_("New series"),
        group="administration", icon="hash", order=30, default_sort="name", administrators_only=True,
    )  # fmt: skip
    name: Mapped[str] = field(Text(80), _("Name"), listed=True, search=True)
    target: Mapped[str] = field(Text(80), _("Numbers records of"), listed=True, readonly=True)
    mask: Mapped[str] = field(
        MaskText(),
        _("Pattern"),
        listed=True,
        help=_("For example CU{yy}{mm}-{0000}: year, month and a counter of four digits"),
    )


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


def default_series(session: Session, target: str) -> Series | None:
    """The first live series of an entity."""
    with session.no_autoflush:
        return session.scalars(select(Series).where(Series.target == target).order_by(Series.id).limit(1)).first()


def _place(series: Series, mask: Mask, context: Context) -> dict[str, Any]:
    return {"series_id": series.id, "scope": mask.scope(context), "period": mask.period(context.on)}


def advance(session: Session, series: Series, mask: Mask, context: Context, count: int) -> int:
    """Move the counter on by `count` under its row lock; returns the new last value."""
    connection = session.connection()
    place = _place(series, mask, context)
    move = update(Counter).filter_by(**place).values(last=Counter.last + count).returning(Counter.last)
    last = connection.execute(move).scalar_one_or_none()
    if last is None:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(Counter).values(**place, last=mask.first - 1).on_conflict_do_nothing())
        last = connection.execute(move).scalar_one()
    return int(last)


def take(
    session: Session, registered: RegisteredEntity, count: int, on: datetime.date, typed: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """The next `count` codes of an entity's default series, and the codes stepped over because somebody had them.

    `typed`: codes of records that are about to be written beside these, which the database does not know yet.
    Raises `Refused` when the entity has no series, and `MaskError` when the counter is exhausted; then the unit is
    rolled back and the counter stays where it was.
    """
    numbering = registered.entity.numbering
    series = default_series(session, registered.entity.name)
    if numbering is None or series is None:
        raise Refused(
            _("There is no numbering series for %(entity)s. Add one under Numbering.", entity=registered.entity.plural)
        )
    mask = Mask.parse(series.mask)
    context = Context(on=on)
    codes: list[str] = []
    skipped: list[str] = []
    while len(codes) < count:
        wanted = count - len(codes)
        last = advance(session, series, mask, context, wanted)
        offered = [mask.format(value, context) for value in range(last - wanted + 1, last + 1)]
        taken = _in_use(session, registered.model, numbering.field, offered) | set(typed)
        skipped.extend(code for code in offered if code in taken)
        codes.extend(code for code in offered if code not in taken)
    return codes, skipped


def _in_use(session: Session, model: type[Record], attribute: str, codes: Sequence[str]) -> set[str]:
    column = model.__table__.columns[attribute]
    return set(session.connection().execute(select(column).where(column.in_(codes))).scalars())


def peek(session: Session, series: Series, on: datetime.date, count: int = 3) -> list[str]:
    """The next codes a series would give on a day; takes none."""
    mask = Mask.parse(series.mask)
    context = Context(on=on)
    last = session.scalar(select(Counter.last).filter_by(**_place(series, mask, context)))
    return mask.preview(mask.first - 1 if last is None else last, context, count)
