"""Business code queues mail in its own transaction; what could go wrong later is refused at once (ML-5, T71, F13)."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select

from core.data.history import Operation
from core.data.unit import transaction
from core.errors import Refused
from core.exchange.mail.addresses import Mailbox
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.exchange.mail.outbox import MAXIMUM_ATTACHED, Draft, Recipient, enqueue_mail
from core.exchange.mail.settings import MAIL_SETTINGS
from core.settings import write_settings
from core.testing.site import Site

DRAFT = Draft(to=(Recipient("Lea@example.org", "Léa"),), subject="Devis", text="Bonjour\r\nLéa")


def queue(site: Site, draft: Draft = DRAFT) -> int:
    with transaction("test.mail", context=site.context()) as unit:
        return enqueue_mail(unit, draft)


def rows(site: Site) -> tuple[list[MailMessage], list[MailRecipient]]:
    with site.runtime.database.reading() as session:
        return list(session.scalars(select(MailMessage))), list(session.scalars(select(MailRecipient)))


def test_a_message_and_its_recipients_are_written_in_the_unit(site: Site) -> None:
    file = Attachment("a.pdf", b"%PDF", "application/pdf")
    double = (*DRAFT.to, Recipient("lea@EXAMPLE.org"), Recipient("paul@example.org"))
    first = queue(site, dataclasses.replace(DRAFT, to=double, attachments=[file, file]))
    second = queue(site, dataclasses.replace(DRAFT, attachments=[file]))
    messages, recipients = rows(site)
    assert [message.id for message in messages] == [first, second]
    assert messages[0].body == "Bonjour\nLéa"
    assert [(row.message_id, row.address, row.state) for row in recipients] == [
        (first, "Lea@example.org", "local"),
        (first, "paul@example.org", "local"),
        (second, "Lea@example.org", "local"),
    ]
    assert len({row.header_id for row in recipients}) == 3
    with site.runtime.database.reading() as session:
        assert len(list(session.scalars(select(MailContent)))) == 1
        assert len(list(session.scalars(select(MailAttachment)))) == 3
        operations = list(session.scalars(select(Operation).where(Operation.action == "test.mail")))
    assert [message.operation_id for message in messages] == [operation.id for operation in operations]


def test_with_a_server_it_waits_for_the_sender(site: Site) -> None:
    with transaction("test.settings", context=site.context()) as unit:
        write_settings(
            unit.session, "mail", MAIL_SETTINGS, {"host": "mail.example", "from_address": "office@zinc.example"}
        )
    queue(site)
    _messages, recipients = rows(site)
    assert recipients[0].state == "pending"
    assert recipients[0].header_id.endswith("@zinc.example>")


def test_the_same_key_queues_once(site: Site) -> None:
    keyed = dataclasses.replace(DRAFT, key="invitation:1")
    assert queue(site, keyed) == queue(site, keyed)
    assert len(rows(site)[0]) == 1


def test_f13_a_rollback_leaves_no_mail(site: Site) -> None:
    def fail() -> None:
        with transaction("test.mail", context=site.context()) as unit:
            enqueue_mail(unit, DRAFT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows(site) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        {"to": ()},
        {"to": (Recipient("nobody"),)},
        {"to": (Recipient("a@b.example", "x\r\nBcc: y@z.example"),)},
        {"subject": ""},
        {"subject": "=?utf-8?q?=0D=0ABcc:_x?="},
        {"subject": "a\u2028b"},
        {"text": "a\x00b"},
        {"reply_to": Mailbox("a@b")},
        {"sender_name": "a\nb"},
        {"kind": "bulk"},
        {"kind": "other"},
        {"language": "xx"},
        {"attachments": [Attachment("a\nb", b"x")]},
        {"attachments": [Attachment("../x", b"x")]},
        {"attachments": [Attachment("x", bytes(MAXIMUM_ATTACHED + 1))]},
    ],
)
def test_what_cannot_be_sent_is_refused_at_entry(site: Site, change: dict[str, object]) -> None:
    with pytest.raises(Refused):
        queue(site, dataclasses.replace(DRAFT, **change))  # type: ignore[arg-type]
    assert rows(site) == ([], [])
