"""Modules are switched while people work: no error, no lost write, all workers follow (MO-1, MO-3; issue A)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text

from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving
from tests.walks.client import Client

CLIENTS = 4
SWITCHES = 10
ASKED = 6
"""How often the set is looked at after a switch, each time over a new connection: both workers answer."""


@pytest.fixture
def server(
    foreign_packages: Path, engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Server]:
    variables = {"PYTHONPATH": str(foreign_packages)}
    if engine_name == "postgresql":
        variables["COMPTOIR_DATABASE_URL"] = request.getfixturevalue("database_url")
    with serving(tmp_path / "var", **variables) as running:
        running.run("plugin", "enable", "loyalty")
        yield running


@dataclass
class Worker:
    """One person at work: looks at lists, creates third parties and leads."""

    url: str
    number: int
    stop: threading.Event
    made: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked: int = 0

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.wrong.append(repr(error))

    def _work(self) -> None:
        client = Client(self.url)
        client.sign_in(DEMO_EMAIL, PASSWORD)
        while not self.stop.is_set():
            for slug in ("thirdparties", "leads"):
                self._check(client.get(f"/{slug}?sort=name"), slug)
                self._check(client.get("/thirdparties?f=loyalty.tier:is:gold&f=leads.source:is:fair"), "thirdparties")
                client.get("/")
                name = f"Made by {self.number} no {self.asked}"
                answer = client.post(f"/{slug}/new", name=name, role="prospect", kind="company")
                self._check(answer, slug)
                if answer.status == 303:
                    self.made.append(f"{slug} {urlsplit(answer.location).path.split('/')[2]} {name}")

    def _check(self, answer: Any, slug: str) -> None:
        self.asked += 1
        allowed = {200, 303, 404} if slug == "leads" else {200, 303}
        if answer.status not in allowed:
            self.wrong.append(f"{slug}: {answer.status} {answer.text[-300:]}")


def press(administrator: Client, verb: str, module: str) -> None:
    """Switch a module with the buttons of the Modules page."""
    page = administrator.get(f"/admin/modules/{module}/{verb}").text
    version = page.split('name="version" value="')[1].split('"')[0]
    answer = administrator.post(f"/admin/modules/{module}/{verb}", version=version, all="1")
    assert answer.status == 303, answer.text[-500:]


def command(server: Server, verb: str, module: str) -> None:
    """Switch a module by command."""
    server.run("plugin", verb, module)


def nothing_is_left(client: Client, module: str, slug: str) -> None:
    """Every worker serves a set without the module: no list, menu entry, column, filter, static file."""
    for _time in range(ASKED):
        assert client.get(f"/{slug}").status == 404
        assert client.get(f"/static/{module}/loyalty.css").status == 404
        page = client.get(f"/thirdparties?c={module}.tier&f={module}.tier:is:gold").text
        assert f'href="/{slug}"' not in page
        assert f'id="sort-{module}.' not in page
        assert page.count("there is no such field") >= 2
        assert f'value="{module}.' not in client.get("/thirdparties").text


def it_is_back(client: Client, slug: str) -> None:
    """Every worker serves a set with the module."""
    for _time in range(ASKED):
        page = client.get(f"/{slug}")
        assert page.status == 200
        assert f'href="/{slug}' in page.text


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.covers("MO-1a", "MO-1b", "MO-3a", "MO-3b", "OPS-1a")
def test_switching_under_load(server: Server) -> None:
    administrator = Client(server.url)
    administrator.sign_in(DEMO_EMAIL, PASSWORD)
    stop = threading.Event()
    workers = [Worker(server.url, number, stop) for number in range(CLIENTS)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for number in range(SWITCHES):
            module, slug = (("leads", "leads"), ("loyalty", "rewards"))[number % 2]
            if number % 4 < 2:
                press(administrator, "disable", module)
            else:
                command(server, "disable", module)
            nothing_is_left(administrator, module, slug)
            if number % 4 < 2:
                command(server, "enable", module)
            else:
                press(administrator, "enable", module)
            it_is_back(administrator, slug)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert [wrong for worker in workers for wrong in worker.wrong] == []
    made = [line for worker in workers for line in worker.made]
    assert len(made) > CLIENTS
    assert {line.split()[0] for line in made} == {"thirdparties", "leads"}
    _nothing_was_lost(server, made)


def _nothing_was_lost(server: Server, made: list[str]) -> None:
    """Every record whose form was answered is there, with its history."""
    url = server.environment.get("COMPTOIR_DATABASE_URL") or f"sqlite:///{server.var / 'comptoir.db'}"
    engine = create_engine(url)
    tables = {"thirdparties": ("thirdparty_thirdparty", "thirdparty"), "leads": ("leads_lead", "lead")}
    with engine.connect() as connection:
        for line in made:
            slug, number, name = line.split(maxsplit=2)
            table, entity = tables[slug]
            found = connection.execute(text(f"SELECT name FROM {table} WHERE id = :id"), {"id": int(number)}).scalar()  # noqa: S608
            assert found == name
            history = text(
                "SELECT count(*) FROM core_change WHERE entity = :entity AND record_id = :id AND kind = 'created'"
            )
            assert connection.execute(history, {"entity": entity, "id": int(number)}).scalar() == 1
    engine.dispose()
