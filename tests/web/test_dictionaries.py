"""Lists of values in the browser, without script: order, words, closing, removal with a replacement, undo (PR-1, UX 2.13)."""

from __future__ import annotations

import html
import re

import pytest

from core.jobs.worker import Worker
from core.testing.site import Browser, Site
from plugins.leads.models import Lead
from tests.probe.helpers import add, fetch
from tests.web.pages import create, fields_of, follow, operation_of

pytestmark = pytest.mark.covers("PR-1b")
STATUSES = "/admin/dictionaries/contact_status"
POTENTIALS = "/admin/dictionaries/potential"


@pytest.fixture
def admin(sales: Site) -> Browser:
    return sales.browser()


def entry_id(site: Site, code: str, name: str = "contact_status") -> int:
    found = fetch(
        site, "SELECT id FROM core_dictionary WHERE dictionary = :name AND code = :code", name=name, code=code
    )
    return int(found[0].id)


def order(browser: Browser, address: str = STATUSES) -> list[str]:
    """The codes of a list as its page shows them."""
    return re.findall(r"<td>([a-z-]+)</td>\s*<td><div class=\"btn-row\">", browser.get(address).text)


def drain(site: Site) -> None:
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_they_are_listed_by_module_and_those_of_a_module_that_is_off_are_not(sales: Site, admin: Browser) -> None:
    shown = words(admin.get("/admin/dictionaries").text)
    assert "Contact status Third parties: Contact status" in shown
    assert "Lead status Leads: Status" in shown
    assert 'href="/admin/dictionaries"' in admin.get("/").text
    assert f'href="{STATUSES}"' in admin.get("/palette?q=contact+stat", headers={"HX-Request": "true"}).text
    sales.disable("leads")
    assert "Lead status" not in words(admin.get("/admin/dictionaries").text)
    assert admin.get("/admin/dictionaries/lead_status").status_code == 404
    sales.enable("leads")
    assert admin.get("/admin/dictionaries/lead_status").status_code == 200
    assert sales.browser("Paul", "user").get("/admin/dictionaries").status_code == 403


def test_a_value_is_added_changed_and_moved_and_every_page_follows(sales: Site, admin: Browser) -> None:
    french = sales.browser("Lea", "user", "fr")
    admin.get(f"{STATUSES}/new")
    answer = admin.post(f"{STATUSES}/new", {"label_en": "Call back later!", "tone": "warning", "icon": "star"})
    assert answer.status_code == 303, words(answer.text)
    assert order(admin)[-1] == "call-back-later"
    shown = words(follow(admin, answer).text)
    assert "missing" in shown, "a label in French is wanted"
    zinc = create(admin, name="Zinc", contact_status="call-back-later")
    page = french.get(f"/thirdparties/{zinc}").text
    assert 'status-warning k-star" aria-current="step">Call back later!' in page
    address = f"{STATUSES}/{entry_id(sales, 'call-back-later')}"
    version = fields_of(admin, address)["version"]
    typed = {"version": version, "label_en": "Call back", "label_fr": "À rappeler", "tone": "danger", "code": "other"}
    answer = admin.post(address, typed)
    assert answer.status_code == 303, words(answer.text)
    assert order(admin)[-1] == "call-back-later", "codes stay"
    assert "À rappeler" in french.get(f"/thirdparties/{zinc}").text
    assert "À rappeler" in french.get("/thirdparties?f=contact_status:is:call-back-later").text
    assert admin.post(address, {"version": version, "label_en": "Mine"}).status_code == 409
    taken = admin.post(f"{STATUSES}/new", {"label_en": "Call back later", "tone": "info"})
    assert taken.status_code == 422
    assert "The code call-back-later is taken" in words(taken.text)

    before = order(admin)
    moved = admin.post(f"{address}/move", {"to": "up"})
    assert order(admin) == [*before[:-2], before[-1], before[-2]]
    assert admin.post(f"{STATUSES}/{entry_id(sales, before[0])}/move", {"to": "up"}).status_code == 303
    assert order(admin)[0] == before[0]
    admin.post(f"/undo/{operation_of(moved)}")
    assert order(admin) == before


