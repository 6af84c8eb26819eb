"""What an operator sees: access lines without secrets, incident numbers, health, metrics (OPS-4, A61, A69, A72, T58, T80)."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from core import logs
from core.config import Config
from core.data.unit import transaction
from core.jobs.enqueue import enqueue
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.web.test_access import paths

TOKEN = "a-token-for-the-metrics"
PLANTED = "zq7-planted"
SECRET_FIELDS = (
    "password", "new_password", "email", "token", "csrf_token", "secret", "api_key", "phone", "address", "note", "text",
    "name", "to", "subject", "body", "value", "return", "next", "label", "code", "key",
)  # fmt: skip
HEADERS = (
    "Authorization", "Cookie", "User-Agent", "Referer", "X-CSRFToken", "X-Forwarded-For", "X-Request-Id", "Origin",
    "Accept-Language", "HX-Current-URL", "HX-Target", "Idempotency-Key",
)  # fmt: skip


class Log:
    """What this process logs, as an installation would write it."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        logs.set_up("json", self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def forget(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line is JSON, or this raises."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["logger"] == logger]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield Log()
    root.handlers[:] = before
    root.setLevel(level)


def test_each_request_has_its_line(sales: Site, log: Log) -> None:
    browser = sales.browser("Alice")
    with transaction("test", context=sales.context()) as unit:
        number = unit.add(ThirdParty(name="Zinc SARL"))
        unit.session.flush()
        place = number.id
    log.forget()
    answer = browser.get(f"/thirdparties/{place}?q=private", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    (line,) = log.of("comptoir.request")
    assert line["ms"] > 0
    assert {name: line[name] for name in ("level", "request", "user", "route", "method", "status", "address")} == {
        "level": "INFO", "request": answer.headers["X-Request-Id"], "user": sales.people["Alice"].id,
        "route": "/<entity:entity>/<int:record_id>", "method": "GET", "status": 200, "address": "192.0.2.7",
    }  # fmt: skip
    assert "private" not in log.text
    browser.get("/no/such/page")
    browser.get("/static/nothing.css")
    assert [(line["route"], line["status"]) for line in log.of("comptoir.request")[1:]] == [
        ("", 404), ("/static/<path>", 404),
    ]  # fmt: skip


@pytest.mark.covers("OPS-4b")
def test_no_secret_of_any_form_or_header_is_logged(sales: Site, log: Log) -> None:
    """Everything that can be typed or sent holds a text that must be found nowhere (A69, 7.34)."""
    app: Flask = sales.runtime.generation.app
    alice = sales.browser("Alice")
    form = {name: f"{PLANTED}-{name}" for name in SECRET_FIELDS}
    headers = {name: f"{PLANTED}-{name}" for name in HEADERS if name not in ("Cookie", "Origin")}
    forged = {**headers, "Cookie": f"comptoir={PLANTED}"}
    stranger, forger = sales.visitor(), sales.visitor()
    walked = 0
    for rule, method, path in paths(app):
        if rule.endpoint in ("account.signout", "modules.disable_now", "modules.reload"):
            continue
        typed = {**form, "csrf_token": alice.token}
        for visitor, data, sent in ((alice, typed, headers), (stranger, form, headers), (forger, form, forged)):
            visitor.client.open(
                path, method=method, data=data, query_string={"q": PLANTED}, headers=sent, buffered=True
            )
        walked += 1
    sales.visitor().client.post("/csp-report", data=json.dumps({"csp-report": {"document-uri": f"/x?{PLANTED}"}}))
    assert walked > 60
    assert len(log.of("comptoir.request")) > 3 * walked
    assert PLANTED not in log.text, next(line for line in log.text.splitlines() if PLANTED in line)
    for secret in (sales.config.secret_key.hex(), "quince-ladder-73", "@test.example"):
        assert secret not in log.text


@pytest.mark.parametrize("text_", ["a\r\nforged", "a\x1b[31mred", "a\x00b\x7f"])
def test_control_characters_forge_no_line(sales: Site, log: Log, text_: str) -> None:
    browser = sales.browser("Alice")
    browser.client.get("/x%0d%0aforged%1b[31m", headers={"User-Agent": text_.replace("\r\n", " ")})
    browser.get("/signin")
    browser.post("/signin", {"email": text_, "password": text_})
    browser.client.open("/", method="GE\x1bT", environ_overrides={"REMOTE_ADDR": text_})
    assert all(line.isprintable() for line in log.text.split("\n"))
    assert len(log.events) >= 4


class TestFaults:
    """Whatever breaks, the visitor sees a number and no more, and the number is in the log (T58)."""

    def break_database(self, site: Site) -> None:
        with site.runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE thirdparty_thirdparty RENAME TO gone"))

    def test_the_number_on_the_page_is_that_of_the_line(self, sales: Site, log: Log) -> None:
        browser = sales.browser("Alice")
        self.break_database(sales)
        answer = browser.get("/thirdparties?q=private-words")
        assert answer.status_code == 500
        (number,) = re.findall(r"Give this number to your administrator: ([0-9a-f]{16})", answer.text)
        assert number == answer.headers["X-Request-Id"]
        (line,) = [event for event in log.of("comptoir.web") if event["level"] == "ERROR"]
        assert line["request"] == number
        assert line["message"] == f"incident {number}"
        assert "gone" not in answer.text
        assert "thirdparty_thirdparty" not in answer.text
        assert "Traceback" not in answer.text
        assert "Traceback" in line["error"]
        assert "private-words" not in log.text

    def test_a_number_of_the_clients_is_not_believed(self, sales: Site) -> None:
        answer = sales.visitor().get("/signin", headers={"X-Request-Id": "mine"})
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])

    @pytest.mark.parametrize("value", ["\x00", "\U0001f600" * 40, "x" * 400_000, ["a", "b"]])
    def test_odd_values_are_no_fault(self, sales: Site, value: Any) -> None:
        browser = sales.browser("Alice")
        browser.get("/thirdparties/new")
        answer = browser.post("/thirdparties/new", {"name": value, "email": value, "country": value})
        assert answer.status_code < 500
        assert "Traceback" not in answer.text


