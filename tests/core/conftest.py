"""Makes small plugin packages for tests: real files, really discovered through a real `.dist-info` folder."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import plugins.leads.hooks
import plugins.thirdparty.hooks  # noqa: F401 - both known to this process: no child has to try them first
from core.config import Config
from core.runtime.runtime import Runtime
from core.runtime.watchdog import LIMIT_VARIABLE

# Child processes may keep compiled code, whatever this environment says: they start three times as fast.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir()) / f"comptoir-pycache-{os.getuid()}"))

# A watchdog must not end the test run because the machine is busy; its own tests set limits of their own.
os.environ.setdefault(LIMIT_VARIABLE, "300")

_serial = itertools.count(1)

MANIFEST = """\
from core.api import Plugin

plugin = Plugin(name="{name}", label="{label}", version="{version}", hooks="{package}.hooks", requires={requires!r}{more})
"""
MODELS = """\
from sqlalchemy.orm import Mapped

from core.api import Entity, Numbering, Record, Text, field


class Thing(Record):
    __tablename__ = "{name}_thing"
    entity = Entity("{name}_thing", "Thing of {name}", "Things of {name}", slug="{name}-things", title="name", new_label="New")
    name: Mapped[str] = field(Text(80), "Name", listed=True)
"""
HOOKS = """\
from core.api import hookimpl
from {package}.models import Thing


@hookimpl
def entities():
    return [Thing]
"""
STEP = """\
import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import key_v1, record_columns_v1, text_v1

revision = "{name}_0001"
down_revision = None


def upgrade():
    op.create_table(
        "{name}_thing", *record_columns_v1(), sa.Column("name", text_v1(80), nullable=False), key_v1("name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_{name}_thing_name_key", "{name}_thing", ["name_key", "id"])
    op.create_index("ix_{name}_thing_created_at", "{name}_thing", ["created_at", "id"])
"""


class Workshop:
    """Makes plugins in a folder that is on the import path for the length of a test.

    Names get a serial number, because mapped classes live as long as the process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name(self, stem: str = "sample") -> str:
        """A plugin name nobody used before in this process."""
        return f"{stem}{next(_serial)}p{os.getpid()}"

    def write(self, path: str, text: str) -> Path:
        """Write a file below the folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), "utf-8")
        importlib.invalidate_caches()
        return target

    def distribution(self, name: str, entry: str, *, version: str = "1.0", title: str | None = None) -> None:
        """Install a distribution: one `.dist-info` with one entry point."""
        title = title or name
        for old in self.folder.glob(f"{title}-*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        info = f"{title}-{version}.dist-info"
        self.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n")
        self.write(f"{info}/entry_points.txt", f"[comptoir.plugins]\n{name} = {entry}\n")

    def plugin(
        self,
        stem: str = "sample",
        *,
        hooks: str = "",
        manifest: str = "",
        requires: tuple[str, ...] = (),
        more: str = "",
        entity: bool = False,
        version: str = "1.0",
        step: str | None = None,
        known: bool = True,
    ) -> str:
        """Install a plugin and return its name.

        `hooks`: code added to its hooks module; `entity`: with one entity; `known`: imported already, so that switching
        it on needs no child process, which takes seconds.
        """
        name = self.name(stem)
        package = f"{name}_package"
        values = {
            "name": name,
            "package": package,
            "label": stem.title(),
            "version": version,
            "requires": requires,
            "more": more,
        }
        self.write(f"{package}/__init__.py", manifest + MANIFEST.format(**values))
        if entity:
            self.write(f"{package}/models.py", MODELS.format(**values))
            self.write(f"{package}/migrations/versions/0001_first.py", dedent(step or STEP).replace("{name}", name))
        base = HOOKS.format(**values) if entity else "from core.api import hookimpl\n"
        self.write(f"{package}/hooks.py", base + dedent(hooks).replace("{name}", name).replace("{package}", package))
        self.distribution(name, f"{package}:plugin", version=version)
        if known and not manifest:
            importlib.import_module(f"{package}.hooks")
        return name

    def package(self, name: str) -> Path:
        """The folder of a plugin's code."""
        return self.folder / f"{name}_package"

    def uninstall(self, name: str) -> None:
        """Remove a plugin's distribution, as pip would; what was imported stays imported."""
        for info in self.folder.glob(f"{name}-*.dist-info"):
            for file in info.iterdir():
                file.unlink()
            info.rmdir()
        importlib.invalidate_caches()


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A place to make plugins."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Workshop(folder)
    importlib.invalidate_caches()


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """An installation on an empty database."""
    return Config.from_environment({"COMPTOIR_VAR": str(tmp_path / "var"), "COMPTOIR_DATABASE_URL": database_url})


class Processes:
    """Runtimes, as many as a test wants: each stands for one process of the installation."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.made: list[Runtime] = []

    def start(self) -> Runtime:
        """Start another one."""
        runtime = Runtime(self.config)
        self.made.append(runtime)
        runtime.start()
        return runtime


@pytest.fixture
def processes(config: Config) -> Iterator[Processes]:
    """Runtimes on one installation, closed at the end."""
    made = Processes(config)
    yield made
    for runtime in made.made:
        runtime.close()


@pytest.fixture
def runtime(processes: Processes) -> Runtime:
    """A started runtime."""
    return processes.start()


def forget(*names: str) -> None:
    """Let Python import modules anew, as another process would."""
    for name in [module for module in sys.modules if module.split(".")[0] in names]:
        del sys.modules[name]
