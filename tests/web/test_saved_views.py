"""Saved views: what they keep, who sees and who changes them, the menu, undo (UX 2.1, UI-4)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from core.access.models import RoleRight
from core.data.tables import bump
from core.data.unit import transaction
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.web.pages import create
from tests.web.people import open_firm, split_firm

LYON = "view=prospects&f=town:is:Lyon&sort=-name"


def save(browser: Browser, name: str, query: str = LYON, sharing: str = "private", **more: object) -> int:
    """Save a list as a view and return its number."""
    browser.get("/thirdparties")
    answer = browser.post("/thirdparties/views", {"name": name, "sharing": sharing, "query": query, **more})
    assert answer.status_code == 303, answer.text
    return int(parse_qs(urlsplit(answer.headers["Location"]).query)["view"][0])


def names(page: TestResponse) -> list[str]:
    """The records of a list page, in order."""
    return re.findall(r'<th scope="row"><a href="/thirdparties/\d+">([^<]+)</a>', page.text)


def tabs(browser: Browser) -> list[str]:
    """The views of the list."""
    row = re.search(r'<nav class="views".*?</nav>', browser.get("/thirdparties").text, re.S)
    return re.findall(r">([^<>]+)</a>", row[0]) if row else []


@pytest.fixture
def firms(sales: Site) -> Browser:
    browser = sales.browser()
    for name, town, role in (("Zinc", "Lyon", "prospect"), ("Tin", "Lyon", "prospect"), ("Iron", "Lyon", "customer"), ("Lead", "Nantes", "prospect")):  # fmt: skip
        create(browser, name=name, town=town, role=role)
    return browser


class TestWhatIsKept:
    @pytest.mark.covers("UI-4d")
    def test_a_view_shows_what_was_saved(self, firms: Browser) -> None:
        number = save(firms, "Lyon", LYON + "&c=town&density=comfortable")
        page = firms.get(f"/thirdparties?view={number}")
        assert names(page) == ["Zinc", "Tin"]
        assert 'class="list comfortable"' in page.text
        assert "Country" not in re.findall(r"<thead>.*?</thead>", page.text, re.S)[0]
        assert "Modified view" not in page.text
        assert "<title>Lyon – Prospects" in page.text

    def test_what_is_changed_stays_in_the_address_until_it_is_saved(self, firms: Browser) -> None:
        number = save(firms, "Lyon")
        changed = firms.get(f"/thirdparties?view={number}&field=name&op=contains&value=zi").headers["Location"]
        page = firms.get(changed)
        assert names(page) == ["Zinc"]
        assert "Modified view: Lyon" in page.text
        assert names(firms.get(f"/thirdparties?view={number}")) == ["Zinc", "Tin"]
        query = re.search(r'action="/thirdparties/views/\d+/state"><.*?name="query" value="([^"]*)"', page.text)
        assert query is not None
        answer = firms.post(f"/thirdparties/views/{number}/state", {"query": query[1].replace("&amp;", "&")})
        assert answer.status_code == 303
        page = firms.get(f"/thirdparties?view={number}")
        assert names(page) == ["Zinc"]
        assert "Modified view" not in page.text

    def test_a_filter_of_a_view_can_be_removed(self, firms: Browser) -> None:
        number = save(firms, "Lyon")
        page = firms.get(f"/thirdparties?view={number}")
        without = re.search(r'href="([^"]+)"[^>]*>(?:(?!<a ).)*Remove filter: Town is Lyon', page.text, re.S)
        assert without is not None
        page = firms.get(without[1].replace("&amp;", "&"))
        assert names(page) == ["Zinc", "Tin", "Lead"]
        assert "Modified view: Lyon" in page.text

    def test_a_field_that_is_gone_is_told_and_left_out(self, firms: Browser) -> None:
        number = save(firms, "Odd", "f=town:is:Lyon&f=gone.field:is:1")
        page = firms.get(f"/thirdparties?view={number}")
        assert sorted(names(page)) == ["Iron", "Tin", "Zinc"]
        assert '<li class="wrong">' in page.text
        assert "gone.field" in page.text
        assert "Modified view" not in page.text

    def test_many_at_once_refuses_what_it_does_not_understand(self, firms: Browser) -> None:
        number = save(firms, "Odd", "f=gone.field:is:1")
        answer = firms.post("/thirdparties/bulk", {"all": "1", "query": f"view={number}", "action": "delete"})
        assert answer.status_code == 422
        assert len(names(firms.get("/thirdparties"))) == 4

    def test_names_differ(self, firms: Browser) -> None:
        save(firms, "Lyon")
        again = firms.post("/thirdparties/views", {"name": "Lyon", "query": LYON})
        assert again.status_code == 422
        assert "Choose another name" in again.text
        assert firms.post("/thirdparties/views", {"name": " ", "query": LYON}).status_code == 422


class TestWhoSees:
    def test_private_shared_with_roles_and_locked(self, sales: Site, firms: Browser) -> None:
        save(firms, "Mine")
        save(firms, "For all", sharing="shared")
        save(firms, "For users", sharing="shared", role=["user"])
        save(firms, "For nobody else", sharing="shared", role=["administrator"])
        save(firms, "Locked", sharing="locked")
        lou = sales.browser("Lou", "user")
        assert tabs(lou) == ["All", "Prospects", "Customers", "For all", "For users", "Locked", "Manage views"]
        assert {"Mine", "For nobody else"} < set(tabs(firms))

    def test_who_may_not_know_of_a_view_is_told_that_there_is_none(self, sales: Site, firms: Browser) -> None:
        number = save(firms, "Secret name")
        lou = sales.browser("Lou", "user")
        page = lou.get(f"/thirdparties?view={number}")
        assert page.status_code == 200
        assert f"There is no view “{number}”" in page.text
        assert "Secret" not in page.text
        for path in ("", "/state", "/copy", "/pin", "/default", "/delete"):
            answer = lou.post(f"/thirdparties/views/{number}{path}", {"name": "Taken", "query": ""})
            assert answer.status_code == 404, path
        assert lou.get(f"/thirdparties/views/{number}").status_code == 404
        assert "Secret" not in lou.get("/thirdparties/views").text
        assert firms.get(f"/leads?view={number}").text.count("There is no view") == 1

    @pytest.mark.parametrize(("sharing", "path"), [("shared", ""), ("shared", "/state"), ("shared", "/delete"), ("locked", ""), ("locked", "/delete")])  # fmt: skip
    def test_only_its_owner_changes_a_view(self, sales: Site, firms: Browser, sharing: str, path: str) -> None:
        number = save(firms, "Ours", sharing=sharing)
        lou = sales.browser("Lou", "user")
        assert lou.get(f"/thirdparties/views/{number}").status_code == 403
        answer = lou.post(f"/thirdparties/views/{number}{path}", {"name": "Taken", "sharing": sharing, "query": ""})
        assert answer.status_code == 403
        assert names(firms.get(f"/thirdparties?view={number}")) == ["Zinc", "Tin"]
        assert "Ours" in tabs(firms)

    def test_only_administrators_lock_and_change_what_is_locked(self, sales: Site, firms: Browser) -> None:
        lou = sales.browser("Lou", "user")
        lou.get("/thirdparties")
        assert lou.post("/thirdparties/views", {"name": "L", "sharing": "locked", "query": ""}).status_code == 403
        number = save(lou, "Shared by Lou", sharing="shared")
        firms.get("/thirdparties")
        values = {"name": "Shared by Lou", "sharing": "locked"}
        assert firms.post(f"/thirdparties/views/{number}", values).status_code == 303
        assert lou.post(f"/thirdparties/views/{number}", {**values, "sharing": "private"}).status_code == 403
        assert lou.post(f"/thirdparties/views/{number}/delete").status_code == 403

    def test_scopes_hold_inside_a_view_of_somebody_else(self, sales: Site, firms: Browser) -> None:
        """A view is a question; what it answers is the reader's own."""
        number = save(firms, "For all", "f=town:is:Lyon", sharing="shared")
        lou = sales.browser("Lou", "user")
        create(lou, name="Lou's firm", town="Lyon")
        alone = sales.browser("Mia", "user")
        with sales.runtime.database.connection() as connection:
            connection.execute(
                RoleRight.__table__.insert().values(role="user", permission="thirdparty.view", reach="own")
            )
            bump(connection)
        assert names(lou.get(f"/thirdparties?view={number}")) == ["Lou&#39;s firm"]
        assert names(alone.get(f"/thirdparties?view={number}")) == []


