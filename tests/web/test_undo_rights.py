"""Undo goes as far as one's rights today, and what it says is for who asked (US-4, T33 to T36, T39)."""

from __future__ import annotations

import html

import pytest
from sqlalchemy import insert, select

from core.access.models import Role, RoleRight
from core.data.history import Operation, RecordChange
from core.data.tables import bump
from core.data.unit import transaction
from core.jobs.worker import Worker
from core.testing.site import Browser, Site
from tests.web.pages import create, operation_of
from tests.web.people import Firm, open_firm
from tests.web.test_access import dump
from tests.web.test_scopes import assign, names_in

VERBS = ("view", "create", "edit", "delete")


@pytest.fixture
def firm(sales: Site) -> Firm:
    return open_firm(sales)


def let(site: Site, role: str, **verbs: str) -> None:
    """Say what a role may do with third parties: `edit="none"`."""
    with transaction("test.rights", context=site.context()) as unit:
        for verb, reach in verbs.items():
            key = (role, f"thirdparty.{verb}")
            right = unit.session.get(RoleRight, key) or RoleRight(role=role, permission=key[1])
            right.reach = reach
            unit.session.add(right)
        bump(unit.session.connection())


@pytest.fixture
def clerk(sales: Site) -> Browser:
    with transaction("test.role", context=sales.context()) as unit:
        unit.session.add(Role(code="clerk", label="Clerk", second_factor=False))
    let(sales, "clerk", **dict.fromkeys(VERBS, "all"))
    return sales.browser("Clara", "clerk")


class TestRights:
    def test_an_edit_needs_the_right_to_edit(self, sales: Site, clerk: Browser) -> None:
        number = create(clerk, name="Zinc", town="Lyon")
        done = clerk.post(f"/thirdparties/{number}/status", {"field": "town", "value": "Nantes"})
        let(sales, "clerk", edit="none")
        before = dump(sales)
        assert clerk.post(f"/undo/{operation_of(done)}").status_code == 403
        assert dump(sales) == before

    @pytest.mark.parametrize("way", ["create", "delete"])
    def test_what_deletes_or_restores_needs_the_right_to_delete(self, sales: Site, clerk: Browser, way: str) -> None:
        clerk.get("/thirdparties/new")
        done = clerk.post("/thirdparties/new", {"name": "Zinc"})
        number = int(done.headers["Location"].split("/")[2].split("?")[0])
        if way == "delete":
            done = clerk.post(f"/thirdparties/{number}/delete")
        let(sales, "clerk", delete="none")
        before = dump(sales)
        assert clerk.post(f"/undo/{operation_of(done)}").status_code == 403
        assert dump(sales) == before
        let(sales, "clerk", delete="all")
        assert clerk.post(f"/undo/{operation_of(done)}").status_code == 303

    def test_taking_a_job_back_asks_too(self, sales: Site, clerk: Browser) -> None:
        with transaction("test.many", context=sales.context(sales.people["Clara"])) as unit:
            from plugins.thirdparty.models import ThirdParty

            for number in range(60):
                unit.add(ThirdParty(name=f"Zinc {number}"))
        clerk.get("/thirdparties")
        started = clerk.post("/thirdparties/bulk", {"all": "1", "query": "", "value": "contacted"})
        run_all(sales)
        job = started.headers["Location"].split("?")[0]
        assert "60 changed" in clerk.get(job).text
        let(sales, "clerk", edit="none")
        undoing = clerk.post(f"{job}/undo")
        assert undoing.status_code == 303
        run_all(sales)
        assert "You may no longer change this in Third parties" in clerk.get(undoing.headers["Location"]).text
        with sales.runtime.database.reading() as session:
            statuses = set(session.scalars(select(ThirdParty.contact_status)))
        assert statuses == {"contacted"}


def run_all(site: Site) -> None:
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


