"""The pages of jobs, bulk actions that become one, and taking back what it did (UX 2.0, 2.1, US-4).

Every test ends with a `kill -9` and a second start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from core.data.history import Operation, RecordChange
from core.data.tables import JobRow
from core.data.unit import transaction
from core.features.bulk import EDIT
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun, Step
from core.jobs.worker import Worker
from core.testing import Browser, Site
from plugins.leads.models import Lead
from tests.probe.helpers import add, fetch
from tests.probe.workers import Forks, survive_a_kill

pytest_plugins = ["tests.probe.fixtures"]

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _survives_a_kill(sales: Site, forks: Forks, tmp_path: Path) -> Iterator[None]:
    """Every test ends with a `kill -9` in the middle of a change of many rows, and a second start that does it once."""
    yield
    ids = make_leads(sales, 3, "Killed")
    with transaction("test", context=sales.context()) as unit:
        payload = {"entity": "lead", "ids": ids, "field": "status", "value": "tocall"}
        number = enqueue(unit, EDIT, payload, label="Killed", owner=None, module="leads")
    survive_a_kill(sales.runtime, forks, tmp_path / "killed.log", number)
    changes = (
        select(RecordChange.record_id)
        .join(Operation, Operation.id == RecordChange.operation_id)
        .where(Operation.job_id == number)
    )
    assert sorted(record_id for (record_id,) in fetch(sales, changes)) == ids


def drain(site: Site) -> None:
    """Do all jobs there are."""
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


def make_leads(site: Site, number: int, prefix: str = "Lead") -> list[int]:
    return add(site, *(Lead(name=f"{prefix} {place:04}") for place in range(number)))


def statuses(site: Site) -> dict[str, int]:
    table = Lead.__table__
    live = select(table.c.status, func.count()).where(table.c.deleted_at.is_(None)).group_by(table.c.status)
    return {status: number for status, number in fetch(site, live)}


def start_bulk(browser: Browser, **typed: Any) -> str:
    """Post the bulk form for the whole list; the address of the job's page."""
    browser.get("/leads")
    answer = browser.post("/leads/bulk", {"action": "set", "value": "tocall", "all": "1", **typed})
    assert answer.status_code == 303, answer.text
    assert re.fullmatch(r"/jobs/\d+", answer.headers["Location"])
    return str(answer.headers["Location"])


def set_row(site: Site, path: str, **values: Any) -> None:
    with site.runtime.database.connection() as connection:
        connection.execute(update(JobRow).where(JobRow.id == int(path.rpartition("/")[2])).values(values))


def stop_after(monkeypatch: pytest.MonkeyPatch, browser: Browser, path: str, done: int) -> None:
    """Press Stop when so many are done."""
    take = JobRun._take

    def take_then_stop(run: JobRun, step: Step) -> None:
        take(run, step)
        if run.done == done:
            browser.post(f"{path}/stop")

    monkeypatch.setattr(JobRun, "_take", take_then_stop)


def start(site: Site, owner: str | None, **more: Any) -> str:
    """A job of somebody; the address of its page."""
    with transaction("test", context=site.context()) as unit:
        number = enqueue(
            unit, "leads.recount", {}, label="Count", owner=site.people[owner].id if owner else None, **more
        )
    return f"/jobs/{number}"


