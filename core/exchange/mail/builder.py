"""The one mail builder (SECURITY 7.15): it owns every header, and reads its own output back before anything is sent.

Nothing else in Comptoir puts a mail together. Callers give values; names of headers are written here only. What was
made is taken apart again by a second, older and simpler reading (lines, then `decode_header`), and compared with what
was asked for: a mail that says more than it should raises `BuilderError` and is not sent.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import policy
from email.header import decode_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses
from urllib.parse import urlsplit

from markupsafe import escape

from core.errors import Invalid
from core.exchange.mail.addresses import Mailbox, check_body, check_mailbox, check_subject, check_text
from core.i18n import lazy as _

POLICY = policy.SMTP.clone(cte_type="7bit", max_line_length=78)
UNFOLDED = POLICY.clone(max_line_length=900)
"""For the few names whose quotes Python loses when it breaks the line (python/cpython#100884)."""
MESSAGE_ID = re.compile(r"<[A-Za-z0-9.-]{1,100}@[a-z0-9.-]{1,200}>", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2}", re.ASCII)
CONTENT_TYPE = re.compile(r"(?:application|image|text|audio|video|font)/[a-z0-9][a-z0-9.+-]{0,100}", re.ASCII)
ANY_FILE = "application/octet-stream"
MAXIMUM_FILE_NAME = 150
MAXIMUM_LINK = 400
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


class BuilderError(Exception):
    """What was built is not what was asked for; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `content_type` is only a wish: what is not plain data is sent as bytes."""

    name: str
    content: bytes = field(repr=False)
    content_type: str = ANY_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything one mail to one recipient says. `unsubscribe`: the recipient's link; a bulk mail must have one."""

    sender: Mailbox
    to: Mailbox
    subject: str
    text: str
    message_id: str
    date: datetime.datetime
    language: str = "en"
    html: bool = True
    attachments: Sequence[Attachment] = ()
    reply_to: Mailbox | None = None
    bulk: bool = False
    unsubscribe: str = ""
    list_id: str = ""


def build(letter: Letter) -> bytes:
    """The mail as it goes over the wire. Raises `Invalid` for values it refuses, `BuilderError` for a doubtful result."""
    headers, text = wanted_headers(letter), _whole_text(letter)
    message = EmailMessage(POLICY)
    for name, value in headers.items():
        message[name] = [Address(value.name, addr_spec=value.address)] if isinstance(value, Mailbox) else value
    message.set_content(text, cte="quoted-printable")
    if letter.html:
        message.add_alternative(html_of(text, letter.language), subtype="html", cte="quoted-printable")
    for attachment in letter.attachments:
        kind, _slash, subkind = _content_type(attachment.content_type).partition("/")
        name = check_file_name(attachment.name)
        message.add_attachment(attachment.content, maintype=kind, subtype=subkind, filename=name, cte="base64")
    try:
        content = message.as_bytes()
        _check_bytes(content, headers, letter)
    except BuilderError:
        content = message.as_bytes(policy=UNFOLDED)
        _check_bytes(content, headers, letter)
    return content


def wanted_headers(letter: Letter) -> dict[str, str | Mailbox]:
    """The headers a letter asks for, checked, in the order they are written. Raises `Invalid`."""
    if not MESSAGE_ID.fullmatch(letter.message_id):
        raise BuilderError(f"{letter.message_id!r} is no Message-ID of ours")
    if not LANGUAGE.fullmatch(letter.language):
        raise BuilderError(f"{letter.language!r} is no language")
    headers: dict[str, str | Mailbox] = {
        "Date": format_datetime(letter.date.astimezone(datetime.UTC)),
        "Message-ID": letter.message_id,
        "From": check_mailbox(letter.sender),
        "To": check_mailbox(letter.to),
        "Subject": check_subject(letter.subject),
        "Auto-Submitted": "auto-generated",  # nobody's absence notice answers it (RFC 3834, G11)
        "X-Auto-Response-Suppress": "All",
    }
    if letter.reply_to is not None:
        headers["Reply-To"] = check_mailbox(letter.reply_to)
    if letter.bulk:
        headers["Precedence"] = "bulk"
    if letter.bulk or letter.unsubscribe:
        headers["List-Unsubscribe"] = f"<{check_unsubscribe(letter.unsubscribe)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if letter.bulk and letter.list_id:
        list_id = check_text(letter.list_id, _("The list"), MAXIMUM_FILE_NAME)
        headers["List-Id"] = f"<{list_id}>"
    return headers


def check_unsubscribe(link: str) -> str:
    """The one-click link of a bulk mail (G05, RFC 8058). Raises `Invalid` when there is none that would work."""
    link = check_text(link, _("The unsubscribe link"), MAXIMUM_LINK)
    parts = urlsplit(link)
    if parts.scheme != "https" or not parts.hostname or not link.isascii() or re.search(r"[\s<>,\"]", link):
        raise Invalid(
            _(
                "A mailing needs an unsubscribe link that begins with https. Set the public address of this installation to one."
            )
        )
    return link


def check_file_name(name: str) -> str:
    """The name of an attachment. Raises `Invalid`."""
    checked = check_text(name, _("The name of a file"), MAXIMUM_FILE_NAME)
    if not checked or any(character in checked for character in '/\\"'):
        raise Invalid(_("The file name %(name)s cannot be used. Rename the file.", name=name[:MAXIMUM_FILE_NAME]))
    return checked


def _content_type(wish: str) -> str:
    """Never a message or a container of parts, which a reader would open as a mail of its own."""
    return wish if CONTENT_TYPE.fullmatch(wish) and not wish.startswith("text/") else ANY_FILE


def _whole_text(letter: Letter) -> str:
    text = check_body(letter.text)
    if letter.bulk:
        words = _("Unsubscribe: %(link)s", link=letter.unsubscribe).translated(letter.language)
        text = f"{text.rstrip()}\n\n-- \n{words}\n"
    return text if text.endswith("\n") else f"{text}\n"


def html_of(text: str, language: str) -> str:
    """Simple HTML of a plain text: paragraphs, line breaks, links; everything else is escaped."""
    paragraphs = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        lines = (_linked(line) for line in block.split("\n"))
        paragraphs.append(f"<p>{'<br>'.join(lines)}</p>")
    head = '<meta charset="utf-8">'
    return f'<!doctype html><html lang="{language}"><head>{head}</head><body>{"".join(paragraphs)}</body></html>\n'


def _linked(line: str) -> str:
    parts, end = [], 0
    for found in _URL.finditer(line):
        link = escape(found[0])
        parts += [escape(line[end : found.start()]), f'<a href="{link}">{link}</a>']
        end = found.end()
    return "".join(str(part) for part in (*parts, escape(line[end:])))


# -- reading back -----------------------------------------------------------------------------------------------------
STRUCTURE = frozenset({"mime-version", "content-type", "content-transfer-encoding"})


def _check_bytes(content: bytes, headers: dict[str, str | Mailbox], letter: Letter) -> None:
    """Raise `BuilderError` unless the bytes hold the headers that were asked for, and the parts, and nothing else."""
    if b"\0" in content or re.search(rb"(?<!\r)\n|\r(?!\n)", content):
        raise BuilderError("the mail holds a bare line end or a NUL")
    found = raw_headers(content)
    names = [name for name, _value in found if name.lower() not in STRUCTURE]
    if names != list(headers):
        raise BuilderError(f"the mail has the headers {names}, not {list(headers)}")
    values = dict(found)
    for name, wanted in headers.items():
        shown = _decoded(values[name])
        if isinstance(wanted, Mailbox):
            boxes = getaddresses([values[name]])
            if (
                len(boxes) != 1
                or boxes[0][1] != wanted.address
                or _squeezed(_decoded(boxes[0][0])) != _squeezed(wanted.name)
            ):
                raise BuilderError(f"{name} reads {shown!r}")
        elif _squeezed(shown) != _squeezed(wanted):
            raise BuilderError(f"{name} reads {shown!r}, not {wanted!r}")
    _check_parts(content, letter)


def raw_headers(content: bytes) -> list[tuple[str, str]]:
    """Names and unfolded values of a mail's headers, read line by line as a simple server would."""
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head)
    pairs = [line.partition(":") for line in unfolded.split("\r\n")]
    return [(name, value.strip(" \t")) for name, _colon, value in pairs]


