"""A real server and one Chromium for all browser tests of a run; a tab fails its test on whatever goes wrong in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect

from core.testing.browser import BrowserMissing, chromium
from tests.browser.desk import COUNTER, Desk, Watch
from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving

HERE = Path(__file__).parent
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 320, "height": 800}
PEOPLE = {"Alice Durand": DEMO_EMAIL, "Paul Leroy": "paul@test.example", "Lou Faure": "lou@test.example"}
USERS = {"Nadia Roux": "nadia@test.example"}
SECONDS = 20
"""How long a tab waits for what must come: machines that run tests are busy."""
SIGNED_IN_SECONDS = 10 * 60
LANGUAGES = ("en", "fr")

OpenTab = Callable[..., Desk]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs Chromium."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of this run."""
    expect.set_options(timeout=SECONDS * 1000)
    try:
        with chromium() as running:
            yield running
    except BrowserMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one `comptoir serve` of this run, with demo data and more administrators. Not started without Chromium."""
    with serving(tmp_path_factory.mktemp("served")) as running:
        for name, email in list(PEOPLE.items())[1:]:
            running.add_user(email, name)
        for name, email in USERS.items():
            running.add_user(email, name, "user")
        yield running


@pytest.fixture(scope="session")
def signed_in(browser: Browser, server: Server) -> Callable[[str, str], StorageState]:
    """What a browser keeps of somebody's sign-in, done once per person and language, and again before it is so old that
    changing modules or users would ask for the password.
    """
    kept: dict[tuple[str, str], StorageState] = {}
    since: dict[tuple[str, str], float] = {}

    def state(person: str, language: str) -> StorageState:
        if time.monotonic() - since.get((person, language), -SIGNED_IN_SECONDS) >= SIGNED_IN_SECONDS:
            context = browser.new_context(base_url=server.url, locale=_locale(language))
            tab = context.new_page()
            tab.goto("/signin")
            tab.locator("#email").fill({**PEOPLE, **USERS}[person])
            tab.locator("#password").fill(PASSWORD)
            tab.keyboard.press("Enter")
            tab.wait_for_url(f"{server.url}/")
            kept[person, language], since[person, language] = context.storage_state(), time.monotonic()
            context.close()
        return kept[person, language]

    return state


@pytest.fixture
def open_tab(
    browser: Browser, server: Server, signed_in: Callable[[str, str], StorageState], request: pytest.FixtureRequest
) -> Iterator[OpenTab]:
    """`open_tab("fr", script=False, dark=True, viewport=NARROW, person=None)`: a tab in a browser of its own."""
    contexts = []
    watch = Watch()

    def open_(language: str = "en", person: str | None = "Alice Durand", **options: Any) -> Desk:
        context = browser.new_context(
            base_url=server.url,
            locale=_locale(language),
            java_script_enabled=options.pop("script", True),
            color_scheme="dark" if options.pop("dark", False) else "light",
            viewport=options.pop("viewport", WIDE),
            reduced_motion="reduce",
            storage_state=signed_in(person, language) if person else None,
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(SECONDS * 1000)
        context.add_init_script(COUNTER)
        watch.over(context)
        return Desk(context.new_page(), language, watch)

    yield open_
    for context in contexts:
        context.close()
    assert not watch.faults, "\n".join([*watch.faults, server.said()[-3000:]])


def _locale(language: str) -> str:
    return {"en": "en-GB", "fr": "fr-FR"}[language]


@pytest.fixture
def page_en(open_tab: OpenTab) -> Desk:
    """A tab in English."""
    return open_tab("en")


@pytest.fixture
def page_fr(open_tab: OpenTab) -> Desk:
    """A tab in French."""
    return open_tab("fr")


@pytest.fixture(params=LANGUAGES)
def desk(open_tab: OpenTab, request: pytest.FixtureRequest) -> Desk:
    """The test runs in English and in French."""
    return open_tab(request.param)


@pytest.fixture(params=LANGUAGES)
def page_without_script(open_tab: OpenTab, request: pytest.FixtureRequest) -> Desk:
    """The test runs without script, in English and in French."""
    return open_tab(request.param, script=False)


@pytest.fixture
def page_dark(open_tab: OpenTab) -> Desk:
    """A tab of somebody whose system is dark."""
    return open_tab("en", dark=True)


@pytest.fixture
def page_narrow(open_tab: OpenTab) -> Desk:
    """A tab as narrow as a page must still work in."""
    return open_tab("en", viewport=NARROW)
