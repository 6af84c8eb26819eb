"""One value for a field of many rows, and whose they are: the bulk bar of a list (UX 2.1, MO-6)."""

from __future__ import annotations

import pytest

from core.testing.site import Browser, Site
from core.web.bulk_fields import NEW
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, fetch
from tests.web.test_jobs import drain

EDIT = "/thirdparties/bulk/edit"


@pytest.fixture
def rows(sales: Site) -> Site:
    add(sales, *(ThirdParty(name=f"Zinc {place:03}", town="Lyon") for place in range(60)))
    sales.add_person("Alice")
    sales.add_person("Paul", "user")
    return sales


def kinds(site: Site, column: str) -> dict[object, int]:
    statement = f"SELECT {column}, count(*) FROM thirdparty_thirdparty GROUP BY {column}"  # noqa: S608 - a name in a test
    return dict(fetch(site, statement))  # type: ignore[arg-type]


def test_the_bar_asks_which_field_then_which_value(rows: Site) -> None:
    browser = rows.browser()
    bar = browser.get("/thirdparties").text.partition('id="bulk"')[2]
    assert bar.count(f'formaction="{EDIT}"') == 2  # Edit, and Assign for the field that says whose they are
    chosen = {"id": ["1", "2"], "value": "contacted", "return": "/thirdparties?q=Zinc"}
    fields = browser.post(EDIT, chosen).text
    for name, offered in (("town", True), ("potential", True), ("code", False), ("name", False), ("tags", False)):
        assert (f'<option value="{name}">' in fields) is offered
    assert 'name="id" value="2"' in fields
    assert 'value="contacted"' not in fields, "what the bar sets the status to is not carried on"
    value = browser.post(EDIT, {**chosen, "field": "town"}).text
    assert 'name="new"' in value
    assert "Edit 2 rows" in value
    done = browser.post(EDIT, {**chosen, "field": "town", NEW: "Nantes", "then": "save"})
    assert done.headers["Location"].startswith("/thirdparties?q=Zinc&done=")
    assert kinds(rows, "town") == {"Nantes": 2, "Lyon": 58}
    browser.post(f"/undo/{done.headers['Location'].partition('done=')[2]}")
    assert kinds(rows, "town") == {"Lyon": 60}


def test_a_value_that_does_not_fit_stays_in_the_form(rows: Site) -> None:
    for typed, number in (("+33 12", ["1"]), ("+33 12", [str(one) for one in range(1, 60)])):
        answer = rows.browser().post(EDIT, {"id": number, "field": "phone", NEW: typed, "then": "save"})
        assert answer.status_code == 422
        assert 'value="+33 12"' in answer.text
        assert 'id="f-new-error"' in answer.text


@pytest.mark.parametrize("field", ["code", "customer_since", "tags", "nothing"])
def test_what_is_not_typed_in_many_rows(rows: Site, field: str) -> None:
    assert rows.browser().post(EDIT, {"id": "1", "field": field, NEW: "x", "then": "save"}).status_code == 404


@pytest.mark.covers("UI-1i")
def test_the_whole_list_is_assigned_by_a_job_and_taken_back(rows: Site) -> None:
    browser, paul = rows.browser(), rows.people["Paul"].id
    everything = {"all": "1", "query": "q=Zinc", "field": "owner_id"}
    step = browser.post(EDIT, everything).text
    assert "Assign 60 rows" in step
    answer = browser.post(EDIT, {**everything, NEW: str(paul), "then": "save"})
    path = answer.headers["Location"]
    assert path.startswith("/jobs/")
    drain(rows)
    assert kinds(rows, "owner_id") == {paul: 60}
    browser.post(f"{path}/undo")
    drain(rows)
    assert paul not in kinds(rows, "owner_id")


def test_who_may_not_say_whose_they_are_is_not_asked(rows: Site) -> None:
    assert "owner_id" not in _bar(rows.browser("Nora", "representative"))
    assert "owner_id" in _bar(rows.browser())


def _bar(browser: Browser) -> str:
    browser.post("/thirdparties/new", {"name": "Own"})
    return browser.get("/thirdparties").text.partition('id="bulk"')[2]
