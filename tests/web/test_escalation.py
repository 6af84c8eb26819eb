"""Who manages accounts or roles does not make himself, or anybody, more than he is (US-1, A54)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.access.models import Role, RoleRight, User
from core.data.tables import bump
from core.data.unit import transaction
from core.exchange.mail.models import MailMessage
from core.testing.site import Browser, Site
from tests.web.letters import ask_for_reset, letters
from tests.web.test_access import dump
from tests.web.test_roles import user_number

GRANTED = {
    "clerk": ("user.view", "user.create", "user.edit", "team.view", "team.create", "thirdparty.view"),
    "keeper": ("settings.manage", "thirdparty.view"),
}
"""Roles of whoever hires people, and of whoever keeps settings and roles."""


@pytest.fixture
def firm(sales: Site) -> Site:
    with transaction("test.roles", context=sales.context()) as unit:
        for code, names in GRANTED.items():
            unit.session.add(Role(code=code, label=code.title(), second_factor=False))
            unit.session.add_all(RoleRight(role=code, permission=name, reach="all") for name in names)
        bump(unit.session.connection())
    for name, role in (("Alice", "administrator"), ("Uma", "user"), ("Otto", "clerk")):
        sales.add_person(name, role)
    return sales


def set_field(browser: Browser, number: int, field: str, value: str) -> int:
    browser.get("/")
    return browser.post(f"/users/{number}/status", {"field": field, "value": value}).status_code


def role_of(site: Site, name: str) -> str:
    with site.runtime.database.reading() as session:
        return session.scalars(select(User.role).where(User.name == name)).one()


class TestAccounts:
    @pytest.mark.parametrize("role", ["administrator", "user", "keeper"])
    def test_nobody_raises_himself(self, firm: Site, role: str) -> None:
        clerk = firm.browser("Clara", "clerk")
        assert set_field(clerk, user_number(firm, "Clara"), "role", role) == 403
        assert role_of(firm, "Clara") == "clerk"

    def test_nor_does_an_administrator_change_his_own_role(self, firm: Site) -> None:
        firm.add_person("Bob")
        assert set_field(firm.browser("Alice"), user_number(firm, "Alice"), "role", "user") == 403

    @pytest.mark.parametrize("role", ["administrator", "user", "keeper"])
    def test_nobody_gives_more_than_he_has(self, firm: Site, role: str) -> None:
        clerk = firm.browser("Clara", "clerk")
        assert set_field(clerk, user_number(firm, "Otto"), "role", role) == 403
        clerk.get("/users/new")
        before = dump(firm)
        made = clerk.post("/users/new", {"name": "Eve", "email": "eve@test.example", "role": role, "active": "on"})
        assert made.status_code == 403
        assert dump(firm) == before

    def test_what_he_has_he_gives(self, firm: Site) -> None:
        clerk = firm.browser("Clara", "clerk")
        clerk.get("/users/new")
        form = {"name": "Eve", "email": "eve@test.example", "role": "clerk", "active": "on"}
        assert clerk.post("/users/new", form).status_code == 303
        assert set_field(clerk, user_number(firm, "Otto"), "name", "Ottilie") == 303

    @pytest.mark.parametrize(
        ("field", "value"), [("email", "mine@test.example"), ("active", "off"), ("role", "clerk"), ("name", "Gone")]
    )
    @pytest.mark.parametrize("who", ["Alice", "Uma"])
    def test_accounts_that_may_do_more_are_not_touched(self, firm: Site, who: str, field: str, value: str) -> None:
        firm.add_person("Bob")  # not the last administrator
        clerk = firm.browser("Clara", "clerk")
        before = dump(firm)
        assert set_field(clerk, user_number(firm, who), field, value) == 403
        assert dump(firm) == before

    @pytest.mark.parametrize("verb", ["invite", "end-sign-ins", "reset-factor"])
    def test_nor_their_sign_ins(self, firm: Site, verb: str) -> None:
        alice, clerk = firm.browser("Alice"), firm.browser("Clara", "clerk")
        clerk.get("/")
        assert clerk.post(f"/users/{user_number(firm, 'Alice')}/{verb}").status_code == 403
        assert alice.get("/").status_code == 200

    def test_nobody_moves_himself_nearer_to_the_records_of_others(self, firm: Site) -> None:
        clerk = firm.browser("Clara", "clerk")
        clerk.get("/teams/new")
        assert clerk.post("/teams/new", {"name": "North"}).status_code == 303
        assert set_field(clerk, user_number(firm, "Clara"), "teams", "North") == 403
        assert set_field(clerk, user_number(firm, "Otto"), "supervisor_id", "Clara") == 403
        assert set_field(clerk, user_number(firm, "Otto"), "teams", "North") == 303


class TestRights:
    def save(self, browser: Browser, code: str, **rights: str) -> int:
        browser.get(f"/admin/roles/{code}")
        return browser.post(f"/admin/roles/{code}", rights).status_code

    def test_nobody_gives_his_role_more(self, firm: Site) -> None:
        keeper = firm.browser("Kim", "keeper")
        before = dump(firm)
        for more in ("user.edit", "modules.manage", "thirdparty.edit", "lead.view"):
            assert self.save(keeper, "keeper", **{"settings.manage": "all", more: "all"}) == 403, more
        assert self.save(keeper, "administrator") == 403
        assert dump(firm) == before

    def test_less_can_be_given_and_more_can_stay(self, firm: Site) -> None:
        keeper = firm.browser("Kim", "keeper")
        assert self.save(keeper, "user", **{"thirdparty.view": "own", "lead.view": "all", "lead.edit": "all"}) == 303
        assert self.save(keeper, "clerk", **{"thirdparty.view": "all", "user.view": "all"}) == 303

    def test_reset_links_are_for_administrators_only(self, firm: Site) -> None:
        assert ask_for_reset(firm, "alice@test.example").status_code == 200
        link = letters(firm, "alice@test.example")[-1]
        assert "/password?token=" in link.body
        with firm.runtime.database.reading() as session:
            number = session.scalars(select(MailMessage.id)).one()
        page = firm.browser("Kim", "keeper").get(f"/mail/outbox/{number}")
        assert "token=" not in page.text
        assert "token=" in firm.browser("Alice").get(f"/mail/outbox/{number}").text


def test_an_invited_administrator_is_none_to_rely_on(firm: Site) -> None:
    alice = firm.browser("Alice")
    alice.get("/users/new")
    form = {"name": "Ida", "email": "ida@test.example", "role": "administrator", "active": "on"}
    assert alice.post("/users/new", form).status_code == 303
    assert set_field(alice, user_number(firm, "Alice"), "active", "off") == 422
    firm.add_person("Bob")
    assert set_field(alice, user_number(firm, "Alice"), "active", "off") == 303
