"""The benchmark runs on a small installation and prints all its rows; how long anything takes is not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.data.history import RecordChange
from core.data.links import LinkRow
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tools.bench.__main__ import main

ROWS = 200
NAMES = (
    "list, first page",
    "list, far page by key",
    "sheet",
    "create",
    "one-click status",
    "home",
    "floor of the list",
)


def test_the_bench_measures_what_the_application_could_have_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "performance.md"
    docs.write_text("# Figures\n\nkept\n", encoding="utf-8")
    common = ["--rows", str(ROWS), "--folder", str(tmp_path), "--docs", str(docs), "--rounds", "1", "--seconds", "0"]
    assert main(common) == 0
    printed, written = capsys.readouterr().out, docs.read_text(encoding="utf-8")
    for name in NAMES:
        assert name in printed
        assert written.count(f"| {name} |") == 1
    assert "kept" in written
    folder = tmp_path / f"sqlite-{ROWS}"
    site = Site(f"sqlite:///{folder / 'comptoir.db'}", folder)
    try:
        with site.runtime.database.reading() as session:
            records = session.scalars(select(ThirdParty).where(ThirdParty.id <= ROWS)).all()
            newest = select(RecordChange.record_id, func.max(RecordChange.version)).where(
                RecordChange.entity == "thirdparty"
            )
            versions = {row[0]: row[1] for row in session.execute(newest.group_by(RecordChange.record_id))}
            links = select(LinkRow.record_id, LinkRow.source_column, func.count()).where(
                LinkRow.source_table == ThirdParty.__tablename__
            )
            linked = {
                (row[0], row[1]): row[2]
                for row in session.execute(links.group_by(LinkRow.record_id, LinkRow.source_column))
            }
        assert len(records) == ROWS
        for record in records:
            assert record.version == versions[record.id]
            assert linked[(record.id, "representatives")] == len(record.representatives or ())
            assert linked[(record.id, "extra.tags")] == len(record.extra["tags"].split(","))
    finally:
        site.close()
