"""What only the person who did something is told, on the page after it: sealed in a cookie, and kept nowhere (T35).

Such sentences name records and values. In history, or in an address, others would read them too.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from core.access.sealing import seal, unseal
from core.i18n import Text
from core.web.current import here

COOKIE = "comptoir_told"
PURPOSE = b"comptoir told once"
SECONDS = 120
MAXIMUM_BYTES = 2000
"""As sealed text it must fit into a cookie, which holds 4 kB."""


def tell_later(response: Response, operation: int, sentences: Sequence[Text]) -> None:
    """Let the next page that tells of `operation` say these sentences, too."""
    config = here().runtime.config
    text = "\n".join((f"{here().actor.id}:{operation}", *map(str, sentences))).encode()[:MAXIMUM_BYTES]
    sealed = seal(config.secret_keys, PURPOSE, text.decode("utf-8", "ignore"))
    secure = config.public_url.startswith("https:")
    response.set_cookie(COOKIE, sealed, max_age=SECONDS, secure=secure, httponly=True, samesite="Lax")


def told(operation: int) -> list[str]:
    """What is to be said of an operation, if this browser brings it and the person is the same."""
    sealed = request.cookies.get(COOKIE)
    if not sealed:
        return []
    text = unseal(here().runtime.config.secret_keys, PURPOSE, sealed, seconds=SECONDS)
    whose, *sentences = text.split("\n")
    return sentences if whose == f"{here().actor.id}:{operation}" else []
