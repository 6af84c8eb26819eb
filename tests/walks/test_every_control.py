"""Every page as an administrator finds it without script, and every control on it pressed (UI-2): no fault, nothing dead."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from core.features.demo import load_demo
from core.testing.site import Site
from tests.walks.controls import NEVER, Walk

TAKES_AWAY = re.compile("delete|demo|undo")
"""Pressed last: the records of the other controls would be gone."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation with every module and its demo data, on SQLite: controls do not depend on the database."""
    folder = tmp_path_factory.mktemp("controls")
    made = Site(f"sqlite:///{folder / 'comptoir.db'}", folder / "var")
    try:
        made.enable(*made.runtime.discovery.found)
        made.add_person("Alice")
        load_demo(made.context(made.people["Alice"]))
        yield made
    finally:
        made.close()


@pytest.mark.covers("UI-2")
@pytest.mark.timeout(400)
def test_every_control_does_something(site: Site) -> None:
    with closing(sqlite3.connect(site.runtime.database.engine.url.database or "")) as other:
        walk = Walk(site.browser(), lambda: int(other.execute("PRAGMA data_version").fetchone()[0]))
        _walk(walk)
    wrong = walk.wrong + walk.buttonless()
    assert not wrong, "\n".join(wrong)
    assert walk.effects["written"] > 40, walk.effects
    assert walk.effects["refused"] < walk.effects["written"], walk.effects


def _walk(walk: Walk) -> None:
    for address in (
        "/",
        "/search?q=a",
        "/thirdparties?f=town:filled&q=a",
        "/thirdparties?all=1",
        "/leads?q=nothing+like+it",
    ):
        walk.open(address)
    pages = set(walk.seen)
    assert {
        "/thirdparties?",
        "/thirdparties/0?",
        "/leads/new?",
        "/admin/modules?",
        "/help?",
        "/search?q",
        "/trash?",
    } <= pages
    pressed = {key: found for key, found in walk.forms.items() if not NEVER.match(found[2][0])}
    assert len(pressed) > 60
    for address, form, button in sorted(
        pressed.values(), key=lambda found: bool(TAKES_AWAY.search(" ".join(found[2])))
    ):
        walk.press(address, form, button)
