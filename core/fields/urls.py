"""Addresses of web pages."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import escape

from core.errors import Invalid
from core.fields.base import Samples
from core.fields.text import KeyedText, too_long
from core.i18n import lazy as _

MAXIMUM_URL = 255

_URL = re.compile(
    r"(?:(?P<scheme>https?)://|//)?"
    r"(?P<host>(?:[^\W_](?:[\w-]{0,61}\w)?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?\.?)"
    r"(?P<port>:[0-9]{1,5})?"
    r"(?P<rest>[/?#][^\s<>\"\\\x00-\x20\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffe\uffff]*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?![0-9]{1,5}(?:[/?#]|$))", re.IGNORECASE)
_SCHEME_AND_WWW = re.compile(r"(?:https?://)?(?:www\.)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)


class Url(KeyedText):
    """The address of a web page; searched and sorted without `https://` and `www.`."""

    name = "url"
    maximum = MAXIMUM_URL
    attributes = {"inputmode": "url", "autocomplete": "off"}
    json = {"type": "string", "format": "uri"}

    def key(self, value: str) -> str | None:
        return _SCHEME_AND_WWW.sub("", value, count=1).lower() or None

    def check(self, value: str) -> str:
        if len(value) > MAXIMUM_URL:
            raise too_long(len(value), MAXIMUM_URL)
        found = _URL.fullmatch(value)
        if found is None:
            raise self._refusal(value)
        scheme, host, port, rest = found.groups()
        if scheme is None and ("." not in host or host.replace(".", "").isdigit()):
            raise self._refusal(value)
        if port and not 0 < int(port[1:]) < 65536:
            raise self._refusal(value)
        address = f"{(scheme or 'https').lower()}://{host.lower()}{port or ''}{'' if rest in (None, '/') else rest}"
        address = unicodedata.normalize("NFC", address)
        if len(address) > MAXIMUM_URL:
            raise too_long(len(address), MAXIMUM_URL)
        return address

    def _refusal(self, text: str) -> Invalid:
        if _AUTHORITY.match(text):
            return Invalid(_("A web address cannot hold a user name or password. Remove what stands before the @."))
        scheme = _SCHEME.match(text)
        if scheme and scheme.group().lower() not in ("http:", "https:"):
            return Invalid(_("Only addresses with http or https can be kept. Enter one like www.example.com"))
        return Invalid(_("Enter a web address like www.example.com"))

    def text(self, value: str) -> str:
        """The address without its scheme."""
        return value.partition("://")[2] or value

    def html(self, value: str) -> str:
        return f'<a href="{escape(value)}" rel="noopener noreferrer" target="_blank">{escape(self.text(value))}</a>'

    def samples(self) -> Samples:
        kept = ("http://intranet/home", "http://192.0.2.7:81", "https://example.com/it's?q='onload='x")
        good = {address: address for address in kept} | {
            "www.example.com": "https://www.example.com", "HTTP://www.Example.com/": "http://www.example.com",
            "example.com:8080/a": "https://example.com:8080/a", "//example.org": "https://example.org",
            "Example.com/Path?a=1&b=%20#x": "https://example.com/Path?a=1&b=%20#x",
            "www.MÜNCHEN.example/straße": "https://www.münchen.example/straße",
        }  # fmt: skip
        bad = ["javascript:alert(1)", "JavaScript://example.com/%0aalert(1)", "data:text/html,x", "ftp://example.com", "vbscript:x", "mailto:a@example.com", "https://user:secret@example.com", "//a@example.com", "https://", "example", "1.5", "http://exa mple.com", "http://example.com/a b", "http://example.com\\@evil.example", "http://example.com/\x00", "http://example.com/\nx", "http://example.com:99999", "http://-a.example", "http://a..example", "http://[::1]/", "<b>example.com</b>", "https://example.com/\"onclick=x", "https://example.com/\u202etxt", "example.com/" + "x" * 255, "x" * 1_000_000 + ".com"]  # fmt: skip
        return Samples(good, bad)
