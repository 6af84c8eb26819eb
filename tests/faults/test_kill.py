"""`kill -9` in the middle of writing and of delivering: what was committed is whole, the rest never was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.data.tables import JobRow
from core.jobs.worker import Worker
from core.testing.site import Site
from plugins.leads.models import Lead, OpenLeads
from tests.faults.integrity import check, operations
from tests.probe import script
from tests.probe.helpers import fetch, number_of
from tests.probe.models import Tally
from tests.probe.processes import start

pytest_plugins = ["tests.probe.fixtures"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = 10
WRITES = 200


class Nest:
    """Children of one process that has imported everything; each is killed or ends by itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, *words: object) -> int:
        """Start a child and return its id when it begins to work."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        heard = [self.hear(), self.hear()]
        assert ["ready"] in heard
        (child,) = (value[1] for value in heard if value[0] == "child")
        return int(child)

    def hear(self) -> list[Any]:
        """The next line."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read() if self._process.stderr else ""
        return list(json.loads(line))

    def complaint(self) -> str:
        """What the child that failed said about it."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def listen(self) -> Iterator[list[Any]]:
        """Lines until the child has ended; the last is ["ended", code]."""
        while True:
            heard = self.hear()
            yield heard
            if heard[0] == "ended":
                return


@contextmanager
def nest(site: Site) -> Iterator[Nest]:
    with start(site, "tests.faults.writer", "nest", stdin=subprocess.PIPE, start_new_session=True) as process:
        try:
            yield Nest(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the session we started, and nothing else


def killed(children: Nest, child: int, lines: int, pause: float) -> list[list[Any]]:
    """Let the child say so many lines, wait a moment, kill it; all that it said."""
    heard: list[list[Any]] = []
    for said in children.listen():
        if said[0] == "ended":
            assert said[1] in (-signal.SIGKILL, 0), children.complaint()
            break
        heard.append(said)
        if len(heard) == lines:
            time.sleep(pause)
            os.kill(child, signal.SIGKILL)
    return heard


def test_of_a_writer(shop: Site) -> None:
    """Ten times somewhere in 200 writes; then a run to the end."""
    dice = random.Random(20260301)
    said: list[int] = []
    with nest(shop) as children:
        for kill in range(KILLS):
            child = children.begin("write", kill, WRITES)
            heard = killed(children, child, dice.randint(1, WRITES - 60), dice.uniform(0, 0.02))
            said += [operation for _, operation in heard]
            check(shop)
        children.begin("write", KILLS, WRITES)
        *heard, ended = children.listen()
        assert ended == ["ended", 0]
        said += [operation for _, operation in heard]
    check(shop)
    assert len(said) > WRITES
    assert set(said) <= set(operations(shop))  # what was said to be done is done
    delivered = script_witness()
    drain(shop)
    assert set(delivered) == {operation for operation in operations(shop) if operation >= min(said)}
    check_open_leads(shop)


def test_of_the_job_worker(shop: Site) -> None:
    """Ten times somewhere in delivering: every change is told, and what the telling wrote is there once."""
    dice = random.Random(20260302)
    with nest(shop) as children:
        children.begin("write", 1, WRITES)
        *heard, _ended = children.listen()
        said = [operation for _, operation in heard]
        for _ in range(KILLS):
            child = children.begin("deliver")
            killed(children, child, dice.randint(1, 12), dice.uniform(0, 0.01))
            check(shop)
            let_leases_end(shop)
        witness = script_witness(Tally)
        drain(shop)
    assert witness  # something was left to do
    rows = {row.id: row.number for row in fetch(shop, "SELECT id, number FROM probe_tally")}
    assert rows == dict.fromkeys(said, 1)
    check_open_leads(shop)


def script_witness(table: type[Tally] | None = None) -> list[int]:
    """Operations the plugin `probe` is told of in this process from now on; written down as well where asked."""
    told: list[int] = []

    def witness(changes: Any, unit: Any) -> None:
        told.append(changes[0].operation)
        if table is not None:
            row = unit.session.get(table, told[-1]) or table(id=told[-1], number=0)
            row.number += 1
            unit.session.add(row)

    script.probe.committed = witness
    return told


def let_leases_end(site: Site) -> None:
    """As if the two minutes were over after which a killed worker's job is free again."""
    with site.runtime.database.connection() as connection:
        connection.execute(update(JobRow).where(JobRow.lease_until.is_not(None)).values(lease_until=0.0))


def drain(site: Site) -> None:
    """Do all jobs there are."""
    worker = Worker(site.runtime)
    while worker.run_one():
        pass
    assert fetch(site, "SELECT count(*) FROM core_job WHERE state <> 'done'") == [(0,)]
    assert number_of(site, "core_incident") == 0


def check_open_leads(site: Site) -> None:
    """The side effect of the bundled plugin: its count is right."""
    with site.runtime.database.reading() as session:
        live = session.scalar(select(func.count()).select_from(Lead).where(Lead.status.not_in(("qualified", "lost"))))
        counted = session.get(OpenLeads, 1)
        assert counted is not None
        assert counted.number == live
