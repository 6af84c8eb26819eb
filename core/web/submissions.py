"""A second submit of the same form returns the first result (UX 1.5, F44)."""

from __future__ import annotations

import re

from flask import Response, request

from core.data.tables import Submission
from core.web.current import here
from core.web.responses import see

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def form_key() -> str:
    """The one-time key of the form that was sent; empty when it has none, or one no form of ours could have held."""
    key = request.form.get("key", "")
    return key if KEY.fullmatch(key) else ""


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
