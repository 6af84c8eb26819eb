"""A day in a list of 19,468 companies, in the browser, each answer compared with the same question asked in SQL.

`COMPTOIR_COMPANIES` names a company list with the columns Company, Country, City, Website and Sector; without it one of that
length is made up.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser as Chromium, expect

from tests.browser.desk import Desk, Watch
from tests.browser.server import PASSWORD, Server, serving
from tools.bench.people import companies

ROWS = 19_468
SECTORS = ("Financials", "Industrials", "Technology", "Health Care")
COUNTRY, SECTOR = "Germany", "Industrials"
WHERE = "FROM thirdparty_thirdparty t WHERE t.deleted_at IS NULL"
IN_SECTOR = (
    "EXISTS (SELECT 1 FROM core_tag c WHERE c.name = ? AND "
    "',' || json_extract(t.extra, '$.tags') || ',' LIKE '%,' || c.id || ',%')"
)
SEARCHED = ("name", "code", "email", "phone", "mobile", "town", "alias", "vat_number")

OWNED = "AND t.owner_id = (SELECT id FROM core_user WHERE name = ?)"
WAIT = 120_000


def made_up(file: Path) -> None:
    """A company list of that length."""
    words = {"FR": "France", "DE": COUNTRY, "GB": "United Kingdom", "ES": "Spain", "IT": "Italy"}
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("Company", "Country", "City", "Website", "Sector"))
        for one, sector in zip(companies(ROWS, [1]), itertools.cycle(SECTORS), strict=False):
            values = one.values
            writer.writerow(
                (values["name"], words.get(values["country"], ""), values["town"], values["website"], sector)
            )


class Office(NamedTuple):
    """A server full of companies, a tab of somebody signed in, and the database beside it."""

    server: Server
    desk: Desk
    database: sqlite3.Connection

    def ask(self, statement: str, *values: Any) -> list[Any]:
        """Rows of the database as they are now: of one column, its values."""
        rows = self.database.execute(statement, values).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]


@pytest.fixture(scope="module")
def office(browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Loaded by `comptoir load`, with a tag for each sector."""
    var = tmp_path_factory.mktemp("companies")
    given = os.environ.get("COMPTOIR_COMPANIES")
    file = Path(given) if given else var / "companies.csv"
    if not given:
        made_up(file)
    with serving(var, demo=False) as server, closing(sqlite3.connect(var / "comptoir.db")) as database:
        server.add_user("alice@test.example", "Alice Durand")
        server.add_user("paul@test.example", "Paul Leroy")
        for module in ("thirdparty", "leads", "export"):
            server.run("plugin", "enable", module)
        context = browser.new_context(
            base_url=server.url, locale="en-GB", reduced_motion="reduce", viewport={"width": 1280, "height": 800}
        )
        watch = Watch()
        watch.over(context)
        desk = Desk(context.new_page(), "en", watch)
        desk.go("/signin")
        desk.page.locator("#email").fill("alice@test.example")
        desk.page.locator("#password").fill(PASSWORD)
        desk.keys("Enter")
        desk.page.wait_for_url(f"{server.url}/")
        with file.open(encoding="utf-8-sig", newline="") as handle:
            sectors = sorted({row["Sector"] for row in csv.DictReader(handle)} - {""})
        for sector in sectors:
            assert desk.post("/tags/new", name=sector, target="thirdparty").status == 303
        columns = "name=Company,country=Country,town=City,website=Website,tags=Sector"
        server.run("load", "thirdparty", str(file), "--map", columns, "--set", "role=prospect")
        yield Office(server, desk, database)
        assert not watch.faults, "\n".join(watch.faults)
        context.close()


def filter_by(desk: Desk, field: str, label: str) -> None:
    """Add a filter with the builder."""
    desk.by("button", "Add filter").click()
    dialog = desk.by("dialog", "Add filter")
    desk.by("combobox", "Field", dialog).select_option(label=desk.say(field))
    value = dialog.get_by_label(desk.say("Value"), exact=True)
    expect(value).to_be_visible()
    value.select_option(label=label)
    desk.by("button", "Apply", dialog).click()
    expect(desk.page.locator(".chips li").filter(has_text=label)).to_be_visible()


def counted(desk: Desk) -> int:
    """The number of rows the list tells, exact."""
    exact = desk.by("link", "Exact count")
    if exact.count():
        exact.click()
        expect(exact).to_have_count(0)
    found = re.search(r"([\d,\u202f\xa0]+)", desk.page.locator("#count").inner_text())
    assert found
    return int(re.sub(r"\D", "", found[1]))


def shown(desk: Desk) -> list[str]:
    """The ids of the rows on the page."""
    return [
        str(row).removeprefix("row-")
        for row in desk.page.locator(".rows tbody tr").evaluate_all("all => all.map(r => r.id)")
    ]


def filter_by_country_and_sector(office: Office) -> None:
    desk = office.desk
    desk.go("/thirdparties?sort=name")
    assert counted(desk) == office.ask(f"SELECT count(*) {WHERE}")[0] >= ROWS * 0.99
    filter_by(desk, "Country", COUNTRY)
    filter_by(desk, "Tags", SECTOR)
    both = f"{WHERE} AND t.country = 'DE' AND {IN_SECTOR}"
    assert counted(desk) == office.ask(f"SELECT count(*) {both}", SECTOR)[0] > 50
    first = office.ask(f"SELECT t.id {both} ORDER BY t.name_key, t.id LIMIT 50", SECTOR)
    assert shown(desk) == list(map(str, first))


