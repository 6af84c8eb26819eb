"""Third parties of third parties: a tree without loops, whichever road changes it (TP-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core.api import Refused, Unit, lazy as _

if TYPE_CHECKING:
    from plugins.thirdparty.models import ThirdParty

MAXIMUM_DEPTH = 100


def refuse_loop(unit: Unit, third_party: ThirdParty) -> None:
    """Raise `Refused` when a third party would stand above itself, through however many others.

    The rows above are locked, so that two people who make the halves of a loop at once cannot both succeed.
    """
    table = type(third_party).__table__.c
    above, levels = third_party.parent_id, 0
    while above is not None:
        levels += 1
        if above == third_party.id or levels > MAXIMUM_DEPTH:
            raise Refused(
                _("%(name)s cannot stand below itself. Choose another parent third party.", name=third_party.name),
                field="parent_id",
            )
        asked = select(table.parent_id).where(table.id == above).with_for_update()
        above = unit.session.connection().execute(asked).scalar()
