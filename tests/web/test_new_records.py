"""The short form of the Create menu, and the way back to the list one came from (UX 1.4)."""

from __future__ import annotations

import html
import re

import pytest

from core.testing.site import Browser, Site
from tests.web.people import open_firm

SCRIPT = {"HX-Request": "true"}
FIELD = re.compile(r'<(?:input|select)[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?')


def form_of(text: str) -> dict[str, str]:
    """The controls of a form and what they hold."""
    return {name: html.unescape(value or "") for name, value in FIELD.findall(text)}


@pytest.fixture
def browser(sales: Site) -> Browser:
    return sales.browser()


@pytest.mark.covers("UI-1e")
def test_few_fields_and_what_the_whole_form_would_have_sent(browser: Browser) -> None:
    answer = browser.get("/thirdparties/new/short?role=customer", headers=SCRIPT)
    assert "<html" not in answer.text
    fields = form_of(answer.text)
    shown = re.findall(r'id="f-(\w+)"', answer.text)
    assert shown[0] == "name"
    assert len(shown) <= 5
    assert 'value="customer" checked' in answer.text
    assert fields["contact_status"] == "never"


def test_without_script_it_is_the_whole_form(browser: Browser) -> None:
    assert browser.get("/thirdparties/new/short?role=customer").location == "/thirdparties/new?role=customer"
    assert (
        'href="/thirdparties/new?role=customer" hx-get="/thirdparties/new/short?role=customer"' in browser.get("/").text
    )


@pytest.mark.parametrize("then", ["stay", "save", "more"])
def test_where_it_leads(browser: Browser, then: str) -> None:
    asked = browser.get(
        "/thirdparties/new/short?role=customer", headers={**SCRIPT, "HX-Current-URL": "http://localhost:8800/leads?q=a"}
    )
    typed = {**form_of(asked.text), "name": "Zinc SARL", "then": then, "return": "/leads?q=a"}
    answer = browser.post("/thirdparties/new", typed)
    if then == "more":
        assert answer.status_code == 200
        assert 'value="Zinc SARL"' in answer.text
        assert "There is a problem" not in answer.text
        assert "Nothing here yet." in browser.get("/thirdparties").text
    else:
        assert answer.location.partition("done=")[0] == ("/leads?q=a&" if then == "stay" else "/thirdparties/1?")
        assert "Zinc SARL" in browser.get(answer.location).text
        assert browser.get("/thirdparties?view=customers").text.count("<tr id=") == 1


def test_what_is_wrong_is_said_by_the_whole_form(browser: Browser) -> None:
    answer = browser.post("/thirdparties/new", {"name": "", "then": "stay", "email": "lea@zinc"})
    assert answer.status_code == 422
    assert 'value="lea@zinc"' in answer.text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "x" * 600])
def test_it_leads_nowhere_else(browser: Browser, back: str) -> None:
    answer = browser.post("/leads/new", {"name": "Zinc", "then": "stay", "return": back})
    assert answer.location.startswith("/")
    assert "evil" not in answer.location


def test_only_for_who_may_create(sales: Site) -> None:
    nora = open_firm(sales).browsers["Nora"]
    assert nora.get("/thirdparties/new/short", headers=SCRIPT).status_code == 403
    assert "/new/short" not in nora.get("/").text