class TestWhatOneDoesWithThem:
    def test_pins_stand_in_the_menu_of_every_page_in_order(self, firms: Browser) -> None:
        first, second = save(firms, "One", pin="on"), save(firms, "Two", pin="on")

        def pinned() -> list[str]:
            found = re.search(r'aria-label="Pinned views">.*?</nav>', firms.get("/").text, re.S)
            return re.findall(r"<span>([^<]+)</span>", found[0]) if found else []

        assert pinned() == ["One", "Two"]
        firms.post(f"/thirdparties/views/{second}/pin", {"to": "up"})
        assert pinned() == ["Two", "One"]
        firms.post(f"/thirdparties/views/{first}/pin", {"to": "off"})
        assert pinned() == ["Two"]
        firms.post(f"/thirdparties/views/{second}/delete")
        assert pinned() == []

    def test_the_menu_holds_seven(self, firms: Browser) -> None:
        for number in range(7):
            save(firms, f"View {number}", pin="on")
        answer = firms.post("/thirdparties/views", {"name": "One more", "query": "", "pin": "on"})
        assert answer.status_code == 422
        assert "Unpin another first" in answer.text
        assert "One more" not in tabs(firms)

    def test_a_default_view_opens_the_list(self, firms: Browser) -> None:
        number = save(firms, "Lyon", default="on")
        answer = firms.get("/thirdparties")
        assert answer.headers["Location"] == f"/thirdparties?view={number}"
        assert len(names(firms.get("/thirdparties?view=all"))) == 4
        assert names(firms.get("/thirdparties?view=customers")) == ["Iron"]
        firms.post(f"/thirdparties/views/{number}/default", {"to": "off"})
        assert len(names(firms.get("/thirdparties"))) == 4

    def test_delete_and_undo(self, firms: Browser) -> None:
        number = save(firms, "Lyon", pin="on")
        answer = firms.post(f"/thirdparties/views/{number}/delete")
        page = firms.get(answer.headers["Location"])
        assert "View “Lyon” deleted." in page.text
        assert "Lyon" not in tabs(firms)
        operation = re.search(r'action="(/undo/\d+)"', page.text)
        assert operation is not None
        assert firms.post(operation[1]).status_code == 303
        assert "Lyon" in tabs(firms)
        assert names(firms.get(f"/thirdparties?view={number}")) == ["Zinc", "Tin"]

    def test_a_change_is_history_and_can_be_undone(self, firms: Browser) -> None:
        number = save(firms, "Lyon")
        answer = firms.post(f"/thirdparties/views/{number}", {"name": "Lyons", "sharing": "shared"})
        page = firms.get(answer.headers["Location"])
        assert "View “Lyons” changed." in page.text
        operation = re.search(r'action="(/undo/\d+)"', page.text)
        assert operation is not None
        firms.post(operation[1])
        assert "Lyon" in tabs(firms)

    def test_a_copy_is_private(self, sales: Site, firms: Browser) -> None:
        number = save(firms, "Ours", sharing="shared")
        lou = sales.browser("Lou", "user")
        lou.get("/thirdparties")
        assert lou.post(f"/thirdparties/views/{number}/copy").status_code == 303
        assert "Copy of Ours" in tabs(lou)
        assert "Copy of Ours" not in tabs(firms)

    def test_two_who_edit_a_view(self, firms: Browser) -> None:
        number = save(firms, "Lyon")
        form = firms.get(f"/thirdparties/views/{number}").text
        version = re.search(r'name="version" value="(\d+)"', form)
        assert version is not None
        values = {"name": "First", "sharing": "private", "version": version[1]}
        assert firms.post(f"/thirdparties/views/{number}", values).status_code == 303
        assert firms.post(f"/thirdparties/views/{number}", {**values, "name": "Second"}).status_code == 409


