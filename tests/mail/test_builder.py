"""One builder owns every header, and reads its own output back (SECURITY 7.15, T71, T72, A01, A14, G05, G11)."""

from __future__ import annotations

import dataclasses
import datetime
import email
import email.policy
from typing import Any

import pytest
from hypothesis import given, strategies as st

from core.errors import Invalid
from core.exchange.mail.addresses import Mailbox, address_key, check_address, check_text, person_key
from core.exchange.mail.builder import Attachment, Letter, build, html_of, raw_headers

LETTER = Letter(
    sender=Mailbox("office@zinc.example", "Zinc SARL"),
    to=Mailbox("lea@example.org", "Léa Faure"),
    subject="Votre devis n° 12",
    text="Bonjour,\n\nvoici https://zinc.example/devis?n=1&x=<b>.\n.\nÀ bientôt",
    message_id="<0123456789abcdef@zinc.example>",
    date=datetime.datetime(2026, 1, 12, 10, 30, tzinfo=datetime.UTC),
    language="fr",
)
HEADERS = [
    "Date", "Message-ID", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress",
]  # fmt: skip
STRUCTURE = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
HOSTILE = [
    "x\r\nBcc: evil@evil.example",
    "x\nBcc: evil@evil.example",
    "x\rBcc: evil@evil.example",
    "x\x00y",
    "x\x0by",
    "x\x0cy",
    "x\x1by",
    "x\x7fy",
    "x\x85y",
    "x\u2028Bcc: evil@evil.example",
    "x\u2029y",
    "x\u202ey",
    "x\ud800y",
    "=?utf-8?q?hi=0D=0ABcc:_evil@evil.example?=",
    "=?utf-8?b?aGkNCkJjYzogZXZpbEBldmlsLmV4YW1wbGU=?=",
    "=?UTF-8?Q?=0A?= =?UTF-8?Q?Bcc:?=",
    "x =?iso-8859-1?q?=0D=0A?=",
    "x" * 401,
]
"""What must not get into any header (T71): breaks of lines in all their forms, and texts that become them."""
ADDRESSES = [
    "a@b.example>\r\nRCPT TO:<x@evil.example",
    "a@b.example\r\nBcc: x@evil.example",
    "a@b.example, c@d.example",
    "a@b.example;c@d.example",
    "<a@b.example>",
    "Léa <a@b.example>",
    '"a b"@b.example',
    '"a@b"@c.example',
    "a(comment)@b.example",
    "a@(comment)b.example",
    "alice@example.org)bob@evil.example",
    "a@[127.0.0.1]",
    "a@b",
    "a@localhost",
    "a@1.2.3.4",
    "a@-b.example",
    "a@b-.example",
    "a@b..example",
    "a@.example",
    "a@b.example.",
    ".a@b.example",
    "a.@b.example",
    "a..b@c.example",
    "@b.example",
    "a@",
    "a",
    "",
    "a b@c.example",
    "a@b c.example",
    "a\x00@b.example",
    "a@b.example\x00",
    "a\u2028@b.example",
    "é@b.example",
    "a" * 65 + "@b.example",
    "a@" + "b" * 64 + ".example",
    "a@" + "b." * 130 + "example",
    "a" * 400 + "@b.example",
    "=?utf-8?q?a=0D=0A?=@b.example",
    "a@b.example\t",
    " a@b.example",
    "@a,@b:c@d.example",
    "group:a@b.example;",
    "a%40evil.example@",
]
"""What is no address here (T72, CVE-2023-27043)."""


def parsed(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=email.policy.default)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["subject", "to", "sender", "reply_to", "file", "list_id", "unsubscribe"])
def test_what_could_become_a_header_is_refused(place: str, text: str) -> None:
    bulk = dataclasses.replace(LETTER, bulk=True, unsubscribe="https://zinc.example/u/1", list_id="news.zinc.example")
    letters = {
        "subject": lambda: dataclasses.replace(LETTER, subject=text),
        "to": lambda: dataclasses.replace(LETTER, to=Mailbox("lea@example.org", text)),
        "sender": lambda: dataclasses.replace(LETTER, sender=Mailbox("office@zinc.example", text)),
        "reply_to": lambda: dataclasses.replace(LETTER, reply_to=Mailbox("a@zinc.example", text)),
        "file": lambda: dataclasses.replace(LETTER, attachments=[Attachment(text, b"x")]),
        "list_id": lambda: dataclasses.replace(bulk, list_id=text),
        "unsubscribe": lambda: dataclasses.replace(bulk, unsubscribe=f"https://zinc.example/{text}"),
    }
    with pytest.raises(Invalid):
        build(letters[place]())


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        check_address(address)
    for letter in (
        dataclasses.replace(LETTER, to=Mailbox(address)),
        dataclasses.replace(LETTER, sender=Mailbox(address)),
        dataclasses.replace(LETTER, reply_to=Mailbox(address)),
    ):
        with pytest.raises(Invalid):
            build(letter)


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("name@example.com", "name@example.com"),
        ("Jean.Martin+crm@EXAMPLE.com", "Jean.Martin+crm@example.com"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("info@münchen.example.de", "info@xn--mnchen-3ya.example.de"),
        ("a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"),
        ("!#$%&'*+/=^_`{|}~-@b.example", "!#$%&'*+/=^_`{|}~-@b.example"),
    ],
)
def test_addresses_go_on_the_wire_in_ascii(typed: str, wire: str) -> None:
    assert check_address(typed) == wire
    message = parsed(build(dataclasses.replace(LETTER, to=Mailbox(typed, "X"))))
    assert message["To"].addresses[0].addr_spec == wire


