"""The daily pages, used as a person without script would (issue A, walks of DESIGN 11)."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from core.data.unit import transaction
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.web.pages import create, follow, operation_of


@pytest.mark.covers("UI-2")
class TestTheDay:
    """Create, find, change, take back."""

    @pytest.mark.covers("TP-1")
    def test_create_from_a_name_alone(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new?role=prospect")
        page = follow(browser, browser.post("/thirdparties/new", {"name": "Zinc SARL", "role": "prospect"}))
        assert "Zinc SARL created." in page.text
        assert re.search(r"CU\d{4}-0+1\b", page.text)

    @pytest.mark.covers("PR-2a", "US-3a", "PR-1")
    def test_one_click_status_undo_and_history(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        browser.get("/thirdparties")
        answer = browser.post(
            f"/thirdparties/{number}/status",
            {"field": "contact_status", "value": "contacted", "seen": "never", "return": "/thirdparties"},
        )
        page = follow(browser, answer)
        assert "Zinc SARL set to Contacted." in page.text
        undone = browser.post(f"/undo/{operation_of(answer)}", {"return": "/thirdparties"})
        assert "Taken back: Zinc SARL set to Never contacted." in follow(browser, undone).text
        sheet = browser.get(f"/thirdparties/{number}").text
        assert sheet.count("Contact status") >= 2
        assert "Taken back" in sheet
        assert "Alice" in sheet

    def test_status_as_fragment_returns_the_row_and_the_message(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        browser.get("/thirdparties")
        answer = browser.post(
            f"/thirdparties/{number}/status",
            {"field": "contact_status", "value": "tocall", "seen": "never", "return": "/thirdparties"},
            headers={"HX-Request": "true"},
        )
        assert answer.status_code == 200
        assert f'id="row-{number}"' in answer.text
        assert "Zinc SARL set to To contact." in answer.text
        assert "<html" not in answer.text

    def test_a_row_that_no_longer_matches_stays_greyed(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        browser.get("/thirdparties")
        answer = browser.post(
            f"/thirdparties/{number}/status",
            {
                "field": "contact_status",
                "value": "tocall",
                "seen": "never",
                "return": "/thirdparties?f=contact_status:is:never",
            },
            headers={"HX-Request": "true"},
        )
        assert "No longer in this view" in answer.text

    @pytest.mark.covers("LE-2a")
    def test_refused_transition_keeps_the_old_value_and_says_why(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, "leads", name="Léa")
        browser.get("/leads")
        answer = browser.post(
            f"/leads/{number}/status",
            {"field": "status", "value": "lost", "seen": "new", "return": "/leads"},
            headers={"HX-Request": "true"},
        )
        assert answer.status_code == 422
        assert "Say why Léa is lost" in answer.text
        assert "New" in answer.text
        assert "Lost" not in re.sub(r"<[^>]+>", "", browser.get(f"/leads/{number}").text.split("<h2")[1])

    def test_delete_and_restore(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        browser.get(f"/thirdparties/{number}")
        page = follow(browser, browser.post(f"/thirdparties/{number}/delete"))
        assert "moved to the trash" in page.text
        assert "Zinc SARL" in browser.get("/trash").text
        assert "Deleted by Alice" in browser.get(f"/thirdparties/{number}").text
        assert browser.get(f"/thirdparties/{number}/edit").status_code == 404
        follow(browser, browser.post(f"/thirdparties/{number}/restore"))
        assert "Zinc SARL" in browser.get("/thirdparties").text

    def test_action_of_a_plugin(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL", role="prospect")
        browser.get(f"/thirdparties/{number}")
        page = follow(browser, browser.post(f"/thirdparties/{number}/action/thirdparty/convert"))
        assert "Customer since" in page.text
        assert "Convert to customer" in page.text  # the reason in history
        again = browser.post(f"/thirdparties/{number}/action/thirdparty/convert")
        assert again.status_code == 422
        assert "Convert to customer: not possible for Zinc SARL" in again.text

    def test_vcard(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc; SARL", town="Lyon", country="FR")
        card = browser.get(f"/thirdparties/{number}/vcard")
        assert card.mimetype == "text/vcard"
        assert card.headers["Content-Disposition"].startswith("attachment")
        assert "FN:Zinc\\; SARL\r\n" in card.text

    @pytest.mark.covers("PR-2b", "US-4a")
    def test_bulk_status_and_delete_are_one_operation_each(self, sales: Site) -> None:
        browser = sales.browser()
        numbers = [create(browser, name=f"Firm {index}") for index in range(3)]
        browser.get("/thirdparties")
        answer = browser.post(
            "/thirdparties/bulk", {"id": numbers, "action": "set", "value": "contacted", "return": "/thirdparties"}
        )
        assert "3 records changed." in follow(browser, answer).text
        follow(browser, browser.post(f"/undo/{operation_of(answer)}"))
        never = re.findall(
            r'aria-label="Set Firm \d to Never contacted" aria-pressed="true"', browser.get("/thirdparties").text
        )
        assert len(never) == 3
        answer = browser.post("/thirdparties/bulk", {"id": numbers, "action": "delete", "return": "/thirdparties"})
        assert "3 records moved to the trash." in follow(browser, answer).text
        assert "Nothing here yet." in browser.get("/thirdparties").text
        follow(browser, browser.post(f"/undo/{operation_of(answer)}"))
        assert "3 third parties" in browser.get("/thirdparties").text


class TestTheList:
    """Filters, sort, columns and places, all in the address."""

    def fill(self, browser: Browser, number: int) -> None:
        for index in range(number):
            create(
                browser,
                name=f"Firm {index:03}",
                town="Lyon" if index % 2 else "Nantes",
                country="FR" if index % 3 else "DE",
            )

    def names(self, page: TestResponse) -> list[str]:
        return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page.text)

    def test_filter_sort_and_search(self, sales: Site) -> None:
        browser = sales.browser()
        self.fill(browser, 9)
        assert self.names(browser.get("/thirdparties?f=country:is:DE&sort=name")) == [
            "Firm 000",
            "Firm 003",
            "Firm 006",
        ]
        assert self.names(browser.get("/thirdparties?sort=-name"))[0] == "Firm 008"
        assert self.names(browser.get("/thirdparties?q=RM+00%C3%A9")) == []
        assert self.names(browser.get("/thirdparties?q=irm+004")) == ["Firm 004"]
        assert self.names(browser.get("/thirdparties?f=town:in:Lyon&f=country:is:DE")) == ["Firm 003"]

    def test_the_filter_form_without_script(self, sales: Site) -> None:
        browser = sales.browser()
        self.fill(browser, 3)
        answer = browser.get("/thirdparties?field=town&op=contains&value=ly&value=&sort=name")
        assert answer.status_code == 303
        assert self.names(browser.get(answer.headers["Location"])) == ["Firm 001"]
        assert "Town contains ly" in re.sub(r"\s+", " ", browser.get(answer.headers["Location"]).text)

    def test_pages_by_key_in_both_directions(self, sales: Site) -> None:
        browser = sales.browser()
        with transaction("test", context=sales.context()) as unit:
            for index in range(120):
                unit.add(ThirdParty(name=f"Firm {index:03}", town=None if index % 4 else "Lyon", role="prospect"))
        for sort in ("name", "-name", "town", "-town", "-created_at", "loyalty"):
            seen: list[str] = []
            address = f"/thirdparties?sort={sort}"
            pages = 0
            while True:
                page = browser.get(address)
                seen += self.names(page)
                pages += 1
                following = re.search(r'<a class="btn btn-sm" href="([^"]+)"[^>]*>Next page', page.text)
                if not following:
                    break
                address = following.group(1).replace("&amp;", "&")
            assert pages == 3
            assert sorted(seen) == [f"Firm {index:03}" for index in range(120)], sort
            back = re.search(r'<a class="btn btn-sm" href="([^"]+)"[^>]*>Previous page', page.text)
            assert back
            assert self.names(browser.get(back.group(1).replace("&amp;", "&"))) == seen[50:100]

    @pytest.mark.parametrize(
        "query",
        [
            "f=password_hash:is:x", "f=nothing", "f=:::", "sort=name,(select 1)", "sort=password_hash", "sort=-name;--", "view=all'--",
            "c=secret", "at=xxxx", "at=W10", "f=name:sounds:x", "f=created_at:is:yesterday?", "f=country:in:" + ",".join(["FR"] * 60),
            "q=" + "x" * 5000, "&".join(["f=name:is:x"] * 60), "f=id:is:1%20or%201=1", "at=WyJ4IiwxLGZhbHNlLDFd&sort=created_at",
        ],
    )  # fmt: skip
    def test_what_is_not_understood_is_a_notice(self, sales: Site, query: str) -> None:
        browser = sales.browser()
        create(browser, name="Zinc SARL")
        page = browser.get(f"/thirdparties?{query}")
        assert page.status_code == 200
        told = "note note-warning" in page.text or '<li class="wrong">' in page.text
        assert told or "at=W10" in query or "at=WyJ4" in query
        assert (
            "password_hash" not in re.sub(r'href="[^"]*"|value="[^"]*"', "", page.text)
            or "no such field" in page.text
            or "cannot be sorted" in page.text
        )

    def test_wildcards_are_literal(self, sales: Site) -> None:
        browser = sales.browser()
        create(browser, name="Zinc SARL")
        assert self.names(browser.get("/thirdparties?q=%25_%25_")) == []
        assert self.names(browser.get("/thirdparties?f=name:contains:z%2525c")) == []

    def test_columns_of_the_address(self, sales: Site) -> None:
        browser = sales.browser()
        create(browser, name="Zinc SARL", email="zinc@test.example")
        page = browser.get("/thirdparties?c=email&c=created_at").text
        assert re.findall(r'id="sort-([^"]+)"', page) == ["name", "email", "created_at"]
