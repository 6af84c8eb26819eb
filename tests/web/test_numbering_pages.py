"""Numbering in the browser, without script: series, what they would give, and the number of a new record (TP-2, UX 2.4, 2.13)."""

from __future__ import annotations

import html
import re

import pytest
import time_machine

from core.testing.site import Browser, Site
from tests.probe.helpers import fetch, number_of
from tests.web.pages import create, fields_of, follow

pytestmark = pytest.mark.covers("TP-2a")


@pytest.fixture
def admin(sales: Site) -> Browser:
    return sales.browser()


def series_id(site: Site, name: str = "Third parties") -> int:
    return int(fetch(site, "SELECT id FROM core_series WHERE name = :name", name=name)[0].id)


def save(site: Site, browser: Browser, **typed: str) -> int:
    """Change the series the module brought; the status of the answer."""
    address = f"/numbering/{series_id(site)}/edit"
    version = fields_of(browser, address)["version"]
    return browser.post(address, {"version": version, **typed}).status_code


def words(text: str) -> str:
    """The text of a page as people read it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def number_of_company(site: Site, name: str) -> str:
    return str(fetch(site, "SELECT code FROM thirdparty_thirdparty WHERE name = :name", name=name)[0].code)


class TestSeries:
    def test_one_is_added(self, sales: Site, admin: Browser) -> None:
        listed = admin.get("/numbering").text
        assert re.search(r'href="/numbering/new" role="button">.*Add series</a>', listed)
        assert 'name="target" value="thirdparty"' in admin.get("/numbering/new").text
        create(admin, "numbering", name="Export", target="thirdparty", mask="EX{0000}")
        assert "Third parties" in words(admin.get("/numbering").text)
        assert number_of(sales, "core_series") == 2

    def test_after_the_only_one_was_deleted(self, sales: Site, admin: Browser) -> None:
        admin.get("/numbering")
        assert admin.post(f"/numbering/{series_id(sales)}/delete").status_code == 303
        page = admin.get("/thirdparties/new").text
        assert "There is no numbering series for Third parties. Add one under Numbering." in words(page)
        assert admin.post("/thirdparties/new", {"name": "Zinc"}).status_code == 422
        create(admin, "numbering", name="New", target="thirdparty", mask="Z{000}")
        create(admin, name="Zinc")
        assert number_of_company(sales, "Zinc") == "Z001"

    @pytest.mark.parametrize("target", ["", "lead", "series", "nothing"])
    def test_only_for_what_has_numbers(self, sales: Site, admin: Browser, target: str) -> None:
        admin.get("/numbering/new")
        answer = admin.post("/numbering/new", {"name": "Export", "target": target, "mask": "EX{0000}"})
        assert answer.status_code == 422
        assert "already has this value" not in answer.text
        assert number_of(sales, "core_series") == 1

    def test_what_it_numbers_stays(self, sales: Site, admin: Browser) -> None:
        address = f"/numbering/{series_id(sales)}/edit"
        assert 'name="target"' not in admin.get(address).text
        assert save(sales, admin, mask="Z{000}", target="lead") == 303
        assert fetch(sales, "SELECT target FROM core_series") == [("thirdparty",)]

    @pytest.mark.parametrize(
        ("mask", "says"),
        [
            ("{t}{ccc}{uuu}{000}", "have no customer whose code could be printed: remove {ccc}"),
            ("x" * 40 + "{0000}", "have 44 characters, and Code has room for 32: shorten it"),
            ("N-{00}", "write at least three zeros"),
        ],
    )
    def test_a_mask_that_cannot_work_is_refused_at_save(
        self, sales: Site, admin: Browser, mask: str, says: str
    ) -> None:
        address = f"/numbering/{series_id(sales)}/edit"
        version = fields_of(admin, address)["version"]
        answer = admin.post(address, {"version": version, "mask": mask})
        assert answer.status_code == 422
        assert says in words(answer.text)
        create(admin, name="Zinc")


class TestPreview:
    def test_of_one_that_is_kept(self, sales: Site) -> None:
        with time_machine.travel("2026-12-15T12:00:00+00:00", tick=False):
            admin = sales.browser()
            assert save(sales, admin, mask="N{yy}{mm}-{000@99}") == 303
            create(admin, name="Zinc")
            page = admin.get(f"/numbering/{series_id(sales)}/edit").text
        assert 'role="status" aria-label="Next number N2612-002"' in page
        assert "Then N2612-003, N2612-004" in words(page)
        assert re.search("From 1 Jan(uary)? 2027: N2701-001", words(page))

    def test_of_what_is_typed_before_it_is_saved(self, sales: Site, admin: Browser) -> None:
        create(admin, name="Zinc", code="EX0002")
        admin.get("/numbering/new")
        typed = {"name": "Export", "target": "thirdparty", "mask": "EX{0000}", "is_default": "on"}
        answer = admin.post("/numbering/preview", typed)
        assert answer.status_code == 200
        said = words(answer.text)
        assert "Next number EX0001" in said
        assert "Then EX0003, EX0004" in said
        assert "In use already, so stepped over: EX0002" in said
        assert 'value="EX{0000}"' in answer.text
        assert re.search(r'name="is_default" value="on" checked', answer.text)
        assert number_of(sales, "core_series") == 1
        assert "There is a problem" not in said

    def test_an_offset_is_given_as_foreseen(self, sales: Site, admin: Browser) -> None:
        assert save(sales, admin, mask="N-{000}") == 303
        create(admin, name="One")
        create(admin, name="Two")
        edited = f"/numbering/{series_id(sales)}/edit"
        version = fields_of(admin, edited)["version"]
        answer = admin.post(
            f"/numbering/preview?series={series_id(sales)}", {"mask": "N-{000+100}", "version": version}
        )
        assert "Next number N-101" in words(answer.text)
        assert save(sales, admin, mask="N-{000+100}") == 303
        create(admin, name="Three")
        assert number_of_company(sales, "Three") == "N-101"

    def test_a_part_is_put_at_the_end_of_the_pattern(self, admin: Browser) -> None:
        assert 'name="token" value="{0000}"' in admin.get("/numbering/new").text
        typed = {"name": "Export", "target": "thirdparty", "mask": "EX", "token": "{0000}"}
        answer = admin.post("/numbering/preview", typed)
        assert 'value="EX{0000}"' in answer.text
        assert "Next number EX0001" in words(answer.text)

    def test_says_why_there_is_none(self, sales: Site, admin: Browser) -> None:
        admin.get("/numbering/new")
        typed = {"name": "Export", "target": "thirdparty", "mask": "EX{00"}
        answer = admin.post("/numbering/preview", typed, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "a brace without its partner" in answer.text
        assert "<html" not in answer.text


class TestNewRecord:
    def test_its_number_is_foretold_and_given(self, sales: Site, admin: Browser) -> None:
        assert save(sales, admin, mask="N-{000}") == 303
        create(admin, name="Tin", code="N-001")
        page = admin.get("/thirdparties/new").text
        assert "Will be N-002 (automatic)" in words(page)
        assert "<summary>Choose another</summary>" in page
        assert "number_series" not in page, "there is only one"
        create(admin, name="Zinc")
        assert number_of_company(sales, "Zinc") == "N-002"

    def test_another_series_is_chosen(self, sales: Site, admin: Browser) -> None:
        assert save(sales, admin, mask="N-{000}") == 303
        other = create(admin, "numbering", name="Export", target="thirdparty", mask="EX{000}")
        person = sales.browser("Paul", "user")
        page = words(person.get("/thirdparties/new").text)
        assert "Will be N-001 (automatic)" in page
        assert "Third parties, next N-001 Export, next EX001" in page
        create(person, name="Zinc", number_series=str(other))
        create(person, name="Tin")
        assert [number_of_company(sales, name) for name in ("Zinc", "Tin")] == ["EX001", "N-001"]

    def test_the_choice_stays_when_something_else_is_wrong(self, sales: Site, admin: Browser) -> None:
        other = create(admin, "numbering", name="Export", target="thirdparty", mask="EX{000}")
        admin.get("/thirdparties/new")
        answer = admin.post("/thirdparties/new", {"name": "", "number_series": str(other)})
        assert answer.status_code == 422
        assert f'<option value="{other}" selected>' in answer.text
        answer = admin.post("/thirdparties/new", {"name": "Zinc", "number_series": "999"})
        assert answer.status_code == 422
        assert "This numbering series was deleted or does not exist" in answer.text

    def test_undo_and_restore_keep_the_number(self, sales: Site, admin: Browser) -> None:
        other = create(admin, "numbering", name="Export", target="thirdparty", mask="EX{000}")
        number = create(admin, name="Zinc", number_series=str(other))
        assert admin.post(f"/thirdparties/{number}/delete").status_code == 303
        assert admin.post(f"/thirdparties/{number}/restore").status_code == 303
        create(admin, name="Tin", number_series=str(other))
        assert [number_of_company(sales, name) for name in ("Zinc", "Tin")] == ["EX001", "EX002"]


class TestSettings:
    def test_short_counters_and_the_fiscal_year(self, sales: Site, admin: Browser) -> None:
        page = admin.get("/admin/settings").text
        assert "Allow short counters" in page
        assert "Month in which the fiscal year starts" in page
        assert save(sales, admin, mask="N{yyyy}-{00@-}") == 422
        answer = admin.post("/admin/settings", {"fiscal_month": "6", "short_counters": ["off", "on"]})
        assert "selected>June" in follow(admin, answer).text
        assert save(sales, admin, mask="N{yyyy}-{00@-}") == 303
        with time_machine.travel("2026-05-31T12:00:00+00:00", tick=False):
            admin = sales.browser()
            create(admin, name="Zinc")
        assert number_of_company(sales, "Zinc") == "N2025-01"

    def test_what_a_series_needs_stays(self, sales: Site, admin: Browser) -> None:
        admin.get("/admin/settings")
        admin.post("/admin/settings", {"short_counters": ["off", "on"]})
        assert save(sales, admin, mask="N-{00}") == 303
        answer = admin.post("/admin/settings", {"company_name": "Zinc", "short_counters": "off"})
        assert answer.status_code == 422
        assert "The series Third parties would not work any more." in words(answer.text)
        create(admin, name="Zinc")

    def test_a_wrong_value_is_said_at_its_field(self, sales: Site, admin: Browser) -> None:
        admin.get("/admin/settings")
        answer = admin.post("/admin/settings", {"fiscal_month": "13"})
        assert answer.status_code == 422
        assert 'id="f-fiscal_month-error"' in answer.text
