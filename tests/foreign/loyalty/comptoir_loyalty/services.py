"""What can be done with loyalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from comptoir_loyalty import plugin
from comptoir_loyalty.models import Loyalty, Reward
from core.api import Change, Record, Refused, Unit, lazy as _, read_setting
from plugins.thirdparty.api import ThirdParty

TIERS = ((50, "gold"), (10, "silver"))
REWARD_POINTS = 10
SHOWN_IN_PANEL = 5
BEST = 20


def earn(changes: Sequence[Change], unit: Unit) -> None:
    """Points for every third party that was contacted in this operation."""
    if unit.undo_of is not None:
        return  # taking back brings the points of that time back by itself
    for change in changes:
        if change.entity == "thirdparty" and change.became("contact_status", "contacted"):
            loyalty = unit.facet(Loyalty, change.record_id)
            earned = read_setting(unit.session, plugin, "points_per_contact", int) or 0
            loyalty.points = (loyalty.points or 0) + earned
            loyalty.tier = tier_of(loyalty.points)


def tier_of(points: int) -> str | None:
    """The tier that many points give."""
    return next((tier for least, tier in TIERS if points >= least), None)


def has_points(record: Record) -> bool:
    """Whether a third party can afford a reward."""
    session = object_session(record)
    loyalty = session.get(Loyalty, record.id) if session else None
    return loyalty is not None and (loyalty.points or 0) >= REWARD_POINTS


def give_reward(unit: Unit, record: Record) -> None:
    """Turn points into a reward; the tier stays. Raises `Refused` without enough points."""
    loyalty = unit.facet(Loyalty, record.id)
    if (loyalty.points or 0) < REWARD_POINTS:
        raise Refused(_("%(name)s has fewer than %(number)s points", name=record.title, number=REWARD_POINTS))
    loyalty.points = (loyalty.points or 0) - REWARD_POINTS
    unit.add(Reward(title=f"{REWARD_POINTS} points", thirdparty_id=record.id, points=REWARD_POINTS))


def standing(session: Session, record: Record) -> Mapping[str, Any]:
    """What the panel on a third party shows."""
    rewards = select(Reward).where(Reward.thirdparty_id == record.id).order_by(Reward.id.desc()).limit(SHOWN_IN_PANEL)
    loyalty = session.get(Loyalty, record.id)
    return {
        "record": record,
        "points": (loyalty.points or 0) if loyalty else 0,
        "rewards": session.scalars(rewards).all(),
    }


def best(session: Session) -> Sequence[tuple[ThirdParty, int]]:
    """Those with most points, and how many."""
    statement = (
        select(ThirdParty, Loyalty.points).join(Loyalty, Loyalty.record_id == ThirdParty.id)
        .where(Loyalty.points > 0).order_by(Loyalty.points.desc(), ThirdParty.id).limit(BEST)
    )  # fmt: skip
    return [(third_party, points) for third_party, points in session.execute(statement)]
