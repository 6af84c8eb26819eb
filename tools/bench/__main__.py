"""`python -m tools.bench`: loads, warms, measures, prints, and writes docs/performance.md. See the package."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import select

from core.testing.servers import DRIVER, ENVIRONMENT, postgresql_server
from core.testing.site import PASSWORD, Site
from plugins.thirdparty.models import ThirdParty
from tools.bench import report
from tools.bench.loading import SIGNED_IN, ensure
from tools.bench.measuring import add_server_figures, measure, tasks
from tools.bench.sample import write_sample
from tools.bench.serving import ROOT, Client, read_figures, started, started_floor

ENGINES = ("sqlite", "postgresql")
NOTE = (
    "Printed by `make bench ROWS={rows} ENGINE={engine}`: {there:,} third parties, {rounds} rounds, everything interleaved, one "
    "client; requests a second from four connections, with two workers and the client on the same {cores} cores. Compare "
    "within one table only; the floor is the same rows by the driver and the same bytes from a bare function (PERFORMANCE B)."
)


def main(arguments: list[str] | None = None) -> int:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="third parties to load, or to find from a run before")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="sqlite")
    parser.add_argument("--csv", type=Path, help="a company list with the columns Company, City and Website")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="where installations are kept")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs" / "performance.md", help="the page of figures")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long requests a second are counted; 0: not")
    given = parser.parse_args(arguments)
    for engine in ENGINES if given.engine == "both" else (given.engine,):
        _bench(given, engine)
    return 0


def _bench(given: argparse.Namespace, engine: str) -> None:
    name = f"{engine}-{given.rows}" + (f"-{given.csv.stem}" if given.csv else "")
    folder = given.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'comptoir.db'}"
        if engine == "postgresql":
            url = stack.enter_context(_kept_database(f"comptoir_bench_{name.replace('-', '_')}"))
        site = Site(url, folder)
        stack.callback(site.close)
        there = ensure(site, given.rows, given.csv)
        browser = site.browser(SIGNED_IN)
        sample, log = folder / "floor.json", folder / "server.log"
        write_sample(site, browser, "/thirdparties", sample)
        client = stack.enter_context(closing(Client(stack.enter_context(started(site.config, log)))))
        client.sign_in(f"{SIGNED_IN.lower()}@test.example", PASSWORD)
        port = stack.enter_context(started_floor(site.config, sample, folder / "floor.log"))
        floor = stack.enter_context(closing(client.again(port)))
        all_tasks = tasks(client, _known(site, client))
        found = measure(client, floor, all_tasks, given.rounds, given.seconds)
        add_server_figures(found, read_figures(log))
    rows = report.lines(all_tasks, found)
    print(f"{engine}, {there:,} third parties\n{report.plain(rows)}\n")
    note = NOTE.format(rows=given.rows, engine=engine, there=there, rounds=given.rounds, cores=os.cpu_count())
    title = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[engine]
    report.write(given.docs, name, f"{title}, {there:,} third parties", note, rows)


@contextmanager
def _kept_database(name: str) -> Iterator[str]:
    """A database on the server of COMPTOIR_TEST_PG_URL, kept for the next run; else on one that is started, and gone with it."""
    with postgresql_server() as server:
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            known = connection.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
            if known.first() is None:
                connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0')
        engine.dispose()
        yield sa.make_url(server).set(drivername=DRIVER, database=name).render_as_string(hide_password=False)
        if ENVIRONMENT not in os.environ:
            print("The PostgreSQL server was started for this run: its rows are gone with it", file=sys.stderr)


def _known(site: Site, client: Client) -> dict[str, str]:
    """What of this installation the tasks ask for."""
    with site.runtime.database.reading() as session:
        middle = select(ThirdParty.id, ThirdParty.name, ThirdParty.contact_status).order_by(ThirdParty.id)
        number = (session.scalar(select(sa.func.max(ThirdParty.id))) or 1) // 2
        found = session.execute(middle.where(ThirdParty.id >= number).limit(1)).one()
    far = client.get("/thirdparties?sort=name&go=M").headers.get("location", "/thirdparties?sort=name")
    word = max(found.name.split(), key=len) if " " not in found.name else found.name.split()[1]
    address = f"http://127.0.0.1:{client.port}/thirdparties"
    return {"id": str(found.id), "status": found.contact_status, "word": quote(word), "far": far, "list_url": address}


if __name__ == "__main__":
    sys.exit(main())
