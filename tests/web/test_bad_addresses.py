"""Numbers, places and keys nobody could have got from a page: a page, a notice or a sentence, never an error of ours."""

from __future__ import annotations

import base64
import json

import pytest
from werkzeug.datastructures import MultiDict

from core.testing.site import Site
from core.web.arguments import LARGEST_NUMBER, number_argument
from tests.web.pages import create

MONSTER = "9" * 30


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), (" 7 ", 7), ("-1", -1), ("007", 7), (str(LARGEST_NUMBER), LARGEST_NUMBER), (str(LARGEST_NUMBER + 1), None),
        (MONSTER, None), ("9" * 5000, None), ("", None), ("-", None), ("--1", None), ("1.5", None), ("1e3", None),
        ("٣", None), ("²", None), ("1\x00", None), ("x", None), ("1_000", None),
    ],
)  # fmt: skip
def test_a_number_is_one_a_database_can_hold(text: str, number: int | None) -> None:
    assert number_argument(MultiDict({"n": text}), "n") == number
    assert number_argument(MultiDict(), "n") is None


@pytest.mark.parametrize("number", [MONSTER, "-" + MONSTER, "x"])
@pytest.mark.parametrize(
    "path",
    [
        "/thirdparties/{id}/history?before={n}", "/thirdparties/{id}?notes_before={n}", "/thirdparties/{id}?files_before={n}",
        "/admin/audit?before={n}", "/notifications?before={n}", "/mail/outbox?before={n}", "/mail/outbox?operation={n}", "/mail/suppression?before={n}",
        "/mail/templates/thirdparty/letter/en/preview?record_id={n}",
    ],
)  # fmt: skip
def test_monstrous_numbers_in_addresses(sales: Site, path: str, number: str) -> None:
    browser = sales.browser()
    record = create(browser, name="Zinc SARL")
    assert browser.get(path.format(id=record, n=number)).status_code in (200, 404)


def test_a_monstrous_number_in_a_form(sales: Site) -> None:
    browser = sales.browser()
    record = create(browser, name="Zinc SARL")
    browser.get("/thirdparties")
    assert browser.post("/notifications/read", {"until": MONSTER}).status_code == 303
    assert browser.post(f"/thirdparties/{record}/edit", {"version": MONSTER, "name": "Zinc"}).status_code == 422


def place(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        place(["Zinc"], 10**30, False, 1), place(["Zinc"], 1, False, 10**30), place(["Zinc"], -(10**30), False, 1),
        base64.urlsafe_b64encode(b'[["Zinc"], 1e999, false, 1]').decode(), base64.urlsafe_b64encode(b'[["Zinc"], 1, false, 1e999]').decode(),
        place([[1]], 1, False, 1), place([{"a": 1}], 1, False, 1), place([7], 1, False, 1), place([10**400], 1, False, 1),
        place(["a\x00b"], 1, False, 1), place(["\ud800"], 1, False, 1), place([True], 1, False, 1), place("x"), "%%%", "W10",
        place({"a": 1}, 1, False, 1), place("x", 1, False, 1), place([], 1, False, 1), place(["x", "y"], 1, False, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sort", ["name", "created_at", "-town"])
def test_a_place_that_does_not_exist_is_the_first_page(sales: Site, token: str, sort: str) -> None:
    browser = sales.browser()
    create(browser, name="Zinc SARL")
    page = browser.get("/thirdparties", query_string={"sort": sort, "at": token})
    assert page.status_code == 200
    assert "Zinc SARL" in page.text
    assert "This page of the list does not exist; this is the first one" in page.text


@pytest.mark.parametrize("key", ["a\x00b", "\x00", "k" * 70])
def test_a_key_that_was_not_ours(sales: Site, key: str) -> None:
    browser = sales.browser()
    record = create(browser, name="Zinc SARL")
    browser.get(f"/thirdparties/{record}/edit")
    assert browser.post("/thirdparties/new", {"name": "Brasserie", "key": key}).status_code == 303
    assert browser.post(f"/thirdparties/{record}/edit", {"version": "1", "town": "Lyon", "key": key}).status_code == 303
    assert "Brasserie" in browser.get("/thirdparties").text
