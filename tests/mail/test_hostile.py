"""The whole hostile corpus, up to the server and over HTTP: the witness saw only what was asked for (T71, T72, A14)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from core.errors import Invalid, Refused
from core.exchange.mail.addresses import Mailbox, check_address
from core.exchange.mail.builder import Attachment, raw_headers
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient, Suppression
from core.exchange.mail.outbox import Recipient
from core.testing.site import Browser, Site
from tests.mail.post import SENDER, Witness, later, queue, send, states
from tests.mail.test_builder import ADDRESSES, HOSTILE
from tests.mail.test_pages import Desk, third_party

PLAIN = ["Date", "Message-ID", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress"]
ENDS = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
HONEST = [
    ("Votre devis n° 12", "Léa Faure"), ("Re: Fw: a: b", "Dupont, Élodie"), ("日本語 " * 30, "日本語の名前"),
    ("Bcc: evil@evil.example", "Bcc: evil@evil.example"), ("x" * 400, "x" * 120), ("From x", '"Nan" O\'Neil <a@b.example>'),
    ("= ?utf-8? q", "a\\b"), ("Subject: Subject:", "é" * 120), (".", "."), ("\u200b\ufeffx", "x\u00a0y"),
]  # fmt: skip


def seen(sink: Witness) -> list[tuple[list[str], list[str]]]:
    """Of each mail the witness took: whom it went to, and the names of its headers in order, without those of its parts."""
    return [
        (line["to"], [name for name, _value in raw_headers(line["content"].encode("latin-1")) if name not in ENDS])
        for line in sink.lines()
    ]


@pytest.mark.parametrize("kind", ["single", "bulk"])
def test_t71_the_sink_sees_exactly_the_headers_asked_for(posted: Site, sink: Witness, kind: str) -> None:
    """Queued as business code does, refused with any hostile value anywhere; the honest ones arrive, and nothing else."""
    wanted = []
    for number, (subject, name) in enumerate(HONEST):
        recipient = Recipient(f"p{number}@example.org", name, "https://zinc.example/u/1" if kind == "bulk" else "")
        more: dict[str, Any] = (
            {"list_id": "news.zinc.example"} if kind == "bulk" else {"reply_to": Mailbox(SENDER, name)}
        )
        queue(posted, "", to=(recipient,), subject=subject, sender_name=name, kind=kind, **more)
        extra = (
            ["Precedence", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"] if kind == "bulk" else ["Reply-To"]
        )
        wanted.append(([recipient.address], [*PLAIN, *extra]))
    for text in HOSTILE:
        changes: tuple[dict[str, Any], ...] = (
            {"subject": text}, {"sender_name": text}, {"reply_to": Mailbox(SENDER, text)},
            {"to": (Recipient("x@example.org", text),)}, {"attachments": [Attachment(text, b"x")]},
            {"kind": "bulk", "to": (Recipient("x@example.org", unsubscribe=f"https://zinc.example/{text}"),)},
            {"kind": "bulk", "to": (Recipient("x@example.org", unsubscribe="https://zinc.example/1"),), "list_id": text},
        )  # fmt: skip
        for change in changes:
            with pytest.raises(Refused):
                queue(posted, "x@example.org", **change)
    send(posted)
    while "pending" in states(posted).values():
        send(posted)
    assert seen(sink) == wanted
    for message, (subject, name) in zip(sink.messages(), HONEST, strict=True):
        assert squeezed(message["Subject"]) == squeezed(subject)
        (box,) = message["To"].addresses
        assert squeezed(box.display_name) == squeezed(name)


def squeezed(text: str) -> str:
    return "".join(text.split())


PLACES = {
    "subject": (MailMessage, "subject"), "sender": (MailMessage, "sender_name"), "reply": (MailMessage, "reply_to_name"),
    "reply address": (MailMessage, "reply_to"), "list": (MailMessage, "list_id"), "name": (MailRecipient, "name"),
    "address": (MailRecipient, "address"), "link": (MailRecipient, "unsubscribe"), "id": (MailRecipient, "header_id"),
    "file": (MailAttachment, "name"),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_t71_what_got_into_the_outbox_all_the_same_is_not_sent(posted: Site, sink: Witness, place: str) -> None:
    """Written behind everybody's back, as a fault or an attacker in the database would: the builder refuses it."""
    model, column = PLACES[place]
    nul = not posted.config.database_url.startswith("postgresql")  # which holds none in its texts
    corpus = [*HOSTILE, *ADDRESSES] if place in ("address", "reply address") else HOSTILE
    hostile = [text for text in corpus if "\ud800" not in text and (nul or "\x00" not in text) and 0 < len(text) <= 120]
    hostile = [text for text in hostile if not (place in ("address", "reply address") and text in HOSTILE[-1:])]
    numbers = []
    for index, text in enumerate(hostile):
        link = {"unsubscribe": "https://zinc.example/u/1"}
        to = (Recipient(f"p{index}@example.org", "Léa", **link),)
        more = {
            "list_id": "x.example",
            "kind": "bulk",
            "reply_to": Mailbox(SENDER),
            "attachments": [Attachment("a", b"x")],
        }
        numbers += queue(posted, "", to=to, subject="x", text="x", **more)
        own = MailMessage.id if model is MailMessage else model.message_id  # type: ignore[attr-defined]
        unlike = f"{text}{index}" if place == "id" else text
        with posted.runtime.database.connection() as connection:
            connection.execute(update(model).where(own == numbers[-1]).values({column: unlike}))
    queue(posted, "honest@example.org")
    while {"pending"} & set(states(posted).values()):
        later(posted)
        send(posted)
    assert [line["to"] for line in sink.lines()] == [["honest@example.org"]]
    with posted.runtime.database.reading() as session:
        found = list(session.scalars(select(MailRecipient.state).where(MailRecipient.message_id.in_(numbers))))
    assert found == ["failed"] * len(hostile)