class TestWhatOneIsUsedTo:
    def test_columns_sort_and_density_are_remembered(self, firms: Browser) -> None:
        arrange = "/thirdparties/arrange"
        firms.get("/thirdparties")
        firms.post(arrange, {"what": "columns", "c": ["town", "email"], "query": ""})
        firms.post(
            arrange, {"what": "sort", "sort1": "town", "way1": "down", "sort2": "name", "way2": "up", "query": ""}
        )
        firms.post(arrange, {"what": "density", "density": "comfortable", "query": ""})
        page = firms.get("/thirdparties")
        head = re.findall(r'<a id="sort-(\w+)"', page.text)
        assert head == ["name", "town", "email"]
        assert names(page) == ["Lead", "Iron", "Tin", "Zinc"]
        assert 'class="list comfortable"' in page.text
        assert names(firms.get("/thirdparties?sort=name")) == ["Iron", "Lead", "Tin", "Zinc"]
        firms.post(arrange, {"what": "columns", "reset": "1", "c": ["town"], "query": ""})
        assert "sort-country" in firms.get("/thirdparties").text

    def test_rows_per_page_are_remembered(self, sales: Site, firms: Browser) -> None:
        with transaction("many", context=sales.context()) as unit:
            for number in range(30):
                unit.add(ThirdParty(name=f"Firm {number:02}"))
        number = save(firms, "Lyon", "sort=name")
        firms.post("/thirdparties/arrange", {"what": "per", "per": "25", "query": ""})
        page = firms.get("/thirdparties?sort=name")
        assert len(names(page)) == 25
        assert re.search(r'value="25"[^>]*aria-pressed="true"', page.text)
        assert len(names(firms.get(f"/thirdparties?view={number}"))) == 25
        assert len(names(firms.get("/thirdparties?per=100"))) == 34

    def test_a_column_is_moved_without_script(self, firms: Browser) -> None:
        firms.get("/thirdparties")
        answer = firms.post("/thirdparties/arrange", {"what": "columns", "c": ["town", "email"], "move": "up:email"})
        assert re.findall(r'<a id="sort-(\w+)"', firms.get(answer.headers["Location"]).text) == [
            "name",
            "email",
            "town",
        ]

    def test_of_others_nothing_changes(self, sales: Site, firms: Browser) -> None:
        firms.get("/thirdparties")
        firms.post("/thirdparties/arrange", {"what": "columns", "c": ["town"], "query": ""})
        assert "sort-country" in sales.browser("Lou", "user").get("/thirdparties").text

    def test_inside_a_view_it_is_the_view_that_changes(self, firms: Browser) -> None:
        number = save(firms, "Lyon")
        answer = firms.post("/thirdparties/arrange", {"what": "columns", "c": ["email"], "query": f"view={number}"})
        page = firms.get(answer.headers["Location"])
        assert "Modified view: Lyon" in page.text
        assert names(page) == ["Zinc", "Tin"]
        assert "sort-country" in firms.get("/thirdparties").text


