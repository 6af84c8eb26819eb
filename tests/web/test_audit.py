"""The audit: what is noted, that nobody changes it, and that the page shows text as text (A70, A71, T14)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.access.audit import Audit, Trail
from core.access.models import User
from core.data.unit import transaction
from core.testing.site import Browser, Site
from tests.payloads import RUNNING

HOSTILE = "<script>window.__hit=1</script>"


def entries(site: Site, kind: str | None = None) -> list[Audit]:
    with site.runtime.database.reading() as session:
        statement = select(Audit).order_by(Audit.id)
        return list(session.scalars(statement if kind is None else statement.where(Audit.kind == kind)))


def wrong_sign_in(site: Site, name: str, **headers: str) -> None:
    visitor = site.visitor()
    visitor.get("/signin")
    typed = {"email": name, "password": "wrong-password-1"}
    answer = visitor.post("/signin", typed, headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 422


def test_sign_in_wrong_sign_in_and_sign_out(site: Site) -> None:
    alice = site.browser("Alice")
    wrong_sign_in(site, "alice@test.example", **{"User-Agent": "Lynx/2"})
    alice.get("/")
    alice.post("/signout")
    found = [(entry.kind, entry.user_name, entry.what) for entry in entries(site) if entry.kind.startswith("sign")]
    assert found == [
        ("sign_in", "Alice", ""), ("sign_in_wrong", "", "alice@test.example"), ("sign_out", "Alice", ""),
    ]  # fmt: skip
    (wrong,) = entries(site, "sign_in_wrong")
    assert wrong.browser == "Lynx/2"
    assert wrong.address == "192.0.2.7"
    assert wrong.request_id


def test_refusals_of_people_who_are_signed_in(sales: Site) -> None:
    sales.add_person("Alice")
    paul = sales.browser("Paul", "user")
    assert paul.get("/admin/modules").status_code == 403
    answer = paul.get("/thirdparties/4711")
    assert answer.status_code == 404
    assert paul.get("/thirdparties/4711").status_code == 404
    assert paul.get("/no-such-page").status_code == 404
    sales.visitor().get("/thirdparties/4711")
    found = entries(sales, "refused")
    assert [(entry.user_name, entry.what) for entry in found] == [
        ("Paul", "GET /admin/modules"), ("Paul", "GET /thirdparties/4711"),
    ]  # fmt: skip
    assert found[1].request_id == answer.headers["X-Request-Id"]


def test_changes_of_accounts_roles_and_modules(sales: Site) -> None:
    alice, paul = sales.browser("Alice"), sales.add_person("Paul", "user")
    with transaction("user.edit", context=sales.context(sales.people["Alice"])) as unit:
        user = unit.session.scalars(select(User).where(User.email == paul)).one()
        user.role, user.email = "administrator", "new@test.example"
    alice.get("/admin/roles")
    assert alice.post("/admin/roles", {"code": "trainee", "label": "Trainee"}).status_code == 303
    sales.disable("leads")
    account = entries(sales, "account")[-1]
    assert (account.user_name, account.entity) == ("Alice", "user")
    assert "role: user → administrator" in account.what
    assert "new@test.example" not in account.what
    assert account.operation_id is not None
    (role,) = entries(sales, "role")
    assert (role.user_name, role.what) == ("Alice", "role.add: trainee")
    assert role.request_id
    assert entries(sales, "module")[-1].what.startswith("module.disable")


@pytest.mark.parametrize("statement", ["UPDATE core_audit SET what = 'x'", "DELETE FROM core_audit"])
def test_nobody_changes_or_deletes_an_entry(site: Site, statement: str) -> None:
    site.browser("Alice")
    with pytest.raises(DBAPIError, match="append-only"), site.runtime.database.connection() as connection:
        connection.execute(text(statement))
    assert entries(site, "sign_in")


def test_it_waits_while_the_database_is_busy(tmp_path: Path) -> None:
    """On SQLite, where one writer keeps all others out."""
    with closing(Site(f"sqlite:///{tmp_path / 'comptoir.db'}", tmp_path / "var")) as site:
        _waits(site)


def _waits(site: Site) -> None:
    trail = Trail(site.runtime.database)
    trail.later("refused", "GET /x")
    with site.runtime.database.connection():
        trail.flush()
    assert not entries(site, "refused")
    trail.flush()
    assert [entry.what for entry in entries(site, "refused")] == ["GET /x"]


def test_a_name_with_nul_does_not_keep_it_from_being_noted(site: Site) -> None:
    wrong_sign_in(site, "a\x00b@test.example")
    assert "\x00" not in entries(site, "sign_in_wrong")[0].what


class TestPage:
    @pytest.fixture
    def alice(self, sales: Site) -> Browser:
        return sales.browser("Alice")

    @pytest.mark.parametrize("name", [HOSTILE, *RUNNING[:4], "%(who)s {{ 7*7 }}"])
    def test_what_people_typed_is_text(self, sales: Site, alice: Browser, name: str) -> None:
        wrong_sign_in(sales, name, **{"User-Agent": HOSTILE})
        page = alice.get("/admin/audit").text
        assert HOSTILE not in page
        assert name not in page or "<" not in name
        assert "&lt;script&gt;window.__hit=1&lt;/script&gt;" in page

    def test_a_record_that_is_called_so(self, sales: Site, alice: Browser) -> None:
        with transaction("user.edit", context=sales.context(sales.people["Alice"])) as unit:
            unit.session.scalars(select(User)).one().name = HOSTILE
        page = alice.get("/admin/audit?kind=account").text
        assert "window.__hit=1" in page
        assert HOSTILE not in page

    def test_by_person_and_kind(self, sales: Site, alice: Browser) -> None:
        sales.browser("Paul", "user")
        wrong_sign_in(sales, "mallory@test.example")

        def rows(**asked: Any) -> str:
            return str(alice.get("/admin/audit", query_string=asked).text.partition("<tbody>")[2])

        assert "mallory@test.example" in rows()
        assert "<td>Alice</td>" not in rows(person="paul")
        assert "<td>Paul</td>" in rows(person="paul", kind="sign_in")
        assert rows(person="mall").count("<tr>") == 1
        assert rows(person="100%", kind="nonsense") == ""

    def test_not_for_everybody(self, sales: Site, alice: Browser) -> None:
        paul = sales.browser("Paul", "user")
        assert paul.get("/admin/audit").status_code == 403
        assert "/admin/audit" not in paul.get("/").text
        assert 'href="/admin/audit"' in alice.get("/").text
