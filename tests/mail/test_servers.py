"""Servers that are half dead, wrongly set, or answer rubbish; a database or disk that is away meanwhile (F01 to F13, G11)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from core.exchange.mail import journal, sender, suppression
from core.exchange.mail.models import MailRecipient, MailServer, Suppression
from core.exchange.mail.presence import presence
from core.exchange.mail.sender import presence_folder
from core.exchange.mail.smtp import Reply
from core.testing.site import Site
from tests.mail.post import Witness, gate, later, people, queue, row, running_sink, send, settings, states

pytestmark = pytest.mark.usefixtures("agreeing")


def flagged(site: Site) -> list[str | None]:
    """Addresses on the suppression list."""
    with site.runtime.database.reading() as session:
        return list(session.scalars(select(Suppression.address)))


def problem(site: Site) -> str:
    """What is said of the server."""
    with site.runtime.database.reading() as session:
        found = journal.server_state(session)
    return found[0] if found else ""


@pytest.mark.parametrize(("user", "password"), [("zinc", "motdépassé"), ("zoé", "secret")])
def test_f05_letters_the_server_cannot_be_told_keep_mail_waiting(
    site: Site, tmp_path: Any, user: str, password: str
) -> None:
    with running_sink(tmp_path / "auth", "--user", "zinc", "secret") as sink:
        settings(site, sink.port, password, user=user)
        queue(site, *people(2))
        for _turn in range(2):
            assert send(site) == 0
            later(site)
        assert set(states(site).values()) == {"pending"}
        assert "letters" in problem(site)


@pytest.mark.parametrize("verb", ["mail", "rcpt", "data"])
def test_f05_a_server_that_greets_and_hangs_up_fails_no_row(
    posted: Site, sink: Witness, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    sink.play(f"hangup {verb}")
    queue(posted, *people(3))
    for _turn in range(journal.MAXIMUM_ATTEMPTS + 2):
        assert send(posted) == 0
        later(posted)
    assert set(states(posted).values()) == {"pending"}
    assert problem(posted)
    assert len([line for line in caplog.records if "waiting for the mail server" in line.message]) == 1
    sink.play()
    assert send(posted) == 3
    assert sink.counts() == dict.fromkeys(people(3), 1)
    assert not problem(posted)


@pytest.mark.parametrize("kind", ["single", "account"])
def test_f11_an_address_at_which_the_server_hangs_up_comes_after_the_others_and_ends(
    posted: Site, sink: Witness, kind: str
) -> None:
    sink.play("hangup rcpt person0@example.org")
    queue(posted, "person0@example.org", kind=kind)
    queue(posted, *people(3)[1:])
    send(posted)
    with posted.runtime.database.connection() as connection:  # as if the pause were over
        server = connection.execute(select(MailServer.paused_until)).scalar_one()
        connection.execute(update(MailRecipient).values(next_at=MailRecipient.next_at - server + time.time() - 1))
        connection.execute(update(MailServer).values(paused_until=None))
    assert send(posted) == 2
    assert [states(posted)[address] for address in people(3)] == ["pending", "sent", "sent"]
    for _turn in range(journal.MAXIMUM_ATTEMPTS):
        with posted.runtime.database.connection() as connection:  # other mail goes through every time
            connection.execute(update(MailServer).values(paused_until=None, problem=None, failures=0))
            connection.execute(update(MailRecipient).values(next_at=0.0))
        send(posted)
    assert states(posted)["person0@example.org"] == "failed"


@pytest.mark.parametrize(
    "rule",
    [
        "rcpt * 550 relay not permitted",
        "rcpt * 554 5.7.1 <x@example.org>: Relay access denied",
        "rcpt * 550 5.7.1 Unable to relay",
        "rcpt * 530 5.7.0 Must issue a STARTTLS command first",
        "rcpt * 550 5.7.1 Authentication required",
    ],
)
def test_f05_a_server_that_does_not_know_us_is_to_blame_and_no_address(posted: Site, sink: Witness, rule: str) -> None:
    sink.play(rule)
    queue(posted, *people(2))
    for _turn in range(3):
        assert send(posted) == 0
        later(posted)
    assert set(states(posted).values()) == {"pending"}
    assert flagged(posted) == []
    assert rule.split(maxsplit=2)[2] in problem(posted)


@pytest.mark.parametrize(
    ("reply", "bad"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.1.10 null MX", True),
        ("553 5.1.3 bad syntax", True),
        ("550 No such user here", True),
        ("550 <lea@example.org>: Recipient address rejected: User unknown in local recipient table", True),
        ("550 5.1.1 <lea@relay.example>: user unknown, relay denied", True),
        ("550 mailbox unavailable", False),
        ("550 relay not permitted", False),
        ("553 unknown", False),
        ("550 5.1.0 rejected", False),
        ("550 5.1.8 sender domain does not exist, no such user", False),
        ("550 5.7.1 no such user, or you may not know", False),
        ("554 no such user", False),
        ("451 5.1.1 no such user", False),
    ],
)
def test_f07_only_what_names_a_bad_address_flags_it(reply: str, bad: bool) -> None:
    parsed = Reply.parse(reply)
    assert parsed is not None
    assert parsed.bad_address is bad
    assert not (parsed.bad_address and parsed.from_stranger)


@pytest.mark.parametrize(
    ("text", "suppresses"),
    [("452 4.2.2 over quota", False), ("450 4.2.1 mailbox disabled", True), ("450 mailbox busy", True),
     ("451 4.7.1 greylisted", False), ("451 4.3.1 our disk is full", False)],
)  # fmt: skip
def test_g11_five_messages_a_mailbox_did_not_take_make_a_bad_address(
    posted: Site, sink: Witness, text: str, suppresses: bool
) -> None:
    sink.play(f"rcpt lea@example.org {text}")
    for number in range(1, journal.SOFT_BOUNCES + 1):
        assert flagged(posted) == []
        queue(posted, "lea@example.org", subject=f"Number {number}")
        with posted.runtime.database.connection() as connection:
            connection.execute(
                update(MailRecipient)
                .where(MailRecipient.state == "pending")
                .values(attempts=journal.MAXIMUM_ATTEMPTS, next_at=0.0)
            )
            connection.execute(update(MailServer).values(paused_until=None))
        send(posted)
    assert flagged(posted) == (["lea@example.org"] if suppresses else [])


def test_g11_one_that_went_through_begins_the_count_anew(posted: Site, sink: Witness) -> None:
    for number in range(journal.SOFT_BOUNCES + 1):
        sink.play() if number == 2 else sink.play("rcpt lea@example.org 450 4.2.1 mailbox disabled")
        queue(posted, "lea@example.org", subject=f"Number {number}")
        with posted.runtime.database.connection() as connection:
            connection.execute(
                update(MailRecipient).where(MailRecipient.state == "pending").values(attempts=journal.MAXIMUM_ATTEMPTS)
            )
        send(posted)
    assert flagged(posted) == []


def test_f07_a_refusal_followed_by_a_hang_up_is_final(posted: Site, sink: Witness) -> None:
    sink.play("rcpt lea@example.org 550 5.1.1 no such user", "bye lea@example.org")
    queue(posted, "lea@example.org", "paul@example.org")
    send(posted)
    assert states(posted) == {"lea@example.org": "failed", "paul@example.org": "sent"}
    assert row(posted, "lea@example.org").last_reply == "550 5.1.1 no such user"
    assert flagged(posted) == ["lea@example.org"]


@pytest.mark.parametrize("rubbish", ["hello there", "!!! internal error", "354 go on", "199 what", "600 what", "999 x"])
def test_f09_rubbish_after_the_last_dot_is_uncertain(posted: Site, sink: Witness, rubbish: str) -> None:
    sink.play(f"dot lea@example.org {rubbish}")
    queue(posted, "lea@example.org", "paul@example.org")
    send(posted)
    assert states(posted) == {"lea@example.org": "uncertain", "paul@example.org": "sent"}
    later(posted)
    assert send(posted) == 0


def test_a_row_in_data_is_put_back_only_when_the_server_said_no(posted: Site) -> None:
    queue(posted, *people(2))
    database = posted.runtime.database
    for after_dot, state in ((False, "data"), (True, "pending")):
        held = journal.claim(database, "somebody", gate(posted), 10_000, 5.0)
        assert held is not None
        assert journal.mark_data(database, held, 5.0)
        journal.put_back(database, held, "x", counts=False, after_dot=after_dot)
        assert states(posted)[held.address] == state


@pytest.mark.parametrize("fault", [OperationalError("SELECT", {}, Exception("gone")), MemoryError(), OSError("disk")])
def test_f11_a_fault_that_passes_is_not_final(
    posted: Site, sink: Witness, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The connection is lost, or memory is short, just while a mail is read."""
    real, failing = sender.load_letter, [True]

    def load(*arguments: Any) -> Any:
        if failing and failing.pop():
            raise fault
        return real(*arguments)

    monkeypatch.setattr(sender, "load_letter", load)
    queue(posted, "lea@example.org")
    send(posted)
    waiting = row(posted, "lea@example.org")
    assert (waiting.state, waiting.attempts) == ("pending", 0)
    assert waiting.next_at > time.time()
    later(posted)
    send(posted)
    assert states(posted) == {"lea@example.org": "sent"}


