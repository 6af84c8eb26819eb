"""A web worker is killed while it writes, ten times: nothing half, nothing lost, every effect delivered (issue A)."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving
from tests.walks.caller import Caller

WRITES = 200
KILLS = 10
SEED = 20261122
SECONDS_TO_DELIVER = 120


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def server(
    foreign_packages: Path, engine_name: str, tmp_path: Path, witness: Path, request: pytest.FixtureRequest
) -> Iterator[Server]:
    variables = {"PYTHONPATH": str(foreign_packages), "MISCHIEF_WITNESS": str(witness)}
    if engine_name == "postgresql":
        variables["COMPTOIR_DATABASE_URL"] = request.getfixturevalue("database_url")
    with serving(tmp_path / "var", **variables) as running:
        running.run("plugin", "enable", "mischief")
        yield running


def children(parent: int) -> list[int]:
    """Processes whose parent this is, by the kernel's own account."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8")
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(entry.name))
    return found


def web_workers(server: Server) -> list[int]:
    """The processes that answer requests: children of the web server, which is a child of `comptoir serve`."""
    for child in children(server.process.pid):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"granian" in command:
            return children(child)
    return []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killing_web_workers(server: Server, witness: Path) -> None:
    chance = random.Random(SEED)
    client = Caller(server.url)
    client.sign_in(DEMO_EMAIL, PASSWORD)
    killed, written, unanswered = 0, 0, 0
    for number in range(WRITES):
        if killed < KILLS and chance.random() < 2 * KILLS / WRITES:
            workers = web_workers(server)
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1
        try:
            written += write(client, number)
        except (OSError, ConnectionError):
            unanswered += 1
            time.sleep(0.2)
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise
            unanswered += 1
    assert killed == KILLS
    assert written > WRITES // 2
    engine = create_engine(database_of(server))
    wait_for_delivery(engine, witness)
    with engine.connect() as connection:
        check_integrity(connection)
        check_history(connection)
    engine.dispose()
    assert write(client, WRITES) == 1


def database_of(server: Server) -> str:
    return server.environment.get("COMPTOIR_DATABASE_URL") or f"sqlite:///{server.var / 'comptoir.db'}"


def write(client: Caller, number: int) -> int:
    """Create a third party, and change it; 1 when both were answered."""
    answer = client.post("/thirdparties/new", name=f"Written {number}", role="prospect", town="Lyon")
    if answer.status != 303:
        client.sign_in(DEMO_EMAIL, PASSWORD)
        return 0
    path = answer.location.split("?")[0]
    changed = client.post(f"{path}/status", field="contact_status", value="contacted", seen="never")
    return int(changed.status == 303)


def wait_for_delivery(engine: Any, witness: Path) -> None:
    """Wait until nothing waits, then ask the witness: every operation was told of, at least once."""
    deadline = time.monotonic() + SECONDS_TO_DELIVER
    waiting = text("SELECT count(*) FROM core_job WHERE name = 'changes_committed' AND state IN ('ready', 'running')")
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.execute(waiting).scalar() == 0:
                break
        time.sleep(0.5)
    with engine.connect() as connection:
        told = text(
            "SELECT DISTINCT operation_id FROM core_change JOIN core_operation ON core_operation.id = operation_id "
            "WHERE action IN ('thirdparty.create', 'thirdparty.status')"
        )
        expected = set(connection.execute(told).scalars())
    delivered = {int(line) for line in witness.read_text("utf-8").split()}
    assert expected
    assert expected <= delivered


def check_integrity(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def check_history(connection: Connection) -> None:
    """Every record has one creation in history and the other way round; replaying history gives the record."""
    records = {
        row.id: row
        for row in connection.execute(text("SELECT id, name, code, town, contact_status FROM thirdparty_thirdparty"))
    }
    replayed: dict[int, dict[str, Any]] = {}
    created = []
    changes = connection.execute(
        text("SELECT record_id, kind, fields FROM core_change WHERE entity = 'thirdparty' ORDER BY id")
    )
    for record_id, kind, fields in changes:
        if kind == "created":
            created.append(record_id)
        values = fields if isinstance(fields, dict) else json.loads(fields)
        replayed.setdefault(record_id, {}).update({name: pair[1] for name, pair in values.items()})
    assert sorted(created) == sorted(records)
    for record_id, row in records.items():
        for name in ("name", "code", "town", "contact_status"):
            assert replayed[record_id].get(name) == getattr(row, name), (record_id, name)
    codes = [row.code for row in records.values()]
    assert len(set(codes)) == len(codes)
    numbers = sorted(int(code.rsplit("-", 1)[1]) for code in codes)
    assert numbers == list(range(1, len(numbers) + 1))  # a rolled back unit gives its number back
