"""Formatted text: cleaned by one allow-list on every road to the database (SECURITY 7.10, A09).

Until there is an editor people type plain text: lines become paragraphs, addresses become links. Markup that is posted,
loaded or written by a service is cleaned by nh3; what the list does not name is not stored.
"""

from __future__ import annotations

import html
import re
from contextlib import suppress
from dataclasses import dataclass

import nh3

from core.errors import Invalid
from core.fields.base import EMPTY, FILLED, Samples
from core.fields.text import StoredText, clean, too_long
from core.i18n import lazy as _

TAGS = frozenset(
    "a b blockquote br code em h2 h3 h4 hr i li ol p pre s strong sub sup table tbody td th thead tr u ul".split()
)
ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
SCHEMES = frozenset({"https", "mailto", "tel"})
MAXIMUM_SPAN = 50
"""More cells than this in one span can make a renderer of documents use up its memory (SECURITY 0)."""
REMOVED_WITH_CONTENT = set("script style template title textarea select iframe noscript math svg".split())

_OWN_TAG = re.compile(rf"</?(?:{'|'.join(sorted(TAGS))})(?:\s[^<>]*)?/?>", re.I)
_ADDRESS = re.compile(r"(https://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}])")
_HREF = re.compile(r"(?:https://|mailto:|tel:)", re.I)
_LINE_TAGS = re.compile(r"<br ?/?>\n?")
_TYPED_AS_TEXT = re.compile(r"</?(?:p|a(?: [^<>]*)?)>")
_TAG = re.compile(r"<[^<>]*>")
_BLOCK_END = re.compile(r"</(?:p|li|h[2-4]|tr|pre|blockquote)>|<br ?/?>|<hr ?/?>")


def clean_markup(markup: str) -> str:
    """The markup with nothing but what the list allows; cleaning the result again changes nothing (T19)."""
    return nh3.clean(
        markup,
        tags=set(TAGS),
        clean_content_tags=REMOVED_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        return value if _HREF.match(value) else None  # an address of this site could be one that does something
    if name in ("colspan", "rowspan"):
        return value if value.isascii() and value.isdigit() and 0 < int(value[:9]) <= MAXIMUM_SPAN else None
    return value


def from_typed(text: str) -> str:
    """Plain text as markup: an empty line ends a paragraph, a line end breaks the line, addresses become links."""
    paragraphs = [part.strip("\n") for part in re.split(r"\n[ \t]*\n+", text)]
    return "\n".join(f"<p>{'<br>'.join(map(_linked, part.split(chr(10))))}</p>" for part in paragraphs if part.strip())


def _linked(line: str) -> str:
    pieces = [html.escape(piece) for piece in _ADDRESS.split(line)]
    pieces[1::2] = [f'<a href="{address}">{address}</a>' for address in pieces[1::2]]
    return "".join(pieces)


def plain(markup: str) -> str:
    """The words of cleaned markup, one line for each block."""
    return html.unescape(_TAG.sub("", _BLOCK_END.sub("\n", markup.replace("\n", " ")))).strip()


@dataclass(frozen=True, eq=False)
class RichText(StoredText):
    """Text with paragraphs, lists, links and emphasis, at most `maximum` characters with its markup."""

    name = "richtext"
    operators = (EMPTY, FILLED)
    multiline = True
    attributes = {"rows": "4"}
    json = {"type": "string", "contentMediaType": "text/html"}

    maximum: int = 50_000

    def read(self, text: str) -> str:
        text = clean(text, self.maximum, multiline=True)
        return text if _OWN_TAG.search(text) else from_typed(text)

    def check(self, value: str) -> str:
        cleaned = clean_markup(clean(value, self.maximum, multiline=True))
        if not plain(cleaned):
            raise Invalid(_("Enter visible characters"))
        if len(cleaned) > self.maximum:
            raise too_long(len(cleaned), self.maximum)
        return cleaned

    def text(self, value: str) -> str:
        return plain(value)

    def html(self, value: str) -> str:
        """The stored markup, cleaned once more: what is shown is never wider than the list of today."""
        return clean_markup(value)

    def edit_text(self, value: str) -> str:
        """What was typed where it says the same, else the markup."""
        lines = _LINE_TAGS.sub("\n", value.replace("</p>\n<p>", "</p>\n\n<p>"))
        typed = html.unescape(_TYPED_AS_TEXT.sub("", lines))
        with suppress(Invalid):
            if not _OWN_TAG.search(typed) and self.parse(typed) == value:
                return typed
        return value

    def samples(self) -> Samples:
        link = 'rel="noopener noreferrer nofollow"'
        good = {
            "Call back\nin May": "<p>Call back<br>in May</p>",
            "one\r\n\r\ntwo": "<p>one</p>\n<p>two</p>",
            "a < b & c": "<p>a &lt; b &amp; c</p>",
            "<script>alert(1)</script>": "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
            "see https://zinc.example/a?b=1&c=2.": (
                f'<p>see <a href="https://zinc.example/a?b=1&amp;c=2" {link}>https://zinc.example/a?b=1&amp;c=2</a>.</p>'
            ),
            "<p onclick=alert(1)>Hello <b>you</b></p>": "<p>Hello <b>you</b></p>",
            '<p><a href="javascript:alert(1)">x</a></p>': f"<p><a {link}>x</a></p>",
            '<p>a<img src=x onerror="alert(1)"><svg><script>1</script></svg></p>': "<p>a</p>",
        }
        bad = ["a\x00b", "\u200b", "<p></p>", "<p><script>1</script></p>", "x" * (self.maximum + 1)]
        return Samples(good, bad)
