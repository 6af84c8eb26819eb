"""Every hook of the core, seen through the pages by what a bundled plugin makes of it (`docs/hooks.md`)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core.data.unit import transaction
from core.errors import Veto
from core.features.demo import load_demo
from core.features.tags import Tag
from core.jobs.enqueue import enqueue
from core.jobs.worker import Worker
from core.testing import Browser, Site
from plugins.leads.models import Lead, OpenLeads
from plugins.thirdparty.api import ThirdParty
from plugins.thirdparty.models import Address


@pytest.fixture
def browser(sales: Site) -> Browser:
    return sales.browser()


def create(browser: Browser, entity: str, **typed: str) -> str:
    """Create a record and return the address of its sheet."""
    response = browser.post(f"/{entity}/new", typed)
    assert response.status_code == 303, response.text
    return response.headers["Location"].partition("?")[0]


def test_hook_entities(browser: Browser) -> None:
    assert browser.get("/leads").status_code == 200
    assert "Zinc SARL" in browser.get(create(browser, "leads", name="Zinc SARL")).text


def test_hook_entity_fields(browser: Browser) -> None:
    sheet = create(browser, "thirdparties", name="Zinc SARL", **{"leads.source": "fair"})
    assert "Trade fair" in browser.get(f"{sheet}?tab=details").text
    assert "Zinc SARL" in browser.get("/thirdparties?f=leads.source:is:fair").text
    assert "Zinc SARL" not in browser.get("/thirdparties?f=leads.source:is:web").text


def test_hook_menus(browser: Browser) -> None:
    home = browser.get("/").text
    assert 'href="/thirdparties?view=prospects"' in home
    assert 'href="/leads"' in home


def test_hook_blueprints(browser: Browser) -> None:
    card = browser.get(create(browser, "thirdparties", name="Zinc SARL") + "/vcard")
    assert card.mimetype == "text/vcard"
    assert "FN:Zinc SARL" in card.text


def test_hook_panels(browser: Browser) -> None:
    create(browser, "leads", name="Zoé Zinc", email="zoe@zinc.example")
    sheet = create(browser, "thirdparties", name="Zinc SARL", email="zoe@zinc.example")
    assert "Zoé Zinc" in browser.get(sheet).text


def test_hook_tabs(browser: Browser) -> None:
    lead = create(browser, "leads", name="Zinc SARL", email="zoe@zinc.example")
    same = create(browser, "thirdparties", name="Zinc sarl", email="zoe@zinc.example")
    near = create(browser, "thirdparties", name="Zinc Export", email="office@zinc.example", town="Lyon")
    create(browser, "thirdparties", name="Tin Ltd", email="zoe@tin.example")
    sheet = browser.get(lead).text
    count = f"{lead}/tab/thirdparties/count"
    assert f'<a href="{lead}?tab=thirdparties">Third parties <span hx-get="{count}" hx-trigger="load"' in sheet
    assert 'class="tab-count">2<' in browser.get(count).text
    tab = browser.get(f"{lead}?tab=thirdparties").text
    assert f'<a href="{lead}?tab=thirdparties" aria-current="page">' in tab
    assert re.search(rf'href="{same}">Zinc sarl</a>.*same email address, same email domain, same name', tab)
    assert re.search(rf'href="{near}">Zinc Export</a>.*Lyon same email domain<', tab)
    assert "Tin Ltd" not in tab


def test_hook_widgets(browser: Browser) -> None:
    for name, status in (("Zinc", "tocall"), ("Tin", "tocall"), ("Iron", "contacted")):
        create(browser, "thirdparties", name=name, contact_status=status)
    create(browser, "leads", name="Lead & Co")
    home = browser.get("/").text
    assert "Third parties by contact status" in home
    assert "Leads by status" in home
    figures = re.findall(r'<li><a href="(/[^"]+)">(?:(?!</a>).)*<strong>(\d+)</strong>', home)
    assert {number for _url, number in figures} == {"1", "2"}
    assert len(figures) == 3
    for url, number in figures:
        assert browser.get(url.replace("&amp;", "&")).text.count("<tr id=") == int(number), url


def test_hook_actions(browser: Browser) -> None:
    sheet = create(browser, "thirdparties", name="Zinc SARL", role="prospect")
    address = f"{sheet}/action/thirdparty/convert"
    assert address in browser.get(sheet).text
    assert browser.post(address).status_code == 303
    assert address not in browser.get(sheet).text
    assert browser.post(address).status_code == 422


def test_hook_commands(browser: Browser) -> None:
    create(browser, "thirdparties", name="Zinc", contact_status="tocall")
    palette = browser.get("/palette?q=contact", headers={"HX-Request": "true"}).text
    found = re.search(r'href="([^"]+)"(?:(?!</a>).)*<span>Third parties to contact</span>', palette)
    assert found
    assert browser.get(found[1].replace("&amp;", "&")).text.count("<tr id=") == 1


def test_hook_checks(browser: Browser) -> None:
    assert "Codes are given automatically" in browser.get("/admin/modules/thirdparty").text


def test_hook_jobs(sales: Site) -> None:
    with transaction("test", context=sales.context()) as unit:
        number = enqueue(unit, "leads.recount", {}, label="Count open leads")
        unit.session.get_one(OpenLeads, 1).number = 99
    assert Worker(sales.runtime).run_one()
    browser = sales.browser()
    assert "Count open leads" in browser.get("/jobs").text
    assert "Done" in browser.get(f"/jobs/{number}").text
    with sales.runtime.database.reading() as session:
        assert session.get_one(OpenLeads, 1).number == 0


def test_hook_records_changing(browser: Browser) -> None:
    sheet = create(browser, "leads", name="Zinc SARL")
    refused = browser.post(f"{sheet}/status", {"field": "status", "value": "lost", "return": sheet})
    assert refused.status_code == 422
    assert "Say why Zinc SARL is lost" in refused.text
    assert "Say why" not in browser.get(sheet).text


def test_hook_records_changed(browser: Browser) -> None:
    sheet = create(browser, "thirdparties", name="Zinc SARL", role="prospect")
    since = re.compile(r"Customer since</dt><dd><time")
    assert not since.search(browser.get(f"{sheet}?tab=details").text)
    browser.post(f"{sheet}/action/thirdparty/convert")
    assert since.search(browser.get(f"{sheet}?tab=details").text)


def open_leads(site: Site) -> int:
    with site.runtime.database.reading() as session:
        return session.scalars(select(OpenLeads.number)).one()


def test_hook_changes_committed(sales: Site, browser: Browser) -> None:
    create(browser, "leads", name="Zinc SARL")
    assert open_leads(sales) == 0
    worker = Worker(sales.runtime)
    while worker.run_one():
        pass
    assert open_leads(sales) == 1


def test_hook_module_enabled(sales: Site, browser: Browser) -> None:
    create(browser, "leads", name="Zinc SARL")
    sales.disable("leads")
    sales.enable("leads")
    assert open_leads(sales) == 1


def test_hook_module_disabling(sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.thirdparty.hooks.work_under_way", lambda unit, name, plugin: plugin == "thirdparty")
    with pytest.raises(Veto, match="Wait until that is done"):
        sales.disable("thirdparty")
    assert set(sales.runtime.follow().enabled) == {"thirdparty", "leads"}


def test_hook_demo_data(sales: Site) -> None:
    made = load_demo(sales.context())
    with transaction("test.count", context=sales.context()) as unit:
        found = [len(unit.session.scalars(select(model.id)).all()) for model in (ThirdParty, Lead, Address, Tag)]
    assert found == [200, 50, 76, 6]
    assert made == sum(found)
