"""What a person searched for last, offered by the palette (UX 1.3).

Kept in a cookie that only the palette is sent, as the last list is: it costs no statement and is gone with the browser.
The account's number stands in it, so that the next person at the machine does not see it.
"""

from __future__ import annotations

import json
from urllib.parse import quote, unquote

from flask import Response, request, url_for

from core.web.current import here

COOKIE = "comptoir_searches"
KEPT = 5
LONGEST = 60
"""Letters of a search that is kept: five of them fit a cookie in any script."""


def last_searches() -> list[str]:
    """The last ones, newest first. What a cookie holds is anybody's: whatever is not as we write it does not count."""
    user = here().user
    try:
        owner, *found = json.loads(unquote(request.cookies.get(COOKIE, "")))
    except (ValueError, TypeError):
        return []
    if user is None or owner != user.id:
        return []
    return [text for text in found if isinstance(text, str) and 0 < len(text) <= LONGEST and text.isprintable()][:KEPT]


def remember_search(response: Response, text: str) -> Response:
    """Keep what was searched for, before the others."""
    user = here().user
    if user is None or not 0 < len(text) <= LONGEST:
        return response
    kept = [text, *(other for other in last_searches() if other != text)][:KEPT]
    secure = here().runtime.config.public_url.startswith("https:")
    response.set_cookie(
        COOKIE, quote(json.dumps([user.id, *kept], ensure_ascii=False)), path=url_for("searching.palette"), secure=secure,
        httponly=True, samesite="Lax",
    )  # fmt: skip
    return response
