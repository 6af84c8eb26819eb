"""Mail addresses and header text, by a strict grammar of our own (SECURITY 7.15, T71, T72, A14).

What stands in a header or in an SMTP command is decided here and nowhere else. Quoted local parts, comments, address
literals and groups are legal in RFC 5322 and useful to attackers only; they are refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from core.errors import Invalid
from core.i18n import Text, lazy as _

MAXIMUM_ADDRESS = 254
MAXIMUM_LOCAL = 64
MAXIMUM_NAME = 120
MAXIMUM_SUBJECT = 400

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LINE_BREAKERS = frozenset("\u2028\u2029\u0085")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody who sends or receives: an address in the strict grammar and a name for people."""

    address: str
    name: str = ""


def check_address(text: str) -> str:
    """The address as it goes on the wire: ASCII, domain in lower case and IDNA. Raises `Invalid`."""
    local, separator, domain = text.rpartition("@")
    if separator and len(text) <= MAXIMUM_ADDRESS and len(local) <= MAXIMUM_LOCAL and "=?" not in text:
        wire = _wire_domain(domain)
        if wire and _LOCAL.fullmatch(local) and len(local) + 1 + len(wire) <= MAXIMUM_ADDRESS:
            return f"{local}@{wire}"
    raise Invalid(_("Enter an email address like name@example.com"))


def _wire_domain(domain: str) -> str | None:
    """The domain as DNS knows it, or None when it is none."""
    if not domain.isascii():
        from email_validator import EmailNotValidError, validate_email

        try:
            domain = validate_email(f"name@{domain}", check_deliverability=False).ascii_domain
        except (EmailNotValidError, UnicodeError):
            return None
    domain = domain.lower()
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return domain


def address_key(address: str) -> str:
    """What makes two addresses the same recipient of one message: case does not count."""
    return check_address(address).lower()


def person_key(address: str) -> str:
    """What an opt-out is remembered by (G03): neither case nor a `+tag` makes another person of somebody."""
    local, _at, domain = address_key(address).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def check_text(text: str, what: Text, limit: int) -> str:
    """Text for one header, composed and trimmed. Raises `Invalid` naming `what` when it could become another header.

    Control characters, line separators, marks that turn the reading direction, and encoded words are refused, not
    removed: somebody tried something, or a record holds rubbish that a person should see (T71). Python 3.11.7 turns an
    encoded line break in a subject into a real one (SECURITY 0.3).
    """
    composed = unicodedata.normalize("NFC", text).strip(" \t")
    for character in composed:
        if character in _LINE_BREAKERS or character in _BIDI or unicodedata.category(character) in ("Cc", "Cs"):
            raise Invalid(_("%(what)s holds a line break or another control character. Remove it.", what=what))
    if "=?" in composed:
        raise Invalid(_("%(what)s holds “=?”, which mail programs would decode. Remove it.", what=what))
    if len(composed) > limit:
        raise Invalid(_("%(what)s is longer than %(limit)s characters. Shorten it.", what=what, limit=limit))
    return composed


def check_mailbox(mailbox: Mailbox) -> Mailbox:
    """The mailbox as headers hold it. Raises `Invalid`."""
    return Mailbox(check_address(mailbox.address), check_text(mailbox.name, _("The name"), MAXIMUM_NAME))


def check_subject(text: str) -> str:
    """A subject. Raises `Invalid`."""
    subject = check_text(text, _("The subject"), MAXIMUM_SUBJECT)
    if not subject:
        raise Invalid(_("Enter a subject"), field="subject")
    return subject


def check_body(text: str) -> str:
    """The text of a mail with plain line ends. Raises `Invalid` for characters no text holds."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    for character in plain:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs") and character != "\u0085":
            raise Invalid(_("The text holds a control character. Remove it."), field="text")
    return plain