class TestBulk:
    def test_up_to_fifty_rows_are_done_at_once(self, sales: Site) -> None:
        make_leads(sales, 50)
        browser = sales.browser()
        browser.get("/leads")
        answer = browser.post("/leads/bulk", {"action": "set", "value": "tocall", "all": "1"})
        assert "/jobs/" not in answer.headers["Location"]
        assert statuses(sales) == {"tocall": 50}

    def test_more_are_a_job_that_undo_takes_back(self, sales: Site) -> None:
        make_leads(sales, 1_100)
        browser = sales.browser()
        path = start_bulk(browser)
        assert statuses(sales) == {"new": 1_100}, "not in the request"
        assert "in 1,100 rows" in browser.get(path).text
        drain(sales)
        assert statuses(sales) == {"tocall": 1_100}
        page = browser.get(path).text
        assert "1,100 of 1,100" in page
        assert "1,100 changed" in page
        operations = fetch(sales, "SELECT id, cause FROM core_operation WHERE action = 'lead.bulk_edit'")
        assert len(operations) == 3
        assert len({row.cause for row in operations}) == 1
        answer = browser.post(f"{path}/undo")
        assert answer.status_code == 303
        again = browser.post(f"{path}/undo")
        assert again.headers["Location"] == answer.headers["Location"], "a second click leads to the same job"
        drain(sales)
        assert statuses(sales) == {"new": 1_100}
        assert "1,100 taken back" in browser.get(answer.headers["Location"]).text
        assert f'action="{path}/undo"' not in browser.get(path).text

    def test_undo_is_for_what_stood_at_its_click(self, sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """The job is tried again before the undo runs: what it does then was not to be taken back."""
        make_leads(sales, 1_100)
        browser = sales.browser()
        path = start_bulk(browser)
        with monkeypatch.context() as meanwhile:
            stop_after(meanwhile, browser, path, 500)
            drain(sales)
        undoing = browser.post(f"{path}/undo").headers["Location"]
        set_row(sales, undoing, run_at=4e9)
        browser.post(f"{path}/retry")
        drain(sales)
        assert statuses(sales) == {"tocall": 1_100}
        set_row(sales, undoing, run_at=0.0)
        drain(sales)
        assert statuses(sales) == {"tocall": 600, "new": 500}
        assert "500 taken back" in browser.get(undoing).text

    def test_the_rows_are_those_of_the_click(self, sales: Site) -> None:
        make_leads(sales, 60, "Seen")
        make_leads(sales, 5, "Other")
        browser = sales.browser()
        start_bulk(browser, query="q=Seen")
        make_leads(sales, 5, "Seen later")
        drain(sales)
        assert statuses(sales) == {"tocall": 60, "new": 10}

    def test_a_filter_that_is_not_understood_selects_nothing(self, sales: Site) -> None:
        make_leads(sales, 60)
        browser = sales.browser()
        browser.get("/leads")
        answer = browser.post("/leads/bulk", {"action": "delete", "all": "1", "query": "f=nothing:is:1"})
        assert answer.status_code == 422
        assert "cannot be selected at once" in answer.text

    def test_a_veto_costs_only_its_own_rows(self, sales: Site) -> None:
        ids = make_leads(sales, 600)
        with transaction("reason", context=sales.context()) as unit:
            for number, lead in enumerate(unit.session.scalars(select(Lead).order_by(Lead.id))):
                lead.lost_reason = None if number in (7, 333) else "budget"
        browser = sales.browser()
        path = start_bulk(browser, value="lost")
        drain(sales)
        assert statuses(sales) == {"lost": 598, "new": 2}
        page = browser.get(path).text
        assert "598 changed, 2 refused" in page
        assert "600 of 600 · 2 errors" in page
        assert "Say why Lead 0333 is lost" in page
        assert len(ids) == 600

    def test_deleting_many(self, sales: Site) -> None:
        make_leads(sales, 70)
        browser = sales.browser()
        path = start_bulk(browser, action="delete")
        drain(sales)
        assert statuses(sales) == {}
        assert "70 moved to the trash" in browser.get(path).text
        browser.post(f"{path}/undo")
        drain(sales)
        assert statuses(sales) == {"new": 70}

    def test_rights_that_went_meanwhile_end_it(self, sales: Site) -> None:
        make_leads(sales, 60)
        path = start_bulk(sales.browser("Paul", "user"))
        with sales.runtime.database.connection() as connection:
            connection.exec_driver_sql("UPDATE core_user SET role = 'nobody' WHERE name = 'Paul'")
        drain(sales)
        assert statuses(sales) == {"new": 60}
        assert "You may not do this" in sales.browser("Alice").get(path).text

    def test_the_job_of_somebody_who_left_stops(self, sales: Site) -> None:
        make_leads(sales, 60)
        path = start_bulk(sales.browser("Paul", "user"))
        with sales.runtime.database.connection() as connection:
            connection.exec_driver_sql("UPDATE core_user SET active = FALSE WHERE name = 'Paul'")
        drain(sales)
        assert statuses(sales) == {"new": 60}
        page = sales.browser("Alice").get(path).text
        assert "Stopped" in page
        assert "deactivated" in page

    def test_it_waits_while_the_module_of_its_rows_is_off(self, sales: Site) -> None:
        make_leads(sales, 60)
        browser = sales.browser()
        path = start_bulk(browser)
        sales.disable("leads")
        drain(sales)
        assert "Waiting for the module Leads" in browser.get(path).text
        sales.enable("leads")
        drain(sales)
        assert statuses(sales) == {"tocall": 60}

    def test_the_list_offers_all_its_rows(self, sales: Site) -> None:
        make_leads(sales, 60)
        browser = sales.browser()
        page = browser.get("/leads?q=Lead").text
        assert "Select all 60" in page
        chosen = browser.get("/leads?q=Lead&all=1").text
        assert chosen.count(" checked disabled") == 50
        assert '<input type="hidden" name="query" value="q=Lead">' in chosen


class TestPages:
    def test_it_says_how_far_it_is(self, sales: Site) -> None:
        browser = sales.browser("Alice")
        path = start(sales, "Alice")
        moment = 1_000_000.0
        set_row(
            sales, path, state="running", lease="x", lease_until=moment * 1e6, done=340, total=1_248, errors=2,
            started_at=1.0, started_done=0,
        )  # fmt: skip
        page = browser.get(path).text
        assert re.search(r"340 of 1,248 · 2 errors · about [\d,]+ min left", page)
        assert re.search(r'<progress [^>]*value="340" max="1248"', page)
        assert f'action="{path}/stop"' in page
        assert f'hx-get="{path}"' in page
        assert f'href="{path}"' in page, "a link for who has no script"

    def test_neither_page_loads_what_a_job_is_given(self, sales: Site) -> None:
        """A payload may name 100,000 records, and the page is looked at every second."""
        browser = sales.browser("Alice")
        path = start(sales, "Alice")
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        engine = sales.runtime.database.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            browser.get("/jobs")
            browser.get(path)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        of_jobs = [statement for statement in seen if "FROM core_job" in statement]
        assert of_jobs
        assert not [statement for statement in of_jobs if "payload" in statement]

    def test_the_part_that_changes_comes_alone(self, sales: Site) -> None:
        browser = sales.browser("Alice")
        path = start(sales, "Alice")
        part = browser.get(path, headers=FRAGMENT).text
        assert part.lstrip().startswith("<section")
        assert "load delay:1s" in part
        set_row(sales, path, run_at=1.0)
        assert "load delay:5s" in browser.get(path, headers=FRAGMENT).text
        drain(sales)
        assert "hx-trigger" not in browser.get(path, headers=FRAGMENT).text

    def test_in_french(self, sales: Site) -> None:
        browser = sales.browser("Lea", language="fr")
        path = start(sales, "Lea")
        set_row(sales, path, state="running", lease="x", lease_until=1e12, done=340, total=1_248, errors=2)
        page = browser.get(path).text
        assert "340 sur 1\N{NARROW NO-BREAK SPACE}248 · 2 erreurs" in page
        assert "Arrêter" in page
        set_row(sales, path, state="parked")
        assert "Réessayer" in browser.get(path).text
        assert "Traitements" in browser.get("/").text

    def test_stop_while_it_waits_and_retry(self, sales: Site) -> None:
        browser = sales.browser("Alice")
        path = start(sales, "Alice")
        assert browser.post(f"{path}/stop").status_code == 303
        drain(sales)
        assert "Stopped" in browser.get(path).text
        assert browser.post(f"{path}/stop").status_code == 409
        assert browser.post(f"{path}/retry").status_code == 303
        assert browser.post(f"{path}/retry").status_code == 409
        drain(sales)
        assert "Done" in browser.get(path).text

    def test_stop_while_it_runs_keeps_what_is_done(self, sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        make_leads(sales, 1_100)
        browser = sales.browser()
        path = start_bulk(browser)
        stop_after(monkeypatch, browser, path, 500)
        drain(sales)
        assert statuses(sales) == {"tocall": 500, "new": 600}
        page = browser.get(path).text
        assert "Stopped. What was done until then stays." in page
        assert "500 of 1,100" in page
        browser.post(f"{path}/retry")
        drain(sales)
        assert statuses(sales) == {"tocall": 1_100}


class TestWhoSeesWhat:
    @pytest.mark.parametrize(("method", "part"), [
        ("get", ""), ("get", "/file"), ("post", "/stop"), ("post", "/retry"), ("post", "/undo"),
    ])  # fmt: skip
    def test_somebody_elses_job_is_not_there(self, sales: Site, method: str, part: str) -> None:
        sales.browser("Alice", "user")
        paul = sales.browser("Paul", "user")
        for path in (start(sales, "Alice"), start(sales, None)):
            paul.get("/jobs")
            assert getattr(paul, method)(f"{path}{part}").status_code == 404
            assert path not in paul.get("/jobs").text

    def test_administrators_see_all_but_take_no_files(self, sales: Site) -> None:
        paul = sales.browser("Paul", "user")
        alice = sales.browser("Alice")
        path = start(sales, "Paul")
        make_file(sales, path, "list.csv")
        assert path in alice.get("/jobs").text
        assert "Paul" in alice.get(path).text
        assert alice.get(f"{path}/file").status_code == 404
        with paul.get(f"{path}/file") as answer:
            assert answer.status_code == 200

    def test_a_person_cannot_flood_the_queue(self, sales: Site) -> None:
        make_leads(sales, 60)
        browser = sales.browser("Paul", "user")
        for _number in range(50):
            start(sales, "Paul")
        browser.get("/leads")
        answer = browser.post("/leads/bulk", {"action": "set", "value": "tocall", "all": "1"})
        assert answer.status_code == 422
        assert "Wait for some of them" in answer.text


def make_file(site: Site, path: str, name: str) -> None:
    """As a job would have left it."""
    from core.jobs.results import written

    with written(site.config.var) as (stored, handle):
        handle.write(b"a;b\n")
    set_row(site, path, file=stored, file_name=name, file_type="text/csv", state="done")


class TestFiles:
    def test_it_is_downloaded_never_shown(self, sales: Site) -> None:
        browser = sales.browser("Alice")
        path = start(sales, "Alice")
        assert browser.get(f"{path}/file").status_code == 404
        make_file(sales, path, 'li"st\r\n.csv')
        assert f'href="{path}/file"' in browser.get(path).text
        with browser.get(f"{path}/file") as answer:
            assert answer.data == b"a;b\n"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