class TestTheWayBack:
    """The breadcrumb of a record leads to the list as it was left."""

    def crumb(self, browser: Browser, address: str, slug: str) -> str:
        crumbs = browser.get(address).text.partition('<nav class="crumbs"')[2].partition("</nav>")[0]
        found, *_record = re.findall(rf'href="(/{slug}[^"]*)"', crumbs)
        return html.unescape(found)

    @pytest.mark.covers("UI-1e")
    def test_to_the_list_as_it_was_left(self, browser: Browser) -> None:
        for name in ("Zinc", "Tin"):
            browser.post("/thirdparties/new", {"name": name, "town": "Lyon"})
        browser.post("/leads/new", {"name": "Zinc"})
        assert self.crumb(browser, "/thirdparties/1", "thirdparties") == "/thirdparties"
        asked = "/thirdparties?view=prospects&f=town:is:Lyon&q=zin&sort=name"
        browser.get(asked)
        for address in ("/thirdparties/1", "/thirdparties/1/edit", "/thirdparties/2/history"):
            back = self.crumb(browser, address, "thirdparties")
            assert browser.get(back).text.count("<tr id=") == 1
            assert "sort=name" in back
        assert self.crumb(browser, "/leads/1", "leads") == "/leads"

    def test_what_a_browser_makes_up_is_not_repeated(self, browser: Browser) -> None:
        browser.post("/leads/new", {"name": "Zinc"})
        browser.client.set_cookie("comptoir_list", "q=%E2%80%8B\r\nX: y", path="/leads", domain="localhost")
        assert "X: y" not in browser.get("/leads/1").text


def test_the_title_names_record_and_list(browser: Browser) -> None:
    browser.post("/leads/new", {"name": "Zinc"})
    for address, title in (
        ("/leads/1", "Zinc – Leads – Comptoir"), ("/leads", "Leads – Comptoir"), ("/leads/new", "New lead – Leads – Comptoir"),
        ("/", "Home – Comptoir"),
    ):  # fmt: skip
        assert f"<title>{title}</title>" in browser.get(address).text
    wrong = browser.post("/leads/new", {"name": ""})
    assert "<title>Error: New lead – Leads – Comptoir</title>" in wrong.text


class TestStepping:
    """From record to record in the list one came from, its filters and order kept."""

    @pytest.fixture
    def towns(self, browser: Browser) -> Browser:
        for name, town in (("Tin", "Lyon"), ("Zinc", "Lyon"), ("Iron", "Lille"), ("Copper", "Lyon")):
            browser.post("/thirdparties/new", {"name": name, "town": town})
        return browser

    def walk(self, browser: Browser, number: int, way: str) -> str:
        return browser.get(f"/thirdparties/{number}/{way}").location

    @pytest.mark.covers("UI-1e")
    @pytest.mark.parametrize("sort", ["name", "-created_at", "created_at", "-customer_since"])
    def test_as_the_list_has_them(self, towns: Browser, sort: str) -> None:
        listed = re.findall(r'<tr id="row-(\d+)"', towns.get(f"/thirdparties?f=town:is:Lyon&sort={sort}").text)
        assert len(listed) == 3
        forward, back = [int(listed[0])], [int(listed[-1])]
        for chain, way in ((forward, "next"), (back, "previous")):
            while "?" not in (to := self.walk(towns, chain[-1], way)):
                chain.append(int(to.rpartition("/")[2]))
            assert to.startswith("/thirdparties?")
        assert [str(number) for number in forward] == listed
        assert [str(number) for number in reversed(back)] == listed

    def test_links_for_who_came_from_a_list_only(self, towns: Browser) -> None:
        assert "data-step" not in towns.get("/thirdparties/1").text
        towns.get("/thirdparties?sort=name")
        sheet = towns.get("/thirdparties/1").text
        assert 'href="/thirdparties/1/next" data-step="next" aria-label="Next record"' in sheet

    def test_what_is_hidden_is_passed_over(self, sales: Site) -> None:
        firm = open_firm(sales)
        rita = firm.browsers["Rita"]
        rita.get("/thirdparties?sort=name")
        mine, sams = firm.records["Rita", "thirdparty"], firm.records["Sam", "thirdparty"]
        assert self.walk(rita, mine, "next") == f"/thirdparties/{sams}"
        assert self.walk(rita, sams, "next").startswith("/thirdparties?")
        assert rita.get(f"/thirdparties/{firm.records['Alice', 'thirdparty']}/next").status_code == 404


def test_the_theme_is_known_before_sign_in(sales: Site) -> None:
    visitor = sales.visitor()
    assert "data-bs-theme" not in visitor.get("/signin").text
    visitor.post("/preferences", {"theme": "dark"})
    assert '<html lang="en" data-bs-theme="dark">' in visitor.get("/signin").text
