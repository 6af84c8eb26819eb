"""Formatted text: cleaned by one allow-list on every road to the database (SECURITY 7.10, A09).

Until there is an editor people type plain text: lines become paragraphs, addresses become links. Markup that is posted,
loaded or written by a service is cleaned by nh3; what the list does not name is not stored.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import nh3
from sqlalchemy.types import TypeEngine

from core.errors import Invalid
from core.fields.base import EMPTY, FILLED, Control, FieldType, Samples
from core.fields.keys import binary_string
from core.fields.text import clean, too_long
from core.i18n import lazy as _

BLOCKS = frozenset(
    {"p", "ul", "ol", "li", "blockquote", "pre", "h2", "h3", "h4", "table", "thead", "tbody", "tr", "hr"}
)
TAGS = BLOCKS | {"a", "b", "br", "code", "em", "i", "s", "strong", "sub", "sup", "td", "th", "u"}
ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
SCHEMES = frozenset({"https", "mailto", "tel"})
MAXIMUM_SPAN = 50
"""More cells than this in one span can make a renderer of documents use up its memory (SECURITY 0)."""
REMOVED_WITH_CONTENT = {
    "script",
    "style",
    "template",
    "title",
    "textarea",
    "select",
    "iframe",
    "noscript",
    "math",
    "svg",
}

_OWN_TAG = re.compile(rf"</?(?:{'|'.join(sorted(TAGS))})(?:\s[^<>]*)?/?>", re.I)
_ADDRESS = re.compile(r"https://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
_HREF = re.compile(r"(?:https://|mailto:|tel:)", re.I)
_LINE_TAGS = re.compile(r"<br ?/?>\n?")
_PARAGRAPH = re.compile(r"</?p>")
_ANCHOR = re.compile(r"</?a(?: [^<>]*)?>")
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
    made = []
    end = 0
    for found in _ADDRESS.finditer(line):
        address = html.escape(found.group())
        made += [html.escape(line[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*made, html.escape(line[end:])])


def plain(markup: str) -> str:
    """The words of cleaned markup, one line for each block."""
    return html.unescape(_TAG.sub("", _BLOCK_END.sub("\n", markup.replace("\n", " ")))).strip()


@dataclass(frozen=True, eq=False)
class RichText(FieldType[str]):
    """Text with paragraphs, lists, links and emphasis, at most `maximum` characters with its markup."""

    name = "richtext"
    operators = (EMPTY, FILLED)

    maximum: int = 50_000

    def column_type(self) -> TypeEngine[Any]:
        return binary_string(self.maximum)

    def parse(self, raw: str) -> str | None:
        text = raw.strip()
        if not text:
            return None
        if len(text) > self.maximum:
            raise too_long(len(text), self.maximum)
        text = clean(text, self.maximum, multiline=True)
        return self.check(text if _OWN_TAG.search(text) else from_typed(text))

    def read(self, text: str) -> str:
        return text

    def load(self, text: str) -> str:
        return text

    def check(self, value: str) -> str:
        if len(value) > self.maximum:
            raise too_long(len(value), self.maximum)
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
        typed = html.unescape(
            _ANCHOR.sub("", _PARAGRAPH.sub("", _LINE_TAGS.sub("\n", value.replace("</p>\n<p>", "</p>\n\n<p>"))))
        )
        try:
            same = not _OWN_TAG.search(typed) and self.parse(typed) == value
        except Invalid:
            same = False
        return typed if same else value

    def control(self) -> Control:
        return Control("textarea", {"maxlength": str(self.maximum), "rows": "4"})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.maximum, "contentMediaType": "text/html"}

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
