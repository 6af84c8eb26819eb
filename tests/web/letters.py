"""Reading the mails of accounts, as whoever gets them, and doing what their links are for."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.access import passwords
from core.access.models import User
from core.data.unit import transaction
from core.exchange.mail.models import MailMessage, MailRecipient
from core.jobs.worker import Worker
from core.testing.site import PASSWORD, Browser, Site

LINK = re.compile(r"http://127\.0\.0\.1:8000(/password\?token=[\w-]{43})\s")
OTHER_PASSWORD = "another-ladder-99"


def letters(site: Site, address: str) -> list[MailMessage]:
    """What was queued for an address, the newest last."""
    statement = select(MailMessage).join(MailRecipient).where(MailRecipient.address == address).order_by(MailMessage.id)
    with site.runtime.database.reading() as session:
        return list(session.scalars(statement))


def link_in(letter: MailMessage) -> str:
    """The path of the link; it begins with the public address."""
    found = LINK.search(letter.body)
    assert found, letter.body
    return found.group(1)


def invite(browser: Browser, email: str = "lea@test.example", **fields: str) -> TestResponse:
    """Invite somebody by the form."""
    browser.get("/users/new")
    return browser.post("/users/new", {"name": "Léa Faure", "email": email, "role": "user", "active": "on", **fields})


def ask_for_reset(site: Site, email: str, **options: object) -> TestResponse:
    """Ask for a new password, and let the job look."""
    visitor = site.visitor()
    visitor.get("/forgotten")
    answer = visitor.post("/forgotten", {"email": email}, **options)
    worker = Worker(site.runtime)
    while worker.run_one():
        pass
    return answer


def reset_link(site: Site, email: str) -> str:
    """The link of a reset just asked for."""
    assert ask_for_reset(site, email).status_code == 200
    return link_in(letters(site, email)[-1])


def choose(site: Site, link: str, password: str = OTHER_PASSWORD) -> TestResponse:
    """Open a link and choose a password; the answer of the last step that was taken."""
    visitor = site.visitor()
    page = visitor.get(link)
    return visitor.post(link, {"password": password}) if page.status_code == 200 else page


def change_user(site: Site, name: str, **values: object) -> None:
    """Change an account behind everybody's back, by the unit of work."""
    number = site.people[name].id
    assert number is not None
    with transaction("test.change", context=site.context()) as unit:
        user = unit.get(User, number)
        for field, value in values.items():
            setattr(user, field, value)


@contextmanager
def later(**duration: float) -> Iterator[None]:
    """As if so much time had passed."""
    with time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(**duration)):
        yield


class Counting:
    """The real hasher, which counts."""

    def __init__(self, hasher: object) -> None:
        self._hasher = hasher
        self.number = 0

    def __getattr__(self, name: str) -> object:
        if name in ("hash", "verify"):
            self.number += 1
        return getattr(self._hasher, name)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """How many passwords were hashed."""
    counting = Counting(passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", counting)
    return counting


def wrong_sign_in(site: Site, email: str) -> TestResponse:
    """A sign-in with a wrong password."""
    visitor = site.visitor()
    visitor.get("/signin")
    return visitor.post("/signin", {"email": email, "password": f"not-{PASSWORD}"})


def cookie_of(browser: Browser) -> str:
    """The cookie a thief would copy."""
    found = browser.client.get_cookie("comptoir")
    assert found
    return found.value


def thief(site: Site, cookie: str) -> Browser:
    """A browser with a copied cookie."""
    copy = site.visitor()
    copy.client.set_cookie("comptoir", cookie)
    return copy


def is_signed_in(browser: Browser) -> bool:
    """Whether the home page opens."""
    return browser.get("/").status_code == 200
