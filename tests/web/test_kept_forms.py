"""A form sent after the sign-in had expired: kept, and sent again once by the same person (UX 0.1.5, 2.4)."""

from __future__ import annotations

import datetime
import html
import re

import pytest
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from core.access.kept_forms import KEPT_PER_PERSON
from core.access.models import KeptForm, SignIn
from core.access.sign_in import IDLE
from core.access.sweep import sweep
from core.data.records import now
from core.testing.site import PASSWORD, Browser, Site
from tests.web.letters import later
from tests.web.pages import create, fields_of

TYPED = {"name": "Zinc & Cie", "town": "Saint-Étienne", "note": "", "key": "one-time-key-1"}


def expire(site: Site) -> None:
    """As if everybody had left the keyboard an hour ago."""
    with site.runtime.database.connection() as connection:
        connection.execute(update(SignIn).values(seen_at=now() - IDLE - datetime.timedelta(minutes=1)))


def expired(site: Site, browser: Browser, path: str = "/thirdparties/new", **values: str) -> TestResponse:
    """Send a form an hour too late."""
    browser.get(path)
    expire(site)
    return browser.post(path, values or TYPED)


def enter(browser: Browser, answer: TestResponse, name: str = "alice") -> TestResponse:
    """Sign in where the answer leads, as who."""
    page = browser.get(answer.headers["Location"])
    assert "What you typed is kept" in page.text
    target = re.search(r'name="next" value="([^"]+)"', page.text)
    assert target
    data = {"email": f"{name}@test.example", "password": PASSWORD, "next": html.unescape(target.group(1))}
    return browser.post("/signin", data)


def kept_in(page: TestResponse) -> tuple[str, dict[str, str]]:
    """The form of the page: where it is sent and what it holds."""
    address = re.search(r'<form method="post" action="([^"]+)" data-replay>', page.text)
    assert address, page.text
    pairs = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return html.unescape(address.group(1)), {name: html.unescape(value) for name, value in pairs}


def count(site: Site) -> int:
    with site.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(KeptForm)) or 0


def test_it_goes_on_where_it_was(sales: Site) -> None:
    alice = sales.browser()
    answer = expired(sales, alice)
    assert answer.status_code == 303
    assert "Zinc" not in answer.headers["Location"]
    page = alice.get(enter(alice, answer).headers["Location"])
    path, values = kept_in(page)
    assert path == "/thirdparties/new"
    assert (values["name"], values["town"]) == ("Zinc & Cie", "Saint-Étienne")
    saved = alice.post(path, values)
    assert saved.status_code == 303
    assert "Saint-Étienne" in alice.get(saved.headers["Location"]).text
    assert count(sales) == 0


def test_it_is_sent_once(sales: Site) -> None:
    alice = sales.browser()
    page = alice.get(enter(alice, expired(sales, alice)).headers["Location"])
    path, values = kept_in(page)
    values.pop("key")
    assert alice.post(path, values).status_code == 303
    again = alice.post(path, values)
    assert again.status_code == 409
    assert "Nothing was done now" in again.text
    assert "1 third party" in alice.get("/thirdparties").text


def test_what_is_wrong_in_it_is_said_then(sales: Site) -> None:
    alice = sales.browser()
    path, values = kept_in(
        alice.get(enter(alice, expired(sales, alice, email="lea@zinc", name="Zinc")).headers["Location"])
    )
    page = alice.post(path, values)
    assert page.status_code == 422
    assert 'value="lea@zinc"' in page.text


def test_a_click_goes_on_too_and_leads_back(sales: Site) -> None:
    alice = sales.browser()
    number = create(alice, name="Zinc SARL")
    alice.get("/thirdparties?sort=name")
    click = {"field": "contact_status", "value": "tocall", "seen": "never"}
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost:8000/thirdparties?sort=name"}
    expire(sales)
    answer = alice.post(f"/thirdparties/{number}/status", click, headers=headers)
    path, values = kept_in(alice.get(enter(alice, answer).headers["Location"]))
    done = alice.post(path, values)
    assert done.headers["Location"].startswith("/thirdparties?sort=name&done=")


def test_only_the_same_person_gets_it(sales: Site) -> None:
    alice = sales.browser()
    sales.add_person("Paul")
    target = enter(alice, expired(sales, alice), "paul").headers["Location"]
    page = alice.get(target)
    assert page.status_code == 404
    assert "Zinc" not in page.text
    token = target.rpartition("/")[2]
    assert alice.post("/thirdparties/new", {**TYPED, "kept_form": token}).status_code == 409
    assert "Nothing here yet." in alice.get("/thirdparties").text
    assert sales.browser().get(target).status_code == 200, "it is still hers"


def test_it_is_kept_for_a_short_while(sales: Site) -> None:
    alice = sales.browser()
    answer = expired(sales, alice)
    with later(minutes=31):
        assert alice.get(enter(alice, answer).headers["Location"]).status_code == 404
        sweep(sales.runtime.database)
        assert count(sales) == 0


@pytest.mark.parametrize(
    "values",
    [
        {"csrf_token": "", "name": "Zinc"}, {"csrf_token": "x", "name": "Zinc"}, {"name": "Zinc", "new_password": "x"},
        {"name": "x" * 1_100_000}, {"name": "a\x00b"},
    ],
    ids=["no token", "wrong token", "a password", "too large", "NUL"],
)  # fmt: skip
def test_what_is_not_kept(sales: Site, values: dict[str, str]) -> None:
    alice = sales.browser()
    answer = expired(sales, alice, **values)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin")
    assert count(sales) == 0


def test_forms_from_elsewhere_are_refused_first(sales: Site) -> None:
    alice = sales.browser()
    alice.get("/thirdparties/new")
    expire(sales)
    assert alice.post("/thirdparties/new", TYPED, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert count(sales) == 0


@pytest.mark.parametrize("way", ["signed out", "switched off", "never signed in"])
def test_nothing_of_who_has_no_sign_in(sales: Site, way: str) -> None:
    alice = sales.browser()
    alice.get("/thirdparties/new")
    if way == "signed out":
        cookie = alice.client.get_cookie("comptoir")
        assert cookie
        alice.post("/signout")
        alice.client.set_cookie("comptoir", cookie.value)
    elif way == "switched off":
        from tests.web.letters import change_user

        sales.browser("Paul")
        change_user(sales, "Alice", active=False)
        expire(sales)
    else:
        alice = sales.visitor()
        alice.get("/signin")
    answer = alice.post("/thirdparties/new", TYPED)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin")
    assert count(sales) == 0


def test_a_few_per_person(sales: Site) -> None:
    alice = sales.browser()
    for _number in range(KEPT_PER_PERSON + 3):
        expired(sales, alice)
    assert count(sales) == KEPT_PER_PERSON


def test_it_comes_after_the_password_asked_again(sales: Site) -> None:
    alice = sales.browser()
    target = enter(alice, expired(sales, alice, "/teams/new", name="North")).headers["Location"]
    path, values = kept_in(alice.get(target))
    token = values["kept_form"]
    number = create(alice, "users", name="Léa", email="lea@test.example")
    form = fields_of(alice, f"/users/{number}/edit")
    with later(minutes=16):
        asked = alice.post(f"/users/{number}/edit", {"version": form["version"], "name": "Lea", "kept_form": token})
        assert asked.status_code == 403
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
        assert hidden["kept_form"] == token
        assert alice.post(f"/users/{number}/edit", {**hidden, "confirm_password": PASSWORD}).status_code == 303
        alice.get("/")
        assert alice.post(path, {**values, "csrf_token": alice.token}).status_code == 409
