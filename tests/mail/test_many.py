"""Mail to a whole list: chosen as one, looked at, written by a job; nobody gets it twice (ML-2)."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select

from core.exchange.mail.models import MailMessage
from core.jobs.worker import Worker
from core.testing import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.mail.post import Witness, later, send, settings
from tests.probe.helpers import add, fetch

TEXT = {"subject": "News for {{ record.name }}", "text": "Hello", "language": "en"}
SEND = "/mail/send/thirdparties"


@pytest.fixture
def office(sales: Site, sink: Witness) -> Site:
    settings(sales, sink.port)
    return sales


@pytest.fixture
def alice(office: Site) -> Browser:
    return office.browser("Alice", "user")


def make(site: Site, number: int, prefix: str = "Firm") -> None:
    add(site, *(ThirdParty(name=f"{prefix} {at:03}", email=f"{prefix}{at}@{prefix}.example".lower()) for at in range(number)))  # fmt: skip


def press(browser: Browser, then: str, query: str = "q=Firm", **typed: Any) -> Any:
    browser.get("/thirdparties")
    return browser.post(SEND, {"all": "1", "query": query, "then": then, **TEXT, **typed})


def drain(site: Site) -> None:
    worker = Worker(site.runtime)
    while worker.run_one():
        pass


def messages(site: Site) -> int:
    return int(fetch(site, select(func.count()).select_from(MailMessage.__table__))[0][0])


@pytest.mark.covers("ML-2a")
def test_a_whole_list_is_a_job_and_everybody_gets_one(office: Site, sink: Witness, alice: Browser) -> None:
    make(office, 58)
    make(office, 3, "Other")
    add(
        office,
        ThirdParty(name="Firm silent"),
        ThirdParty(name="Firm double", email="firm0+second@firm.example"),
    )
    alice.get("/thirdparties")
    page = alice.post(SEND, {"all": "1", "query": "q=Firm", "return": "/thirdparties?q=Firm"})
    assert page.status_code == 200, "chosen as one, not row by row"
    assert "And 10 more rows" in page.text
    preview = press(alice, "preview").text
    assert "Send to 60 rows" in preview
    assert 'name="number" value="60"' in preview
    assert "News for Firm 000" in preview
    answer = press(alice, "send", number="60", key="k1")
    assert re.fullmatch(r"/jobs/\d+", answer.headers["Location"])
    assert messages(office) == 0, "not in the request"
    again = press(alice, "send", number="60", key="k1")
    assert again.headers["Location"] == answer.headers["Location"], "a second press leads to the same job"
    drain(office)
    job = " ".join(unescape(re.sub(r"<[^>]*>", " ", alice.get(answer.headers["Location"]).text)).split())
    assert "58 messages queued, 2 left out" in job
    assert "Firm silent has no e-mail address" in job
    assert "Firm double has the same e-mail address as another row" in job
    later(office)
    while send(office):
        pass
    subjects = sorted(str(message["Subject"]) for message in sink.messages())
    assert subjects == [f"News for Firm {at:03}" for at in range(58)]


def test_a_list_that_changed_meanwhile_is_shown_again(office: Site, alice: Browser) -> None:
    make(office, 60)
    answer = press(alice, "send", number="59")
    assert answer.status_code == 422
    assert "holds 60 rows now" in answer.text
    assert messages(office) == 0


def test_a_short_list_is_sent_at_once(office: Site, alice: Browser) -> None:
    make(office, 3)
    answer = press(alice, "send", number="3")
    assert "/mail/outbox" in answer.headers["Location"]
    assert messages(office) == 3


def test_a_filter_that_is_not_understood_selects_nobody(office: Site, alice: Browser) -> None:
    make(office, 3)
    assert press(alice, "send", query="f=nothing:is:1", number="3").status_code == 422
    assert messages(office) == 0


def test_the_list_offers_it(office: Site, alice: Browser) -> None:
    make(office, 60)
    chosen = alice.get("/thirdparties?q=Firm&all=1").text
    assert f'formaction="{SEND}"' in chosen
    assert '<input type="hidden" name="query" value="q=Firm">' in chosen


def test_rights_that_went_meanwhile_end_it(office: Site, alice: Browser) -> None:
    make(office, 60)
    path = press(alice, "send", number="60").headers["Location"]
    with office.runtime.database.connection() as connection:
        connection.exec_driver_sql("UPDATE core_user SET role = 'nobody' WHERE name = 'Alice'")
    drain(office)
    assert messages(office) == 0
    assert "You may not do this" in office.browser("Adam").get(path).text
