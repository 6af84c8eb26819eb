"""The gate: every request gets the set of now, files follow the set, and a lost database is said in words (MO-1, F33)."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import Client

from core.config import Config
from core.data.tables import bump
from core.errors import Busy
from core.runtime import gate as gates
from core.runtime.activation import disable, enable
from core.runtime.gate import Gate
from core.runtime.generation import Generation
from core.runtime.runtime import Runtime


def tiny_app(runtime: Runtime, generation: Generation) -> Flask:
    """Says which set it belongs to; `/slow` waits for the test."""
    app = Flask("tiny", static_folder=None)
    names = " ".join(generation.enabled)

    @app.get("/")
    def home() -> str:
        return f"{generation.version}: {names}"

    @app.get("/slow")
    def slow() -> str:
        EVENTS["inside"].set()
        EVENTS["go on"].wait(10)
        return f"{generation.version}: {names}"

    return app


BASE = "http://localhost:8000"
"""Another name than the public address gets no answer."""
EVENTS: dict[str, threading.Event] = {}


class Browser(Client):
    """A client that reads each answer to its end and closes it, as a server does."""

    def open(self, *arguments: Any, **options: Any) -> Any:
        return super().open(*arguments, **{"buffered": True, "base_url": BASE, **options})


class House:
    """Web processes on one installation."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.runtimes: list[Runtime] = []

    def process(self) -> tuple[Runtime, Client]:
        """Another web process: its runtime, and a client of its gate."""
        runtime = Runtime(self.config, app_factory=tiny_app)
        self.runtimes.append(runtime)
        runtime.start()
        return runtime, Browser(Gate(runtime))


@pytest.fixture
def house(config: Config) -> Iterator[House]:
    EVENTS.update({"inside": threading.Event(), "go on": threading.Event()})
    house = House(config)
    yield house
    for runtime in house.runtimes:
        runtime.close()


@pytest.fixture
def light(workshop: Any) -> str:
    """A plugin without tables, with a static file."""
    name: str = workshop.plugin("light")
    workshop.write(f"{name}_package/static/words.txt", "words")
    return name


class TestFollowing:
    def test_every_process_follows_before_its_next_request(self, house: House, light: str) -> None:
        one, client_one = house.process()
        two, client_two = house.process()
        assert client_one.get("/").text == client_two.get("/").text == f"{one.generation.version}: "
        enable(one, light)
        expected = f"{one.generation.version}: {light}"
        assert client_one.get("/").text == expected
        assert client_two.get("/").text == expected
        disable(two, light)
        assert client_one.get("/").text == f"{two.generation.version}: "

    def test_a_request_under_way_finishes_on_its_set(self, house: House, light: str) -> None:
        runtime, client = house.process()
        enable(runtime, light)
        before = client.get("/").text
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(client.get("/slow").text))
        thread.start()
        assert EVENTS["inside"].wait(10)
        disable(runtime, light)
        assert client.get("/").text != before
        EVENTS["go on"].set()
        thread.join()
        assert answers == [before]

    def test_no_request_is_lost_while_the_set_changes(self, house: House, light: str) -> None:
        runtime, client = house.process()
        enable(runtime, light)
        stop = threading.Event()
        statuses: list[int] = []
        backwards: list[tuple[int, int]] = []

        def hammer() -> None:
            newest = 0
            while not stop.is_set():
                response = client.get("/")
                statuses.append(response.status_code)
                version = int(response.text.split(":")[0])
                if version < newest:
                    backwards.append((newest, version))
                newest = version

        threads = [threading.Thread(target=hammer) for _number in range(4)]
        for thread in threads:
            thread.start()
        for _time in range(10):
            disable(runtime, light)
            enable(runtime, light)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}
        assert len(statuses) > 20
        assert backwards == []

    def test_a_failure_of_ours_keeps_the_old_set(self, house: House, caplog: pytest.LogCaptureFixture) -> None:
        runtime, client = house.process()
        before = client.get("/").text

        def broken(runtime: Runtime, generation: Generation) -> Flask:
            raise ZeroDivisionError

        runtime.app_factory = broken
        with runtime.database.connection() as connection:
            bump(connection)
        with caplog.at_level(logging.ERROR):
            assert client.get("/").text == before
            assert client.get("/").text == before
        assert len([record for record in caplog.records if "could not be built" in record.message]) == 1, (
            "tried once per version"
        )
        runtime.app_factory = tiny_app
        with runtime.database.connection() as connection:
            bump(connection)
        assert client.get("/").text == f"{runtime.generation.version}: "

    def test_a_plugin_that_breaks_in_this_process_is_set_aside(self, house: House, workshop: Any) -> None:
        name = workshop.plugin(
            "fickle", hooks="calls = []\n\n@hookimpl\ndef menus():\n    if calls:\n        1 / 0\n    return []"
        )
        runtime, client = house.process()
        enable(runtime, name)
        import sys

        sys.modules[f"{name}_package.hooks"].calls.append(1)
        with runtime.database.connection() as connection:
            bump(connection)
        response = client.get("/")
        assert response.status_code == 200
        assert name not in response.text
        assert name in runtime.stopped

    def test_old_generations_go(self, house: House, light: str) -> None:
        runtime, client = house.process()
        seen: list[weakref.ref[Generation]] = []
        for _time in range(200):
            with runtime.database.connection() as connection:
                bump(connection)
            client.get("/")
            seen.append(weakref.ref(runtime.generation))
        gc.collect()
        assert [each() for each in seen if each() is not None] == [runtime.generation]

    def test_a_swap_is_quick(self, house: House) -> None:
        runtime, client = house.process()
        enable(runtime, "leads")
        started = time.perf_counter()
        for _time in range(10):
            with runtime.database.connection() as connection:
                bump(connection)
            client.get("/")
        assert (time.perf_counter() - started) / 10 < 2.5, (
            "a tenth of this is the goal; machines that run tests are busy"
        )


