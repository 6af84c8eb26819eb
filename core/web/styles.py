"""The styles of Comptoir as one file: its parts stand in `core/static`, each short enough to be read (UX 3)."""

from __future__ import annotations

import functools
import hashlib

from flask import Blueprint, Response, request, url_for

from core.web.policy import PUBLIC, policy
from core.web.templating import STATIC

blueprint = Blueprint("styles", __name__)

PARTS = ("app.css", "lists.css", "records.css", "adapt.css")
"""In the order they are read: what adapts to screens, paper and preferences comes last."""
KEPT = "public, max-age=31536000, immutable"


@functools.cache
def joined() -> tuple[bytes, str]:
    """The parts as one, and their hash."""
    content = b"\n".join((STATIC / part).read_bytes() for part in PARTS)
    return content, hashlib.sha256(content).hexdigest()[:12]


def styles_url() -> str:
    """The address of the styles, with their hash so that they may be kept for a year."""
    return url_for("styles.sheet", v=joined()[1])


@blueprint.get("/styles.css")
@policy(PUBLIC)
def sheet() -> Response:
    """The styles; kept for good under an address that has the right hash."""
    content, version = joined()
    response = Response(content, content_type="text/css; charset=utf-8")
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = KEPT if request.args.get("v") == version else "no-cache"
    response.set_etag(version)
    response.make_conditional(request)
    return response
