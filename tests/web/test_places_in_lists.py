"""Which row of its list a record is, and the last searches of the palette (UX 1.3, 2.3)."""

from __future__ import annotations

import pytest

from core.testing.site import Browser, Site
from core.web.last_searches import KEPT, LONGEST
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add

PART = {"HX-Request": "true"}


@pytest.mark.covers("TP-12a")
def test_the_sheet_says_which_row_of_the_list_it_is(sales: Site) -> None:
    browser = sales.browser()
    add(
        sales,
        *(
            ThirdParty(name=name, town=town)
            for name, town in (("B", "Lyon"), ("A", "Lyon"), ("C", "Lyon"), ("D", None))
        ),
    )
    assert "/1/place" not in browser.get("/thirdparties/1").text, "nobody came from a list"
    for question, said in (
        ("sort=name", ("2 of 4", "1 of 4", "3 of 4", "4 of 4")),
        ("sort=-name&f=town:is:Lyon", ("2 of 3", "3 of 3", "1 of 3", "")),
    ):
        browser.get(f"/thirdparties?{question}")
        assert "/1/place" in browser.get("/thirdparties/1").text
        for number, words in enumerate(said, 1):
            part = browser.get(f"/thirdparties/{number}/place", headers=PART).text
            assert words in part
            assert bool(words) is ("<span" in part)
    assert browser.get("/thirdparties/1/place").status_code == 303  # a part is no page
    assert browser.get("/thirdparties/99/place", headers=PART).status_code == 404


class TestLastSearches:
    def test_what_something_was_opened_by_is_offered_again(self, sales: Site) -> None:
        browser = sales.browser()
        for text in ("zinc", "été", "zinc", "a&b", *"123"):
            assert keep(browser, text).status_code == 204
        page = browser.get("/palette?q=", headers=PART).text
        assert offered(page) == ["3", "2", "1", "a&amp;b", "zinc"][:KEPT]
        assert "/search?q=a%26b" in page
        assert offered(browser.get("/palette?q=x", headers=PART).text) == []

    def test_only_its_owner_sees_it_and_only_what_we_wrote_counts(self, sales: Site) -> None:
        browser, other = sales.browser(), sales.browser("Paul", "user")
        keep(browser, "zinc")
        keep(browser, "x" * (LONGEST + 1))
        cookie = browser.client.get_cookie("comptoir_searches", path="/palette")
        assert cookie is not None
        for value in (cookie.value, "%5B", "[]", "7", "%5B2%2C%7B%7D%5D", "\x01"):
            other.client.set_cookie("comptoir_searches", value, path="/palette")
            assert offered(other.get("/palette?q=", headers=PART).text) == []
        assert offered(browser.get("/palette?q=", headers=PART).text) == ["zinc"]


def keep(browser: Browser, text: str) -> object:
    return browser.get("/palette", query_string={"q": text, "keep": "1"}, headers=PART)


def offered(page: str) -> list[str]:
    group = page.partition("Last searches</p>")[2].partition("</div>")[0]
    return [line.partition("</span>")[0] for line in group.split("<span>")[1:]]
