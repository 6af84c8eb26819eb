"""What every page knows of the person's own arrangements, read once for a request (UX 1.1, 2.1)."""

from __future__ import annotations

from flask import g

from core.features.list_views import Desk, read_desk
from core.web.current import here


def desk(target: str | None = None) -> Desk:
    """The bell's number, saved views, and what the person is used to. `target`: the entity whose list is shown."""
    known: Desk | None = g.get("desk")
    if known is None or (target is not None and target != known.target):
        surroundings = here()
        if surroundings.user is None:
            return Desk(target or "")
        known = g.desk = read_desk(surroundings.session, surroundings.actor, surroundings.scope, target or "")
    return known
