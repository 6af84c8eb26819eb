"""Whose record it is holds on every road (US-1, TP-7, TP-14, T33 to T39)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from core.access.models import User
from core.data.unit import transaction
from core.testing.prepared import Prepared
from core.testing.site import Site
from tests.web.people import ROLES, Firm, make, open_firm, split_firm
from tests.web.test_access import dump

SEES = {
    "Alice": {"Alice", "Uma", "Rita", "Sam", "Otto", "Tina"},
    "Uma": {"Alice", "Uma", "Rita", "Sam", "Otto", "Tina"},
    "Rita": {"Rita", "Sam"},
    "Sam": {"Sam"},
    "Otto": {"Otto"},
    "Tina": {"Tina", "Otto"},
    "Nora": set[str](),
}
"""Who may know of whose records."""
SLUGS = {"thirdparty": "thirdparties", "lead": "leads"}
READING = ("", "/edit", "/history")
WRITING = {
    "/edit": {"name": "Changed", "version": "1"},
    "/status": {"field": "name", "value": "Changed"},
    "/delete": {},
    "/restore": {},
}


@pytest.fixture
def firm(sales: Site) -> Firm:
    """A firm of the test's own."""
    return open_firm(sales)


@pytest.fixture(scope="module")
def shared(engine_name: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """A firm for tests that change nothing: hiring takes seconds."""
    with prepared.site(engine_name, ("thirdparty", "leads"), tmp_path_factory.mktemp("firm") / "var") as site:
        yield open_firm(site)


def names_in(text: str) -> set[str]:
    """Whose records a page speaks of."""
    shown = html.unescape(re.sub(r"<(header|nav)\b.*?</\1>", "", text, flags=re.DOTALL))
    return {name for name in ROLES if f"{name} & Co" in shown}


@pytest.mark.covers("US-1a")
@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("entity", SLUGS)
class TestEveryRoad:
    """One declared table, `SEES`, against every road there is."""

    def test_list_search_filter_and_count(self, shared: Firm, who: str, entity: str) -> None:
        browser, sees, slug = shared.browsers[who], SEES[who], SLUGS[entity]
        for question in ("", "?q=comp", "?f=name:contains:co", "?sort=-name", "?view=prospects"):
            answer = browser.get(f"/{slug}{question}")
            if who == "Nora":
                assert answer.status_code == 403
                continue
            assert names_in(answer.text) == sees, question
            if not question:
                word = re.search(r"(\d+) (?:third part|lead)", answer.text)
                assert word is not None
                assert int(word.group(1)) == len(sees)

    def test_reading_one(self, shared: Firm, who: str, entity: str) -> None:
        for (owner, kind), number in shared.records.items():
            for page in READING if kind == entity else ():
                expected = 403 if who == "Nora" else 200 if owner in SEES[who] else 404
                assert shared.browsers[who].get(f"/{SLUGS[kind]}/{number}{page}").status_code == expected, (owner, page)

    def test_writing_one(self, shared: Firm, who: str, entity: str) -> None:
        browser = shared.browsers[who]
        browser.get("/")
        before = dump(shared.site)
        for (owner, kind), number in shared.records.items():
            if kind != entity or owner in SEES[who]:
                continue
            for verb, data in WRITING.items():
                expected = 403 if who == "Nora" else 404
                answer = browser.post(f"/{SLUGS[kind]}/{number}{verb}", data)
                assert answer.status_code == expected, (owner, verb)
        assert dump(shared.site) == before

    def test_many_at_once(self, shared: Firm, who: str, entity: str) -> None:
        browser = shared.browsers[who]
        hidden = [
            number for (owner, kind), number in shared.records.items() if kind == entity and owner not in SEES[who]
        ]
        if not hidden:
            return
        browser.get("/")
        before = dump(shared.site)
        answer = browser.post(f"/{SLUGS[entity]}/bulk", {"id": hidden, "action": "delete"})
        assert answer.status_code == (403 if who == "Nora" else 303)
        assert dump(shared.site) == before


@pytest.mark.parametrize("who", ROLES)
class TestEveryChange:
    """What changes something, in a firm of its own."""

    def test_writing_what_may_be_written(self, firm: Firm, who: str) -> None:
        browser = firm.browsers[who]
        for (owner, entity), number in firm.records.items():
            if owner not in SEES[who]:
                continue
            browser.get("/")
            for verb, data in WRITING.items():
                answer = browser.post(f"/{SLUGS[entity]}/{number}{verb}", {**data, "version": "1"})
                assert answer.status_code in (303, 409), (owner, verb, answer.text)

    def test_trash(self, firm: Firm, who: str) -> None:
        boss, browser = firm.browsers["Alice"], firm.browsers[who]
        for (_owner, entity), number in firm.records.items():
            boss.get("/")
            assert boss.post(f"/{SLUGS[entity]}/{number}/delete").status_code == 303
        assert names_in(browser.get("/trash").text) == SEES[who]
        for (owner, entity), number in firm.records.items():
            if owner not in SEES[who]:
                browser.get("/")
                answer = browser.post(f"/{SLUGS[entity]}/{number}/restore")
                assert answer.status_code == (403 if who == "Nora" else 404)


class TestSideDoors:
    """Nothing of a hidden record comes out by another way (T35, T36, T38)."""

    @pytest.mark.covers("TP-7a")
    def test_the_creator_is_assigned(self, firm: Firm) -> None:
        page = firm.browsers["Rita"].get(f"/thirdparties/{firm.records['Rita', 'thirdparty']}?tab=details").text
        assert "Sales representatives" in page
        assert page.count("Rita") >= 2

    def test_undo_of_what_is_no_longer_ours(self, firm: Firm) -> None:
        rita, number = firm.browsers["Rita"], firm.records["Rita", "thirdparty"]
        rita.get("/")
        done = rita.post(f"/thirdparties/{number}/status", {"field": "contact_status", "value": "contacted"})
        operation = done.headers["Location"].split("done=")[1]
        assign(firm, number, "Otto", owner="Otto")
        before = dump(firm.site)
        answer = rita.post(f"/undo/{operation}")
        assert answer.status_code in (404, 422)
        assert "Rita" not in names_in(answer.text)
        assert dump(firm.site) == before

    def test_messages_of_others_are_not_shown(self, firm: Firm) -> None:
        alice, rita, number = firm.browsers["Alice"], firm.browsers["Rita"], firm.records["Alice", "thirdparty"]
        alice.get("/")
        done = alice.post(f"/thirdparties/{number}/status", {"field": "contact_status", "value": "contacted"})
        operation = done.headers["Location"].split("done=")[1]
        for path in ("/", "/thirdparties", "/recent"):
            assert "Alice" not in names_in(rita.get(f"{path}?done={operation}").text)
        before = dump(firm.site)
        assert rita.post(f"/undo/{operation}").status_code in (403, 404)
        assert dump(firm.site) == before

    def test_a_code_in_use_is_said_without_whose_it_is(self, firm: Firm) -> None:
        alice, sam = firm.browsers["Alice"], firm.browsers["Sam"]
        alice.get("/thirdparties/new")
        alice.post("/thirdparties/new", {"name": "Secret Works", "code": "SECRET-1"})
        sam.get("/thirdparties/new")
        answer = sam.post("/thirdparties/new", {"name": "Mine", "code": "SECRET-1"})
        assert answer.status_code == 422
        assert "SECRET-1 is used already" in answer.text
        assert "Secret Works" not in answer.text

    def test_panels_and_counters(self, firm: Firm) -> None:
        alice, rita = firm.browsers["Alice"], firm.browsers["Rita"]
        for browser, name in ((alice, "Alice twin"), (rita, "Rita twin")):
            browser.get("/leads/new")
            assert browser.post("/leads/new", {"name": name, "email": "same@twin.example"}).status_code == 303
        rita.get("/thirdparties/new")
        made = rita.post("/thirdparties/new", {"name": "Twin SA", "email": "same@twin.example"})
        page = rita.get(made.headers["Location"]).text
        assert "Rita twin" in page
        assert "Alice twin" not in page

    def test_actions_and_downloads(self, firm: Firm) -> None:
        sam, number = firm.browsers["Sam"], firm.records["Alice", "thirdparty"]
        sam.get("/")
        assert sam.post(f"/thirdparties/{number}/action/thirdparty/convert").status_code == 404
        assert sam.get(f"/thirdparties/{number}/vcard").status_code == 404

    def test_export_is_not_theirs(self, firm: Firm) -> None:
        permissions = firm.site.runtime.generation.permissions
        assert not permissions.may(firm.site.people["Rita"], "thirdparty.export")
        assert permissions.may(firm.site.people["Uma"], "thirdparty.export")


class TestCompanies:
    """A record of another company is invisible on every road; with one company nothing of it shows (TP-14)."""

    def test_with_one_company_it_is_silent(self, firm: Firm) -> None:
        assert "Shared with" not in firm.browsers["Alice"].get("/thirdparties/new").text

    @pytest.mark.covers("TP-14a")
    def test_with_two(self, firm: Firm) -> None:
        first, second = split_firm(firm, "Uma")
        uma, alice = firm.browsers["Uma"], firm.browsers["Alice"]
        assert names_in(uma.get("/thirdparties").text) == set()
        assert "Shared with" in uma.get("/thirdparties/new").text
        number = make(uma, "thirdparties", "Southern Uma")
        assert "Southern Uma" not in alice.get("/thirdparties").text
        before = dump(firm.site)
        for page in READING:
            assert alice.get(f"/thirdparties/{number}{page}").status_code == 404
        for verb, data in WRITING.items():
            assert alice.post(f"/thirdparties/{number}{verb}", data).status_code == 404
        assert dump(firm.site) == before
        uma.get("/")
        share = {"field": "companies", "value": f"{first},{second}"}
        assert uma.post(f"/thirdparties/{number}/status", share).status_code == 422  # she does not work for the first
        with transaction("test.both", context=firm.site.context()) as unit:
            unit.get(User, firm.user_id("Uma")).companies = (first, second)
        uma.get("/")
        shared = uma.post(f"/thirdparties/{number}/status", share)
        assert shared.status_code == 303, shared.text
        assert "Southern Uma" in alice.get("/thirdparties").text
        assert alice.get("/thirdparties?f=companies:has:Comptoir Sud").text.count("Southern Uma") >= 1


def assign(firm: Firm, number: int, representative: str, *, owner: str) -> None:
    """Give a third party to somebody else."""
    alice = firm.browsers["Alice"]
    alice.get("/")
    for field, value in (("representatives", representative), ("owner_id", owner)):
        answer = alice.post(f"/thirdparties/{number}/status", {"field": field, "value": value})
        assert answer.status_code == 303, answer.text
