"""The question a list was left with: the breadcrumb of its records leads back to it (UX 1.4).

Kept in a cookie that only the list's own pages are sent: it costs no statement, works without script, and is gone with
the browser.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request, url_for

from core.registry import RegisteredEntity
from core.web.current import here

COOKIE = "comptoir_list"
LONGEST = 1_000


def remember_list(response: Response, entity: RegisteredEntity, address: str) -> Response:
    """Keep the list's address, as it is shown; too long a question is not kept."""
    query = urlsplit(address).query
    if query != request.cookies.get(COOKIE, "") and len(query) <= LONGEST:
        secure = here().runtime.config.public_url.startswith("https:")
        path = url_for("records.index", entity=entity)
        response.set_cookie(COOKIE, query, path=path, secure=secure, httponly=True, samesite="Lax")
    return response


def list_address(entity: RegisteredEntity) -> str:
    """The list as it was left; as it begins when nobody was there."""
    query = request.cookies.get(COOKIE, "")
    clean = query if len(query) <= LONGEST and query.isascii() and query.isprintable() else ""
    return url_for("records.index", entity=entity) + (f"?{clean}" if clean else "")
