"""Who may open what: every route against one declared table, sign-in, forgery, headers (issue A; T20, T32, T40, T45 to T51)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule

from core.data.history import Operation
from core.testing.site import PASSWORD, Browser, Site
from core.web.policy import PUBLIC, policy_of
from tests.web.routes import ROUTES

ANSWERS = {
    "thirdparties": "thirdparty", "leads": "lead", "numbering": "series", "users": "user", "teams": "team",
    "companies": "company",
}  # fmt: skip
ADMINISTRATORS = ("/numbering", "/users", "/teams", "/companies")


@pytest.fixture
def app(sales: Site) -> Flask:
    sales.enable("export")
    return sales.runtime.generation.app


def test_every_route_has_its_row(app: Flask) -> None:
    assert {name: policy_of(view) for name, view in app.view_functions.items()} == {
        name: route.policy for name, route in ROUTES.items()
    }


def paths(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule with a method and an address that has plausible values."""
    values = {
        "record_id": 1, "operation_id": 1, "job_id": 1, "name": "leads", "plugin": "thirdparty", "code": "user",
        "token": "x", "way": "next", "tag_id": 1, "address_id": 1, "field": "name",
    }  # fmt: skip
    values |= {"message_id": 1, "file_id": 1, "suppression_id": 1, "view_id": 1, "entry_id": 1, "language": "en"}
    values |= {"sign_in_id": 1_000, "note_id": 1, "notification_id": 1, "part_id": 1, "kind": "notes", "token": "x"}
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        entities = ANSWERS if "entity" in rule.arguments else ("",)
        for entity in entities:
            given = {name: value for name, value in {**values, "entity": entity}.items() if name in rule.arguments}
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, adapter.build(rule.endpoint, given, method)


def send(browser: Browser, method: str, path: str) -> int:
    return (browser.get(path) if method == "GET" else browser.post(path)).status_code


def test_anonymous_visitors_see_only_the_public_pages(sales: Site, app: Flask) -> None:
    visitor = sales.visitor()
    visitor.get("/signin")
    for rule, method, path in paths(app):
        if ROUTES[rule.endpoint].policy == PUBLIC:
            continue
        answer = visitor.get(path) if method == "GET" else visitor.post(path)
        assert answer.status_code == 303, (method, path)
        assert answer.headers["Location"].startswith("/signin"), (method, path)


def test_users_may_not_administer(sales: Site, app: Flask) -> None:
    user = sales.browser("Paul", "user")
    before = dump(sales)
    for rule, method, path in paths(app):
        rule_name = ROUTES[rule.endpoint].policy
        if rule_name in ("modules.manage", "settings.manage") or path.startswith(ADMINISTRATORS):
            assert send(user, method, path) == 403, (method, path)
    assert dump(sales) == before
    menu = user.get("/").text
    assert "/admin/modules" not in menu
    assert 'href="/numbering"' not in menu


def test_administrators_get_no_server_error_anywhere(sales: Site, app: Flask) -> None:
    browser = sales.browser()
    for rule, method, path in paths(app):
        if rule.endpoint not in ("account.signout", "user_admin.end_all", "modules.disable_now", "modules.reload"):
            assert send(browser, method, path) < 500, (method, path)


def dump(site: Site) -> dict[str, list[tuple[object, ...]]]:
    """Everything stored but sign-ins, when they were seen, and the audit, which notes refusals of pages too."""
    from sqlalchemy import inspect, text

    with site.runtime.database.reading() as session:
        connection = session.connection()
        names = [
            name
            for name in inspect(connection).get_table_names()
            if not name.startswith(("core_sign_in", "core_audit"))
        ]
        return {
            name: sorted((tuple(row) for row in connection.execute(text(f'SELECT * FROM "{name}"'))), key=repr)  # noqa: S608
            for name in names
        }


def test_reading_changes_nothing(sales: Site, app: Flask) -> None:
    browser = sales.browser()
    browser.get("/thirdparties/new")
    browser.post("/thirdparties/new", {"name": "Zinc SARL"})
    before = dump(sales)
    for _rule, method, path in paths(app):
        if method == "GET":
            browser.get(path)
            browser.client.head(path)
    assert dump(sales) == before


class TestForgery:
    """A form from elsewhere does nothing (T45)."""

    @pytest.mark.parametrize("token", ["", "wrong", None])
    def test_without_the_right_token(self, sales: Site, token: str | None) -> None:
        browser = sales.browser()
        before = dump(sales)
        data = {"name": "Zinc"} if token is None else {"name": "Zinc", "csrf_token": token}
        answer = browser.client.post("/thirdparties/new", data=data)
        assert answer.status_code == 400
        assert "could not be accepted" in answer.text
        assert dump(sales) == before

    def test_token_of_somebody_else(self, sales: Site) -> None:
        alice, paul = sales.browser("Alice"), sales.browser("Paul", "user")
        alice.get("/thirdparties/new")
        paul.token = alice.token
        assert paul.post("/thirdparties/new", {"name": "Zinc"}).status_code == 400

    @pytest.mark.parametrize(
        "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}]
    )
    def test_from_another_site(self, sales: Site, headers: dict[str, str]) -> None:
        browser = sales.browser()
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": "Zinc"}, headers=headers)
        assert answer.status_code == 403
        assert "sent from another site" in answer.text


