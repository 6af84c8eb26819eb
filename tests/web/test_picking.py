"""Links to one of many records: found by name in forms, filters and bulk actions, without script too (UX 7.4)."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from core.data.unit import transaction
from core.testing.site import Browser, Site
from core.web.picking import SELECT_UP_TO, SHOWN
from plugins.thirdparty.api import ThirdParty
from tests.web.pages import create, follow
from tests.web.people import open_firm


@pytest.fixture
def club(foreign_packages: Path, site_with: object) -> Site:
    """Loyalty on, whose rewards belong to third parties."""
    site: Site = site_with("thirdparty", "loyalty")  # type: ignore[operator]
    return site


def fill(site: Site, number: int = SELECT_UP_TO, name: str = "Garage %02d") -> None:
    with transaction("test.fill", context=site.context()) as unit:
        for count in range(number):
            unit.add(ThirdParty(name=name % count))


def combo(page: TestResponse, name: str = "thirdparty_id") -> dict[str, str]:
    """What the parts of a combobox hold."""
    found = re.findall(rf'<input[^>]* name="({name}(?:\.\w+)?)" value="([^"]*)"', page.text)
    return {part: html.unescape(value) for part, value in found}


def matches(page: TestResponse) -> list[str]:
    select = re.search(r"<select[^>]*(?:data-matches|id=\"pick\")[^>]*>(.*?)</select>", page.text, re.DOTALL)
    return [html.unescape(text) for text in re.findall(r">([^<>]+)</option>", select.group(1))] if select else []


def number_in(page: TestResponse, label: str) -> str:
    found = re.search(rf'<option value="(\d+)"[^>]*>{label}</option>', page.text)
    assert found
    return found.group(1)


def options(browser: Browser, q: str, slug: str = "thirdparties") -> list[str]:
    answer = browser.get(f"/{slug}/pick", query_string={"q": q})
    assert answer.status_code == 200
    return [html.unescape(text) for text in re.findall(r'<li role="option"[^>]*>([^<]*)</li>', answer.text)]


class TestTheList:
    def test_it_finds_by_part_of_the_name(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        create(browser, name="Boulangerie <Œuf> & Cie")
        create(browser, name="Le Boulanger")
        assert options(browser, "BOULANG") == ["Boulangerie <Œuf> & Cie", "Le Boulanger"], "beginning with it first"
        assert options(browser, "oeuf") == ["Boulangerie <Œuf> & Cie"]
        assert len(options(browser, "")) == SHOWN
        for nothing in ("zebra", "%", "_", "\x00", "x" * 9_000, "!!!"):
            assert options(browser, nothing) == [], nothing
        said = browser.get("/thirdparties/pick?q=boulang").text
        assert "<p data-said>2 matches</p>" in said

    def test_deleted_records_are_not_offered(self, club: Site) -> None:
        browser = club.browser()
        number = create(browser, name="Zinc SARL")
        follow(browser, browser.post(f"/thirdparties/{number}/delete"))
        assert options(browser, "zinc") == []

    def test_it_offers_only_what_one_may_know_of(self, sales: Site) -> None:
        firm = open_firm(sales)
        everybody = set(options(firm.browsers["Alice"], "& company"))
        assert {"Sam & Company", "Otto & Company"} <= everybody
        assert options(firm.browsers["Otto"], "& company") == ["Otto & Company"]
        assert set(options(firm.browsers["Rita"], "& company")) == {"Rita & Company", "Sam & Company"}
        assert firm.browsers["Nora"].get("/thirdparties/pick?q=x").status_code == 403


class TestTheForm:
    def test_few_records_are_a_select(self, club: Site) -> None:
        browser = club.browser()
        fill(club, SELECT_UP_TO)
        assert re.search(r'<select[^>]*name="thirdparty_id"', browser.get("/rewards/new").text)

    def test_a_name_is_enough(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        zinc = create(browser, name="Zinc SARL")
        page = browser.get("/rewards/new")
        assert combo(page) == {"thirdparty_id": "", "thirdparty_id.for": "", "thirdparty_id.text": ""}
        made = create(browser, "rewards", **{**combo(page), "title": "Cup", "thirdparty_id.text": "zinc"})
        page = browser.get(f"/rewards/{made}/edit")
        assert combo(page) == {
            "thirdparty_id": str(zinc), "thirdparty_id.for": "Zinc SARL", "thirdparty_id.text": "Zinc SARL",
        }  # fmt: skip
        assert f'href="/thirdparties/{zinc}"' in browser.get(f"/rewards/{made}").text

    def test_several_matches_are_listed_and_nothing_is_lost(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        fill(club, 1, "Zinc %s")
        typed = {
            "title": "Cup",
            "points": "7",
            "thirdparty_id": "",
            "thirdparty_id.for": "",
            "thirdparty_id.text": "garage 1",
        }
        page = browser.post("/rewards/new", typed)
        assert page.status_code == 422
        assert "Choose one of the matches for “garage 1”" in page.text
        assert matches(page) == [f"Garage {number}" for number in range(10, 20)]
        assert combo(page)["thirdparty_id.text"] == "garage 1"
        assert ('value="Cup"' in page.text, 'value="7"' in page.text) == (True, True)
        chosen = {**typed, **combo(page), "thirdparty_id": number_in(page, "Garage 13")}
        assert "Garage 13" in follow(browser, browser.post("/rewards/new", chosen)).text

    def test_no_match_is_said(self, club: Site) -> None:
        browser = club.browser()
        fill(club, SELECT_UP_TO + 1)
        page = browser.post("/rewards/new", {"title": "Cup", "thirdparty_id.text": "zebra"})
        assert page.status_code == 422
        assert "Nothing is called “zebra”. Try another word." in page.text

    def test_the_search_button_only_lists(self, club: Site) -> None:
        browser = club.browser()
        fill(club, SELECT_UP_TO + 1)
        typed = {"title": "Cup", "thirdparty_id.text": "garage 07", "then": "find"}
        page = browser.post("/rewards/new", typed)
        assert page.status_code == 200
        assert matches(page) == ["Garage 07"]
        assert "There is a problem" not in page.text
        assert "Nothing here yet." in browser.get("/rewards").text
        nothing_chosen = browser.post("/rewards/new", {"title": "Cup", **combo(page), "thirdparty_id": ""})
        assert nothing_chosen.status_code == 303, "one match is clear"

    def test_an_edit_changes_it_or_leaves_it(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        first, second = create(browser, name="Zinc SARL"), create(browser, name="Zinc SARL")
        made = create(browser, "rewards", title="Cup", thirdparty_id=str(second))
        path = f"/rewards/{made}/edit"
        page = browser.get(path)
        version = re.search(r'name="version" value="(\d+)"', page.text)
        assert version
        held = {**combo(page), "version": version.group(1)}
        assert held["thirdparty_id"] == str(second), "two of one name: the number counts"
        answer = follow(browser, browser.post(path, {**held, "title": "Mug"}))
        assert f'href="/thirdparties/{second}"' in answer.text
        page = browser.post(path, {**held, "version": str(int(held["version"]) + 1), "thirdparty_id.text": ""})
        assert page.status_code == 422
        assert "Enter a value for Third party" in page.text
        assert first != second


class TestFilters:
    def test_a_name_becomes_a_filter(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        zinc = create(browser, name="Zinc SARL")
        create(browser, "rewards", title="Cup", thirdparty_id=str(zinc))
        for arguments in (
            {"value": "zinc"},
            {"value": "", "value.text": "zinc", "value.for": ""},
            {"value": str(zinc)},
        ):
            answer = browser.get("/rewards", query_string={"field": "thirdparty_id", "op": "is", **arguments})
            assert answer.headers["Location"] == f"/rewards?f=thirdparty_id%3Ais%3A{zinc}"
        page = browser.get(f"/rewards?f=thirdparty_id:is:{zinc}")
        assert "Third party is Zinc SARL" in page.text
        assert 'data-combo="/thirdparties/pick"' in page.text

    def test_several_matches_are_a_step(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        create(browser, "rewards", title="Cup", thirdparty_id=str(create(browser, name="Zinc SARL")))
        asked = {"field": "thirdparty_id", "op": "is", "value": "garage 1", "sort": "title", "q": "cup"}
        page = browser.get("/rewards", query_string=asked)
        assert page.status_code == 200
        assert matches(page) == [f"Garage {number}" for number in range(10, 20)]
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        number = number_in(page, "Garage 13")
        answer = browser.get("/rewards", query_string={**hidden, "value": number})
        assert answer.headers["Location"] == f"/rewards?f=thirdparty_id%3Ais%3A{number}&q=cup&sort=title" or (
            sorted(answer.headers["Location"].partition("?")[2].split("&"))
            == sorted([f"f=thirdparty_id%3Ais%3A{number}", "q=cup", "sort=title"])
        )

    def test_a_name_nobody_may_know_of_is_no_match(self, club: Site) -> None:
        browser = club.browser()
        fill(club, SELECT_UP_TO + 1)
        page = browser.get("/rewards", query_string={"field": "thirdparty_id", "op": "is", "value": "zebra"})
        assert "Nothing is called “zebra”" in page.text
        assert browser.get("/rewards?f=thirdparty_id:is:999999").status_code == 200


class TestBulk:
    def test_a_link_is_set_by_name(self, club: Site) -> None:
        browser = club.browser()
        fill(club)
        zinc = create(browser, name="Zinc SARL")
        ids = [create(browser, "rewards", title=f"Cup {n}", thirdparty_id=str(zinc)) for n in range(2)]
        page = browser.get("/rewards")
        assert "Set Third party" in page.text
        rows = {"id": [str(number) for number in ids], "return": "/rewards", "action": "set"}
        done = browser.post("/rewards/bulk", {**rows, "value": "", "value.for": "", "value.text": "garage 13"})
        assert follow(browser, done).text.count(">Garage 13</a>") == 2
        step = browser.post("/rewards/bulk", {**rows, "value": "", "value.for": "", "value.text": "garage 2"})
        assert step.status_code == 422
        assert matches(step) == [f"Garage {number}" for number in range(20, 30)]
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', step.text[step.text.index("<main") :])
        carried: dict[str, list[str]] = {}
        for name, value in hidden:
            carried.setdefault(name, []).append(value)
        assert carried["id"] == rows["id"]
        done = browser.post("/rewards/bulk", {**carried, "value": number_in(step, "Garage 21")})
        assert follow(browser, done).text.count(">Garage 21</a>") == 2