def test_the_same_person_under_another_spelling() -> None:
    assert address_key("Lea.Faure@Example.ORG") == "lea.faure@example.org"
    assert person_key("Lea+news@Example.ORG") == person_key("lea@example.org") == "lea@example.org"
    assert person_key("+x@example.org") == "+x@example.org"


def test_every_header_is_one_that_was_asked_for() -> None:
    content = build(LETTER)
    assert [name for name, _value in raw_headers(content) if name not in STRUCTURE] == HEADERS
    message = parsed(content)
    assert message["Subject"] == LETTER.subject
    assert message["To"].addresses[0].display_name == "Léa Faure"
    assert message["Message-ID"] == LETTER.message_id
    assert message["Date"].datetime == LETTER.date
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",)).get_content()
    assert text.replace("\r\n", "\n") == LETTER.text + "\n"
    html = message.get_body(("html",)).get_content()
    assert '<a href="https://zinc.example/devis?n=1&amp;x=">' in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "img" not in html


def test_a_bulk_mail_can_be_stopped_with_one_click() -> None:
    link = "https://zinc.example/unsubscribe/abc"
    message = parsed(build(dataclasses.replace(LETTER, bulk=True, unsubscribe=link, list_id="news.zinc.example")))
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<news.zinc.example>"
    assert message["Precedence"] == "bulk"
    for kind in ("plain", "html"):
        assert link in message.get_body((kind,)).get_content()


@pytest.mark.parametrize(
    "link", ["", "http://zinc.example/u", "https://", "javascript:alert(1)", "https://x y", "https://x>,<y"]
)
def test_without_a_link_there_is_no_bulk_mail(link: str) -> None:
    with pytest.raises(Invalid):
        build(dataclasses.replace(LETTER, bulk=True, unsubscribe=link))


def test_files_arrive_as_they_were() -> None:
    files = [
        Attachment("Devis été n° 12, “final”.pdf", bytes(range(256)) * 50, "application/pdf"),
        Attachment("a;b=c'd.txt", b"From x\n.\r\n\r\n", "text/html"),
        Attachment("mail.eml", b"Subject: x\n\ny", "message/rfc822"),
        Attachment("empty", b"", "application/pdf; charset=x\r\nBcc: y"),
    ]
    message = parsed(build(dataclasses.replace(LETTER, attachments=files)))
    arrived = list(message.iter_attachments())
    assert [part.get_filename() for part in arrived] == [file.name for file in files]
    assert [part.get_payload(decode=True) for part in arrived] == [file.content for file in files]
    assert [part.get_content_type() for part in arrived] == ["application/pdf", *["application/octet-stream"] * 3]


@given(
    subject=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=300
    ),
    name=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120),
    body=st.text(st.characters(codec="utf-8"), max_size=300),
)
def test_a_mail_says_what_was_asked_or_is_refused(subject: str, name: str, body: str) -> None:
    try:
        content = build(dataclasses.replace(LETTER, subject=subject, to=Mailbox("lea@example.org", name), text=body))
    except Invalid:
        return
    message = parsed(content)
    assert [key for key in message if key not in STRUCTURE] == HEADERS
    assert message["Subject"].replace(" ", "") == check_text(subject, "x", 400).replace(" ", "")
    assert [box.addr_spec for box in message["To"].addresses] == ["lea@example.org"]
    assert max(map(len, content.split(b"\r\n"))) < 999


@pytest.mark.parametrize(
    "name",
    [
        "Dupont, Élodie",
        'Anne "Nan" O\'Neil (Ltd.)',
        "Société Générale de Menuiserie et d’Ébénisterie, Martin & Frères <info@x.example>; 12",
        "x" * 120,
        "é" * 120,
        "a, " * 40,
        "@",
        "\\",
        "日本語の名前",
    ],
)
def test_names_of_people_stay_one_name(name: str) -> None:
    message = parsed(build(dataclasses.replace(LETTER, to=Mailbox("lea@example.org", name))))
    assert [box.addr_spec for box in message["To"].addresses] == ["lea@example.org"]
    assert message["To"].addresses[0].display_name.replace(" ", "") == name.replace(" ", "")


def test_html_is_only_ours() -> None:
    assert "<p>a &lt;i&gt;<br>b</p><p>c</p>" in html_of("a <i>\nb\n\n\nc", "en")
    assert "javascript" not in html_of("javascript:alert(1)", "en").replace("<p>javascript:alert(1)</p>", "")
