"""Fixtures for tests of the unit of work: installations with the scripted plugins on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.testing.site import Site
from tests.probe import script
from tests.probe.jobbing import put, tallies
from tests.probe.workers import Forks, Workers, survive_a_kill, workers_of

KILLED_PLACE = 900_000
"""Where the job counts that is killed at the end of a test."""
ENTRIES = {"probe": "tests.probe:plugin", "echo": "tests.probe.echo:plugin"}


@pytest.fixture(scope="session")
def probe_distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two plugins' `.dist-info`, as pip would leave them."""
    folder = tmp_path_factory.mktemp("probe-distributions")
    for name, entry in ENTRIES.items():
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[comptoir.plugins]\n{name} = {entry}\n", "utf-8")
    return folder


@pytest.fixture
def probing(probe_distributions: Path) -> Iterator[None]:
    """The plugins `probe` and `echo` are installed for the length of a test."""
    sys.path.append(str(probe_distributions))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(probe_distributions))
    importlib.invalidate_caches()
    script.probe.clear()
    script.echo.clear()


@pytest.fixture
def shop(probing: None, site_with: Callable[..., Site]) -> Site:
    """An installation of its own with third parties, leads and both scripted plugins on."""
    return site_with("thirdparty", "leads", "probe", "echo")


@pytest.fixture(params=["embedded", "procrastinate"])
def workers(request: pytest.FixtureRequest, shop: Site, engine_name: str, tmp_path: Path) -> Iterator[Workers]:
    """Real workers on that shop, once for each backend the engine has; tests/conftest.py leaves the others out."""
    with workers_of(shop, request.param, tmp_path / "workers.log") as made:
        yield made


@pytest.fixture(scope="session")
def forks() -> Forks:
    """Where workers come from that are there in a moment."""
    return Forks()


@pytest.fixture
def shop_survives_a_kill(request: pytest.FixtureRequest, forks: Forks, tmp_path: Path) -> Iterator[None]:
    """At the end of every test with a shop: `kill -9` of a worker in the middle of a job, and a second start."""
    if "shop" not in request.fixturenames:
        yield
        return
    site: Site = request.getfixturevalue("shop")
    yield
    counted = tallies(site)
    number = put(site, "probe.steps", payload={"place": KILLED_PLACE, "steps": 2})
    survive_a_kill(site.runtime, forks, tmp_path / "killed.log", number, step=2)
    now = tallies(site)
    assert {place: now.pop(KILLED_PLACE + place) for place in range(2)} == {0: 1, 1: 1}
    assert {place: now[place] for place in counted} == counted, "what tests counted is counted once"
