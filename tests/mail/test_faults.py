"""What becomes of mail when servers, networks and senders fail (SECURITY 4.2, F01 to F13): the witness is asked.

Of F04, campaigns, the part of the outbox is here: what is queued stays as it was, and may be stopped and taken up again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from core.data.unit import transaction
from core.exchange.mail import journal, models, suppression
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailMessage, MailRecipient, Suppression
from core.exchange.mail.outbox import Recipient
from core.exchange.mail.sender import presence_folder, send_due
from core.testing.servers import free_port
from core.testing.site import Site
from tests.mail.post import Witness, gate, later, people, queue, row, send, settings, states

pytestmark = pytest.mark.usefixtures("agreeing")
LARGE = 14 * 2**20
"""Bytes of a file that no buffer between two processes holds: the sender notices a cut before its last dot."""
DIE = """
import os, sys
from core.exchange.mail import journal, sender, smtp
from core.config import Config
from core.runtime.runtime import Runtime

def die(*arguments, **named):
    os.kill(os.getpid(), 9)

where = sys.argv[1]
if where == "claimed":
    smtp.Server.deliver = die
elif where == "body":
    sender.journal.mark_data = die
elif where == "dot":
    smtp.Server._last_dot = die
elif where == "answered":
    sender.journal.settle = die