def _decoded(value: str) -> str:
    parts = [
        part.decode(charset or "ascii") if isinstance(part, bytes) else part for part, charset in decode_header(value)
    ]
    return "".join(parts)


def _squeezed(text: str) -> str:
    """Blanks do not count: folding may move them, and no header of ours means something else by one."""
    return re.sub(r"[ \t]+", "", text)


def _check_parts(content: bytes, letter: Letter) -> None:
    """Raise `BuilderError` unless the parts are the text, its HTML, and the files that were given."""
    parsed = BytesParser(policy=policy.compat32).parsebytes(content)
    leaves = [part for part in parsed.walk() if not part.is_multipart()]
    files = [part for part in leaves if part.get_content_disposition() == "attachment"]
    bodies = ["text/plain", "text/html"] if letter.html else ["text/plain"]
    if [part.get_content_type() for part in leaves if part not in files] != bodies or len(files) != len(
        letter.attachments
    ):
        raise BuilderError("the mail has other parts than were asked for")
    for part, attachment in zip(files, letter.attachments, strict=True):
        names = {name.lower() for name in part.keys()}  # noqa: SIM118 - a message iterates over its keys only by keys()
        if names - STRUCTURE - {"content-disposition"}:
            raise BuilderError(f"an attachment has the headers {sorted(names)}")
        if part.get_payload(decode=True) != attachment.content:
            raise BuilderError("an attachment is not the file that was given")