class TestSignIn:
    """Sign-in tells nothing, cannot be guessed quickly, and ends when it is ended."""

    def test_wrong_name_and_wrong_password_look_alike(self, sales: Site) -> None:
        sales.add_person("Alice")
        answers = []
        for email in ("alice@test.example", "nobody@test.example"):
            visitor = sales.visitor()
            visitor.get("/signin")
            answer = visitor.post("/signin", {"email": email, "password": "wrong-password-1"})
            assert answer.status_code == 422
            answers.append(re.sub(r'value="[^"]*"|X-CSRFToken": "[^"]*', "", answer.text))
        assert answers[0] == answers[1]

    def test_guessing_is_slowed_down_and_the_owner_gets_in_later(self, sales: Site) -> None:
        sales.add_person("Alice")
        visitor = sales.visitor()
        codes = []
        for _number in range(8):
            visitor.get("/signin")
            codes.append(
                visitor.post("/signin", {"email": "alice@test.example", "password": "wrong-password-1"}).status_code
            )
        assert codes[:5] == [422] * 5
        assert 429 in codes[5:]
        with time_machine.travel("2200-01-01"):
            assert visitor.sign_in("alice@test.example").status_code == 303

    def test_the_cookie_changes_at_sign_in_and_dies_at_sign_out(self, sales: Site) -> None:
        sales.add_person("Alice")
        visitor = sales.visitor()
        visitor.get("/signin")
        before = visitor.client.get_cookie("comptoir")
        visitor.sign_in("alice@test.example")
        during = visitor.client.get_cookie("comptoir")
        assert before
        assert during
        assert before.value != during.value
        assert during.http_only
        assert during.same_site == "Lax"
        visitor.get("/")
        assert visitor.post("/signout").status_code == 303
        replay = sales.visitor()
        replay.client.set_cookie("comptoir", during.value)
        assert replay.get("/").status_code == 303

    @pytest.mark.parametrize("later", ["61 minutes", "13 hours"])
    def test_it_ends_by_itself(self, sales: Site, later: str) -> None:
        import datetime

        browser = sales.browser()
        number, unit = later.split()
        with time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(**{unit: int(number)})):
            assert browser.get("/").headers["Location"].startswith("/signin")

    def test_a_new_password_ends_sign_ins(self, sales: Site) -> None:
        from core.access.users import set_password
        from core.data.unit import transaction

        browser = sales.browser()
        with transaction("test", context=sales.context()) as unit:
            set_password(unit.session, "Alice@TEST.example ", "another-ladder-99")
        assert browser.get("/").status_code == 303

    @pytest.mark.parametrize(
        "target",
        [
            "//evil.test",
            "https://evil.test",
            "/\\evil.test",
            "/\tevil",
            "javascript:alert(1)",
            "\x01//evil.test",
            "///evil.test",
            "@evil.test",
        ],
    )
    def test_no_open_redirect(self, sales: Site, target: str) -> None:
        sales.add_person("Alice")
        visitor = sales.visitor()
        visitor.get("/signin")
        answer = visitor.post("/signin", {"email": "alice@test.example", "password": PASSWORD, "next": target})
        assert answer.headers["Location"] == "/"
        assert visitor.get("/signin", query_string={"next": target}).headers["Location"] == "/"

    def test_passwords_are_hashed_with_argon2id(self, sales: Site) -> None:
        from sqlalchemy import select

        from core.access.models import User

        sales.add_person("Alice")
        with sales.runtime.database.reading() as session:
            stored = session.scalar(select(User.password_hash))
        assert stored
        assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", stored)


class TestSetUp:
    """The set-up page exists only for who read the console, and only once (T32)."""

    FORM = {
        "language": "fr", "company": "Zinc SARL", "country": "FR", "name": "Léa Faure", "email": "lea@zinc.example",
        "password": "quince-ladder-73", "demo": "off",
    }  # fmt: skip

    def test_it_makes_the_company_and_signs_in(self, site: Site) -> None:
        from core.access.setup import announce_setup

        token = announce_setup(site.config.var)
        visitor = site.visitor()
        assert visitor.get("/setup").status_code == 404
        assert visitor.get("/setup?token=wrong").status_code == 404
        assert "Set up Comptoir" in visitor.get(f"/setup?token={token}").text
        for name in ("company", "name", "email", "password"):
            answer = visitor.post(f"/setup?token={token}", {**self.FORM, name: ""})
            assert answer.status_code == 422, name
        assert visitor.post(f"/setup?token={token}", {**self.FORM, "password": "comptoir1234"}).status_code == 422
        assert visitor.post(f"/setup?token={token}", self.FORM).status_code == 303
        assert "Zinc SARL" in visitor.get("/").text
        assert 'lang="fr"' in visitor.get("/").text
        for method in (site.visitor().get, site.visitor().post):
            assert method(f"/setup?token={token}", headers={"X-Requested-With": "x"}).status_code in (400, 404)


def test_headers_on_every_kind_of_page(sales: Site) -> None:
    browser = sales.browser()
    for path in ("/", "/thirdparties", "/nothing", "/thirdparties/999", "/signin", "/health"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Cookie" in headers["Vary"]
    page = browser.get("/thirdparties").text
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son[a-z]+=|hx-on", page)


def test_undo_belongs_to_its_author(sales: Site) -> None:
    from sqlalchemy import select

    alice, paul = sales.browser("Uma", "user"), sales.browser("Paul", "user")
    alice.get("/thirdparties/new")
    alice.post("/thirdparties/new", {"name": "Zinc SARL"})
    with sales.runtime.database.reading() as session:
        operation = session.scalars(select(Operation.id).where(Operation.action == "thirdparty.create")).one()
    assert paul.post(f"/undo/{operation}").status_code == 404
    assert alice.post(f"/undo/{operation}").status_code == 303