class TestFiles:
    def test_files_of_the_core(self, house: House) -> None:
        _runtime, client = house.process()
        response = client.get("/static/app.css")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "max-age=3600, public"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        kept = client.get("/static/app.css?v=1")
        assert kept.headers["Cache-Control"] == gates.IMMUTABLE
        again = client.get("/static/app.css?v=1", headers={"If-None-Match": kept.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, gates.IMMUTABLE)
        assert client.get("/static/nothing.css?v=1").status_code == 404
        assert "immutable" not in client.get("/static/nothing.css?v=1").headers.get("Cache-Control", "")

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../errors.py",
            "/static/%2e%2e/errors.py",
            "/static/",
            "/static/..%2ferrors.py",
            "/static//etc/passwd",
        ],
    )
    def test_nothing_else(self, house: House, path: str) -> None:
        _runtime, client = house.process()
        assert client.get(path).status_code == 404

    def test_a_plugins_files_are_there_while_it_is_on(self, house: House, light: str) -> None:
        runtime, client = house.process()
        path = f"/static/{light}/words.txt"
        assert client.get(path).status_code == 404
        enable(runtime, light)
        response = client.get(path)
        assert (response.status_code, response.text) == (200, "words")
        assert client.get(f"{path}?v=2").headers["Cache-Control"] == gates.IMMUTABLE
        assert client.get(f"/static/{light}/../hooks.py").status_code == 404
        assert client.get(f"/static/{light}/no.txt").status_code == 404
        disable(runtime, light)
        assert client.get(path).status_code == 404

    def test_files_of_one_installed_later(self, house: House, workshop: Any) -> None:
        runtime, client = house.process()
        _other, other_client = house.process()
        name = workshop.plugin("later")
        workshop.write(f"{name}_package/static/words.txt", "later words")
        runtime.rescan()
        enable(runtime, name)
        assert client.get(f"/static/{name}/words.txt").text == "later words"
        assert other_client.get("/").text.endswith(name)
        assert other_client.get(f"/static/{name}/words.txt").text == "later words"


class TestWithoutDatabase:
    @pytest.mark.parametrize(
        ("accepted", "language", "words"),
        [
            ("", "en", "cannot reach its database"),
            ("fr-FR,fr;q=0.9", "fr", ""),
            ("tlh, de;q=0.5", "en", "cannot reach"),
        ],
    )
    def test_503_in_words(
        self, house: House, monkeypatch: pytest.MonkeyPatch, accepted: str, language: str, words: str
    ) -> None:
        runtime, client = house.process()

        def lost(statement: str) -> Any:
            raise Busy("gone")

        monkeypatch.setattr(runtime.database, "scalar", lost)
        response = client.get("/", headers={"Accept-Language": accepted})
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert f'lang="{language}"' in response.text
        assert words in response.text
        assert client.get("/static/app.css").status_code == 200, "files need no database"

    def test_a_driver_error_counts_as_lost(self, house: House) -> None:
        runtime, client = house.process()
        with runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE core_state RENAME TO core_state_gone"))
        assert client.get("/").status_code == 503
        with runtime.database.connection() as connection:
            connection.execute(text("ALTER TABLE core_state_gone RENAME TO core_state"))
        assert client.get("/").status_code == 200
