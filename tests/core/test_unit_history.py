"""History, the job rows that tell the world, and one-time keys: all in the transaction they speak of."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.contract.changes import Actor
from core.data.history import Operation, PersonalValue, RecordChange, changed_since, summarise
from core.data.tables import JobRow, Submission
from core.data.unit import Unit, transaction
from core.errors import Refused, Veto
from core.jobs.worker import Worker
from core.testing.site import Site
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.probe.helpers import add, changes, edit, fetch, history, number_of, row_of, work
from tests.probe.models import Box, Label, Mark

pytest_plugins = ["tests.probe.fixtures"]


def dumped(entries: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(entry.change.kind, dict(entry.fields)) for entry in entries]


class TestHistory:
    def test_it_tells_what_happened(self, shop: Site) -> None:
        actor = Actor(7, "Ann", frozenset({"user"}))
        context = shop.context(actor)
        before = datetime.datetime.now(datetime.UTC)
        with transaction("box.create", cause="because", context=context) as unit:
            box = unit.add(Box(name="one", price=decimal.Decimal("1.50"), day=datetime.date(2026, 1, 2)))
            unit.notice("one thing to know")
        edit(shop, Box, box.id, name="two", price=None, state="packed")
        edit(shop, Box, box.id, sealed=True)
        entries = history(shop, Box, box.id)
        assert dumped(entries) == [
            ("created", {
                "name": (None, "one"), "price": (None, "1.50"), "day": (None, "2026-01-02"),
                "sealed": (None, "false"), "state": (None, "open"),
            }),
            ("updated", {"name": ("one", "two"), "price": ("1.50", None), "state": ("open", "packed")}),
            ("updated", {"sealed": ("false", "true")}),
        ]  # fmt: skip
        first = entries[0].operation
        assert (first.actor_id, first.actor_name, first.action) == (7, "Ann", "box.create")
        assert first.cause == "because; one thing to know"
        assert before <= first.at <= datetime.datetime.now(datetime.UTC)
        assert [entry.change.version for entry in entries] == [1, 2, 3]
        assert entries[0].change.title == "one"
        assert unit.operation == first.id

    def test_replayed_it_gives_the_record(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1))
        for number in range(2, 30):
            edit(shop, Box, box, number=number, notes=f"line {number}" if number % 3 else None)
        values: dict[str, Any] = {}
        for entry in history(shop, Box, box):
            for name, (old, new) in entry.fields.items():
                assert values.get(name) == old
                values[name] = new
        fields = shop.context().registry.entity("box").fields
        stored = row_of(shop, Box, box)
        assert {name for name, value in values.items() if value is not None} == {
            "name",
            "number",
            "notes",
            "sealed",
            "state",
        }
        assert all(fields[name].type.load(value) == stored[name] for name, value in values.items() if value)

    def test_several_records_of_one_operation(self, shop: Site) -> None:
        first, second = add(shop, Box(name="one"), Box(name="two"))
        with work(shop) as unit:
            unit.get(Box, first).number = 1
            unit.get(Box, second).number = 2
            unit.add(Lead(name="Ann"))
        found = [(entry.change.entity, entry.change.record_id) for entry in changes(shop, unit.operation)]
        assert sorted(found)[:2] == [("box", first), ("box", second)]
        with shop.runtime.database.reading() as session:
            operation = session.get(Operation, unit.operation)
            assert operation is not None
            summary = summarise(session, operation)
            assert (dict(summary.kinds), summary.total, summary.only) == ({"updated": 2, "created": 1}, 3, None)
            assert [entry.fields for entry in changed_since(session, "box", first, 1)] == [{"number": (None, "1")}]

    def test_the_bin(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        edit(shop, Box, box, deleted_at=datetime.datetime.now(datetime.UTC))
        with work(shop) as unit:
            record = unit.get(Box, box, deleted=True)
            record.deleted_at = None
            record.name = "two"
        assert dumped(history(shop, Box, box))[1:] == [("deleted", {}), ("restored", {"name": ("one", "two")})]

    def test_refused_units_leave_none(self, shop: Site) -> None:
        before = number_of(shop, "core_operation")
        with pytest.raises(Refused), work(shop) as unit:
            unit.add(Box(name="x" * 41))
        assert number_of(shop, "core_operation") == before

    def test_it_is_read_in_pages(self, shop: Site) -> None:
        from core.data.history import history_of

        (box,) = add(shop, Box(name="one"))
        for number in range(5):
            edit(shop, Box, box, number=number)
        with shop.runtime.database.reading() as session:
            newest = history_of(session, "box", box, limit=2)
            older = history_of(session, "box", box, limit=2, before=newest[-1].change.id)
        assert [entry.fields["number"][1] for entry in (*newest, *older)] == ["4", "3", "2", "1"]


class TestPersonalValues:
    SECRETS = ("ann@example.com", "bob@example.com", "Ann Privé", "secret remark", "+33199000001")

    def test_they_stand_in_value_rows_only(self, shop: Site) -> None:
        with transaction("add", context=shop.context()) as unit:
            company = unit.add(ThirdParty(name="Zinc", email="ann@example.com", phone="+33199000001"))
            box = unit.add(Box(name="one", owner="ann@example.com"))
            unit.session.flush()
            unit.facet(Mark, company.id).remark = "secret remark"
            label = unit.add(Label(person="Ann Privé", box=box.id))
        edit(shop, Box, box.id, owner="bob@example.com")
        edit(shop, Label, label.id, deleted_at=datetime.datetime.now(datetime.UTC))
        for table in (Operation, RecordChange):
            text = repr(fetch(shop, select(table.__table__)))
            assert not [secret for secret in self.SECRETS if secret in text], table.__tablename__
        values = [(row.entity, row.field, row.old, row.new) for row in fetch(shop, select(PersonalValue.__table__))]
        assert ("box", "owner", "ann@example.com", "bob@example.com") in values
        assert ("thirdparty", "probe.remark", None, "secret remark") in values
        assert ("label", "person", None, "Ann Privé") in values
        assert history(shop, Box, box.id)[1].fields == {"owner": ("ann@example.com", "bob@example.com")}
        assert history(shop, Label, label.id)[0].change.title == f"#{label.id}"

    def test_erasure_may_blank_them(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", owner="ann@example.com"))
        with shop.runtime.database.connection() as connection:
            connection.execute(update(PersonalValue).values(old=None, new=None))
        assert history(shop, Box, box)[0].fields["owner"] == (None, None)


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            update(Operation).values(actor_name="Somebody else"),
            delete(Operation),
            update(RecordChange).values(title="another"),
            delete(RecordChange),
            delete(PersonalValue),
        ],
        ids=["update operation", "delete operation", "update change", "delete change", "delete value"],
    )
    def test_the_database_refuses(self, shop: Site, statement: Any) -> None:
        add(shop, Box(name="one", owner="ann@example.com"))
        before = fetch(shop, "SELECT count(*), min(title), max(title) FROM core_change")
        with (
            pytest.raises(DBAPIError, match="history is append-only"),
            shop.runtime.database.connection() as connection,
        ):
            connection.execute(statement)
        assert fetch(shop, "SELECT count(*), min(title), max(title) FROM core_change") == before

    def test_truncate_too(self, shop: Site) -> None:
        if shop.runtime.database.is_sqlite:
            return  # there is no such statement
        add(shop, Box(name="one"))
        with (
            pytest.raises(DBAPIError, match="history is append-only"),
            shop.runtime.database.connection() as connection,
        ):
            connection.exec_driver_sql("TRUNCATE core_operation, core_change, core_change_value CASCADE")


def jobs(site: Site) -> list[tuple[str, str, str, dict[str, Any]]]:
    rows = fetch(site, select(JobRow.__table__).order_by(JobRow.__table__.c.id))
    return [(row.name, row.plugin, row.state, row.payload) for row in rows]


class TestJobRows:
    def test_one_per_listener_in_the_same_transaction(self, shop: Site) -> None:
        with work(shop) as unit:
            unit.add(Box(name="one"))
        payload = {"operation": unit.operation}
        assert jobs(shop) == [
            ("changes_committed", "leads", "ready", payload), ("changes_committed", "probe", "ready", payload),
        ]  # fmt: skip
        keys = [row.unique_key for row in fetch(shop, "SELECT unique_key FROM core_job ORDER BY id")]
        assert keys == [f"changes:leads:{unit.operation}", f"changes:probe:{unit.operation}"]

    def test_gone_with_a_rollback(self, shop: Site) -> None:
        """What fails after the row was written takes it along."""

        class Failing(Unit):
            def finish(self) -> None:
                self.session.commit = self._fail  # type: ignore[method-assign]
                super().finish()

            def _fail(self) -> None:
                assert self.session.connection().exec_driver_sql("SELECT count(*) FROM core_job").scalar_one() == 2
                raise IntegrityError("COMMIT", None, Exception("lost"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("core.data.unit.Unit", Failing)
            with pytest.raises(Refused), work(shop) as unit:
                unit.add(Box(name="one"))
        assert jobs(shop) == []
        assert number_of(shop, "probe_box") == 0

    def test_none_for_refused_and_empty_units(self, shop: Site) -> None:
        def refuse(told: Any) -> None:
            raise Veto("no")

        script.probe.changing = refuse
        with pytest.raises(Veto):
            add(shop, Box(name="one"))
        with work(shop):
            pass
        assert jobs(shop) == []

    def test_the_worker_delivers_what_history_holds(self, shop: Site) -> None:
        told: list[Any] = []
        script.probe.committed = lambda changes, unit: told.extend(
            (change.kind, dict(change.old), dict(change.new), change.actor.name, change.operation) for change in changes
        )
        actor = Actor(None, "Comptoir")
        (box,) = add(shop, Box(name="one", owner="ann@example.com"))
        operation = edit(shop, Box, box, name="two", owner=None)
        worker = Worker(shop.runtime)
        while worker.run_one():
            pass
        created = {"name": "one", "owner": "ann@example.com", "sealed": False, "state": "open"}
        changed = ({"name": "one", "owner": "ann@example.com"}, {"name": "two", "owner": None})
        assert told == [
            ("created", {}, created, actor.name, operation - 1), ("updated", *changed, actor.name, operation),
        ]  # fmt: skip
        assert {state for _, _, state, _ in jobs(shop)} == {"done"}


class TestOneTimeKeys:
    def test_the_second_submit_writes_nothing(self, shop: Site) -> None:
        def submit() -> Unit:
            with work(shop) as unit:
                box = unit.add(Box(name="one"))
                unit.session.flush()
                unit.claim("key-1", f"/boxes/{box.id}", 7)
            return unit

        first = submit()
        with pytest.raises(Refused):
            submit()
        assert number_of(shop, "probe_box") == 1
        with shop.runtime.database.reading() as session:
            found = session.get(Submission, "key-1")
            assert found is not None
            assert (found.operation_id, found.user_id, found.location) == (first.operation, 7, "/boxes/1")

    def test_a_refused_submit_leaves_the_key_free(self, shop: Site) -> None:
        def submit(unit: Unit) -> None:
            unit.claim("key-1", "/", 7)
            unit.add(Box(name="x" * 41))

        with pytest.raises(Refused), work(shop) as unit:
            submit(unit)
        with work(shop) as unit:
            unit.claim("key-1", "/", 7)
        assert number_of(shop, "core_submission") == 1

    def test_a_form_sent_twice_makes_one_record(self, shop: Site) -> None:
        browser = shop.browser()
        page = browser.get("/thirdparties/new").text
        key = page.split('name="key" value="')[1].split('"')[0]
        answers = [browser.post("/thirdparties/new", {"name": "Zinc", "key": key}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [303] * 3
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert number_of(shop, "thirdparty_thirdparty") == 1
