"""Bytes, nodes and requests have budgets (UX 5; PERFORMANCE D)."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import Request

from tests.browser.desk import Desk

KB = 1000
PAGES = {
    "list of 50": ("/thirdparties?sort=name", 120, 15),
    "leads": ("/leads", 120, 15),
    "home": ("/", 60, 12),
    "form": ("/thirdparties/new?role=prospect", 60, 12),
    "modules": ("/admin/modules", 60, 12),
    "trash": ("/trash", 60, 12),
}
ROW = 3
NODES = 3_500
CSS, JS, SPRITE = 90, 35, 15
COLD, WARM = 6, 2


def _weigh(body: bytes, raw: float, packed: float, what: str) -> None:
    sizes = len(body) / KB, len(gzip.compress(body, 6)) / KB
    assert sizes[0] <= raw, f"{what}: {sizes[0]:.1f} kB, {raw} is the budget"
    assert sizes[1] <= packed, f"{what}: {sizes[1]:.1f} kB compressed, {packed} is the budget"


@pytest.mark.parametrize("page", PAGES)
def test_bytes_of_a_page(desk: Desk, page: str) -> None:
    path, raw, packed = PAGES[page]
    answer = desk.page.request.get(path)
    if page == "list of 50":
        assert answer.text().count("<tr id=") == 50
    _weigh(answer.body(), raw, packed, page)


def test_bytes_of_a_sheet(desk: Desk) -> None:
    """With as much history as a sheet shows at once."""
    made = desk.create(town="Delft", country="NL", email="heavy@post.example", website="zinc.example")
    for number in range(22):
        desk.post(f"{made.path}/status", field="contact_status", value=("tocall", "contacted")[number % 2])
    _weigh(desk.page.request.get(made.path).body(), 60, 12, "sheet")
    _weigh(desk.page.request.get(f"{made.path}/edit").body(), 60, 12, "form of a record")


def test_bytes_of_a_row(page_en: Desk) -> None:
    made = page_en.create(town="Delft", country="NL")
    page_en.go(f"/thirdparties?q={made.name.replace(' ', '+')}")
    with page_en.page.expect_response("**/status") as waiting:
        page_en.by("button", "Set {name} to {status}", name=made.name, status="Contacted").click()
    body = waiting.value.body()
    assert b"<html" not in body
    assert len(body) <= ROW * KB


def test_bytes_of_styles_scripts_and_icons(page_en: Desk) -> None:
    html = page_en.page.request.get("/thirdparties").text()
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    scripts = re.findall(r'<script src="([^"]+)"', html)
    sprite = re.findall(r'<use href="([^"#]+)#', html)
    assert len(styles) <= 2

    def packed(paths: list[str]) -> float:
        return sum(len(gzip.compress(page_en.page.request.get(path).body(), 6)) for path in paths) / KB

    assert packed(styles) <= CSS
    assert packed(scripts) <= JS
    assert len(set(sprite)) == 1
    assert packed([sprite[0]]) <= SPRITE
    for path in [*styles, *scripts, sprite[0]]:
        assert "immutable" in page_en.page.request.get(path).headers["cache-control"], path


def test_nodes_of_a_list(page_en: Desk) -> None:
    page_en.go("/thirdparties?sort=name")
    assert page_en.page.locator(".rows tbody tr").count() == 50
    assert page_en.page.evaluate("() => document.querySelectorAll('*').length") <= NODES


def test_requests_of_a_first_and_of_a_second_view(page_en: Desk) -> None:
    asked: list[str] = []
    served: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page_en.page.on("request", note)
    page_en.page.on(
        "response", lambda response: served.append(response.url) if not response.from_service_worker else None
    )
    page_en.go("/thirdparties")
    page_en.page.wait_for_load_state("networkidle")
    assert len(set(asked)) <= COLD + 1, asked  # and the icon of the tab, which the page shows as well
    assert all(url.startswith(page_en.page.url.split("/thirdparties")[0]) for url in asked), asked
    page_en.go("/leads")
    page_en.page.wait_for_load_state("networkidle")
    sizes = page_en.page.evaluate(
        "() => performance.getEntriesByType('resource').filter((one) => one.transferSize > 0).map((one) => one.name)"
    )
    assert len(sizes) + 1 <= WARM, sizes
