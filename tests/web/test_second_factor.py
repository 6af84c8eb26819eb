"""The second factor: set up, asked for, required, reset; its codes once only (US-2, A47, T50)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pyotp
import pytest
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from core.access.models import Role, SecondFactor
from core.data.history import Operation
from core.data.tables import bump
from core.data.unit import transaction
from core.testing.site import PASSWORD, Browser, Site
from tests.web.letters import OTHER_PASSWORD, change_user, choose, cookie_of, is_signed_in, later, reset_link, thief

ALICE = "alice@test.example"
PAGE = "/account/second-factor"
STEP = 30


@pytest.fixture
def house(site_with: Callable[..., Site]) -> Site:
    """An installation without modules."""
    return site_with()


def set_up(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """Set a factor up as a person would; the app, and the recovery codes."""
    app, sealed = offered(browser)
    done = browser.post(PAGE, {"seed": sealed, "code": app.now()})
    assert done.status_code == 200, done.text
    return app, re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", done.text)


def offered(browser: Browser) -> tuple[pyotp.TOTP, str]:
    """What the page offers: an app that has its key, and the hidden value of its form."""
    page = browser.get(f"{PAGE}?new=1").text
    key = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page)
    sealed = re.search(r'name="seed" value="([^"]+)"', page)
    assert key
    assert sealed
    return pyotp.TOTP(key.group(1).replace(" ", "")), sealed.group(1)


def begin(house: Site, email: str = ALICE) -> Browser:
    """Somebody who gave the right password and is asked for a code."""
    browser = house.visitor()
    browser.get("/signin")
    answer = browser.post("/signin", {"email": email, "password": PASSWORD, "next": "/users"})
    assert answer.headers["Location"].startswith("/signin/code")
    assert browser.get("/signin/code").status_code == 200
    return browser


def send(browser: Browser, code: str) -> TestResponse:
    return browser.post("/signin/code?next=/users", {"code": code})


def code_later(app: pyotp.TOTP, steps: int) -> str:
    return str(app.at(int(time.time()) + steps * STEP))


def ask_of(house: Site, role: str) -> None:
    """Let a role ask for a second factor."""
    with transaction("test.role", context=house.context()) as unit:
        unit.session.add(Role(code=role, second_factor=True))
        bump(unit.session.connection())


class TestAtSignIn:
    def test_the_code_comes_before_any_sign_in(self, house: Site) -> None:
        app, _codes = set_up(house.browser())
        browser = begin(house)
        assert not is_signed_in(browser), "the password alone signs nobody in"
        browser.get("/signin/code")
        waiting = cookie_of(browser)
        with later(seconds=STEP):
            answer = send(browser, app.now())
            assert (answer.status_code, answer.headers["Location"]) == (303, "/users")
            assert is_signed_in(browser)
            assert not is_signed_in(thief(house, waiting)), "T48: the cookie changed"

    def test_the_page_is_only_for_who_knew_the_password(self, house: Site) -> None:
        app, _codes = set_up(house.browser())
        visitor = house.visitor()
        visitor.get("/signin")
        assert visitor.get("/signin/code").headers["Location"] == "/signin"
        with later(seconds=STEP):
            assert send(visitor, app.now()).headers["Location"] == "/signin"
        browser = begin(house)
        with later(minutes=11):
            assert send(browser, app.now()).headers["Location"] == "/signin"

    def test_a_code_is_good_once(self, house: Site) -> None:
        """Also the one that proved the app, and any of an earlier step than the last one taken."""
        app, _codes = set_up(house.browser())
        assert send(begin(house), app.now()).status_code == 422
        with later(seconds=3 * STEP):
            early, code = code_later(app, -1), app.now()
            assert send(begin(house), code).status_code == 303
            assert send(begin(house), code).status_code == 422
            assert send(begin(house), early).status_code == 422

    @pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
    def test_a_clock_may_be_one_step_off(self, house: Site, steps: int, status: int) -> None:
        app, _codes = set_up(house.browser())
        with later(minutes=5):
            assert send(begin(house), code_later(app, steps)).status_code == status

    def test_recovery_codes_are_good_once(self, house: Site) -> None:
        alice = house.browser()
        _app, codes = set_up(alice)
        assert len(set(codes)) == 10
        assert send(begin(house), f" {codes[0].upper()} ").status_code == 303
        assert send(begin(house), codes[0]).status_code == 422
        assert send(begin(house), codes[1].replace("-", "")).status_code == 303
        assert "8 recovery codes are left" in alice.get(PAGE).text
        alice.post(f"{PAGE}/codes")
        assert send(begin(house), codes[2]).status_code == 422, "new ones replace the old"

    def test_guessing_is_slowed_down(self, house: Site) -> None:
        """T50: per account, so that asking for the code anew does not help."""
        app, _codes = set_up(house.browser())
        answers = [send(begin(house), "000000" if app.now() != "000000" else "000001") for _number in range(7)]
        assert [answer.status_code for answer in answers[:5]] == [422] * 5
        assert answers[-1].status_code == 429
        assert answers[-1].headers["Retry-After"]
        with later(minutes=16):
            assert send(begin(house), app.now()).status_code == 303

    def test_deactivated_while_waiting(self, house: Site) -> None:
        house.add_person("Bob")
        app, _codes = set_up(house.browser())
        browser = begin(house)
        change_user(house, "Alice", active=False)
        with later(seconds=STEP):
            assert send(browser, app.now()).headers["Location"] == "/signin"

    def test_a_reset_does_not_go_around_it(self, house: Site) -> None:
        set_up(house.browser())
        assert choose(house, reset_link(house, ALICE)).status_code == 303
        answer = house.visitor().sign_in(ALICE, OTHER_PASSWORD)
        assert answer.headers["Location"].startswith("/signin/code")


@pytest.mark.covers("US-2b")
class TestSettingUp:
    def test_only_a_right_code_sets_it_up(self, house: Site) -> None:
        alice = house.browser()
        app, sealed = offered(alice)
        wrong = alice.post(PAGE, {"seed": sealed, "code": code_later(app, 5)})
        assert wrong.status_code == 422
        assert f'value="{sealed}"' in wrong.text, "the same key stays on the page"
        paul = house.browser("Paul", "user")
        paul.get(PAGE)
        assert paul.post(PAGE, {"seed": sealed, "code": app.now()}).status_code == 422, "made for somebody else"
        assert alice.post(PAGE, {"seed": "x", "code": app.now()}).status_code == 422
        assert house.visitor().sign_in(ALICE).headers["Location"] == "/"

    def test_reading_the_page_stores_nothing(self, house: Site) -> None:
        alice = house.browser()
        offered(alice)
        with house.runtime.database.reading() as session:
            assert session.scalars(select(SecondFactor)).all() == []

    def test_the_seed_and_the_codes_are_not_in_the_database(self, house: Site) -> None:
        app, codes = set_up(house.browser())
        with house.runtime.database.reading() as session:
            tables = ("core_second_factor", "core_recovery_code")
            rows = [session.connection().execute(text(f"SELECT * FROM {name}")).all() for name in tables]  # noqa: S608
            stored = repr(rows)
        assert app.secret not in stored
        for code in codes:
            assert code not in stored
            assert code.replace("-", "") not in stored

    def test_the_picture_is_part_of_the_page(self, house: Site) -> None:
        """No script, no other request, no inline style: the content security policy stays as strict as it is."""
        page = house.browser().get(PAGE).text
        drawing = re.search(r'<svg width="200"[^>]*viewBox="0 0 (\d+) \1"[^>]*>.*?</svg>', page, re.S)
        assert drawing
        assert "style=" not in drawing.group(0)
        assert int(drawing.group(1)) > 40

    def test_it_ends_the_other_sign_ins_and_renews_this_one(self, house: Site) -> None:
        alice, other = house.browser(), house.browser()
        cookie = cookie_of(alice)
        set_up(alice)
        assert is_signed_in(alice)
        assert not is_signed_in(other)
        assert not is_signed_in(thief(house, cookie))

    def test_it_is_removed(self, house: Site) -> None:
        alice = house.browser()
        set_up(alice)
        alice.get(PAGE)
        assert alice.post(f"{PAGE}/remove").status_code == 303
        assert house.visitor().sign_in(ALICE).headers["Location"] == "/"


class TestRoles:
    def test_who_must_have_one_sets_it_up_before_anything_else(self, house: Site) -> None:
        paul = house.browser("Paul", "user")
        ask_of(house, "user")
        for path in ("/", "/account/sessions", "/account/password", "/recent"):
            assert paul.get(path).headers["Location"] == PAGE, path
        assert paul.post("/company", {"company": "1"}).headers["Location"] == PAGE
        assert "Your role asks for a second factor" in paul.get(PAGE).text
        set_up(paul)
        assert is_signed_in(paul)
        paul.get(PAGE)
        assert paul.post(f"{PAGE}/remove").status_code == 422

    def test_others_are_left_alone(self, house: Site) -> None:
        ask_of(house, "user")
        assert is_signed_in(house.browser())

    def test_administrators_reset_it_and_history_tells(self, house: Site) -> None:
        alice, paul = house.browser(), house.browser("Paul", "user")
        set_up(paul)
        sheet = f"/users/{house.people['Paul'].id}"
        assert "Reset second factor" in alice.get(sheet).text
        assert alice.post(f"{sheet}/reset-factor").status_code == 303
        assert not is_signed_in(paul)
        assert house.visitor().sign_in("paul@test.example").headers["Location"] == "/"
        with house.runtime.database.reading() as session:
            told = session.scalars(select(Operation).where(Operation.action == "user.reset_factor")).one()
        assert (told.actor_name, told.cause) == ("Alice", "Second factor of Paul removed")
        alice.get(sheet)
        assert alice.post(f"{sheet}/reset-factor").status_code == 422
