"""Fixtures for the tests of Comptoir and of plugins, found by pytest through its entry point (MO-10)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.testing.site import Site

ENGINES = ("sqlite", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine sqlite` runs the tests on one database only."""
    parser.addoption("--engine", choices=ENGINES, help="run tests on this database only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that uses a database runs on both."""
    if "engine_name" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--engine")
        names = [name for name in ENGINES if chosen in (None, name)]
        marks = {"sqlite": [], "postgresql": [pytest.mark.postgresql]}
        metafunc.parametrize("engine_name", [pytest.param(name, marks=marks[name]) for name in names], scope="session")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server's maintenance database; found, started, or the test is skipped and says so."""
    from core.testing.servers import ServerMissing, postgresql_server

    try:
        with postgresql_server() as url:
            yield url
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the engine under test."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'comptoir.db'}"
        return
    from core.testing.servers import fresh_database

    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        yield url


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """A running installation without modules: runtime, gate, and a signed-in administrator's browser."""
    from core.testing.site import Site

    made = Site(database_url, tmp_path / "var")
    try:
        yield made
    finally:
        made.close()
