"""What a restricted person does by way of jobs, undo, history and links stays within what he may know of (US-1, TP-7, T35)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.access.models import Role, RoleRight
from core.access.roles import VERBS
from core.data.tables import bump
from core.data.unit import transaction
from core.jobs.worker import Worker
from core.testing.site import Browser, Site
from plugins.leads.models import Lead
from tests.web.people import Firm, make, open_firm, split_firm
from tests.web.test_access import dump

MANY = 51
"""More rows than are changed at once: a job does it."""


@pytest.fixture
def firm(sales: Site) -> Firm:
    """A firm of the test's own."""
    return open_firm(sales)


def drain(site: Site) -> None:
    """Do all jobs there are."""
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


def add_leads(firm: Firm, owner: str, number: int) -> list[int]:
    with transaction("test.leads", context=firm.site.context()) as unit:
        leads = [unit.add(Lead(name=f"{owner} lead {place}", owner_id=firm.user_id(owner))) for place in range(number)]
        unit.session.flush()
        return [lead.id for lead in leads]


def live(firm: Firm, owner: str) -> dict[int, str]:
    """The leads of somebody that are not in the bin, with their statuses."""
    with firm.site.runtime.database.reading() as session:
        found = session.execute(select(Lead.id, Lead.status).where(Lead.name.startswith(f"{owner} lead")))
        return {number: status for number, status in found}


def change(browser: Browser, path: str, field: str, value: str) -> str:
    """Set one field; the number of the operation."""
    browser.get("/")
    answer = browser.post(f"{path}/status", {"field": field, "value": value})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"].split("done=")[1])


@pytest.mark.covers("TP-7a")
class TestJobs:
    """A job knows what its owner may know of, whatever numbers it was given."""

    @pytest.mark.parametrize("action", ["set", "delete"])
    def test_chosen_rows(self, firm: Firm, action: str) -> None:
        mine, others = add_leads(firm, "Rita", 3), add_leads(firm, "Alice", MANY)
        rita = firm.browsers["Rita"]
        rita.get("/leads")
        answer = rita.post("/leads/bulk", {"id": [*mine, *others], "action": action, "value": "tocall"})
        drain(firm.site)
        assert live(firm, "Alice") == dict.fromkeys(others, "new")
        assert live(firm, "Rita") == ({} if action == "delete" else dict.fromkeys(mine, "tocall"))
        page = rita.get(answer.headers["Location"]).text
        assert f"{MANY} refused" in page
        assert "Alice lead" not in page

    def test_the_whole_list(self, firm: Firm) -> None:
        mine, others = add_leads(firm, "Rita", MANY), add_leads(firm, "Alice", 3)
        rita = firm.browsers["Rita"]
        rita.get("/leads")
        answer = rita.post("/leads/bulk", {"all": "1", "action": "set", "value": "tocall", "query": "q=lead"})
        assert "/jobs/" in answer.headers["Location"]
        drain(firm.site)
        assert live(firm, "Alice") == dict.fromkeys(others, "new")
        assert live(firm, "Rita") == dict.fromkeys(mine, "tocall")
        assert f"{MANY} changed" in rita.get(answer.headers["Location"]).text

    def test_undo_of_a_job_leaves_what_went_to_others(self, firm: Firm) -> None:
        mine = add_leads(firm, "Rita", MANY)
        rita = firm.browsers["Rita"]
        rita.get("/leads")
        job = rita.post("/leads/bulk", {"all": "1", "action": "set", "value": "tocall", "query": "q=lead"})
        drain(firm.site)
        change(firm.browsers["Alice"], f"/leads/{mine[0]}", "owner_id", "Otto")
        undo = rita.post(f"{job.headers['Location']}/undo")
        drain(firm.site)
        assert live(firm, "Rita") == {**dict.fromkeys(mine, "new"), mine[0]: "tocall"}
        page = rita.get(undo.headers["Location"]).text
        assert f"#{mine[0]} no longer exists" in page
        assert "Rita lead 0" not in page


