"""When saving fails through no fault of the person: the form comes back with all that was typed (UX 0.1.5, 2.0)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

import core.data.engine
from core.testing.site import Site
from tests.web.pages import create, fields_of, follow

TYPED = {"name": "Zinc & Cie", "town": "Saint-Étienne"}


@contextmanager
def without_history(site: Site) -> Iterator[None]:
    """As if somebody had broken the database: nothing can be written."""
    with site.runtime.database.connection() as connection:
        connection.execute(text("ALTER TABLE core_operation RENAME TO core_operation_gone"))
    try:
        yield
    finally:
        with site.runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE core_operation_gone RENAME TO core_operation"))


def typed_in(page: TestResponse) -> dict[str, str]:
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', page.text)
    }


@pytest.mark.parametrize("path", ["/thirdparties/new", "/thirdparties/{id}/edit"])
def test_a_fault_shows_the_form_again(sales: Site, path: str) -> None:
    alice = sales.browser()
    path = path.format(id=create(alice, name="Zinc SARL"))
    form = fields_of(alice, path)
    with without_history(sales):
        page = alice.post(path, {**form, **TYPED})
        assert page.status_code == 500
        assert "The server did not answer. Nothing was lost." in page.text
        assert page.headers["X-Request-Id"] in page.text
    held = typed_in(page)
    assert {name: held[name] for name in TYPED} == TYPED
    sheet = follow(alice, alice.post(path, held)).text
    assert "Zinc &amp; Cie" in sheet


@pytest.mark.only_on("sqlite")
def test_a_busy_database_shows_the_form_again(sales: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One writer at a time is how SQLite works."""
    alice = sales.browser()
    form = fields_of(alice, "/thirdparties/new")
    monkeypatch.setattr(core.data.engine, "WRITE_LOCK_SECONDS", 0.1)
    with sales.runtime.database.connection():
        page = alice.post("/thirdparties/new", {**form, **TYPED})
    assert page.status_code == 503
    assert "Try again in a moment" in page.text
    assert page.headers["Retry-After"]
    held = typed_in(page)
    assert {name: held[name] for name in TYPED} == TYPED
    assert alice.post("/thirdparties/new", held).status_code == 303


def test_any_other_form_can_be_sent_again(sales: Site) -> None:
    alice = sales.browser()
    number = create(alice, name="Zinc SARL")
    alice.get("/")
    click = {"field": "contact_status", "value": "tocall", "seen": "never", "return": f"/thirdparties/{number}"}
    with without_history(sales):
        page = alice.post(f"/thirdparties/{number}/status", click)
    assert page.status_code == 500
    assert ">Try again</button>" in page.text
    held = typed_in(page)
    assert {name: held[name] for name in click} == click
    assert alice.post(f"/thirdparties/{number}/status", held).status_code == 303
    assert ">Try again</button>" not in alice.get("/nowhere").text


def test_secrets_are_not_written_into_a_page(sales: Site) -> None:
    alice = sales.browser()
    alice.get("/")
    with without_history(sales):
        page = alice.post("/thirdparties/1/status", {"x_password": "s3cr3t-thing"})
        assert "s3cr3t-thing" not in page.text


def test_a_record_deleted_meanwhile(sales: Site) -> None:
    alice = sales.browser()
    number = create(alice, name="Zinc SARL", town="Lyon")
    path = f"/thirdparties/{number}/edit"
    form = fields_of(alice, path)
    follow(alice, alice.post(f"/thirdparties/{number}/delete"))
    page = alice.post(path, {**form, **TYPED})
    assert page.status_code == 404
    assert "was deleted meanwhile. Nothing you typed is lost" in page.text
    held = typed_in(page)
    assert {name: held[name] for name in TYPED} == TYPED
    follow(alice, alice.post(f"/thirdparties/{number}/restore"))
    again = alice.post(path, held)
    assert again.status_code == 409
    kept = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', again.text))
    follow(alice, alice.post(path, {name: html.unescape(value) for name, value in kept.items()}))
    assert fields_of(alice, path)["town"] == "Saint-Étienne"


def test_nothing_is_said_of_records_one_may_not_know_of(sales: Site) -> None:
    alice = sales.browser()
    answer = alice.post("/thirdparties/4711/edit", {"version": "1", **TYPED})
    assert answer.status_code == 404
    assert "Zinc" not in answer.text


@pytest.mark.parametrize("value", ["x" * 1_000_000, "é" * 500_000], ids=["plain", "three times as long"])
def test_a_megabyte_is_an_error_of_its_field(sales: Site, value: str) -> None:
    alice = sales.browser()
    number = create(alice, name="Zinc SARL")
    form = fields_of(alice, f"/thirdparties/{number}/edit")
    values = {"name": value, "town": "Saint-Étienne"}
    for path, more in (("/thirdparties/new", {}), (f"/thirdparties/{number}/edit", {"version": form["version"]})):
        page = alice.post(path, {**values, **more})
        assert page.status_code == 422
        assert f"{len(value):,} characters" in page.text
        assert typed_in(page)["town"] == "Saint-Étienne"
        assert value in page.text
    visitor = sales.visitor()
    visitor.get("/signin")
    assert visitor.post("/signin", {"email": "x" * 1_000_000, "password": "x"}).status_code == 413