def sort_by_town(office: Office) -> None:
    desk = office.desk
    desk.page.locator("thead").get_by_role("link", name="Town").click()
    desk.page.wait_for_url(re.compile("sort=town"))
    both = f"{WHERE} AND t.country = 'DE' AND {IN_SECTOR}"
    first = office.ask(f"SELECT t.id {both} ORDER BY t.town_key IS NOT NULL, t.town_key, t.id LIMIT 50", SECTOR)
    assert shown(desk) == list(map(str, first))


def search(office: Office) -> None:
    desk = office.desk
    desk.go("/thirdparties?sort=name")
    desk.by("textbox", "Search in this list").fill("bank")
    desk.keys("Enter")
    desk.page.wait_for_url(re.compile("q=bank"))
    matching = f"{WHERE} AND ({' OR '.join(f't.{name}_key LIKE ?1' for name in SEARCHED)})"
    assert shown(desk) == list(
        map(str, office.ask(f"SELECT t.id {matching} ORDER BY t.name_key, t.id LIMIT 50", "%bank%"))
    )
    assert counted(desk) == office.ask(f"SELECT count(*) {matching}", "%bank%")[0]


def assign_about_a_hundred_and_twenty(office: Office) -> None:
    """All companies of a town, chosen at once: more than a page has."""
    desk = office.desk
    towns = f"SELECT t.town_key, count(*) {WHERE} AND t.town_key IS NOT NULL GROUP BY 1 ORDER BY abs(count(*) - 120)"
    town, number = office.ask(towns)[0]
    desk.go(f"/thirdparties?{urlencode({'sort': 'name', 'f': f'town:is:{town}'})}")
    assert counted(desk) == number > desk.page.locator(".pick input[name=id]").count()
    desk.by("checkbox", "Select all on this page").click()
    bar = desk.by("group", "Bulk actions")
    bar.get_by_role("button", name=re.compile("^Select all")).click()
    desk.by("button", "Assign", bar).click()
    desk.by("combobox", "Owner").select_option(label="Paul Leroy")
    desk.page.get_by_role("button", name=f"Assign {number}").click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(desk.page.locator("#job").get_by_text("Done", exact=True)).to_be_visible(timeout=WAIT)
    chosen = office.ask(f"SELECT t.id {WHERE} AND t.town_key = ? ORDER BY 1", town)
    assert office.ask(f"SELECT t.id {WHERE} {OWNED} ORDER BY 1", "Paul Leroy") == chosen


def a_shared_view_is_saved_and_pinned(office: Office) -> None:
    desk = office.desk
    desk.go("/thirdparties?f=owner_id.name:is:Paul+Leroy&sort=town")
    desk.by("button", "Save view").click()
    form = desk.by("dialog", "Save view")
    desk.by("textbox", "Name", form).fill("Paul's town")
    desk.by("radio", "Shared", form).click()
    desk.by("checkbox", "Pin to the menu", form).click()
    desk.by("button", "Save", form).click()
    desk.told("View “Paul's town” saved.")
    desk.go("/")
    desk.exact("link", "Paul's town").first.click()
    assert counted(desk) == office.ask(f"SELECT count(*) {WHERE} {OWNED}", "Paul Leroy")[0]
    kept = "SELECT count(*) FROM core_list_view v JOIN core_list_pin p ON p.view_id = v.id WHERE v.name = ?"
    assert office.ask(kept, "Paul's town") == [1]


def one_click_undo_edit_delete_restore(office: Office) -> None:
    desk = office.desk
    desk.go("/thirdparties?sort=name&f=country:is:DE")
    number = shown(desk)[0]
    row = "FROM thirdparty_thirdparty WHERE id = ?"
    status = f"SELECT contact_status {row}"
    before = office.ask(status, number)
    desk.page.locator(f"#row-{number} .strip button[aria-pressed=false]").first.click()
    message = desk.page.locator("[data-message]").last
    expect(message).to_be_visible()
    assert office.ask(status, number) != before
    desk.by("button", "Undo", message).click()
    expect(desk.page.locator("[data-message]").filter(has_text="Taken back")).to_be_visible()
    assert office.ask(status, number) == before
    desk.go(f"/thirdparties/{number}/edit")
    desk.unfold()
    desk.by("textbox", "Town").fill("Zwickau")
    desk.by("button", "Save").first.click()
    desk.page.wait_for_url(re.compile(rf"/thirdparties/{number}(\?|$)"))
    assert office.ask(f"SELECT town {row}", number) == ["Zwickau"]
    assert desk.post(f"/thirdparties/{number}/delete").status == 303
    assert office.ask(f"SELECT deleted_at IS NOT NULL {row}", number) == [1]
    desk.go(f"/thirdparties/{number}")
    desk.by("button", "Restore").click()
    expect(desk.by("button", "Restore")).to_have_count(0)
    assert office.ask(f"SELECT deleted_at IS NULL {row}", number) == [1]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.covers("UI-4a", "UI-4d")
def test_a_day(office: Office) -> None:
    """Each step goes on where the one before left off."""
    filter_by_country_and_sector(office)
    sort_by_town(office)
    search(office)
    assign_about_a_hundred_and_twenty(office)
    a_shared_view_is_saved_and_pinned(office)
    one_click_undo_edit_delete_restore(office)