class TestWhatIsSaid:
    def test_refusals_are_for_who_asked_and_not_in_history(self, firm: Firm) -> None:
        alice, rita = firm.browsers["Alice"], firm.browsers["Rita"]
        numbers = [firm.records[name, "thirdparty"] for name in ("Rita", "Otto")]
        alice.get("/thirdparties")
        done = alice.post("/thirdparties/bulk", {"id": numbers, "value": "contacted"})
        alice.post(f"/thirdparties/{numbers[1]}/status", {"field": "contact_status", "value": "never"})
        answer = alice.post(f"/undo/{operation_of(done)}")
        assert answer.status_code == 303
        assert "Otto & Co" in html.unescape(alice.get(answer.headers["Location"]).text)
        for page in ("", "/history"):
            assert "Otto" not in names_in(rita.get(f"/thirdparties/{numbers[0]}{page}").text)
        with firm.site.runtime.database.reading() as session:
            causes = session.scalars(select(Operation.cause).where(Operation.undo_of.is_not(None))).all()
        assert causes == [None]

    def test_they_are_said_once_and_to_nobody_else(self, firm: Firm) -> None:
        alice, uma = firm.browsers["Alice"], firm.browsers["Uma"]
        numbers = [firm.records[name, "thirdparty"] for name in ("Rita", "Otto")]
        alice.get("/thirdparties")
        done = alice.post("/thirdparties/bulk", {"id": numbers, "value": "contacted"})
        alice.post(f"/thirdparties/{numbers[1]}/status", {"field": "contact_status", "value": "never"})
        answer = alice.post(f"/undo/{operation_of(done)}")
        stolen = alice.client.get_cookie("comptoir_told")
        assert stolen
        uma.client.set_cookie("comptoir_told", stolen.value)
        assert "has changed since" not in uma.get(answer.headers["Location"]).text
        assert "has changed since" in alice.get(answer.headers["Location"]).text
        assert "has changed since" not in alice.get(f"/thirdparties?done={operation_of(done)}").text

    def test_operations_of_others_do_not_exist(self, firm: Firm) -> None:
        with firm.site.runtime.database.reading() as session:
            theirs = session.scalars(select(Operation.id).where(Operation.actor_name == "Alice")).first()
        rita = firm.browsers["Rita"]
        rita.get("/")
        answers = [rita.post(f"/undo/{number}") for number in (theirs, 987_654)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert "Alice" not in answers[0].text

    def test_titles_of_what_one_may_no_longer_see(self, firm: Firm) -> None:
        rita = firm.browsers["Rita"]
        number = create(rita, name="Vanadium")
        done = rita.post(f"/thirdparties/{number}/status", {"field": "contact_status", "value": "contacted"})
        pages = ("/", "/recent", f"/leads?done={operation_of(done)}")
        for page in pages:
            assert "Vanadium" in rita.get(page).text, page
        assign(firm, number, "Otto", owner="Otto")
        boss = firm.browsers["Alice"]
        assert (
            boss.post(f"/thirdparties/{number}/status", {"field": "representatives", "value": "Otto"}).status_code
            == 303
        )
        for page in pages:
            answer = rita.get(page)
            assert answer.status_code == 200
            assert "Vanadium" not in answer.text, page
            assert "1 record changed." in answer.text, page
        refused = rita.post(f"/undo/{operation_of(done)}")
        assert refused.status_code == 422
        assert "Vanadium" not in refused.text


class TestHistory:
    def test_fields_of_modules_that_are_off_are_for_administrators(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul", "user")
        number = create(alice, name="Zinc")
        with sales.runtime.database.connection() as connection:  # as if a module that is off now had a field there
            made = connection.execute(
                select(RecordChange.operation_id).where(RecordChange.record_id == number)
            ).scalar()
            values = {
                "operation_id": made,
                "entity": "thirdparty",
                "record_id": number,
                "kind": "updated",
                "title": "Zinc",
            }
            fields = {"secret.margin": ["1200", "1300"]}
            connection.execute(insert(RecordChange).values(**values, fields=fields))
        assert "1300" in alice.get(f"/thirdparties/{number}/history").text
        page = paul.get(f"/thirdparties/{number}/history").text
        assert "1300" not in page
        assert "secret.margin" not in page
