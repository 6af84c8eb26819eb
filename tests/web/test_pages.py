"""The generic pages, used as a person without script would (issue A, walks of DESIGN 11)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from core.data.unit import transaction
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty


def follow(browser: Browser, response: TestResponse) -> TestResponse:
    assert response.status_code == 303, response.text[-800:]
    return browser.get(response.headers["Location"])


def create(browser: Browser, entity: str = "thirdparties", **values: str) -> int:
    """Create a record through its form and return its id."""
    browser.get(f"/{entity}/new")
    response = browser.post(f"/{entity}/new", values)
    assert response.status_code == 303, re.findall(r'class="error"[^>]*>([^<]+)', response.text)
    return int(urlsplit(response.headers["Location"]).path.split("/")[2])


def operation_of(response: TestResponse) -> int:
    return int(parse_qs(urlsplit(response.headers["Location"]).query)["done"][0])


def fields_of(browser: Browser, path: str) -> dict[str, str]:
    """What the form at `path` holds in its inputs."""
    page = browser.get(path).text
    found = dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', page))
    found.update(re.findall(r'<input class="form-control" id="f-[^"]+" name="([^"]+)" value="([^"]*)"', page))
    return found


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
        assert sheet.count("Contact status") >= 3
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
        assert "is a customer already" in again.text

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
        assert "note note-warning" in page.text or "at=W10" in query or "at=WyJ4" in query
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


class TestTheForm:
    """Nothing typed is ever lost; nothing half-written stays."""

    def test_errors_keep_what_was_typed(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        page = browser.post("/thirdparties/new", {"name": "", "email": "lea@zinc", "town": "Lyon"})
        assert page.status_code == 422
        assert "There is a problem" in page.text
        assert "Enter an email address like name@example.com" in page.text
        assert 'value="lea@zinc"' in page.text
        assert 'value="Lyon"' in page.text
        assert "Nothing here yet." in browser.get("/thirdparties").text

    def test_a_second_submit_returns_the_first_result(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        values = {"name": "Zinc SARL", "key": "one-time-key-1"}
        first, second = browser.post("/thirdparties/new", values), browser.post("/thirdparties/new", values)
        assert first.headers["Location"] == second.headers["Location"]
        assert "1 third party" in browser.get("/thirdparties").text

    def test_a_code_in_use_names_its_holder(self, sales: Site) -> None:
        browser = sales.browser()
        create(browser, name="Boulangerie Martin", code="X-1")
        browser.get("/thirdparties/new")
        page = browser.post("/thirdparties/new", {"name": "Zinc SARL", "code": "X-1"})
        assert page.status_code == 422
        assert "Code X-1 is used by Boulangerie Martin" in page.text

    def test_stale_form_shows_both_and_saves_the_choice(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul")
        number = create(alice, name="Zinc SARL", town="Lyon", email="a@zinc.example")
        held = fields_of(alice, f"/thirdparties/{number}/edit")
        other = fields_of(paul, f"/thirdparties/{number}/edit")
        follow(
            paul,
            paul.post(
                f"/thirdparties/{number}/edit", {"version": other["version"], "town": "Nantes", "name": "Zinc SARL"}
            ),
        )
        mine = {"version": held["version"], "town": "Lille", "name": "Zinc & Cie", "email": "a@zinc.example"}
        page = alice.post(f"/thirdparties/{number}/edit", mine)
        assert page.status_code == 409
        for text in ("Paul changed", "Lille", "Nantes", "Zinc &amp; Cie", "Keep mine", "Take theirs"):
            assert text in page.text
        version = re.search(r'name="version" value="(\d+)"', page.text)
        assert version
        choice = {
            "version": version.group(1),
            "name": "Zinc & Cie",
            "choice.town": "mine",
            "mine.town": "Lille",
            "theirs.town": "Nantes",
        }
        sheet = follow(alice, alice.post(f"/thirdparties/{number}/edit", choice)).text
        assert "Zinc &amp; Cie" in sheet
        assert "Lille" in sheet

    def test_taking_theirs_leaves_it(self, sales: Site) -> None:
        alice = sales.browser("Alice")
        number = create(alice, name="Zinc SARL", town="Lyon")
        stale = fields_of(alice, f"/thirdparties/{number}/edit")["version"]
        follow(alice, alice.post(f"/thirdparties/{number}/edit", {"version": stale, "town": "Nantes"}))
        page = alice.post(f"/thirdparties/{number}/edit", {"version": stale, "town": "Lille"})
        version = re.search(r'name="version" value="(\d+)"', page.text)
        assert version
        follow(
            alice,
            alice.post(
                f"/thirdparties/{number}/edit",
                {"version": version.group(1), "choice.town": "theirs", "mine.town": "Lille"},
            ),
        )
        assert fields_of(alice, f"/thirdparties/{number}/edit")["town"] == "Nantes"

    @pytest.mark.covers("PR-2c")
    def test_a_quick_change_conflicts_only_on_its_own_field(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        version = fields_of(browser, f"/thirdparties/{number}/edit")["version"]
        follow(browser, browser.post(f"/thirdparties/{number}/edit", {"version": version, "town": "Lyon"}))
        click = {"field": "contact_status", "value": "tocall", "seen": "never"}
        follow(browser, browser.post(f"/thirdparties/{number}/status", click))
        answer = browser.post(f"/thirdparties/{number}/status", {**click, "value": "contacted"})
        assert answer.status_code == 409
        assert "was changed meanwhile" in answer.text

    @pytest.mark.parametrize(
        "field", ["id", "version", "created_at", "deleted_at", "customer_since", "extra", "name_key"]
    )
    def test_fields_nobody_may_write_are_ignored(self, sales: Site, field: str) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        before = browser.get(f"/thirdparties/{number}").text
        form = fields_of(browser, f"/thirdparties/{number}/edit")
        values = {"version": form["version"], field: "2001-01-01"} if field != "version" else {"version": "-1"}
        answer = browser.post(f"/thirdparties/{number}/edit", values)
        assert answer.status_code in (303, 409)
        clean = re.compile(r'name="csrf_token" value="[^"]+"|X-CSRFToken": "[^"]+')
        assert clean.sub("", browser.get(f"/thirdparties/{number}").text) == clean.sub("", before)

    def test_a_checkbox_can_be_unchecked_and_a_missing_one_is_left(self, sales: Site) -> None:
        browser = sales.browser()
        assert browser.get("/thirdparties/new?nothing=1&role=nonsense").status_code == 200

    def test_deleted_and_foreign_ids(self, sales: Site) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        for path in (
            "/thirdparties/999",
            f"/leads/{number}",
            "/thirdparties/99999999999999999999999",
            "/thirdparties/-1",
            "/thirdparties/x",
        ):
            assert browser.get(path).status_code == 404, path
            assert browser.get(path + "/edit").status_code == 404, path
        for verb in ("status", "delete", "restore", "edit"):
            assert (
                browser.post(f"/thirdparties/999/{verb}", {"field": "contact_status", "value": "never"}).status_code
                == 404
            ), verb
        assert browser.post("/undo/999").status_code in (404, 422)
        browser.post(f"/thirdparties/{number}/delete")
        assert browser.post(f"/thirdparties/{number}/delete").status_code == 404
        assert browser.post(f"/thirdparties/{number}/edit", {"version": "1", "name": "x"}).status_code == 404


HOSTILE = {
    "nul": "a\x00b",
    "emoji": "Zinc 🦄 👩‍👩‍👧",
    "right-to-left marks": "Zinc \u202egpj.exe",
    "html": '<img src=x onerror="window.__hit=1">"\'><script>window.__hit=1</script>',
    "template": "{{7*7}} {% for x in y %} ${7*7}",
    "too long": "x" * 5_000,
    "surrogate": "a\udcffb",
    "newlines": "a\r\nBcc: x",
    "quotes": "'; drop table thirdparty_thirdparty; --",
}
FIELDS = (
    "name",
    "role",
    "code",
    "contact_status",
    "potential",
    "email",
    "phone",
    "website",
    "town",
    "country",
    "leads.source",
)


@pytest.mark.covers("MO-6b")
class TestHostileValues:
    """Every field, on form, raw POST and inline: a clear sentence and 4xx, or the value kept literally (Bad input)."""

    @pytest.mark.parametrize("field", FIELDS)
    def test_form_and_inline(self, sales: Site, field: str) -> None:
        browser = sales.browser()
        number = create(browser, name="Zinc SARL")
        for value in HOSTILE.values():
            browser.get("/thirdparties/new")
            raw = value.encode("utf-8", "surrogateescape")
            for path, data in (
                ("/thirdparties/new", {"name": "Zinc", field: raw}),
                (f"/thirdparties/{number}/status", {"field": field, "value": raw, "return": "/thirdparties"}),
            ):
                answer = browser.post(path, data)
                assert answer.status_code in (303, 422), (path, answer.status_code)
                if answer.status_code == 422:
                    assert "There is a problem" in answer.text
        for page in ("/thirdparties", f"/thirdparties/{number}", f"/thirdparties/{number}/edit", "/recent", "/"):
            text = browser.get(page).text
            assert "<script>window" not in text
            assert "<img src=x" not in text
            assert "49 " not in re.sub(r"CU\d+-\d+", "", text)

    def test_a_megabyte_is_refused(self, sales: Site) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": "x" * 1_100_000})
        assert answer.status_code in (413, 422)
        assert "too large" in answer.text or "There is a problem" in answer.text
        assert "Nothing here yet." in browser.get("/thirdparties").text

    @pytest.mark.parametrize(
        "mask", ["ABC", "{00}", "X{0000@1}", "{yyyy}{mm}-{0000@13}", "{0000", "{{0000}}", "<b>{0000}", "x" * 80]
    )
    def test_a_mask_that_cannot_work_is_refused(self, sales: Site, mask: str) -> None:
        browser = sales.browser()
        row = re.search(r'href="/numbering/(\d+)"', browser.get("/numbering").text)
        assert row
        form = fields_of(browser, f"/numbering/{row.group(1)}/edit")
        answer = browser.post(f"/numbering/{row.group(1)}/edit", {"version": form["version"], "mask": mask})
        if mask == "<b>{0000}":
            assert answer.status_code == 303
        else:
            assert answer.status_code == 422
        assert create(browser, name="Zinc SARL")