@pytest.mark.parametrize("step", ["mark_data", "settle"])
def test_f02_a_database_that_is_away_for_a_moment_makes_nothing_uncertain(
    posted: Site, sink: Witness, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The very statements fail twice: of the mark before the dot, or of what was answered."""
    name = {"mark_data": "database_clock", "settle": "_release"}[step]
    real, inside, failures = getattr(journal, name), [False], [0]

    def unsteady(*arguments: Any, **named: Any) -> Any:
        if inside[0] and failures[0] < 2:
            failures[0] += 1
            inside[0] = step == "settle"
            raise OperationalError("UPDATE", {}, Exception("gone"))
        return real(*arguments, **named)

    whole = getattr(journal, step)

    def watched(*arguments: Any, **named: Any) -> Any:
        inside[0] = True
        try:
            return whole(*arguments, **named)
        finally:
            inside[0] = False

    monkeypatch.setattr(journal, name, unsteady)
    monkeypatch.setattr(journal, step, watched)
    monkeypatch.setattr(journal, "AGAIN_SECONDS", 0.01)
    queue(posted, "lea@example.org")
    for _turn in range(3):
        send(posted)
        later(posted)
    assert failures == [2]
    assert states(posted) == {"lea@example.org": "sent"}
    assert row(posted, "lea@example.org").attempts == 0
    assert sink.counts() == {"lea@example.org": 1}


def test_the_lease_begins_anew_before_the_dot(posted: Site) -> None:
    queue(posted, "lea@example.org")
    database = posted.runtime.database
    held = journal.claim(database, "somebody", gate(posted), 10_000, 5.0)
    assert held is not None
    with database.connection() as connection:
        connection.execute(update(MailRecipient).values(lease_until=time.time() + 1))
    assert journal.mark_data(database, held, 600.0)
    until = row(posted, "lea@example.org").lease_until
    assert until is not None
    assert until > time.time() + 600 + journal.SETTLE_SECONDS


def test_an_answer_that_comes_too_late_is_not_called_sent(posted: Site) -> None:
    queue(posted, "lea@example.org")
    database, keys = posted.runtime.database, posted.config.secret_keys
    held = journal.claim(database, "somebody", gate(posted), 10_000, 5.0)
    assert held is not None
    assert journal.mark_data(database, held, 5.0)
    with database.connection() as connection:
        connection.execute(update(MailRecipient).values(lease_until=0.0))
    journal.recover(database, presence_folder(posted.config.var))
    assert journal.settle(database, keys, held, Reply(250, "taken")) is None
    assert states(posted) == {"lea@example.org": "uncertain"}


def test_two_senders_flag_one_address_at_once(posted: Site) -> None:
    from core.contract.changes import SYSTEM

    keys, ready = posted.config.secret_keys, threading.Barrier(2)
    faults: list[BaseException] = []

    def flag() -> None:
        try:
            for number in range(20):
                ready.wait(30)
                with posted.runtime.database.writing() as session:
                    suppression.suppress(session, keys, f"p{number}@example.org", suppression.BOUNCE, SYSTEM, "550")
                    session.commit()
        except BaseException as error:  # shown below, by the test's own thread
            faults.append(error)
            ready.abort()

    threads = [threading.Thread(target=flag) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(flagged(posted)) == 20


def test_a_folder_that_cannot_be_written_keeps_mail_waiting(posted: Site, sink: Witness) -> None:
    folder = presence_folder(posted.config.var)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not a folder", "ascii")
    queue(posted, "lea@example.org")
    for _turn in range(2):
        assert send(posted) == 0
        later(posted)
    assert states(posted) == {"lea@example.org": "pending"}
    assert problem(posted)
    folder.unlink()
    assert send(posted) == 1


def test_presence_lasts_as_long_as_its_process(posted: Site) -> None:
    """A sender of another process is not gone while it lives, whatever the clock says of its lease (F02)."""
    folder = presence_folder(posted.config.var)
    program = (
        "import pathlib, sys\nfrom core.exchange.mail.presence import presence\n"
        "with presence(pathlib.Path(sys.argv[1])) as name:\n    print(name, flush=True)\n    sys.stdin.read()\n"
    )
    with presence(folder):
        pass
    from core.exchange.mail.presence import is_gone

    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not is_gone(folder, name)
    child.kill()
    child.communicate()
    assert is_gone(folder, name)
