"""Fixtures for the tests of Comptoir and of plugins, found by pytest through its entry point (MO-10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.testing.prepared import Prepared
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


@pytest.fixture(scope="session", autouse=True)
def _no_power_cuts() -> Iterator[None]:
    """SQLite waits for the disk at each commit, for the day the power fails. No test cuts the power, and each would wait."""
    from core.data import engine

    patient = "PRAGMA synchronous=FULL"
    assert patient in engine.SQLITE_SETTINGS, "people's data waits for the disk"
    settings = tuple("PRAGMA synchronous=NORMAL" if one == patient else one for one in engine.SQLITE_SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "SQLITE_SETTINGS", settings)
        yield


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server's maintenance database; found, started, or the test is skipped and says so."""
    from core.testing.servers import ServerMissing, postgresql_server

    try:
        with postgresql_server(in_memory=True) as url:
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


@pytest.fixture(scope="session")
def prepared(
    engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Prepared]:
    """Installations with modules on, made once per run and copied for each test: enabling takes seconds."""
    from core.testing.prepared import Prepared

    # Asked for before and not while templates are made: the server must outlive the databases on it.
    url = str(request.getfixturevalue("postgresql_url")) if engine_name == "postgresql" else ""
    with Prepared(tmp_path_factory.mktemp("prepared"), lambda: url) as made:
        yield made


@pytest.fixture
def site(engine_name: str, prepared: Prepared, tmp_path: Path) -> Iterator[Site]:
    """A running installation without modules and accounts: runtime, gate, and people with browsers when asked for."""
    with prepared.site(engine_name, (), tmp_path / "var", people=False) as made:
        yield made


@pytest.fixture
def site_with(engine_name: str, prepared: Prepared, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """`site_with("thirdparty", "leads")`: an installation of its own with these modules on."""
    with ExitStack() as stack:

        def make(*modules: str) -> Site:
            return stack.enter_context(prepared.site(engine_name, modules, tmp_path / f"var{len(modules)}"))

        yield make


@pytest.fixture
def sales(site_with: Callable[..., Site]) -> Site:
    """An installation of its own with third parties and leads on."""
    return site_with("thirdparty", "leads")
