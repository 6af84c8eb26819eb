"""`kill -9` of the real sender, again and again, while it sends (ML-5, F01, F02): the witness counts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select

from core.exchange.mail.models import MailRecipient
from core.testing.site import Site
from tests.mail.post import Witness, people, queue, states

pytestmark = pytest.mark.usefixtures("agreeing")
PATIENCE = 400.0


def start_worker(site: Site) -> subprocess.Popen[bytes]:
    """The command `comptoir sender`, in a process of its own."""
    environment = {**site.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    program = "from core.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", program, "sender"], env=environment, stderr=subprocess.DEVNULL)


def count(site: Site, *wanted: str) -> int:
    """How many recipients are in these states."""
    with site.runtime.database.reading() as session:
        statement = select(func.count()).select_from(MailRecipient).where(MailRecipient.state.in_(wanted))
        return int(session.scalar(statement) or 0)


def kill_while_sending(site: Site, sink: Witness, messages: int, kills: int) -> None:
    """Kill the worker at random moments spread over the work, then let one finish."""
    random.seed(5)
    addresses = people(messages)
    queue(site, *addresses)
    deadline = time.monotonic() + PATIENCE
    done_before = 0
    for number in range(kills):
        worker = start_worker(site)
        least = max(done_before + 1, messages * number // (kills + 1))
        while count(site, "sent") < least:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(random.uniform(0.0, 0.03))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        done_before = count(site, "sent")
    assert done_before < messages, "the kills came while there was work"
    worker = start_worker(site)
    while count(site, "pending", "claimed", "data", "deferred"):
        assert worker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.terminate()
    assert worker.wait(30) == 0
    found, fate = sink.counts(), states(site)
    doubled = {address: number for address, number in found.items() if number > 1}
    assert not doubled, doubled
    lost = [address for address in addresses if not found[address] and fate[address] != "uncertain"]
    assert not lost, lost
    invented = [address for address in addresses if fate[address] == "sent" and not found[address]]
    assert not invented, invented
    assert set(fate.values()) <= {"sent", "uncertain"}
    assert sum(state == "uncertain" for state in fate.values()) <= kills


@pytest.mark.timeout(300)
def test_f01_f02_three_kills(posted: Site, sink: Witness) -> None:
    kill_while_sending(posted, sink, 200, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_f01_f02_twenty_five_kills(posted: Site, sink: Witness) -> None:
    kill_while_sending(posted, sink, 2_000, 25)
