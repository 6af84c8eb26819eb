"""Uploads that are cut off, and a process that is killed between the file and its row (F48, F49; SECURITY 7.32)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text

from core.features.file_care import STRAY_AFTER
from core.testing.site import Site
from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving
from tests.walks.caller import Caller

ROOT = Path(__file__).parents[2]
KILLED = """
import io, os, signal, sys
from sqlalchemy import event
from core.data.unit import transaction
from core.features.file_store import FileStore
from core.features.files import attach_file, keep_file
from core.config import Config
from core.runtime.runtime import Runtime
from plugins.thirdparty.models import ThirdParty

runtime = Runtime(Config.from_environment())
runtime.start()
kept = keep_file(FileStore(runtime.config.files), io.BytesIO(b"canary"), "a.txt")
with transaction("add", context=runtime.context(runtime.follow())) as unit:
    owner = unit.add(ThirdParty(name="Zinc"))
    unit.session.flush()
    attach_file(unit, owner, kept)
    unit.session.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_killed_between_the_file_and_its_row(sales: Site) -> None:
    """The file is there without a row, never the other way round; the check finds it and puts it aside."""
    environment = sales.config.environment()
    done = subprocess.run([sys.executable, "-c", KILLED], env=environment, cwd=ROOT, check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL
    with sales.runtime.database.reading() as session:
        assert session.connection().execute(text("SELECT count(*) FROM core_file")).scalar_one() == 0
    (stray,) = files_of(sales.config.files)
    moment = time.time() - STRAY_AFTER - 60
    os.utime(stray, (moment, moment))
    command = [str(Path(sys.executable).with_name("comptoir")), "check", "--data", "--repair"]
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert checked.returncode == 0, checked.stderr
    assert stray.name in checked.stdout
    assert not stray.exists()
    assert (sales.config.files / "quarantine" / stray.name).read_bytes() == b"canary"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "var") as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_an_upload_that_is_cut_off_leaves_nothing(server: Server) -> None:
    client = Caller(server.url)
    client.sign_in(DEMO_EMAIL, PASSWORD)
    address = urlsplit(server.url)
    head = (
        f"POST /thirdparties/1/files HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {client.cookie}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="half.bin"\r\n\r\n'
    )
    for _time in range(3):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
            connection.sendall(head.encode() + b"x" * 2_000_000)
    time.sleep(2)
    engine = create_engine(f"sqlite:///{server.var / 'comptoir.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM core_file")).scalar_one() == 0
    engine.dispose()
    assert files_of(server.var / "files") == []
    assert client.get("/thirdparties/1").status == 200