class TestUndo:
    """Nobody learns by it what he may not know of."""

    @pytest.mark.covers("TP-14a")
    def test_of_another_company(self, firm: Firm) -> None:
        split_firm(firm, "Uma")
        uma, alice = firm.browsers["Uma"], firm.browsers["Alice"]
        number = make(uma, "thirdparties", "Southern Uma")
        operation = change(uma, f"/thirdparties/{number}", "town", "Lyon")
        alice.get("/")
        before = dump(firm.site)
        answer = alice.post(f"/undo/{operation}")
        assert answer.status_code == 422
        assert f"#{number} no longer exists" in answer.text
        assert "Southern Uma" not in answer.text
        assert dump(firm.site) == before

    @pytest.mark.covers("TP-7a")
    def test_of_what_went_to_others(self, firm: Firm) -> None:
        rita, path = firm.browsers["Rita"], f"/thirdparties/{firm.records['Rita', 'thirdparty']}"
        number = path.rpartition("/")[2]
        operation = change(rita, path, "town", "Lyon")
        for field in ("representatives", "owner_id"):
            change(firm.browsers["Alice"], path, field, "Otto")
        before = dump(firm.site)
        answer = rita.post(f"/undo/{operation}")
        assert answer.status_code == 422
        assert f"#{number} no longer exists" in answer.text
        assert dump(firm.site) == before

    @pytest.mark.covers("TP-7a")
    def test_what_one_did_is_told_without_names_of_what_went_to_others(self, firm: Firm) -> None:
        rita, path = firm.browsers["Rita"], f"/thirdparties/{firm.records['Rita', 'thirdparty']}"
        operation = change(rita, path, "town", "Lyon")
        pages = ("/", "/recent", f"/leads?done={operation}")
        assert all("Rita &amp; Company changed" in rita.get(page).text for page in pages)
        for field in ("representatives", "owner_id"):
            change(firm.browsers["Alice"], path, field, "Otto")
        for page in pages:
            seen = rita.get(page).text
            assert "1 record changed" in seen, page
            assert "Rita &amp; Company changed" not in seen, page

    @pytest.mark.covers("TP-7a")
    def test_what_it_left_is_not_named_in_the_history_of_others(self, firm: Firm) -> None:
        alice, rita = firm.browsers["Alice"], firm.browsers["Rita"]
        ours, hers = (firm.records[name, "lead"] for name in ("Rita", "Alice"))
        alice.get("/leads")
        done = alice.post("/leads/bulk", {"id": [ours, hers], "action": "set", "value": "tocall"})
        change(alice, f"/leads/{hers}", "status", "progress")
        undone = alice.post(f"/undo/{done.headers['Location'].split('done=')[1]}")
        assert undone.status_code == 303
        for page in ("", "/history"):
            seen = rita.get(f"/leads/{ours}{page}")
            assert "Taken back" in seen.text
            assert "Alice &amp; Co" not in seen.text


@pytest.mark.covers("TP-7a")
@pytest.mark.usefixtures("foreign_packages")
class TestLinks:
    """Who may write rewards but knows few third parties chooses among those, and reads no other's name."""

    @pytest.fixture
    def shop(self, site_with: Callable[..., Site]) -> Site:
        """A firm with rewards, in which Gil gives them and knows only his own third parties."""
        site = site_with("thirdparty", "loyalty")
        with transaction("test.roles", context=site.context()) as unit:
            unit.session.add(Role(code="giver", label="Giver", second_factor=False))
            for entity, reach in (("thirdparty", "own"), ("reward", "all")):
                for verb in VERBS:
                    granted = reach if verb == "view" else "all"
                    unit.session.add(RoleRight(role="giver", permission=f"{entity}.{verb}", reach=granted))
            bump(unit.session.connection())
        return site

    def test_picker_form_list_and_sheet(self, shop: Site) -> None:
        alice, gil = shop.browser("Alice"), shop.browser("Gil", "giver")
        hidden, mine = make(alice, "thirdparties", "Secret Works"), make(gil, "thirdparties", "Open Works")
        alice.get("/rewards/new")
        made = alice.post("/rewards/new", {"title": "A trip", "thirdparty_id": str(hidden)})
        reward = made.headers["Location"].split("?")[0]
        picker = gil.get("/rewards/new").text
        assert "Open Works" in picker
        for path in (
            "/rewards/new",
            f"{reward}/edit",
            reward,
            f"{reward}?tab=details",
            f"{reward}/history",
            "/rewards",
        ):
            page = gil.get(path)
            assert page.status_code == 200
            assert "Secret Works" not in page.text, path
        gil.get("/rewards/new")
        before = dump(shop)
        refused = gil.post("/rewards/new", {"title": "Another trip", "thirdparty_id": str(hidden)})
        assert refused.status_code == 422
        assert "Secret Works" not in refused.text
        assert dump(shop) == before
        assert gil.post("/rewards/new", {"title": "A book", "thirdparty_id": str(mine)}).status_code == 303
