"""`comptoir sender`: neither jobs nor mail wait for each other; told to end it leaves nothing uncertain (F54, ML-5)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.exchange.mail.sender import send_due
from core.testing.site import Site
from tests.mail.post import Witness, queue, row, settings, states
from tests.probe.helpers import fetch
from tests.probe.jobbing import put, row as job_row
from tests.probe.workers import wait_for

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = pytest.mark.timeout(300)
Start = Callable[[Site, str], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Commands of Comptoir, in processes that end with the test."""
    living: list[subprocess.Popen[bytes]] = []

    def begin(site: Site, command: str) -> subprocess.Popen[bytes]:
        environment = {**site.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        living.append(subprocess.Popen([sys.executable, "-m", "core.cli", command], env=environment))
        return living[-1]

    yield begin
    for process in living:
        process.kill()
        process.wait()


def test_told_to_end_before_the_last_dot_it_sends_none(posted: Site, sink: Witness) -> None:
    """The server's word may take ten minutes, and whoever ends us does not wait so long."""
    queue(posted, "one@zinc.example")
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    send_due(posted.runtime, stop)
    found = row(posted, "one@zinc.example")
    assert (found.state, found.attempts, found.claim) == ("pending", 0, None)
    assert sink.lines() == []
    assert send_due(posted.runtime, lambda: False) == 1
    assert sink.counts() == {"one@zinc.example": 1}


@pytest.mark.slow
def test_sigterm_while_the_server_thinks(posted: Site, sink: Witness, start: Start) -> None:
    sink.play("slow 2")
    addresses = [f"p{number}@zinc.example" for number in range(3)]
    queue(posted, *addresses)
    sender = start(posted, "sender")
    wait_for(lambda: len(sink.lines()) == 1)  # it has the mail and has not said so
    sender.terminate()
    assert sender.wait(60) == 0
    fate = sorted(states(posted).values())
    assert fate == ["pending", "pending", "sent"], "the answer was waited for, and no other mail was begun"
    assert fetch(posted, "SELECT id FROM core_mail_recipient WHERE claim IS NOT NULL OR lease_until IS NOT NULL") == []
    sink.play()
    start(posted, "sender")
    wait_for(lambda: set(states(posted).values()) == {"sent"})
    assert sink.counts() == dict.fromkeys(addresses, 1)


@pytest.mark.slow
def test_neither_waits_for_the_other(shop: Site, sink: Witness, start: Start, tmp_path: Path) -> None:
    settings(shop, sink.port, end_of_data_seconds="60")
    sink.play("swallow slow@zinc.example 600")
    begun = tmp_path / "begun"
    endless = put(shop, "probe.slow", payload={"file": str(begun)})
    worker = start(shop, "worker")
    wait_for(begun.exists)
    queue(shop, "quick@zinc.example")
    start(shop, "sender")
    wait_for(lambda: states(shop)["quick@zinc.example"] == "sent")
    assert job_row(shop, endless).state == "running", "a mail does not wait for a job without end"
    queue(shop, "slow@zinc.example")
    wait_for(lambda: states(shop)["slow@zinc.example"] == "data")
    worker.terminate()
    assert worker.wait(60) == 0
    with shop.runtime.database.connection() as connection:
        connection.exec_driver_sql(
            "UPDATE core_job SET stop_requested = TRUE, state = 'stopped' WHERE name = 'probe.slow'"
        )
    counting = put(shop, "probe.once", payload={"place": 1})
    start(shop, "worker")
    wait_for(lambda: job_row(shop, counting).state == "done")
    assert states(shop)["slow@zinc.example"] == "data", "a job does not wait for a server that says nothing"
