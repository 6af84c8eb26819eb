"""What of the outbox is not kept for ever: old messages and files, links that ended (A48, G04); a stop between two (F54)."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select, update

from core.data.records import now
from core.exchange.mail import models
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.jobs.worker import Worker
from core.testing.site import Site
from tests.mail.post import Witness, queue, row, send, settings, states

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def age(site: Site, number: int, past: datetime.timedelta) -> None:
    """Let a message and its files be that old."""
    moment = now() - past
    with site.runtime.database.connection() as connection:
        connection.execute(update(MailMessage).where(MailMessage.id == number).values(created_at=moment))
        connection.execute(update(MailContent).values(created_at=moment))


def keep_house(site: Site) -> None:
    """The job, as the worker runs it."""
    from core.data.unit import transaction
    from core.jobs.enqueue import enqueue

    with transaction("test.job", context=site.context()) as unit:
        number = enqueue(unit, "core.mail_housekeeping", {}, label="Housekeeping of mail", owner=None)
    assert Worker(site.runtime).run_one(only=number)


def left(site: Site) -> set[int]:
    with site.runtime.database.reading() as session:
        return set(session.scalars(select(MailMessage.id)))


@pytest.mark.parametrize("state", [*models.ENDED, "pending", "deferred", "claimed", "data"])
def test_old_messages_go_with_their_files_unless_something_may_still_happen(site: Site, state: str) -> None:
    files = [Attachment("a.txt", b"x" * 10)]
    old, young = queue(site, "lea@example.org", attachments=files), queue(site, "paul@example.org")
    with site.runtime.database.connection() as connection:
        connection.execute(update(MailRecipient).values(state=state))
    age(site, old[0], 1_094 * DAY)
    keep_house(site)
    assert left(site) == {*old, *young}
    age(site, old[0], 1_096 * DAY)
    keep_house(site)
    gone = state in models.ENDED
    assert left(site) == ({*young} if gone else {*old, *young})
    with site.runtime.database.reading() as session:
        for model, number in ((MailAttachment, 1), (MailContent, 1), (MailRecipient, 2)):
            assert session.scalar(select(func.count()).select_from(model)) == number - gone


def test_how_long_is_a_setting(site: Site) -> None:
    settings(site, 2525, kept_days="30")
    (number,) = queue(site, "lea@example.org")
    with site.runtime.database.connection() as connection:
        connection.execute(update(MailRecipient).values(state="sent"))
    age(site, number, 31 * DAY)
    keep_house(site)
    assert left(site) == set()


def test_mails_of_accounts_go_after_a_month(site: Site) -> None:
    account, single = queue(site, "lea@example.org", kind="account"), queue(site, "paul@example.org")
    for number in (*account, *single):
        age(site, number, 31 * DAY)
    keep_house(site)
    assert left(site) == {*single}


@pytest.mark.parametrize("state", ["pending", "deferred", "failed", "cancelled", "uncertain", "local"])
@pytest.mark.parametrize("named", [True, False])
def test_a_link_that_ended_is_neither_sent_nor_kept(posted: Site, sink: Witness, state: str, named: bool) -> None:
    expires = now() + HOUR if named else None
    (number,) = queue(posted, "lea@example.org", kind="account", text="open-sesame", expires=expires)
    with posted.runtime.database.connection() as connection:
        connection.execute(update(MailRecipient).values(state=state))
    keep_house(posted)
    assert body(posted, number) == "open-sesame"
    with posted.runtime.database.connection() as connection:
        values = {"expires_at": now() - HOUR} if named else {"created_at": now() - 2 * DAY}
        connection.execute(update(MailMessage).values(values))
    keep_house(posted)
    assert body(posted, number) == ""
    assert states(posted)["lea@example.org"] == ("cancelled" if state in models.WAITING else state)
    assert send(posted) == 0
    admin = posted.browser()
    page = admin.get(f"/mail/outbox/{number}").text
    assert ("Its link ended before it could be sent" in page) is (state in models.WAITING)
    data = {"recipient": str(row(posted, "lea@example.org").id), "choice": "again"}
    answer = admin.post(f"/mail/outbox/{number}/decide", data)
    assert answer.status_code == 422
    assert "has ended" in answer.text


def body(site: Site, number: int) -> str:
    with site.runtime.database.reading() as session:
        return session.get_one(MailMessage, number).body


def test_what_is_on_its_way_keeps_its_text(posted: Site) -> None:
    (number,) = queue(posted, "lea@example.org", kind="account", text="open-sesame", expires=now() - HOUR)
    with posted.runtime.database.connection() as connection:
        connection.execute(
            update(MailRecipient).values(state="claimed", claim="somebody", lease_until=time.time() + 99)
        )
    keep_house(posted)
    assert body(posted, number) == "open-sesame"


def test_invitations_say_when_they_end(site: Site) -> None:
    admin = site.browser()
    admin.get("/users/new")
    answer = admin.post("/users/new", {"name": "Léa", "email": "lea@example.org", "role": "user", "active": "on"})
    assert answer.status_code == 303
    with site.runtime.database.reading() as session:
        expires = session.scalars(select(MailMessage.expires_at)).one()
    assert expires is not None
    assert 23 * HOUR < expires - now() <= 24 * HOUR


SENDER = """
import signal, threading
from core.config import Config
from core.exchange.mail.sender import send_due
from core.runtime.runtime import Runtime

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
runtime = Runtime(Config.from_environment())
runtime.start()
while not stop.is_set():
    send_due(runtime, stop.is_set)
"""


def test_f54_told_to_end_while_the_server_thinks_it_ends_after_that_mail(posted: Site, sink: Witness) -> None:
    sink.play("slow 2")
    queue(posted, "lea@example.org", "paul@example.org")
    environment = {**posted.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    sender = subprocess.Popen([sys.executable, "-c", SENDER], env=environment)
    deadline = time.monotonic() + 60
    while states(posted)["lea@example.org"] != "data":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    sender.send_signal(signal.SIGTERM)
    assert sender.wait(60) == 0
    assert states(posted) == {"lea@example.org": "sent", "paul@example.org": "pending"}
    with posted.runtime.database.reading() as session:
        assert set(session.scalars(select(MailRecipient.lease_until))) == {None}
    assert sink.counts() == {"lea@example.org": 1}
