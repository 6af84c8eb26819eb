"""`comptoir check --data` looks at the outbox too: each thing that cannot be is named (F49, ML-5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from core.cli import main
from core.data.unit import transaction
from core.exchange.mail import care, suppression
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient, Suppression
from core.testing.site import Site
from tests.mail.post import Witness, queue, send


@pytest.fixture
def filled(posted: Site, sink: Witness) -> Site:
    """A mail that was sent, one of an account, one that waits, and a refusal."""
    queue(posted, "lea@example.org", attachments=[Attachment("a.txt", b"abc")])
    queue(posted, "paul@example.org", kind="account")
    send(posted)
    queue(posted, "max@example.org")
    with transaction("test.optout", context=posted.context()) as unit:
        suppression.suppress(unit.session, posted.config.secret_keys, "no@example.org", "opt-out", unit.context.actor)
    return posted


WRONG = {
    "state nobody knows": update(MailRecipient).where(MailRecipient.message_id == 3).values(state="lost"),
    "held by nobody": update(MailRecipient).where(MailRecipient.message_id == 3).values(state="data"),
    "nobody works on it": update(MailRecipient).where(MailRecipient.message_id == 3).values(claim="x"),
    "nobody knows when": update(MailRecipient).where(MailRecipient.message_id == 1).values(sent_at=None),
    "and was not": update(MailRecipient).where(MailRecipient.message_id == 1).values(state="failed"),
    "more often": update(MailRecipient).where(MailRecipient.message_id == 1).values(attempts=99),
    "goes to nobody": delete(MailRecipient).where(MailRecipient.message_id == 3),
    "link of an account": update(MailMessage).where(MailMessage.id == 2).values(body="open-sesame"),
    "address that is none": update(MailRecipient).where(MailRecipient.message_id == 3).values(address="nobody"),
    "whom it is about": update(Suppression).values(person=None),
    "not the one that was added": update(MailContent).values(content=b"abd"),
    "file that is not": update(MailAttachment).values(size=4),
}


def test_nothing_is_said_of_an_outbox_that_agrees(filled: Site) -> None:
    with filled.runtime.database.reading() as session:
        assert care.look(session) == []


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_is_named(filled: Site, words: str) -> None:
    statement: Any = WRONG[words]
    with filled.runtime.database.connection() as connection:
        connection.execute(statement)
    with filled.runtime.database.reading() as session:
        found = [str(doubt.problem) for doubt in care.look(session)]
    assert found
    assert any(words in problem for problem in found)


def test_the_command(filled: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in filled.config.environment().items():
        monkeypatch.setenv(name, value)
    assert main(["check", "--data"]) == 0
    assert "The outbox agrees with itself." in capsys.readouterr().out
    with filled.runtime.database.connection() as connection:
        connection.execute(WRONG["state nobody knows"])  # type: ignore[call-overload]
    for options in ([], ["--repair"]):
        assert main(["check", "--data", *options]) == 1
        assert "Message 3 has a state nobody knows" in capsys.readouterr().out
