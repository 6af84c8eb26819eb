"""What the tests of this repository share, beside the fixtures of `core.testing`."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counting import (  # hooks of this run, kept apart
    pytest_runtest_logreport as pytest_runtest_logreport,
    pytest_sessionfinish as pytest_sessionfinish,
    pytest_terminal_summary as pytest_terminal_summary,
)

FOREIGN = Path(__file__).parent / "foreign"
# A test makes and drops whole applications: looking for cycles took a fifth of the time.
gc.set_threshold(100_000, 50, 100)


INSTALLED = "comptoir-foreign"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not exist on an engine, or on this system; nothing of that was skipped."""
    without = [item for item in items if not _exists(item)]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if _exists(item)]


def has_landlock() -> bool:
    """Whether the system can close files to a program."""
    return bool(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0)


def _exists(item: pytest.Item) -> bool:
    given = getattr(getattr(item, "callspec", None), "params", {})
    engine = given.get("engine_name")
    if given.get("workers") == "procrastinate" and engine == "sqlite":  # this backend of jobs is for PostgreSQL only
        return False
    only = item.get_closest_marker("only_on")
    if only is not None and engine is not None and engine not in only.args:
        return False
    return item.get_closest_marker("landlock") is None or has_landlock()


@pytest.fixture(scope="session")
def foreign_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip installed the two foreign plugins, `loyalty` and `mischief`, for this run only.

    It needs no network and leaves the environment as it is, so `make run` never finds them. In this process they are
    found by tests that ask for this fixture, and by no others; child processes need the folder in PYTHONPATH.
    """
    return _installed_once(tmp_path_factory)


@pytest.fixture(autouse=True)
def _foreign_where_asked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put the foreign plugins on the import path of tests that want them, before anything else is set up."""
    if "foreign_packages" not in request.fixturenames:
        yield
        return
    folder = str(request.getfixturevalue("foreign_packages"))
    sys.path.append(folder)
    importlib.invalidate_caches()
    yield
    sys.path[:] = [path for path in sys.path if path != folder]
    importlib.invalidate_caches()


def _installed_once(factory: pytest.TempPathFactory) -> Path:
    """Install once per test run; the processes of pytest-xdist share the folder."""
    base = factory.getbasetemp()
    if base.name.startswith("popen-"):  # the folder of one process of pytest-xdist
        base = base.parent
    target = base / INSTALLED
    with (base / f"{INSTALLED}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _install(base / f"{INSTALLED}-build", target)
    return target


def _install(build: Path, target: Path) -> None:
    """Build from copies, since a build leaves files beside its sources; as an author would before a release."""
    shutil.copytree(FOREIGN, build, dirs_exist_ok=True)
    for catalogues in build.glob("*/*/translations"):
        babel = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "compile", "--directory", str(catalogues)]
        subprocess.run(babel, check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    partial = target.with_suffix(".part")
    sources = [str(folder) for folder in sorted(build.iterdir())]
    subprocess.run([*pip, *offline, "--target", str(partial), *sources], check=True)
    partial.rename(target)
