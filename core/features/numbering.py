"""Series as administrators keep them: what is refused at save, which one is the default, what comes next (TP-2)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.contract.changes import Change
from core.data.numbering import Counter, Maker, Series, in_use, place, printed, read_mask
from core.data.session import INCLUDE_DELETED
from core.data.unit import Unit
from core.errors import Refused
from core.i18n import lazy as _
from core.masks import Context, Mask, MaskError
from core.registry import RegisteredEntity, Registry

LOOK_AHEAD = 200
"""Codes in use that a preview looks past; taking a number looks past any number of them."""
PREVIEWED = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What a series would give: the next codes, those in use it would step over before, the first of the next period."""

    codes: tuple[str, ...]
    skipped: tuple[str, ...]
    later: tuple[datetime.date, str] | None


# -- what is refused --------------------------------------------------------------------------------------------
def settle_series(unit: Unit, change: Change) -> None:
    """The rule of series, on every road: a mask that can work, records that stay the same, one default.

    Raises `Refused` naming the field.
    """
    series = unit.session.get(Series, change.record_id, execution_options=INCLUDE_DELETED)
    if series is None or series.deleted_at is not None:
        return
    if change.kind == "updated" and change.moved("target"):
        message = _("A series goes on numbering what it was made for: add another series instead")
        raise Refused(message, field="target")
    if change.kind != "updated" or change.moved("mask") or change.moved("counted_by"):
        check_mask(unit.session, unit.context.registry, series.target, series.mask, series.counted_by)
    if series.is_default:
        others = select(Series).where(Series.target == series.target, Series.id != series.id, Series.is_default)
        for other in unit.session.scalars(others):
            other.is_default = False


def check_mask(session: Session, registry: Registry, target: str, pattern: str, counted_by: str | None) -> Mask:
    """The mask, fit for the records of an entity. Raises `Refused` with what is in the way (TP-2)."""
    try:
        mask = read_mask(session, pattern, counted_by)
    except MaskError as error:
        raise Refused(error.message, field="mask") from error
    registered = registry.entities.get(target)
    if registered is not None and registered.entity.numbering is not None:
        _check_letters(registered, mask)
        _check_length(registered, mask)
    return mask


def _check_letters(registered: RegisteredEntity, mask: Mask) -> None:
    numbering, words = registered.entity.numbering, {"records": registered.entity.plural}
    assert numbering is not None
    if "c" in mask.letters and numbering.customer_code is None:
        message = _("%(records)s have no customer whose code could be printed: remove {ccc} from the pattern", **words)
        raise Refused(message, field="mask")
    if "t" in mask.letters and numbering.type_code is None:
        message = _("%(records)s have no third-party type to print: remove {ttt} from the pattern", **words)
        raise Refused(message, field="mask")


def _check_length(registered: RegisteredEntity, mask: Mask) -> None:
    assert registered.entity.numbering is not None
    found = registered.fields[registered.entity.numbering.field]
    limit, length = getattr(found.type, "maximum", None), sum(part.width for part in mask.parts)
    if limit is not None and length > limit:
        message = _(
            "Numbers of this pattern have %(length)s characters, and %(field)s has room for %(limit)s: shorten it",
            length=length, field=found.label, limit=limit,
        )  # fmt: skip
        raise Refused(message, field="mask")


def check_all_masks(unit: Unit) -> None:
    """After the settings that masks are read by changed: raises `Refused` naming a series that could not go on."""
    unit.session.flush()
    for series in unit.session.scalars(select(Series).order_by(Series.id)):
        try:
            check_mask(unit.session, unit.context.registry, series.target, series.mask, series.counted_by)
        except Refused as error:
            message = _(
                "The series %(name)s would not work any more. %(reason)s", name=series.name, reason=error.message
            )
            raise Refused(message) from error


# -- what comes next --------------------------------------------------------------------------------------------
def series_of(session: Session, target: str) -> list[Series]:
    """The live series of an entity, the default one first."""
    found = select(Series).where(Series.target == target).order_by(Series.is_default.desc(), Series.id)
    return list(session.scalars(found))


def preview(
    session: Session, registered: RegisteredEntity, mask: Mask, maker: Maker, series_id: int | None = None
) -> Preview:
    """The next three codes and the first of the next period, for a series or one still to be made; takes none.

    Raises `MaskError` when the counter is full. Source: TP-2, UX 2.13.
    """
    context = printed(session, registered, mask, maker)
    codes, skipped = peek(session, registered, mask, context, series_id)
    start = mask.next_period_date(maker.on)
    later = None
    if start is not None:
        first, _skipped = peek(session, registered, mask, replace(context, on=start), series_id, 1)
        later = (start, first[0]) if first else None
    return Preview(tuple(codes), tuple(skipped), later)


def peek(
    session: Session, registered: RegisteredEntity, mask: Mask, context: Context, series_id: int | None,
    count: int = PREVIEWED,
) -> tuple[list[str], list[str]]:  # fmt: skip
    """The next codes of a series, and those in use it would step over on the way; takes none.

    No code when the next `LOOK_AHEAD` are all in use. Raises `MaskError` when the counter is full.
    """
    last = session.scalar(select(Counter.last).filter_by(**place(series_id, mask, context)))
    offered = mask.preview(mask.first - 1 if last is None else last, context, count + LOOK_AHEAD)
    used = in_use(session, registered, offered)
    codes = [code for code in offered if code not in used][:count]
    until = offered.index(codes[-1]) if codes else 0
    return codes, [code for code in offered[:until] if code in used]
