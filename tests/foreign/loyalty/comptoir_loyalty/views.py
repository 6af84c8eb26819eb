"""The one page of loyalty that is not generic: who has most points."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from comptoir_loyalty.services import best
from core.api import lazy as _, policy, reading_session, show_page

blueprint = Blueprint("loyalty", __name__, url_prefix="/loyalty")


@blueprint.get("")
@policy("thirdparty.view")
def index() -> Response:
    """The third parties with most points."""
    above = [(_("Third parties"), url_for("records.index", entity="thirdparty"))]
    return show_page("loyalty/best.html", _("Best customers"), above=above, rows=best(reading_session()))
