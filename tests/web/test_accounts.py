"""Invitation, reset, passwords, sign-ins, the password again, hosts (US-2; T42, T48 to T51, T53 to T55, A44, A48, A51, A52)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.access.models import AccountToken, User
from core.access.users import set_password
from core.data.history import Operation
from core.data.unit import transaction
from core.runtime.gate import Gate
from core.testing.site import PASSWORD, Site
from tests.web.letters import (
    OTHER_PASSWORD,
    Counting,
    ask_for_reset,
    change_user,
    choose,
    cookie_of,
    hashes,
    invite,
    is_signed_in,
    later,
    letters,
    link_in,
    reset_link,
    thief,
    wrong_sign_in,
)

__all__ = ["hashes"]
LEA = "lea@test.example"
ALICE = "alice@test.example"
GONE = 404


@pytest.fixture
def house(site_with: Callable[..., Site]) -> Site:
    """An installation without modules."""
    return site_with()


class TestInvitation:
    def test_from_the_form_to_the_first_sign_in(self, house: Site) -> None:
        answer = invite(house.browser(), language="fr")
        assert answer.status_code == 303
        (letter,) = letters(house, LEA)
        assert (letter.kind, letter.language) == ("account", "fr")
        assert "Bonjour Léa Faure" in letter.body
        link = link_in(letter)
        with house.runtime.database.reading() as session:
            (stored,) = session.scalars(select(AccountToken.token_hash))
            assert session.scalar(select(User.password_hash).where(User.email == LEA)) == ""
        assert stored not in link
        assert house.visitor().sign_in(LEA, "").status_code == 422, "without a password nobody gets in"
        assert choose(house, link, "short").status_code == 422
        visitor = house.visitor()
        visitor.get(link)
        assert visitor.post(link, {"password": OTHER_PASSWORD}).headers["Location"] == "/signin?told=password"
        assert not is_signed_in(visitor), "the link signs nobody in"
        assert house.visitor().sign_in(LEA, OTHER_PASSWORD).status_code == 303
        assert choose(house, link).status_code == GONE

    def test_it_is_in_the_unit_of_the_account(self, house: Site) -> None:
        browser = house.browser()
        assert invite(browser, ALICE).status_code == 422
        assert letters(house, ALICE) == []
        invite(browser, active="off")
        assert letters(house, LEA) == []

    def test_an_account_with_a_password_is_not_invited(self, house: Site) -> None:
        browser = house.browser()
        assert letters(house, ALICE) == []
        assert "Resend invitation" not in browser.get(f"/users/{house.people['Alice'].id}").text
        assert browser.post(f"/users/{house.people['Alice'].id}/invite").status_code == 422

    def test_sent_again_only_the_newest_link_works(self, house: Site) -> None:
        browser = house.browser()
        sheet = invite(browser).headers["Location"].split("?")[0]
        assert "Resend invitation" in browser.get(sheet).text
        assert browser.post(f"{sheet}/invite").status_code == 303
        first, second = (link_in(letter) for letter in letters(house, LEA))
        assert choose(house, first).status_code == GONE
        with later(hours=23):
            assert choose(house, second).status_code == 303

    def test_it_ends_after_a_day(self, house: Site) -> None:
        invite(house.browser())
        with later(hours=25):
            assert choose(house, link_in(letters(house, LEA)[0])).status_code == GONE


@pytest.mark.covers("US-2a")
class TestReset:
    """T53: single use, bound to the account and its present password and address, thirty minutes, stored hashed."""

    def test_it_sets_the_password_and_ends_all_sign_ins(self, house: Site) -> None:
        alice = house.browser()
        link = reset_link(house, ALICE)
        for _time in range(3):
            assert house.visitor().get(link).status_code == 200
            assert house.visitor().client.head(link).status_code == 200
        assert is_signed_in(alice), "opening the link changes nothing"
        assert choose(house, link).status_code == 303
        assert not is_signed_in(alice)
        assert house.visitor().sign_in(ALICE).status_code == 422
        assert house.visitor().sign_in(ALICE, OTHER_PASSWORD).status_code == 303
        with house.runtime.database.reading() as session:
            (told,) = session.scalars(select(Operation).where(Operation.action == "account.password"))
        assert (told.actor_name, told.cause) == ("Alice", "Password of Alice set")

    def test_it_works_once(self, house: Site) -> None:
        house.add_person("Alice")
        link = reset_link(house, ALICE)
        assert choose(house, link).status_code == 303
        assert choose(house, link, "third-ladder-2024").status_code == GONE

    def test_a_refused_password_does_not_use_it_up(self, house: Site) -> None:
        house.add_person("Alice")
        link = reset_link(house, ALICE)
        assert choose(house, link, "short").status_code == 422
        assert choose(house, link).status_code == 303

    def test_it_ends_after_thirty_minutes(self, house: Site) -> None:
        house.add_person("Alice")
        link = reset_link(house, ALICE)
        with later(minutes=31):
            assert choose(house, link).status_code == GONE

    @pytest.mark.parametrize(
        "values", [{"email": "alice@elsewhere.example"}, {"active": False}], ids=["address", "deactivated"]
    )
    def test_it_dies_with_what_it_is_bound_to(self, house: Site, values: dict[str, object]) -> None:
        house.add_person("Bob")
        house.add_person("Alice")
        link = reset_link(house, ALICE)
        change_user(house, "Alice", **values)
        assert choose(house, link).status_code == GONE

    def test_it_dies_with_the_password(self, house: Site) -> None:
        house.add_person("Alice")
        link = reset_link(house, ALICE)
        with transaction("test", context=house.context()) as unit:
            set_password(unit.session, ALICE, "third-ladder-2024")
        assert choose(house, link).status_code == GONE

    def test_only_the_newest_works(self, house: Site) -> None:
        house.add_person("Alice")
        first, second = reset_link(house, ALICE), reset_link(house, ALICE)
        assert choose(house, first).status_code == GONE
        assert choose(house, second).status_code == 303

    def test_guessed_links_are_slowed_down(self, house: Site) -> None:
        visitor = house.visitor()
        visitor.get("/forgotten")
        codes = {visitor.post(f"/password?token={number:043}").status_code for number in range(55)}
        assert codes == {GONE, 429}


class TestEnumeration:
    """T51: known and unknown names get the same text and status, for the same work."""

    def test_reset(self, house: Site, hashes: Counting) -> None:
        house.add_person("Alice")
        seen = []
        for email in (ALICE, "nobody@test.example"):
            before = hashes.number
            answer = ask_for_reset(house, email)
            seen.append((answer.status_code, answer.text, hashes.number - before))
        assert seen[0] == seen[1]
        assert len(letters(house, ALICE)) == 1
        assert letters(house, "nobody@test.example") == []

    def test_sign_in(self, house: Site, hashes: Counting) -> None:
        house.add_person("Alice")
        house.add_person("Bob")
        change_user(house, "Bob", active=False)
        invite(house.browser("Carol"))
        seen = set()
        for email in (ALICE, "bob@test.example", LEA, "nobody@test.example"):
            before = hashes.number
            answer = wrong_sign_in(house, email)
            text = re.sub(r'value="[^"]*"|autofocus', "", answer.text)
            seen.add((answer.status_code, text, hashes.number - before))
        assert len(seen) == 1
        assert next(iter(seen))[2] == 1


class TestBruteForce:
    """T50: 429 with a growing delay, per account and per address; T55: a forwarded address helps nobody."""

    @pytest.mark.parametrize("email", [ALICE, "nobody@test.example"])
    def test_reset(self, house: Site, email: str) -> None:
        house.add_person("Alice")
        answers = [ask_for_reset(house, email, headers={"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(7)]
        assert [answer.status_code for answer in answers][:5] == [200] * 5
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["Retry-After"]) > 0
        with later(minutes=16):
            assert ask_for_reset(house, email).status_code == 200

    def test_many_names_from_one_address(self, house: Site) -> None:
        codes = []
        for number in range(55):
            visitor = house.visitor()
            visitor.get("/forgotten")
            spoofed = {"X-Forwarded-For": f"192.0.2.{number}"}
            codes.append(visitor.post("/forgotten", {"email": f"n{number}@test.example"}, headers=spoofed).status_code)
        assert codes[:50] == [200] * 50
        assert codes[-1] == 429

    def test_the_present_password(self, house: Site) -> None:
        alice = house.browser()
        codes = []
        for _number in range(7):
            alice.get("/account/password")
            data = {"current": "not-the-password", "password": OTHER_PASSWORD}
            codes.append(alice.post("/account/password", data).status_code)
        assert codes[:5] == [422] * 5
        assert codes[-1] == 429

    def test_configured_proxies_are_believed(self, house: Site) -> None:
        house.runtime.config = replace(house.config, proxies=1)
        house.gate = Gate(house.runtime)
        house.add_person("Alice")
        browser = house.visitor()
        headers = {"X-Forwarded-For": "198.51.100.9, 192.0.2.77"}
        browser.get("/signin")
        browser.post("/signin", {"email": ALICE, "password": PASSWORD}, headers=headers)
        page = browser.get("/account/sessions").text
        assert "192.0.2.77" in page
        assert "198.51.100.9" not in page


class TestSignIns:
    """A51, T48, T49: seen, ended, and worth nothing afterwards."""

    def test_they_are_listed_and_ended(self, house: Site) -> None:
        here, there = house.browser(), house.browser()
        agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        third = house.visitor()
        third.get("/signin")
        third.post("/signin", {"email": ALICE, "password": PASSWORD}, headers=agent)
        page = here.get("/account/sessions").text
        assert page.count("this one") == 1
        assert "Firefox on Linux" in page
        ends = re.findall(r'action="(/account/sessions/\d+/end)"', page)
        assert len(ends) == 2
        here.post(ends[0])
        assert [is_signed_in(browser) for browser in (here, there, third)].count(True) == 2
        here.get("/account/sessions")
        here.post("/account/sessions/end-others")
        assert [is_signed_in(browser) for browser in (here, there, third)] == [True, False, False]

    def test_nobody_ends_those_of_others(self, house: Site) -> None:
        alice, paul = house.browser(), house.browser("Paul", "user")
        other = house.browser()
        number = re.findall(r"/account/sessions/(\d+)/end", alice.get("/account/sessions").text)[0]
        paul.get("/account/sessions")
        paul.post(f"/account/sessions/{number}/end")
        assert is_signed_in(other)
        paul.get("/")
        assert paul.post(f"/users/{house.people['Alice'].id}/end-sign-ins").status_code == 403

    def test_administrators_end_anybodys(self, house: Site) -> None:
        alice, paul = house.browser(), house.browser("Paul", "user")
        assert "End all sign-ins" in alice.get(f"/users/{house.people['Paul'].id}").text
        alice.post(f"/users/{house.people['Paul'].id}/end-sign-ins")
        assert not is_signed_in(paul)
        assert is_signed_in(alice)

    @pytest.mark.parametrize("way", ["sign-out", "password", "role", "deactivated"])
    def test_a_copied_cookie_dies(self, house: Site, way: str) -> None:
        house.add_person("Bob")
        alice = house.browser()
        cookie = cookie_of(alice)
        assert is_signed_in(thief(house, cookie))
        alice.get("/account/password")
        if way == "sign-out":
            alice.post("/signout")
        elif way == "password":
            answer = alice.post("/account/password", {"current": PASSWORD, "password": OTHER_PASSWORD})
            assert answer.status_code == 303
            assert is_signed_in(alice), "who changed it goes on, under another cookie"
        elif way == "role":
            change_user(house, "Alice", role="user")
        else:
            change_user(house, "Alice", active=False)
        assert not is_signed_in(thief(house, cookie))

    def test_a_planted_cookie_is_worth_nothing(self, house: Site) -> None:
        house.add_person("Alice")
        planted = "A" * 43
        victim = thief(house, planted)
        victim.sign_in(ALICE)
        assert is_signed_in(victim)
        assert not is_signed_in(thief(house, planted))

    def test_another_password_needs_the_present_one(self, house: Site) -> None:
        alice = house.browser()
        for current, password in (("not-the-password", OTHER_PASSWORD), (PASSWORD, "short"), ("", OTHER_PASSWORD)):
            alice.get("/account/password")
            answer = alice.post("/account/password", {"current": current, "password": password})
            assert answer.status_code == 422
        assert house.visitor().sign_in(ALICE).status_code == 303


class TestThePasswordAgain:
    """A52: asked when the last one is over fifteen minutes old; what was typed is kept; T48: another cookie."""

    def test_the_form_goes_on_where_it_was(self, house: Site) -> None:
        alice = house.browser()
        with later(minutes=16):
            cookie = cookie_of(alice)
            asked = invite(alice, language="fr")
            assert asked.status_code == 403
            assert 'value="Léa Faure"' in asked.text
            assert letters(house, LEA) == []
            kept = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
            wrong = alice.post("/users/new", {**kept, "confirm_password": "not-the-password"})
            assert (wrong.status_code, letters(house, LEA)) == (422, [])
            assert alice.post("/users/new", {**kept, "confirm_password": PASSWORD}).status_code == 303
            assert letters(house, LEA)[0].language == "fr"
            assert not is_signed_in(thief(house, cookie))
            assert is_signed_in(alice)
            assert invite(alice, "max@test.example").status_code == 303, "not asked again at once"

    def test_what_is_guarded(self, house: Site) -> None:
        alice = house.browser()
        number = house.people["Alice"].id
        alice.get(f"/users/{number}/edit")
        paths = (
            "/users/new", f"/users/{number}/edit", f"/users/{number}/delete", f"/users/{number}/end-sign-ins",
            f"/users/{number}/reset-factor", f"/users/{number}/invite", "/users/bulk", "/admin/roles",
            "/admin/roles/user", "/admin/modules/leads/enable", "/admin/modules/leads/disable",
            "/admin/modules/leads/purge", "/account/second-factor", "/account/second-factor/remove",
            "/account/second-factor/codes", "/admin/mail", "/admin/mail/test",
        )  # fmt: skip
        with later(minutes=16):
            for path in paths:
                answer = alice.post(path)
                assert (answer.status_code, "Confirm it is you" in answer.text) == (403, True), path
            assert alice.post("/teams/new", {"name": "North"}).status_code == 303

    def test_taking_back_a_change_of_a_user_asks_too(self, house: Site) -> None:
        alice = house.browser()
        house.add_person("Paul", "user")
        number = house.people["Paul"].id
        version = re.search(r'name="version" value="(\d+)"', alice.get(f"/users/{number}/edit").text)
        assert version
        saved = alice.post(f"/users/{number}/edit", {"name": "Paul Martin", "version": version.group(1)})
        operation = saved.headers["Location"].rpartition("done=")[2]
        alice.get("/")
        with later(minutes=16):
            assert alice.post(f"/undo/{operation}").status_code == 403
            assert alice.post(f"/undo/{operation}", {"confirm_password": PASSWORD}).status_code == 303

    def test_a_fragment_is_sent_to_the_page(self, house: Site) -> None:
        alice = house.browser()
        alice.get("/users")
        with later(minutes=16):
            answer = alice.post("/users/bulk", headers={"HX-Request": "true"})
            assert answer.headers["HX-Redirect"].startswith("/account/confirm?next=")
            alice.get("/account/confirm?next=/users")
            assert alice.post("/account/confirm?next=/users", {"confirm_password": "x"}).status_code == 422
            done = alice.post("/account/confirm?next=/users", {"confirm_password": PASSWORD})
            assert done.headers["Location"] == "/users"

    def test_guessing_it_is_slowed_down(self, house: Site) -> None:
        alice = house.browser()
        alice.get("/account/confirm")
        codes = [alice.post("/account/confirm", {"confirm_password": "x"}).status_code for _number in range(7)]
        assert codes[-1] == 429
