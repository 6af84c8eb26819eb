"""What guards accounts is in the audit: passwords, second factors, invitations, ended sign-ins (A70)."""

from __future__ import annotations

import pytest

from core.testing.site import PASSWORD, Site
from tests.web.letters import choose, invite, letters, link_in
from tests.web.test_audit import entries
from tests.web.test_roles import user_number
from tests.web.test_second_factor import PAGE, set_up


def said(site: Site) -> list[tuple[str, str]]:
    """Who, and what, of everything about accounts that is not a change of the account itself."""
    return [(entry.user_name, entry.what) for entry in entries(site, "account") if entry.entity is None]


def test_passwords(sales: Site) -> None:
    alice = sales.browser("Alice")
    assert invite(alice, "ida@test.example").status_code == 303
    assert choose(sales, link_in(letters(sales, "ida@test.example")[-1])).status_code == 303
    alice.get("/account/password")
    alice.post("/account/password", {"current": PASSWORD, "password": "a-quite-other-ladder-8"})
    assert said(sales) == [
        ("Léa Faure", "account.password: Password of Léa Faure set"),
        ("Alice", "account.password: Password of Alice set"),
    ]


def test_second_factors(sales: Site) -> None:
    paul = sales.browser("Paul", "user")
    set_up(paul)
    paul.get(PAGE)
    paul.post(f"{PAGE}/codes")
    alice = sales.browser("Alice")
    assert alice.post(f"/users/{user_number(sales, 'Paul')}/reset-factor").status_code == 303
    assert said(sales) == [
        ("Paul", "account.second_factor: Second factor of Paul set up"),
        ("Paul", "account.recovery_codes: Recovery codes of Paul renewed"),
        ("Alice", "user.reset_factor: Second factor of Paul removed"),
    ]


@pytest.mark.parametrize("verb", ["invite", "end-sign-ins"])
def test_what_administrators_do(sales: Site, verb: str) -> None:
    alice = sales.browser("Alice")
    invite(alice, "ida@test.example")
    assert alice.post(f"/users/{user_number(sales, 'Léa Faure')}/{verb}").status_code == 303
    ((who, what),) = said(sales)
    assert who == "Alice"
    assert what.startswith(("user.invite: Invitation sent", "user.end_sign_ins: All sign-ins of Léa Faure"))


def test_edits_are_noted_once_and_questions_of_strangers_not(sales: Site) -> None:
    alice = sales.browser("Alice")
    sales.add_person("Paul", "user")
    before = len(entries(sales, "account"))
    alice.get("/")
    alice.post(f"/users/{user_number(sales, 'Paul')}/status", {"field": "role", "value": "representative"})
    visitor = sales.visitor()
    visitor.get("/forgotten")
    visitor.post("/forgotten", {"email": "paul@test.example"})
    assert len(entries(sales, "account")) == before + 1
