"""Each job of the core is killed once in the middle, and done by a second start: all of it, and once (F53, ML-5, US-4)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.data.history import Operation, RecordChange
from core.data.records import Record
from core.data.tables import JobRow
from core.exchange.accounts import ask_for_reset
from core.exchange.mail.many import MAIL_MANY, many_payload
from core.exchange.mail.models import MailMessage, MailRecipient
from core.features.bulk import DELETE, EDIT
from core.features.file_store import FileStore
from core.features.notifications import Choice, write_choices
from core.features.undo_job import UNDO, standing
from core.jobs import results
from core.jobs.enqueue import enqueue
from core.jobs.worker import Worker
from core.testing.site import Site
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, fetch, work
from tests.probe.jobbing import put, row
from tests.probe.workers import AT_THE_CLAIM, Forks, survive_a_kill

pytest_plugins = ["tests.probe.fixtures"]
Survive = Callable[[int, int], None]


@pytest.fixture
def survive(shop: Site, forks: Forks, tmp_path: Path) -> Survive:
    """Kill a worker in that step of that job, and let a second one do the rest."""
    return lambda job, step: survive_a_kill(shop.runtime, forks, tmp_path / "killed.log", job, step)


def leads(site: Site, number: int) -> list[int]:
    return add(site, *(Lead(name=f"Lead {at}") for at in range(number)))


def statuses(site: Site) -> dict[str, int]:
    table = Lead.__table__
    live = select(table.c.status, func.count()).where(table.c.deleted_at.is_(None)).group_by(table.c.status)
    return {status: number for status, number in fetch(site, live)}


def changed(site: Site, job: int) -> list[int]:
    """The records this job changed, as often as it did."""
    by_it = select(RecordChange.record_id).join(Operation, Operation.id == RecordChange.operation_id)
    return sorted(number for (number,) in fetch(site, by_it.where(Operation.job_id == job)))


def drain(site: Site) -> None:
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


def bulk_edit(site: Site, ids: list[int]) -> int:
    payload = {"entity": "lead", "ids": ids, "field": "status", "value": "tocall"}
    with work(site, "start") as unit:
        return enqueue(unit, EDIT, payload, label="Edit", module="leads")


def test_a_change_of_many_rows(shop: Site, survive: Survive) -> None:
    ids = leads(shop, 510)
    job = bulk_edit(shop, ids)
    survive(job, 2)
    assert statuses(shop) == {"tocall": 510}
    assert changed(shop, job) == ids
    assert (row(shop, job).done, row(shop, job).errors) == (510, 0)


def test_a_deletion_of_many_rows(shop: Site, survive: Survive) -> None:
    ids = leads(shop, 510)
    with work(shop, "start") as unit:
        job = enqueue(unit, DELETE, {"entity": "lead", "ids": ids}, label="Delete", module="leads")
    survive(job, 2)
    assert statuses(shop) == {}
    assert changed(shop, job) == ids


def test_taking_back_what_a_job_did(shop: Site, survive: Survive) -> None:
    ids = leads(shop, 510)
    done = bulk_edit(shop, ids)
    drain(shop)
    with work(shop, "start") as unit:
        operations = standing(unit.session, done)
        assert len(operations) == 2
        job = enqueue(unit, UNDO, {"job": done, "operations": operations}, label="Undo")
    survive(job, 2)
    assert statuses(shop) == {"new": 510}
    assert changed(shop, job) == ids
    assert row(shop, job).errors == 0


@pytest.mark.parametrize("step", [AT_THE_CLAIM, 1])
def test_the_mail_of_a_notification(shop: Site, survive: Survive, step: int) -> None:
    for name in ("Alice", "Paul"):
        shop.add_person(name)
    paul = shop.people["Paul"].id
    assert paul is not None
    with shop.runtime.database.connection() as connection:
        write_choices(connection, paul, {"assigned": Choice(bell=True, mail=True)})
    with work(shop, "assign", shop.people["Alice"]) as unit:
        unit.add(ThirdParty(name="Zinc", representatives=(paul,)))
    ((job,),) = fetch(shop, "SELECT id FROM core_job WHERE name = 'core.notification_mail'")
    survive(job, step)
    assert len(fetch(shop, select(MailMessage.__table__.c.id))) == 1


def test_a_password_that_was_forgotten(shop: Site, survive: Survive) -> None:
    shop.add_person("Alice")
    with work(shop, "reset") as unit:
        ask_for_reset(unit, "alice@test.example")
    ((job,),) = fetch(shop, select(JobRow.__table__.c.id).where(JobRow.__table__.c.owner_id.is_(None), JobRow.__table__.c.name.like("%reset%")))  # fmt: skip
    survive(job, 1)
    assert len(fetch(shop, select(MailMessage.__table__.c.id))) == 1


def test_mail_to_many(shop: Site, survive: Survive) -> None:
    shop.add_person("Alice")
    made: list[Record] = [ThirdParty(name=f"Firm {at}", email=f"firm{at}@firm.example") for at in range(60)]
    ids = add(shop, *made)
    with work(shop, "start", shop.people["Alice"]) as unit:
        entity = unit.context.registry.entity("thirdparty")
        payload = many_payload(entity, ids, "Hello", "Hello", "en", [])
        job = enqueue(unit, MAIL_MANY, payload, label="Mail", module="thirdparty")
    survive(job, 2)
    to = fetch(shop, select(MailRecipient.__table__.c.address))
    assert sorted(address for (address,) in to) == sorted(f"firm{at}@firm.example" for at in range(60))


def test_the_sweep_of_files(shop: Site, survive: Survive) -> None:
    """Housekeeping: a file without a row goes aside, one with a row stays."""
    store = FileStore(shop.config.files)
    stray = store.folder / "ab" / ("ab" + "0" * 30)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"nobody's")
    os.utime(stray, (time.time() - 90_000,) * 2)
    job = put(shop, "core.housekeeping")
    survive(job, AT_THE_CLAIM)
    assert not stray.exists()
    assert [path.read_bytes() for path in store.folder.rglob(stray.name)] == [b"nobody's"]


def test_a_file_for_its_owner(shop: Site, forks: Forks, tmp_path: Path) -> None:
    """Killed when half of it is written: what its row names is the whole one."""
    number = put(shop, "probe.file", payload={"marker": str(tmp_path / "marker")})
    first = forks.start(shop.config, tmp_path / "log")
    first.join(90)
    assert first.exitcode == -9
    assert row(shop, number).file is None
    with shop.runtime.database.connection() as connection:
        connection.exec_driver_sql("UPDATE core_job SET lease_until = 1")
    drain(shop)
    found = row(shop, number)
    assert found.state == "done"
    assert results.path_of(shop.config.var, found.file).read_bytes() == b"half of it, and the rest"
    kept = [file.name for file in results.folder_of(shop.config.var).iterdir() if file.suffix != results.PART]
    assert kept == [found.file]