class TestHealth:
    def test_says_only_ok(self, sales: Site) -> None:
        answer = sales.visitor().get("/health")
        assert (answer.status_code, answer.text) == (200, "ok\n")

    def test_503_without_its_tables(self, sales: Site) -> None:
        with sales.runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE core_user RENAME TO gone"))
        answer = sales.visitor().get("/health")
        assert (answer.status_code, answer.text) == (503, "unavailable\n")

    def test_503_without_a_database(self, sales: Site) -> None:
        with sales.runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE core_state RENAME TO gone"))
        assert sales.visitor().get("/health").status_code == 503


class TestMetrics:
    @pytest.fixture
    def watched(self, sales: Site) -> Site:
        sales.config = sales.runtime.config = replace(sales.config, metrics_token=TOKEN)
        return sales

    def ask(self, site: Site, token: str = TOKEN) -> Any:
        return site.visitor().get("/metrics", headers={"Authorization": f"Bearer {token}"})

    def figures(self, site: Site) -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(self.ask(site).text)
        return {
            (sample.name, *(value for name, value in sorted(sample.labels.items()) if name != "process")): sample.value
            for family in families
            for sample in family.samples
        }

    def test_not_there_without_a_token(self, sales: Site) -> None:
        assert sales.browser("Alice").get("/metrics").status_code == 404
        assert self.ask(sales, "").status_code == 404

    @pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é"])
    def test_not_there_with_a_wrong_one(self, watched: Site, token: str) -> None:
        answer = watched.visitor().get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 404
        assert "comptoir_" not in answer.text

    def test_figures(self, watched: Site) -> None:
        browser = watched.browser("Alice")
        wrong = watched.visitor()
        wrong.get("/signin")
        wrong.post("/signin", {"email": "mallory@test.example", "password": "wrong-password-1"})
        browser.get("/thirdparties")
        browser.get("/thirdparties/4711")
        browser.client.open("/x", method="BREW")
        with transaction("test.job", context=watched.context()) as unit:
            enqueue(unit, "core.housekeeping", {}, label="x", run_at=1.0)
        found = self.figures(watched)
        assert found["comptoir_requests_total", "GET", "/<entity:entity>", "2xx"] == 1
        assert found["comptoir_requests_total", "GET", "/<entity:entity>/<int:record_id>", "4xx"] == 1
        assert found["comptoir_requests_total", "other", "other", "4xx"] == 1
        assert found["comptoir_request_seconds_count", "GET", "/<entity:entity>"] == 1
        assert found["comptoir_jobs", "ready"] >= 1
        assert found["comptoir_oldest_job_seconds",] > 1000
        assert found["comptoir_sign_in_failures_total",] == 1
        assert found["comptoir_generation_version",] == watched.runtime.generation.version
        assert found["comptoir_hook_seconds_total", "leads"] > 0
        assert "4711" not in self.ask(watched).text
        assert "mallory" not in self.ask(watched).text

    def test_figures_of_a_process_say_so(self, watched: Site) -> None:
        watched.visitor().get("/signin")
        lines = [line for line in self.ask(watched).text.splitlines() if line.startswith("comptoir_request")]
        assert lines
        assert all('process="' in line for line in lines)

    def test_the_token_comes_from_the_environment(self, sales: Site) -> None:
        given = {"COMPTOIR_VAR": str(sales.config.var), "COMPTOIR_METRICS_TOKEN": TOKEN, "COMPTOIR_LOG": "text"}
        config = Config.from_environment(given)
        assert (config.metrics_token, config.log) == (TOKEN, "text")
        assert TOKEN not in repr(config)
        for wrong in ({"COMPTOIR_METRICS_TOKEN": "short"}, {"COMPTOIR_LOG": "xml"}):
            with pytest.raises(Exception, match=next(iter(wrong))):
                Config.from_environment({**given, **wrong})
