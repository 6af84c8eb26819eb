"""Facets: links with numbers over the filtered set, within a time (UX 2.1)."""

from __future__ import annotations

import html
import re

import pytest

from core.data.query import parse
from core.data.unit import transaction
from core.features.facets import count_facet
from core.features.list_rows import count
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.web.pages import create


def values(browser: Browser, path: str) -> dict[str, tuple[int, str]]:
    """Words -> number and address, of all facets of a list."""
    page = browser.get(path.replace("/thirdparties", "/thirdparties/facets", 1))
    assert page.status_code == 200
    found = re.findall(r'<a href="([^"]+)"[^>]*><span>([^<]+)</span> <b>(\d+)</b>', page.text)
    return {word: (int(number), html.unescape(url)) for url, word, number in found}


@pytest.fixture
def firms(sales: Site) -> Browser:
    browser = sales.browser()
    for name, country, role in (("Zinc", "FR", "prospect"), ("Tin", "FR", "customer"), ("Iron", "BE", "prospect"), ("Lead", "NL", "prospect")):  # fmt: skip
        create(browser, name=name, country=country, role=role)
    return browser


def test_every_number_is_a_list_with_so_many_rows(firms: Browser) -> None:
    """Rule 6 of UX 0.1."""
    found = values(firms, "/thirdparties?f=name:filled")
    assert {word: number for word, (number, _url) in found.items() if word in ("France", "Belgium", "Prospect")} == {
        "France": 2, "Belgium": 1, "Prospect": 3,
    }  # fmt: skip
    for number, url in found.values():
        assert len(re.findall(r'<tr id="row-', firms.get(url).text)) == number


def test_several_values_of_one_facet_are_alternatives(firms: Browser) -> None:
    france = values(firms, "/thirdparties")["France"][1]
    again = values(firms, france)
    assert again["Belgium"][0] == 1
    assert again["Prospect"][0] == 1
    both = again["Belgium"][1]
    assert len(re.findall(r'<tr id="row-', firms.get(both).text)) == 3
    assert "f=country%3Ain%3AFR%2CBE" in both
    assert "country" not in values(firms, france)["France"][1]


def test_the_filters_of_a_built_in_view_stay(firms: Browser) -> None:
    found = values(firms, "/thirdparties?view=prospects")
    assert found["France"][0] == 1
    assert "view=prospects" in found["France"][1]


def test_what_takes_too_long_is_left_to_a_click(sales: Site, firms: Browser) -> None:
    """A budget of nothing is always used up; afterwards the transaction goes on."""
    generation = sales.runtime.follow()
    entity, alice = generation.registry.entity("thirdparty"), sales.people["Alice"]
    with transaction("many", context=sales.context()) as unit:
        for number in range(2_000):
            unit.add(ThirdParty(name=f"Firm {number}", country="FR"))
    with sales.runtime.database.reading() as session:
        query = parse(entity, {"f": ["name:contains:r"]}, generation.permissions.fields(alice, entity), scope=None)
        number = count(session, query, None)
        if sales.runtime.database.is_sqlite:
            assert count_facet(session, query, entity.field("country"), -1.0) is None
        assert count(session, query, None) == number
        found = count_facet(session, query, entity.field("country"), None)
        assert found is not None
        assert sum(found.values()) == number
