"""The link by which somebody who got a mail wants no more of them, with one click (ML-4, RFC 8058, T73).

Its token holds the address, the message and the list, sealed for this purpose alone: it can be neither read, nor
changed, nor made by others, and it works as long as the key does, also when the message is not kept any more.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from core.access.sealing import seal, unseal
from core.errors import Invalid
from core.exchange.mail.addresses import check_address
from core.exchange.mail.builder import MAXIMUM_LINK

PURPOSE = b"comptoir unsubscribe link"
PATH = "/unsubscribe"
FIELD, ONE_CLICK = "List-Unsubscribe", "One-Click"
"""What a mail program, or our page, sends (RFC 8058)."""
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Ask:
    """Who wants no more mail, and which mail told him how. `list_id` is empty for what was not sent to a list."""

    address: str
    message_id: int
    list_id: str


def make_link(keys: Sequence[bytes], public_url: str, ask: Ask) -> str:
    """The link; nothing where it could not work: without https, or longer than mail programs take."""
    if not keys or not public_url.startswith("https://"):
        return ""
    token = seal(keys, PURPOSE, f"{ask.message_id} {ask.list_id} {ask.address}").rstrip("=")  # ends of links get lost
    link = f"{public_url}{PATH}/{token}"
    return link if len(link) <= MAXIMUM_LINK else ""


def read_token(keys: Sequence[bytes], token: str) -> Ask | None:
    """What a link asks for; None when it is none of ours, was changed, or was made for another purpose."""
    sealed = token + "=" * (-len(token) % 4)
    if not _is_canonical(sealed):
        return None
    parts = unseal(keys, PURPOSE, sealed).split(" ", _PARTS - 1)
    if len(parts) != _PARTS:
        return None
    number, list_id, address = parts
    try:
        return Ask(check_address(address), int(number), list_id)
    except (Invalid, ValueError):
        return None


def _is_canonical(sealed: str) -> bool:
    """Whether it is spelled as we spell it: decoders pass over what they do not know."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(sealed)).decode("ascii") == sealed
    except ValueError:
        return False
