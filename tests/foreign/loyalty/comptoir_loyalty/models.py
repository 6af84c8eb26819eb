"""What loyalty adds to a third party, and the rewards it was given."""

from sqlalchemy.orm import Mapped

from core.api import Choice, Entity, Facet, Integer, Link, Option, Record, Text, field, lazy as _
from plugins.thirdparty.api import ThirdParty

TIERS = (Option("silver", _("Silver"), "info"), Option("gold", _("Gold"), "success"))


class Loyalty(Facet, of=ThirdParty):
    """The fields of this plugin on a third party, in a table of its own."""

    __tablename__ = "loyalty_thirdparty"
    tier: Mapped[str | None] = field(Choice(TIERS), _("Tier"), listed=True)
    points: Mapped[int | None] = field(Integer(minimum=0), _("Points"))


class Reward(Record):
    """Something a third party got for its points."""

    __tablename__ = "loyalty_reward"
    entity = Entity(
        "reward", _("Reward"), _("Rewards"), slug="rewards", title="title", new_label=_("New reward"),
        group="marketing", icon="star",
    )  # fmt: skip
    title: Mapped[str] = field(Text(80), _("Title"), listed=True, search=True)
    thirdparty_id: Mapped[int] = field(
        Link("thirdparty_thirdparty", on_merge="move", on_delete="bin"), _("Third party"), listed=True, quick=True
    )
    points: Mapped[int | None] = field(Integer(minimum=0), _("Points"), listed=True)