runtime = Runtime(Config.from_environment())
runtime.start()
sender.send_due(runtime, lambda: False)
"""


def dying_sender(site: Site, where: str) -> None:
    """A sender in a process of its own that is killed with -9 at one point of its first mail."""
    environment = {**site.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    died = subprocess.run([sys.executable, "-c", DIE, where], env=environment, timeout=60, check=False)
    assert died.returncode == -9


@pytest.mark.parametrize("where", ["claimed", "body"])
def test_f01_killed_before_the_last_dot(posted: Site, sink: Witness, where: str) -> None:
    queue(posted, "lea@example.org")
    dying_sender(posted, where)
    assert states(posted) == {"lea@example.org": "claimed"}
    assert sink.lines() == []
    send(posted)
    assert states(posted) == {"lea@example.org": "sent"}
    assert sink.counts() == {"lea@example.org": 1}


@pytest.mark.covers("ML-5a")
@pytest.mark.parametrize(("where", "taken"), [("dot", 0), ("answered", 1)])
def test_f02_killed_when_the_server_may_have_it(posted: Site, sink: Witness, where: str, taken: int) -> None:
    queue(posted, "lea@example.org", "paul@example.org")
    dying_sender(posted, where)
    assert sorted(states(posted).values()) == ["data", "pending"]
    send(posted)
    assert states(posted) == {"lea@example.org": "uncertain", "paul@example.org": "sent"}
    later(posted)
    assert send(posted) == 0
    assert sink.counts()["lea@example.org"] == taken


def test_f03_two_senders_never_take_the_same_row(posted: Site, sink: Witness) -> None:
    addresses = people(150)
    queue(posted, *addresses)
    program = "from core.cli import main; main()"
    environment = {**posted.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    workers = [
        subprocess.Popen([sys.executable, "-c", program, "sender"], env=environment, stderr=subprocess.DEVNULL)
        for _number in range(2)
    ]
    wait_until(lambda: set(states(posted).values()) == {"sent"}, 60)
    for worker in workers:
        worker.terminate()
    assert [worker.wait(30) for worker in workers] == [0, 0]
    assert sink.counts() == dict.fromkeys(addresses, 1)


def test_f03_claims_in_threads_are_all_different(posted: Site) -> None:
    queue(posted, *people(60))
    taken: list[int] = []

    def take(name: str) -> None:
        while held := journal.claim(posted.runtime.database, name, gate(posted), 10_000, 5.0):
            taken.append(held.recipient_id)

    threads = [threading.Thread(target=take, args=(f"sender {number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


def test_f04_stopped_between_two_messages_and_taken_up_again(posted: Site, sink: Witness) -> None:
    queue(posted, *people(6))
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 6  # before a message, and before its last dot

    assert send_due(posted.runtime, stop) == 3
    assert sorted(states(posted).values()) == ["pending"] * 3 + ["sent"] * 3
    assert send(posted) == 3
    assert sink.counts() == dict.fromkeys(people(6), 1)


@pytest.mark.parametrize("fault", ["refused", "name", "tls", "starttls"])
def test_f05_a_server_that_cannot_be_used_keeps_everything_waiting(
    site: Site, sink: Witness, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed = {
        "refused": {"port": str(free_port())},
        "name": {"host": "no-such-host.invalid"},
        "tls": {"security": "tls"},
        "starttls": {"security": "starttls"},
    }[fault]
    settings(site, **{"port": sink.port, **changed})  # type: ignore[arg-type]
    queue(site, *people(3))
    for _turn in range(3):
        assert send(site) == 0
        later(site)
    assert set(states(site).values()) == {"pending"}
    assert len([record for record in caplog.records if "waiting for the mail server" in record.message]) == 1
    with site.runtime.database.reading() as session:
        problem = journal.server_state(session)
        moments = list(session.scalars(select(MailRecipient.next_at)))
    assert problem is not None
    assert moments == [0.0] * 3
    send(site)
    assert min(row(site, address).next_at for address in people(3)) > time.time() + 10
    assert send(site) == 0, "a paused server is left alone"
    settings(site, sink.port)
    later(site)
    assert send(site) == 3
    assert sink.counts() == dict.fromkeys(people(3), 1)
    with site.runtime.database.reading() as session:
        assert journal.server_state(session) is None


def test_f06_greylisting_is_tried_again_with_the_same_message_id(posted: Site, sink: Witness) -> None:
    sink.play("rcpt lea@example.org once 451 4.7.1 try again later")
    queue(posted, "lea@example.org", "paul@example.org")
    before = row(posted, "lea@example.org").header_id
    send(posted)
    deferred = row(posted, "lea@example.org")
    assert (deferred.state, deferred.attempts) == ("deferred", 1)
    assert 290 < deferred.next_at - time.time() < 331
    assert states(posted)["paul@example.org"] == "sent"
    assert send(posted) == 0
    later(posted)
    send(posted)
    assert states(posted)["lea@example.org"] == "sent"
    assert [message["Message-ID"] for message in sink.messages() if message["To"] == "lea@example.org"] == [before]


def test_f06_a_server_that_always_says_later_is_given_up(posted: Site, sink: Witness) -> None:
    sink.play("dot * 451 4.3.0 later")
    queue(posted, "lea@example.org")
    waits = []
    for _turn in range(journal.MAXIMUM_ATTEMPTS + 1):
        send(posted)
        waits.append(round((row(posted, "lea@example.org").next_at - time.time()) / 60))
        later(posted)
    assert states(posted) == {"lea@example.org": "failed"}
    assert row(posted, "lea@example.org").attempts == journal.MAXIMUM_ATTEMPTS
    assert all(least <= wait <= least * 1.1 + 1 for least, wait in zip((5, 15, 45, 135), waits, strict=False))


@pytest.mark.parametrize(
    ("rule", "flagged"),
    [
        ("rcpt lea@example.org 550 5.1.1 no such user", True),
        ("rcpt lea@example.org 553 unknown", False),
        ("rcpt lea@example.org 550 User unknown", True),
        ("rcpt lea@example.org 550 5.7.1 policy", False),
        ("dot lea@example.org 554 5.6.0 spam", False),
    ],
)
def test_f07_a_final_refusal_fails_at_once(posted: Site, sink: Witness, rule: str, flagged: bool) -> None:
    sink.play(rule)
    queue(posted, "lea@example.org", "paul@example.org")
    send(posted)
    assert states(posted) == {"lea@example.org": "failed", "paul@example.org": "sent"}
    assert rule.split()[2] in str(row(posted, "lea@example.org").last_reply)
    with posted.runtime.database.reading() as session:
        entries = list(session.scalars(select(Suppression)))
    assert [entry.address for entry in entries] == (["lea@example.org"] if flagged else [])
    later(posted)
    assert send(posted) == 0


@pytest.mark.parametrize(
    "rule",
    [
        "rcpt * once 421 4.3.2 shutting down",
        "rcpt * once 452 4.3.1 full",
        "mail * once 550 not from you",
        "dot * once 421 bye",
    ],
)
def test_f08_a_server_that_has_enough_is_left_alone(posted: Site, sink: Witness, rule: str) -> None:
    sink.play(rule)
    queue(posted, *people(3))
    assert send(posted) == 0
    assert set(states(posted).values()) == {"pending"}
    sink.play()
    assert send(posted) == 0
    later(posted)
    assert send(posted) == 3
    assert sink.counts() == dict.fromkeys(people(3), 1)


def test_f08_a_connection_closed_between_messages_is_opened_again(posted: Site, sink: Witness) -> None:
    sink.play("close 2")
    queue(posted, *people(7))
    for _turn in range(8):
        send(posted)
        later(posted)
    assert set(states(posted).values()) == {"sent"}
    assert sink.counts() == dict.fromkeys(people(7), 1)


def test_f09_silence_after_the_last_dot_is_uncertain(site: Site, sink: Witness) -> None:
    settings(site, sink.port, end_of_data_seconds="1")
    sink.play("swallow lea@example.org 3")
    queue(site, "lea@example.org", "paul@example.org")
    send(site)
    assert states(site) == {"lea@example.org": "uncertain", "paul@example.org": "sent"}
    later(site)
    assert send(site) == 0
    assert sink.counts() == {"lea@example.org": 1, "paul@example.org": 1}


def test_f09_a_slow_server_is_waited_for(posted: Site, sink: Witness) -> None:
    sink.play("slow 2")
    queue(posted, "lea@example.org")
    send(posted)
    assert states(posted) == {"lea@example.org": "sent"}


@pytest.mark.parametrize("cut", [1, 5_000, 1_000_000])
def test_f10_cut_inside_the_data_nothing_was_sent(posted: Site, sink: Witness, cut: int) -> None:
    sink.play(f"cut {cut}")
    queue(posted, "lea@example.org", attachments=[Attachment("a", bytes(LARGE))])
    send(posted)
    assert states(posted) == {"lea@example.org": "pending"}
    sink.play()
    later(posted)
    send(posted)
    assert states(posted) == {"lea@example.org": "sent"}
    assert sink.counts() == {"lea@example.org": 1}


def test_f10_a_mail_that_breaks_every_connection_does_not_hold_up_the_others(posted: Site, sink: Witness) -> None:
    sink.play("cut 600000")
    queue(posted, "lea@example.org", attachments=[Attachment("a", bytes(LARGE))])
    with posted.runtime.database.connection() as connection:
        connection.execute(update(MailRecipient).values(attempts=journal.MAXIMUM_ATTEMPTS))
    send(posted)
    assert states(posted) == {"lea@example.org": "failed"}


@pytest.mark.parametrize("cut", [1, 50, 200, 600, 900])
def test_f10_cut_inside_a_small_mail_is_never_called_sent(posted: Site, sink: Witness, cut: int) -> None:
    """All of it may be on the way when the cut is noticed: then nobody knows, and a person decides."""
    sink.play(f"cut {cut}")
    queue(posted, "lea@example.org")
    send(posted)
    state = states(posted)["lea@example.org"]
    assert state in ("pending", "uncertain")
    sink.play()
    later(posted)
    send(posted)
    assert states(posted)["lea@example.org"] == ("sent" if state == "pending" else "uncertain")
    assert sink.counts()["lea@example.org"] == (1 if state == "pending" else 0)


@pytest.mark.parametrize("poisoned", [0, 2, 4])
def test_f11_one_poisoned_recipient_fails_alone(posted: Site, sink: Witness, poisoned: int) -> None:
    numbers = queue(posted, *people(5))
    with posted.runtime.database.connection() as connection:
        broken = update(MailMessage).where(MailMessage.id == numbers[poisoned])
        connection.execute(broken.values(subject="x\r\nBcc: evil@evil.example"))
    send(posted)
    assert [states(posted)[address] for address in people(5)] == [
        "failed" if number == poisoned else "sent" for number in range(5)
    ]
    assert "line break" in str(row(posted, people(5)[poisoned]).last_reply)
    assert "evil" not in str([line["to"] for line in sink.lines()])


@pytest.mark.parametrize("spelling", ["person3@example.org", "Person3@EXAMPLE.org", "person3+news@example.org"])
def test_f12_who_opts_out_while_the_queue_is_half_done_gets_nothing(posted: Site, sink: Witness, spelling: str) -> None:
    addresses = people(5)
    queue(posted, *addresses)
    queue(posted, "person3@example.org", kind="account", subject="Your password")
    asked: list[bool] = []
    send_due(posted.runtime, lambda: asked.append(True) or len(asked) > 3)
    with transaction("test.optout", context=posted.context()) as unit:
        suppression.suppress(
            unit.session, posted.config.secret_keys, spelling, suppression.OPT_OUT, unit.context.actor, "by telephone"
        )
    send(posted)
    subjects = [message["Subject"] for message in sink.messages() if "person3" in str(message["To"])]
    assert subjects == ["Your password"]
    with posted.runtime.database.reading() as session:
        found = session.execute(
            select(MailRecipient.state)
            .join(MailMessage)
            .where(MailRecipient.address == "person3@example.org")
            .order_by(MailRecipient.id)
        )
        assert list(found.scalars()) == [models.OPTED_OUT, models.SENT]
    assert sink.counts()["person4@example.org"] == 1


@pytest.mark.covers("ML-4a")
def test_f12_every_road_passes_the_gate(posted: Site, sink: Witness) -> None:
    with transaction("test.optout", context=posted.context()) as unit:
        suppression.suppress(
            unit.session, posted.config.secret_keys, "Lea@example.org", suppression.OPT_OUT, unit.context.actor
        )
    queue(posted, "lea+x@example.org")
    bulk = Recipient("LEA@example.org", unsubscribe="https://zinc.example/u/1")
    queue(posted, "", to=(bulk,), kind="bulk", subject="News")
    send(posted)
    assert set(states(posted).values()) == {models.OPTED_OUT}
    assert sink.lines() == []


def test_f13_a_rollback_sends_nothing(posted: Site, sink: Witness) -> None:
    def fail() -> None:
        from core.exchange.mail.outbox import Draft, enqueue_mail

        with transaction("test.mail", context=posted.context()) as unit:
            enqueue_mail(unit, Draft(to=(Recipient("lea@example.org"),), subject="x", text="x"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert send(posted) == 0
    assert sink.lines() == []


def test_a_lease_that_ends_frees_a_row_of_another_machine(posted: Site) -> None:
    queue(posted, "lea@example.org")
    database = posted.runtime.database
    held = journal.claim(database, "sender of another machine", gate(posted), 10_000, 5.0)
    assert held is not None
    folder = presence_folder(posted.config.var)
    assert journal.recover(database, folder) == 0
    with database.connection() as connection:
        connection.execute(update(MailRecipient).values(lease_until=0.0))
    assert journal.recover(database, folder) == 1
    assert states(posted) == {"lea@example.org": "pending"}
    assert not journal.mark_data(database, held, 5.0), "who lost its row must not send it"


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_mail_of_an_account_is_emptied_once_it_was_sent(posted: Site, sink: Witness) -> None:
    """Its link opens the account, so that only the hash of the link is kept (A48)."""
    queue(posted, "lea@example.org", kind="account", text="open-sesame")
    queue(posted, "paul@example.org", text="Good morning")
    send(posted)
    assert sink.counts() == {"lea@example.org": 1, "paul@example.org": 1}
    with posted.runtime.database.reading() as session:
        bodies = {message.kind: message.body for message in session.scalars(select(MailMessage))}
    assert bodies == {"account": "", "single": "Good morning"}
