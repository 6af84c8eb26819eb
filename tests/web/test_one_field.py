"""Key facts edited in place, and what is set in the header of a sheet (UX 2.3, PR-1, PR-2)."""

from __future__ import annotations

import pytest

from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, row_of

pytestmark = pytest.mark.covers("TP-12a")


@pytest.fixture
def zinc(sales: Site) -> Site:
    add(sales, ThirdParty(name="Zinc", phone="+33478000000"))
    return sales


def test_a_fact_is_changed_with_its_own_form(zinc: Site) -> None:
    browser = zinc.browser()
    sheet = browser.get("/thirdparties/1").text
    assert 'href="/thirdparties/1/field/phone"' in sheet
    assert 'href="/thirdparties/1/field/website"' in sheet  # an empty one offers to be filled
    for headers in ({}, {"HX-Request": "true"}):
        form = browser.get("/thirdparties/1/field/phone", headers=headers)
        assert 'name="phone"' in form.text
        assert ("<html" in form.text) is not bool(headers)
    answer = browser.post("/thirdparties/1/field/phone", {"phone": "+33 4 78 00 00 01", "seen": "+33478000000"})
    assert answer.status_code == 303
    assert row_of(zinc, ThirdParty, 1)["phone"] == "+33478000001"
    browser.post(f"/undo/{answer.headers['Location'].partition('done=')[2]}")
    assert row_of(zinc, ThirdParty, 1)["phone"] == "+33478000000"


@pytest.mark.covers("UI-1i")
def test_a_cell_of_a_list_is_changed_and_answers_with_its_row(zinc: Site) -> None:
    browser = zinc.browser()
    here = {"HX-Request": "true"}
    listed = browser.get("/thirdparties?c=phone&c=customer_since").text
    assert 'data-edits="phone"' in listed
    assert 'data-edits="customer_since"' not in listed  # nobody types it
    assert 'data-edits="name"' not in listed  # leads to the record
    form = browser.get("/thirdparties/1/field/phone?list=1", headers=here).text
    assert 'hx-target="closest .editing"' in form
    sent = {
        "phone": "+33 4 78 00 00 01",
        "seen": "+33478000000",
        "list": "1",
        "return": "/thirdparties?c=phone&f=phone:filled",
    }
    wrong = browser.post("/thirdparties/1/field/phone", {**sent, "phone": "12"}, headers=here)
    assert (wrong.status_code, "HX-Retarget" in wrong.headers) == (422, False)
    assert 'value="12"' in wrong.text
    saved = browser.post("/thirdparties/1/field/phone", sent, headers=here)
    assert (saved.status_code, saved.headers["HX-Retarget"]) == (200, "#row-1")
    assert saved.text.strip().startswith('<tr id="row-1">')
    assert "/undo/" in saved.text
    stale = browser.post("/thirdparties/1/field/phone", {**sent, "phone": "+33478000002"}, headers=here)
    assert stale.status_code == 409
    assert "was changed meanwhile" in stale.text
    empty = {**sent, "phone": "", "seen": "+33478000001"}
    gone = browser.post("/thirdparties/1/field/phone", empty, headers=here)
    assert "No longer in this view" in gone.text
    assert browser.post("/thirdparties/1/field/phone", {**sent, "seen": ""}).status_code == 303  # without script


def test_a_wrong_value_stays_in_the_form(zinc: Site) -> None:
    answer = zinc.browser().post("/thirdparties/1/field/phone", {"phone": "12", "seen": "+33478000000"})
    assert answer.status_code == 422
    assert 'value="12"' in answer.text
    assert 'id="f-phone-error"' in answer.text


def test_only_a_change_of_that_field_is_a_conflict(zinc: Site) -> None:
    browser = zinc.browser()
    edit(zinc, ThirdParty, 1, town="Lyon")
    sent = {"phone": "+33478000002", "seen": "+33478000000"}
    assert browser.post("/thirdparties/1/field/phone", sent).status_code == 303
    answer = browser.post("/thirdparties/1/field/phone", {"phone": "+33478000003", "seen": "+33478000000"})
    assert answer.status_code == 409
    assert "was changed meanwhile" in answer.text
    assert row_of(zinc, ThirdParty, 1)["phone"] == "+33478000002"


@pytest.mark.parametrize("name", ["nothing", "customer_since", "created_at", "version"])
def test_what_nobody_types_has_no_form(zinc: Site, name: str) -> None:
    browser = zinc.browser()
    assert browser.get(f"/thirdparties/1/field/{name}").status_code == 404
    assert browser.post(f"/thirdparties/1/field/{name}", {name: "1"}).status_code == 404


@pytest.mark.covers("PR-1")
def test_the_potential_stands_beside_the_status(zinc: Site) -> None:
    browser = zinc.browser()
    sheet = browser.get("/thirdparties/1").text
    assert 'id="choose-potential"' in sheet
    answer = browser.post(
        "/thirdparties/1/status", {"field": "potential", "value": "high", "seen": "", "return": "/thirdparties/1"}
    )
    assert answer.headers["Location"].startswith("/thirdparties/1?done=")
    assert row_of(zinc, ThirdParty, 1)["potential"] == "high"
    stale = browser.post("/thirdparties/1/status", {"field": "potential", "value": "low", "seen": "", "return": "/"})
    assert stale.status_code == 409
