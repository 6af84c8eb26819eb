"""Home: where to go, and what happened last."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import select

from core.data.history import Operation, summarise
from core.i18n import lazy as _
from core.web.contexts import HistoryLine
from core.web.current import here
from core.web.describe import describe_operations
from core.web.home_contexts import HomePage
from core.web.policy import SIGNED_IN, policy
from core.web.responses import page
from core.web.shell import make_shell
from core.web.widgets import make_cards

blueprint = Blueprint("home", __name__)
SHOWN = 10


@blueprint.get("/")
@policy(SIGNED_IN)
def index() -> Response:
    """The first page after sign-in."""
    surroundings = here()
    statement = (
        select(Operation).where(Operation.actor_id == surroundings.actor.id).order_by(Operation.id.desc()).limit(SHOWN)
    )
    operations = surroundings.session.scalars(statement).all()
    said = describe_operations([summarise(surroundings.session, operation) for operation in operations])
    lines = [
        HistoryLine(operation.at, operation.actor_name, what, operation.cause, [])
        for operation, what in zip(operations, said, strict=True)
    ]
    return page("core/home.html", page=HomePage(make_cards(), lines), shell=make_shell(_("Home")))