def test_a_closed_value_stays_where_it_is_and_is_not_chosen_anew(sales: Site, admin: Browser) -> None:
    old = create(admin, name="Old", potential="low")
    switched = admin.post(f"{POTENTIALS}/{entry_id(sales, 'low', 'potential')}/switch", {"to": "off"})
    assert switched.status_code == 303
    assert "inactive" in words(admin.get(POTENTIALS).text)
    page = admin.get("/thirdparties/new").text
    assert 'name="potential"' in page
    assert 'value="low"' not in page
    assert admin.post("/thirdparties/new", {"name": "New", "potential": "low"}).status_code == 422
    assert re.search(r'value="low"[^>]* (selected|checked)', admin.get(f"/thirdparties/{old}/edit").text)
    assert "Low" in words(admin.get("/thirdparties?f=potential:is:low").text)
    version = fields_of(admin, f"/thirdparties/{old}/edit")["version"]
    saved = {"version": version, "name": "Old & Co", "potential": "low"}
    assert admin.post(f"/thirdparties/{old}/edit", saved).status_code == 303
    changed = admin.post(f"/thirdparties/{old}/status", {"field": "potential", "value": "high"})
    refused = admin.post(f"/thirdparties/{old}/status", {"field": "potential", "value": "low"})
    assert refused.status_code == 422
    assert "“Low” can no longer be chosen" in words(refused.text)
    assert admin.post(f"/undo/{operation_of(changed)}").status_code == 303
    assert fetch(sales, "SELECT potential FROM thirdparty_thirdparty") == [("low",)], "undo brings it back"
    first = admin.post(f"{STATUSES}/{entry_id(sales, 'never')}/switch", {"to": "off"})
    assert first.status_code == 422
    assert "is what new records of Third parties begin with" in words(first.text)


def test_removal_asks_for_a_replacement_and_is_one_operation(sales: Site, admin: Browser) -> None:
    number = entry_id(sales, "tocall")
    for name in ("One", "Two"):
        create(admin, name=name, contact_status="tocall")
    asked = admin.get(f"{STATUSES}/{number}/remove").text
    assert "2 records of Third parties have this value in Contact status." in words(asked)
    assert re.search(r'<label[^>]*for="replacement">Replace with</label>', asked)
    assert admin.post(f"{STATUSES}/{number}/remove").status_code == 422
    assert admin.post(f"{STATUSES}/{number}/remove", {"replacement": "tocall"}).status_code == 422
    done = admin.post(f"{STATUSES}/{number}/remove", {"replacement": "progress"})
    assert done.status_code == 303, words(done.text)
    assert "tocall" not in order(admin)
    statuses = "SELECT DISTINCT contact_status FROM thirdparty_thirdparty"
    assert fetch(sales, statuses) == [("progress",)]
    assert 'value="tocall"' not in admin.get("/thirdparties").text
    saved = words(admin.get("/thirdparties?f=contact_status:in:tocall,contacted").text)
    assert "One" in saved, "a saved view means what took its place"
    assert "Two" in saved
    assert admin.get(f"{STATUSES}/{number}").status_code == 404
    sales.disable("thirdparty")
    sales.enable("thirdparty", "leads")
    assert "tocall" not in order(admin), "switching the module on does not bring it back"
    assert admin.post(f"/undo/{operation_of(done)}").status_code == 303
    assert "tocall" in order(admin)
    assert fetch(sales, statuses) == [("tocall",)]

    unused = entry_id(sales, "30eom", "payment_terms")
    assert "No record has this value." in words(admin.get(f"/admin/dictionaries/payment_terms/{unused}/remove").text)
    assert admin.post(f"/admin/dictionaries/payment_terms/{unused}/remove").status_code == 303
    meant = admin.post(f"{STATUSES}/{entry_id(sales, 'refused')}/remove")
    assert meant.status_code == 422
    assert "has a meaning of its own in Third parties: deactivate it instead" in words(meant.text)


def test_many_records_are_given_the_replacement_by_a_job_that_undo_takes_back(sales: Site, admin: Browser) -> None:
    add(sales, *(Lead(name=f"Lead {number}", status="tocall") for number in range(60)))
    number = entry_id(sales, "tocall", "lead_status")
    address = f"/admin/dictionaries/lead_status/{number}"
    admin.get(address)
    started = admin.post(f"{address}/remove", {"replacement": "progress"})
    assert "/jobs/" in started.headers["Location"]
    drain(sales)
    path = started.headers["Location"].partition("?")[0]
    page = words(admin.get(path).text)
    assert "Replacement of “To contact” in 60 records" in page
    assert "60 changed" in page
    statuses = "SELECT DISTINCT status FROM leads_lead"
    assert fetch(sales, statuses) == [("progress",)]
    assert admin.get(address).status_code == 404
    assert admin.post(f"{path}/undo").status_code == 303
    drain(sales)
    assert fetch(sales, statuses) == [("tocall",)]
    assert fetch(sales, "SELECT active, removed FROM core_dictionary WHERE id = :id", id=number) == [(True, False)]
