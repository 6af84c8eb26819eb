"""Prints the figures of docs/performance.md for the installation in COMPTOIR_VAR: pages, swap of the module set.

`COMPTOIR_VAR=folder .venv/bin/python tools/measure.py --email E-MAIL --password PASSWORD`. Pages are asked in this process
through the real gate, signed in, warm; times are wall clock, so compare them only within one run.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable

from werkzeug.test import Client

from core.config import Config
from core.data.tables import bump
from core.runtime.gate import Gate
from core.runtime.runtime import Runtime
from core.web.app import create_app

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
ROUNDS = 20
PAGES = {
    "list, first page": "/thirdparties",
    "list, one country by town": "/thirdparties?f=country:is:FR&sort=town",
    "list, part of a name": "/thirdparties?q=bank",
    "list, by potential (no index)": "/thirdparties?sort=-potential",
    "sheet": "/thirdparties/1",
    "form": "/thirdparties/1/edit",
    "trash": "/trash",
    "home": "/",
}


def timed(action: Callable[[], object]) -> list[float]:
    """Milliseconds of each round, after one that warms up."""
    action()
    times = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--email", required=True)
    parser.add_argument("--password", required=True)
    arguments = parser.parse_args()
    runtime = Runtime(Config.from_environment(), app_factory=create_app)
    runtime.start()
    client, base = Client(Gate(runtime)), runtime.config.public_url
    token = TOKEN.search(client.get("/signin", base_url=base).text)
    form = {"csrf_token": token.group(1) if token else "", "email": arguments.email, "password": arguments.password}
    if client.post("/signin", data=form, base_url=base).status_code != 303:
        print("sign-in refused", file=sys.stderr)
        return 2
    print(f"{'what':34} {'median ms':>10} {'95 % ms':>10}")
    for name, path in PAGES.items():
        times = timed(lambda path=path: client.get(path, base_url=base))  # type: ignore[misc]
        print(f"{name:34} {statistics.median(times):10.1f} {times[int(len(times) * 0.95) - 1]:10.1f}")

    def swap() -> None:
        with runtime.database.connection() as connection:
            bump(connection)
        runtime.follow()

    times = timed(swap)
    print(f"{'swap of the module set':34} {statistics.median(times):10.1f} {times[int(len(times) * 0.95) - 1]:10.1f}")
    runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
