"""What mischief keeps."""

from sqlalchemy.orm import Mapped

from comptoir_mischief.misdeeds import act
from core.api import Entity, Facet, Link, Record, Text, field, lazy as _
from plugins.thirdparty.api import ThirdParty


class Touchy(Text):
    """A text that may refuse to be shown."""

    def html(self, value: str) -> str:
        act("column")
        return super().html(value)


class Prank(Facet, of=ThirdParty):
    """What was played on a third party."""

    __tablename__ = "mischief_thirdparty"
    prank: Mapped[str | None] = field(Touchy(80), _("Prank"), listed=True)


class Trick(Record):
    """A trick."""

    __tablename__ = "mischief_trick"
    entity = Entity(
        "trick", _("Trick"), _("Tricks"), slug="tricks", title="title", new_label=_("New trick"), group="tools"
    )
    title: Mapped[str] = field(Text(80), _("Title"), listed=True, search=True)
    thirdparty_id: Mapped[int | None] = field(
        Link("thirdparty_thirdparty", on_merge="move", on_delete="refuse"), _("Victim")
    )
