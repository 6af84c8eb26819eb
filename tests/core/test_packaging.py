"""What is shipped: pinned, without addresses of registries, above the floors, and complete."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock")
PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^ ]+)(?P<marker> ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def floors() -> dict[str, Version]:
    packages = tomllib.loads((ROOT / "ci/floors.toml").read_text("utf-8"))["packages"]
    assert all(entry["reason"] for entry in packages.values())
    return {canonicalize_name(name): Version(entry["lowest"]) for name, entry in packages.items()}


def pins(lock: str) -> dict[str, Version]:
    found = (PINNED.fullmatch(line) for line in (ROOT / lock).read_text("utf-8").splitlines())
    return {match["name"]: Version(match["version"]) for match in found if match}


def requirements() -> list[Requirement]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    return [Requirement(line) for line in parser["options"]["install_requires"].strip().splitlines()]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_no_address(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    strange = [line for line in lines if not PINNED.fullmatch(line) and not HASH.fullmatch(line)]
    assert not strange


def test_the_test_lock_is_the_runtime_lock_and_more() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-test.lock").items()


def test_every_requirement_is_locked_within_its_range() -> None:
    locked = pins("requirements.lock")
    for requirement in requirements():
        assert locked[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_npm_lock_holds_checksums_and_no_download_address() -> None:
    entries = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    del entries[""]
    assert entries
    assert not [name for name, entry in entries.items() if "resolved" in entry]
    assert all(entry["integrity"].startswith("sha512-") for entry in entries.values())


def test_front_end_packages_are_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


@pytest.mark.parametrize("lock", LOCKS)
def test_locked_versions_are_above_the_floors(lock: str) -> None:
    locked = pins(lock)
    low = {name: str(locked[name]) for name, lowest in floors().items() if locked[name] < lowest}
    assert not low


def test_installed_versions_are_above_the_floors() -> None:
    installed = {name: Version(importlib.metadata.version(name)) for name in floors()}
    low = {name: str(installed[name]) for name, lowest in floors().items() if installed[name] < lowest}
    assert not low


def test_the_ranges_of_setup_cfg_exclude_what_is_below_the_floors() -> None:
    lowest = floors()
    for requirement in requirements():
        bounds = [Version(item.version) for item in requirement.specifier if item.operator == ">="]
        assert bounds, f"{requirement} has no lower bound"
        floor = lowest.get(canonicalize_name(requirement.name))
        assert floor is None or max(bounds) >= floor, f"{requirement} admits versions below {floor}"


def shipped_files() -> set[str]:
    """What of the source tree belongs in the wheel: code, templates, static files, compiled catalogues."""
    wanted: set[str] = set()
    for top in ("core", "plugins"):
        for path in (ROOT / top).rglob("*"):
            name = path.relative_to(ROOT)
            if path.suffix == ".po":
                wanted.add(name.with_suffix(".mo").as_posix())
            elif path.is_file() and (path.suffix == ".py" or {"templates", "static"} & set(name.parts)):
                wanted.add(name.as_posix())
    return wanted


@pytest.mark.slow
def test_the_wheel_is_complete_and_holds_nothing_else(tmp_path: Path) -> None:
    """Built as `make wheel` does: through the source distribution, without a network."""
    build = [str(Path(sys.executable).with_name("uv")), "build", "--quiet", "--offline", "--no-build-isolation"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", str(tmp_path)], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("comptoir-*.whl"))) as wheel:
        names = set(wheel.namelist())

    manifest = json.loads((ROOT / "core/static/vendor/manifest.json").read_text("utf-8"))
    vendor = {f"core/static/vendor/{name}" for name in [*manifest, "manifest.json", "tabler.min.css.gz"]}
    assert not sorted((shipped_files() | vendor) - names)

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"core", "plugins"}
    assert not [name for name in names if "/tests/" in name or name.endswith((".po", ".pyc"))]
