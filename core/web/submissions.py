"""A second submit of the same form returns the first result (UX 1.5, F44)."""

from __future__ import annotations

from flask import Response

from core.data.tables import Submission
from core.web.current import here
from core.web.responses import see


def earlier_result(key: str) -> Response | None:
    """The redirect the form with this one-time key got before, None when it is new."""
    if not key:
        return None
    surroundings = here()
    surroundings.fresh()
    found = surroundings.session.get(Submission, key)
    if found is None or found.user_id != surroundings.actor.id:
        return None
    return see(found.location, found.operation_id)