@pytest.fixture
def alice(sales: Site) -> Browser:
    return sales.browser("Alice")


def test_t71_over_http(sales: Site, alice: Browser) -> None:
    """Typed as a subject, or standing in a record a placeholder shows: 422, or it is words in one line."""
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    model: Any = sales.runtime.generation.registry.entity("thirdparty").model
    desk = Desk(alice)
    for text in HOSTILE:
        if "\ud800" in text:  # no form can carry it
            continue
        assert desk.go_on("send", [number], subject=text, text="x").status_code == 422, repr(text)
        if "\x00" in text or len(text) > 128:  # a record holds neither
            continue
        with sales.runtime.database.connection() as connection:
            connection.execute(update(model.__table__).values(name=text))
        answer = desk.go_on("send", [number], subject="About {{ record.name }}", text="x")
        several = "\n" in text and "\r" not in text  # lines of a value are put on one, for there are values of several
        assert answer.status_code == (303 if several else 422), repr(text)
    with sales.runtime.database.reading() as session:
        assert list(session.scalars(select(MailMessage.subject))) == ["About x Bcc: evil@evil.example"]


def is_address(text: str) -> bool:
    try:
        check_address(text)
    except Invalid:
        return False
    return True


def test_t72_over_http(sales: Site, alice: Browser) -> None:
    """The address of a record, and one put on the suppression list; blanks around it are taken off, nothing else."""
    alice.get("/thirdparties/new")
    for number, address in enumerate(ADDRESSES):
        if is_address(address.strip()):
            continue
        answer = alice.post("/mail/suppression", {"address": address, "note": "x"})
        assert answer.status_code == 422, repr(address)
        if address:
            answer = alice.post("/thirdparties/new", {"name": f"Hostile {number}", "email": address})
            assert answer.status_code == 422, repr(address)
    model: Any = sales.runtime.generation.registry.entity("thirdparty").model
    with sales.runtime.database.reading() as session:
        assert list(session.scalars(select(Suppression))) == []
        assert session.execute(select(model.id)).all() == []


def test_t72_an_address_that_got_into_a_record_all_the_same(sales: Site, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    model: Any = sales.runtime.generation.registry.entity("thirdparty").model
    for address in ADDRESSES:
        if not address or "\x00" in address or len(address) > 254 or is_address(address):
            continue
        with sales.runtime.database.connection() as connection:
            connection.execute(update(model.__table__).values(email=address))
        answer = Desk(alice).go_on("send", [number], subject="x", text="x")
        assert answer.status_code == 422, repr(address)
    assert states(sales) == {}


def test_contents_without_a_message_are_not_kept_twice(posted: Site) -> None:
    """The corpus leaves nothing behind: what was refused is rolled back, files included."""
    with pytest.raises(Refused):
        queue(posted, "x@example.org", subject="a\nb", attachments=[Attachment("a", b"x")])
    with posted.runtime.database.reading() as session:
        assert list(session.scalars(select(MailContent))) == []
        assert list(session.scalars(select(MailMessage))) == []
