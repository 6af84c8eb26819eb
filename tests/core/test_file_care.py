"""The store of files, what lies about in it, and `comptoir check --data` (F48, F49, T60, T61; SECURITY 7.32)."""

from __future__ import annotations

import io
import os
import stat
import time
from pathlib import Path

import pytest

from core.cli import main
from core.data.session import INCLUDE_DELETED
from core.data.unit import transaction
from core.errors import ContractError, Refused
from core.features.file_care import QUARANTINED_FOR, STRAY_AFTER, look, repair, sweep_files
from core.features.file_store import FileStore
from core.features.file_types import UNKNOWN, content_type
from core.features.files import StoredFile, attach_file, keep_file
from core.i18n import Locale, use_locale
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty

CANARY = b"the canary sings"


def attached(site: Site, *contents: bytes) -> list[str]:
    """Files on one record; returns where they are in the store."""
    store = FileStore(site.config.files)
    kept = [keep_file(store, io.BytesIO(content), f"{number}.txt") for number, content in enumerate(contents)]
    with transaction("add", context=site.context()) as unit:
        owner = unit.add(ThirdParty(name="Zinc"))
        unit.session.flush()
        for one in kept:
            attach_file(unit, owner, one)
    return [one.stored for one in kept]


def age(path: Path, seconds: float) -> None:
    """Make a file older."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def findings(site: Site, older_than: float = STRAY_AFTER) -> tuple[list[str], list[str]]:
    with site.runtime.database.reading() as session:
        found = look(session, FileStore(site.config.files), older_than=older_than)
    return [row.name for row in found.missing], [path.name for path in found.strays]


class TestStore:
    def test_kept_under_a_random_name_that_says_nothing(self, tmp_path: Path) -> None:
        store = FileStore(tmp_path / "files")
        first, second = (store.write(io.BytesIO(CANARY), 100) for _ in range(2))
        assert first.name != second.name
        assert store.path(first.name).read_bytes() == CANARY
        assert store.path(first.name).parent.name == first.name[:2]
        mode = store.path(first.name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        assert stat.S_IMODE((tmp_path / "files").stat().st_mode) & 0o077 == 0 or os.geteuid() == 0
        assert list((tmp_path / "files" / "incoming").iterdir()) == []

    def test_too_large_leaves_nothing(self, tmp_path: Path) -> None:
        store = FileStore(tmp_path)
        with pytest.raises(Refused) as caught:
            keep_file(store, io.BytesIO(b"x" * 3_200_000), "C:\\plan.zip", maximum=2 * 1024 * 1024)
        assert str(caught.value) == "plan.zip is 3.1 MB; the limit is 2 MB"
        with use_locale(Locale("fr", "FR")), pytest.raises(Refused) as caught:
            keep_file(store, io.BytesIO(b"x" * 3_200_000), "C:\\plan.zip", maximum=2 * 1024 * 1024)
        with use_locale(Locale("fr", "FR")):
            assert str(caught.value) == "plan.zip pèse 3,1\u00a0Mo\u202f; la limite est de 2\u00a0Mo"
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_a_disk_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError("the client is gone")

        with pytest.raises(OSError, match="gone"):
            FileStore(tmp_path).write(Broken(), 100)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize(
        "name",
        ["../secret.key", "..", "/etc/passwd", "ab/cd", "", "g" * 32, "a" * 31, "a" * 32 + "\n", "a\x00b", "A" * 32],
    )
    def test_other_names_are_no_names(self, tmp_path: Path, name: str) -> None:
        for verb in (FileStore(tmp_path).path, FileStore(tmp_path).open, FileStore(tmp_path).remove):
            with pytest.raises(ContractError):
                verb(name)

    def test_a_link_somebody_put_there_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "canary").write_bytes(CANARY)
        store = FileStore(tmp_path / "files")
        name = store.write(io.BytesIO(b"x"), 10).name
        store.path(name).unlink()
        store.path(name).symlink_to(tmp_path / "canary")
        assert store.open(name) is None
        assert not store.has(name)

    @pytest.mark.parametrize(
        ("head", "kind"),
        [
            (b"%PDF-1.7 <script>", "application/pdf"), (b"\x89PNG\r\n\x1a\n..", "image/png"), (b"PK\x03\x04", "application/zip"),
            (b"<!doctype html>", UNKNOWN), (b"<svg onload=1>", UNKNOWN), (b"#!/bin/sh", UNKNOWN), (b"MZ\x90", UNKNOWN),
            (b"", UNKNOWN), (b"\x89PN", UNKNOWN),
        ],
    )  # fmt: skip
    def test_what_it_is_says_its_content(self, head: bytes, kind: str) -> None:
        assert content_type(head) == kind


class TestCare:
    def test_rows_without_a_file_and_files_without_a_row(self, sales: Site) -> None:
        store = FileStore(sales.config.files)
        kept, lost = attached(sales, b"one", b"two")
        assert findings(sales) == ([], [])
        store.remove(lost)
        stray = store.write(io.BytesIO(b"stray"), 10).name
        assert findings(sales) == (["1.txt"], [])
        age(store.path(stray), STRAY_AFTER + 60)
        assert findings(sales) == (["1.txt"], [stray])
        with sales.runtime.database.reading() as session:
            found = look(session, store)
        repair(sales.context(), store, found)
        assert (store.folder / "quarantine" / stray).read_bytes() == b"stray"
        assert store.has(kept)
        assert findings(sales) == ([], [])
        with sales.runtime.database.reading() as session:
            row = session.get(StoredFile, 2, execution_options=INCLUDE_DELETED)
            assert row is not None
            assert row.deleted_at is not None

    def test_the_sweep_takes_only_what_nobody_wants(self, sales: Site) -> None:
        store = FileStore(sales.config.files)
        (kept,) = attached(sales, b"one")
        stray, young = (store.write(io.BytesIO(b"stray"), 10).name for _ in range(2))
        part = store.folder / "incoming" / f"{'a' * 32}.part"
        part.write_bytes(b"half")
        for path, seconds in ((store.path(kept), 10 * STRAY_AFTER), (store.path(stray), STRAY_AFTER + 60), (part, 600)):
            age(path, seconds)
        sweep_files(sales.runtime.database, store)
        assert store.has(kept)
        assert store.has(young)
        assert not store.has(stray)
        assert part.exists()
        age(part, 3700)
        age(store.folder / "quarantine" / stray, QUARANTINED_FOR + 60)
        sweep_files(sales.runtime.database, store)
        assert not part.exists()
        assert not (store.folder / "quarantine" / stray).exists()

    def test_the_command(
        self, sales: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name, value in sales.config.environment().items():
            monkeypatch.setenv(name, value)
        store = FileStore(sales.config.files)
        (lost,) = attached(sales, b"one")
        assert main(["check", "--data"]) == 0
        assert "All files agree" in capsys.readouterr().out
        store.remove(lost)
        stray = store.write(io.BytesIO(b"stray"), 10).name
        age(store.path(stray), STRAY_AFTER + 60)
        assert main(["check", "--data"]) == 1
        told = capsys.readouterr().out
        assert "0.txt (file 1 of thirdparty 1): the file is missing" in told
        assert stray in told
        assert store.has(stray)
        assert main(["check", "--data", "--repair"]) == 0
        assert not store.has(stray)
