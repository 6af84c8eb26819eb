"""An installation with a plugin that misbehaves on demand, and ways to see what became of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import inspect

from core.testing import Browser, Site

FATAL = ("raise", "exit", "deep", "memory")
"""Also SystemExit, RecursionError and MemoryError: a worker survives them (F30)."""
OWN = ("comptoir_mischief", "comptoir_mischief.misdeeds", "comptoir_mischief.specs", "comptoir_mischief.hooks")


class Mischief:
    """Asks the plugin to misbehave, from now on and in every process."""

    def __init__(self, file: Path, witness: Path) -> None:
        self._file = file
        self._witness = witness

    def do(self, *deeds: str) -> None:
        """`do("panel=raise")`; without deeds it behaves."""
        self._file.write_text(" ".join(deeds), "utf-8")

    def delivered(self) -> list[int]:
        """Numbers of the operations it was told of after their commit."""
        return [int(line) for line in self._witness.read_text("utf-8").split()] if self._witness.exists() else []

    def forget(self) -> None:
        """Let Python import it anew, as another process would; its models stay, they are mapped once per process."""
        for name in OWN:
            sys.modules.pop(name, None)


@pytest.fixture
def mischief(foreign_packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mischief:
    """The misbehaving plugin, behaving for now."""
    file, witness = tmp_path / "mischief", tmp_path / "witness"
    monkeypatch.setenv("MISCHIEF_FILE", str(file))
    monkeypatch.setenv("MISCHIEF_WITNESS", str(witness))
    return Mischief(file, witness)


@pytest.fixture
def town(mischief: Mischief, site_with: Callable[..., Site]) -> Site:
    """An installation where mischief is on, with third parties and loyalty, who must not suffer from it."""
    return site_with("thirdparty", "mischief", "loyalty")


@pytest.fixture
def village(mischief: Mischief, site_with: Callable[..., Site]) -> Site:
    """An installation where mischief is installed and off."""
    return site_with("thirdparty", "loyalty")


@pytest.fixture
def browser(town: Site) -> Browser:
    return town.browser()


def signed_in(site: Site) -> Browser:
    """Alice's browser, on an installation where she has an account."""
    browser = site.visitor()
    browser.sign_in("alice@test.example")
    return browser


# -- what the pages say -----------------------------------------------------------------------------------------
def words(text: str) -> str:
    """A page as text."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def incidents(browser: Browser, module: str = "mischief") -> list[str]:
    """The faults the module's page lists, newest first: kind and place."""
    page = browser.get(f"/admin/modules/{module}")
    assert page.status_code == 200
    return re.findall(r"<code>([^<]+)</code>", page.text)


def state(browser: Browser, module: str = "mischief") -> str:
    """What the card of a module on the Modules page says."""
    page = browser.get("/admin/modules")
    assert page.status_code == 200
    card = page.text.split(f'id="module-{module}"', 1)[1].split("</li>", 1)[0]
    return words(card)


def switch(browser: Browser, verb: str, module: str = "mischief") -> tuple[int, str]:
    """Press the button on the Modules page, with whatever else goes along; (status, page)."""
    page = browser.get(f"/admin/modules/{module}/{verb}")
    version = re.search(r'name="version" value="(\d+)"', page.text)
    answer = browser.post(f"/admin/modules/{module}/{verb}", {"version": version[1] if version else "0", "all": "1"})
    return answer.status_code, words(answer.text)


def create(browser: Browser, **typed: str) -> int:
    """Create a third party that was contacted, and return its number."""
    answer = browser.post("/thirdparties/new", {"name": "Zinc SARL", "contact_status": "contacted", **typed})
    assert answer.status_code == 303, words(answer.text)
    return int(re.findall(r"/thirdparties/(\d+)", answer.headers["Location"])[0])


def names(browser: Browser) -> str:
    """The list of third parties, as text."""
    page = browser.get("/thirdparties")
    assert page.status_code == 200
    return words(page.text.split("<tbody", 1)[-1].split("</tbody>")[0]) if "<tbody" in page.text else ""


def works(browser: Browser) -> None:
    """The site goes on: pages answer, work is taken."""
    for address in ("/", "/thirdparties", "/rewards", "/admin/modules", f"/thirdparties/{create(browser)}"):
        assert browser.get(address).status_code == 200, address


def tables(site: Site) -> set[str]:
    """Tables of mischief that are in the database."""
    with site.runtime.database.reading() as session:
        return {name for name in inspect(session.connection()).get_table_names() if name.startswith("mischief")}


Comptoir = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def comptoir() -> Comptoir:
    """Runs a command on the installation of a site, in a process of its own."""

    def run(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**site.config.environment(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-m", "core.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run