class TestAddresses:
    def test_go_to_and_exact_count(self, firms: Browser) -> None:
        answer = firms.get("/thirdparties?sort=name&go=m")
        assert names(firms.get(answer.headers["Location"])) == ["Tin", "Zinc"]
        assert firms.get("/thirdparties?sort=name&go=a").headers["Location"] == "/thirdparties?sort=name"
        assert "Enter a date" in firms.get("/thirdparties?sort=customer_since&go=whenever").text
        assert "4 third parties" in firms.get("/thirdparties?count=exact").text

    def test_an_or_group(self, firms: Browser) -> None:
        page = firms.get("/thirdparties?any=1:town:is:Nantes&any=1:role:is:customer&sort=name")
        assert names(page) == ["Iron", "Lead"]
        assert '<li class="or">or</li>' in page.text

    def test_a_filter_is_changed_where_it_stands_open(self, firms: Browser) -> None:
        page = firms.get("/thirdparties?f=town:is:Lyon&f=country:in:FR,BE")
        edit = re.search(r'class="chip-edit" href="([^"]+)"[^>]*aria-label="Edit filter: Country', page.text)
        assert edit is not None
        form = firms.get(edit[1].replace("&amp;", "&")).text
        assert re.search(r'<option value="country" selected>', form)
        assert re.search(r'<option value="in"[^>]* selected>', form)
        assert set(re.findall(r'<option value="(\w\w)" selected>', form)) == {"FR", "BE"}
        assert 'name="f" value="town:is:Lyon"' in form

    def test_a_part_of_an_address_is_a_chip_as_typed(self, firms: Browser) -> None:
        page = firms.get("/thirdparties?f=email:contains:alice&f=owner_id.email:contains:ali")
        assert page.status_code == 200
        assert "Owner: Email contains ali" in page.text

    def test_the_last_digits_of_a_telephone(self, firms: Browser) -> None:
        create(firms, name="Ringer", phone="+33 1 99 00 04 21")
        create(firms, name="Other", phone="+33 1 99 00 41 20")
        for typed in ("0421", "01 99 00 04 21", "+33 (0)1 99 00 04 21", "0033199000421", "04.21"):
            assert names(firms.get(f"/thirdparties?q={typed.replace('+', '%2B')}")) == ["Ringer"], typed


def test_people_of_another_company_do_not_see_what_is_shared(sales: Site) -> None:
    firm = open_firm(sales)
    split_firm(firm, "Uma")
    uma, alice = firm.browsers["Uma"], firm.browsers["Alice"]
    number = save(uma, "Southern secret", sharing="shared")
    save(alice, "Northern", sharing="shared")
    assert "Southern secret" in tabs(uma)
    assert "Northern" not in tabs(uma)
    for page in (f"/thirdparties?view={number}", "/thirdparties/views", f"/thirdparties/views/{number}", "/"):
        assert "Southern" not in alice.get(page).text
    assert alice.post(f"/thirdparties/views/{number}/copy").status_code == 404
