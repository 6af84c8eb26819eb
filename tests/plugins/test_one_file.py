"""The example of an author's plugin, one file, as the design prints it: installed, enabled and used as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 240
EXAMPLE = '''\
"""Loyalty: a tier and points on every third party, earned by accepted proposals."""
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Mapped

from core.api import Change, Choice, Facet, Integer, MenuItem, Plugin, Unit, field, hookimpl, lazy as _
from plugins.thirdparty.api import ThirdParty

plugin = Plugin(name="loyalty", label=_("Loyalty"), version="1.0", hooks=__name__, requires=("thirdparty",), after=("proposals",))

class Loyalty(Facet, of=ThirdParty):
    __tablename__ = "loyalty_thirdparty"
    tier: Mapped[str | None] = field(Choice({"gold": _("Gold"), "silver": _("Silver")}), _("Tier"), listed=True)
    points: Mapped[int | None] = field(Integer(minimum=0), _("Points"))

@hookimpl
def entity_fields(entity: str) -> Iterable[type[Facet]]:
    return [Loyalty] if entity == "thirdparty" else []

@hookimpl
def menus() -> Iterable[MenuItem]:
    yield MenuItem(_("Gold customers"), "records.index", {"entity": "thirdparty", "f": "loyalty.tier:is:gold"})

@hookimpl
def records_changed(changes: Sequence[Change], unit: Unit) -> None:
    for change in changes:
        if change.entity == "proposal" and change.became("status", "signed"):
            loyalty = unit.facet(Loyalty, change["thirdparty_id"])
            loyalty.points = (loyalty.points or 0) + int(change["total_gross"] // 100)
'''
"""DESIGN 12, with the imports it leaves out."""
LOYALTY_STEP = """\
import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import facet_key_v1, text_v1

revision = "loyalty_0001"
down_revision = branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "loyalty_thirdparty",
        facet_key_v1("thirdparty_thirdparty"),
        sa.Column("tier", text_v1(64)),
        sa.Column("points", sa.BigInteger()),
    )
"""
QUOTES = '''\
"""A stand-in for proposals: an entity that says no more of itself than DESIGN 4 does."""
from decimal import Decimal as Exact

from sqlalchemy.orm import Mapped

from core.api import Amount, Choice, Entity, Link, Plugin, Record, Text, field, hookimpl, lazy as _

plugin = Plugin(name="quotes", label=_("Quotes"), version="1.0", hooks=__name__, requires=("thirdparty",))

class Proposal(Record):
    __tablename__ = "quotes_proposal"
    entity = Entity("proposal", _("Proposal"), slug="proposals", title="name", timeline=True)
    name: Mapped[str] = field(Text(128), _("Name"), listed=True, search=True)
    status: Mapped[str] = field(Choice({"draft": _("Draft"), "signed": _("Signed")}), _("Status"), quick=True)
    thirdparty_id: Mapped[int] = field(Link("thirdparty_thirdparty", on_merge="move", on_delete="refuse"), _("Third party"))
    total_gross: Mapped[Exact] = field(Amount(), _("Total"))

@hookimpl
def entities():
    return [Proposal]
'''
QUOTES_STEP = """\
import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1, key_v1, record_columns_v1, text_v1

revision = "quotes_0001"
down_revision = branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "quotes_proposal",
        *record_columns_v1(),
        sa.Column("name", text_v1(128), nullable=False),
        key_v1("name"),
        sa.Column("status", text_v1(64), nullable=False),
        sa.Column("thirdparty_id", identifier_v1(), sa.ForeignKey("thirdparty_thirdparty.id"), nullable=False),
        sa.Column("total_gross", sa.BigInteger(), nullable=False),
        sqlite_autoincrement=True,
    )
    for name in ("name_key", "thirdparty_id", "created_at"):
        op.create_index(f"ix_quotes_proposal_{name}", "quotes_proposal", [name, "id"])
"""
USE = """\
import re

from core.testing import PluginContract


class TestLoyalty(PluginContract):
    plugin = "loyalty"


def test_it_is_used(site_with):
    site = site_with("thirdparty", "quotes", "loyalty")
    browser = site.browser()
    place = browser.post("/thirdparties/new", {"name": "Zinc SARL", "loyalty.tier": "gold"}).headers["Location"].partition("?")[0]
    assert "f=loyalty.tier" in browser.get("/").text, "the menu entry is there"
    assert "Zinc SARL" in browser.get("/thirdparties?f=loyalty.tier:is:gold").text
    assert "Zinc SARL" not in browser.get("/thirdparties?f=loyalty.tier:is:silver").text
    number = place.rpartition("/")[2]
    form = browser.get("/proposals/new")
    assert "<h1 tabindex=\\"-1\\">Create: Proposal</h1>" in form.text
    typed = {"name": "Oven", "status": "draft", "thirdparty_id": number, "total_gross": "1250"}
    answer = browser.post("/proposals/new", typed)
    assert answer.status_code == 303, answer.text
    sheet = answer.headers["Location"].partition("?")[0]
    assert browser.post(f"{sheet}/status", {"field": "status", "value": "signed", "return": sheet}).status_code == 303
    assert re.search(r"Points</dt><dd>12<", browser.get(f"{place}?tab=details").text)
    assert "<h1 tabindex=\\"-1\\">Proposal</h1>" in browser.get("/proposals").text
"""


def install(folder: Path, name: str, manifest: str, step: str) -> None:
    """Lay a one-file plugin down as pip would: a package, its migration step, its `.dist-info`."""
    steps = folder / f"{name}_file" / "migrations" / "versions"
    steps.mkdir(parents=True)
    (folder / f"{name}_file" / "__init__.py").write_text(manifest, "utf-8")
    (steps / "0001.py").write_text(step, "utf-8")
    info = folder / f"{name}_file-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-file\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[comptoir.plugins]\n{name} = {name}_file:plugin\n", "utf-8")


def test_the_example_of_the_design_runs_as_it_is_printed(tmp_path: Path) -> None:
    """In a process of its own, since its tables bear the names of another example."""
    install(tmp_path, "loyalty", EXAMPLE, LOYALTY_STEP)
    install(tmp_path, "quotes", QUOTES, QUOTES_STEP)
    (tmp_path / "test_loyalty.py").write_text(USE, "utf-8")
    command = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--engine", "sqlite", "-p", "no:cacheprovider",
        "--rootdir", str(tmp_path), str(tmp_path / "test_loyalty.py"),
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COMPTOIR_"))}
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment, "PYTHONPATH": str(tmp_path)}, text=True, capture_output=True,
        timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
