"""A new key replaces the installation's, and nothing that the old one sealed is lost (A58)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from core.data.unit import transaction
from core.exchange.mail import suppression
from core.exchange.mail.settings import mail_settings, write_password
from core.testing.site import PASSWORD, Site
from tests.web.letters import later
from tests.web.test_guessing import ALICE, attempt, guess
from tests.web.test_second_factor import begin, code_later, send, set_up


@pytest.fixture
def house(site_with: Callable[..., Site]) -> Site:
    return site_with()


@contextmanager
def rotated(house: Site) -> Iterator[Site]:
    """The same installation, started anew with another key."""
    house.settle()
    house.close()
    key = house.config.var / "secret.key"
    key.rename(key.with_name("secret.key.1"))
    again = Site(house.config.database_url, house.config.var)
    try:
        assert again.config.secret_key != house.config.secret_key
        yield again
    finally:
        again.close()


def test_second_factor_and_recovery_codes(house: Site) -> None:
    app, codes = set_up(house.browser())
    with rotated(house) as again:
        assert send(begin(again), codes[0]).status_code == 303
        with later(minutes=2):
            assert send(begin(again), code_later(app, 0)).status_code == 303


def test_mail_password_and_suppression_list(house: Site) -> None:
    with transaction("test.mail", context=house.context()) as unit:
        write_password(unit.session, house.config.secret_keys, "smtp secret")
        suppression.suppress(
            unit.session, house.config.secret_keys, "no@test.example", suppression.BY_HAND, unit.context.actor
        )
    with rotated(house) as again, again.runtime.database.reading() as session:
        keys = again.config.secret_keys
        assert mail_settings(session, keys).password == "smtp secret"
        assert suppression.find(session, keys, "no@test.example") is not None


def test_cookies_of_sign_in_and_known_devices(house: Site) -> None:
    browser = house.browser()
    with rotated(house) as again:
        known = again.visitor()
        for name in ("comptoir", "comptoir_device"):
            cookie = browser.client.get_cookie(name)
            assert cookie
            known.client.set_cookie(name, cookie.value)
        assert known.get("/").status_code == 200
        known.post("/signout")
        guess(again, 8)
        assert attempt(known, ALICE, PASSWORD).status_code == 303
