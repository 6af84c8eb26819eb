"""What is measured, in which order, and the figures that come of it."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from tools.bench.people import SEED, STATUSES
from tools.bench.sample import new_values
from tools.bench.serving import Answer, Client

FRAGMENT = {"HX-Request": "true"}
GOOD = frozenset({200, 303})
WARM_CONNECTIONS = 6
"""So many that each worker has surely answered each page before it is measured."""
AT_ONCE = 4
"""Connections that ask at the same time when requests per second are counted."""
LIST, CREATE = "list, first page", "create"
THREE = "/thirdparties?f=country:is:FR&f=contact_status:is:tocall&f=tags:in:%231&sort=name"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to measure. `ask` sends it; `floor`: the name of what it is compared with."""

    name: str
    ask: Callable[[Client], Answer]
    floor: str | None = None
    writes: bool = False


@dataclass(slots=True)
class Figures:
    """What was measured of one task. CPU, statements and bytes are medians; `rate`: requests a second, all workers."""

    ms: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    size: int = 0
    rate: float | None = None
    requests: list[str] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.ms)

    @property
    def slow(self) -> float:
        """Milliseconds below which 95 of a hundred were."""
        return sorted(self.ms)[max(0, round(len(self.ms) * 0.95) - 1)]


def get(path: str) -> Callable[[Client], Answer]:
    """Asks for a page."""
    return lambda client: client.get(path)


def tasks(client: Client, known: Mapping[str, str]) -> list[Task]:
    """All tasks. `known`: an id, a word of few names, and the address of a far page of this installation."""
    generator = random.Random(time.time_ns())
    status = {"seen": known["status"]}

    def create(one: Client) -> Answer:
        return one.post("/thirdparties/new", new_values(f"{generator.randrange(10**12)}"))

    def click(one: Client) -> Answer:
        wanted = next(code for code in STATUSES if code != status["seen"])
        path = f"/thirdparties/{known['id']}/status"
        answer = one.post(
            path, {"value": wanted, "seen": status["seen"]}, {**FRAGMENT, "HX-Current-URL": known["list_url"]}
        )
        status["seen"] = wanted
        return answer

    return [
        Task(LIST, get("/thirdparties"), "list"),
        Task("list, three filters, by name", get(THREE)),
        Task("list, text of few names", get(f"/thirdparties?q={known['word']}")),
        Task("list, text of many names", get("/thirdparties?q=garage")),
        Task("list, go to M by name", get("/thirdparties?sort=name&go=M")),
        Task("list, far page by key", get(known["far"])),
        Task("list, exact count of a country", get("/thirdparties?f=country:is:FR&count=exact")),
        Task("sheet", get(f"/thirdparties/{known['id']}")),
        Task("form of a new record", get("/thirdparties/new")),
        Task(CREATE, create, "create", writes=True),
        Task("one-click status", click, writes=True),
        Task("search box", lambda one: one.get(f"/palette?q={known['word']}", FRAGMENT)),
        Task("home", get("/")),
    ]


FLOORS = {
    "list": Task("floor of the list", get("/")),
    "create": Task("floor of create", lambda client: client.post("/", {"name": "x" * 200}), writes=True),
}


def measure(client: Client, floor: Client, all_tasks: list[Task], rounds: int, seconds: float) -> dict[str, Figures]:
    """The figures by task: each round asks everything once, so that what disturbs the machine disturbs all alike."""
    pairs = [(task, client) for task in all_tasks] + [(task, floor) for task in FLOORS.values()]
    for task, one in pairs:
        for _number in range(min(WARM_CONNECTIONS, rounds)):
            with closing(one.again()) as other:
                _asked(task, other)
    found = {task.name: Figures() for task, _one in pairs}
    order = random.Random(SEED)
    for _round in range(rounds):
        for task, one in order.sample(pairs, len(pairs)):
            answer = _asked(task, one)
            figures = found[task.name]
            figures.ms.append(answer.ms)
            figures.size = len(answer.body)
            figures.requests.append(answer.headers.get("x-request-id", ""))
            if "x-cpu-ms" in answer.headers:
                figures.cpu.append(float(answer.headers["x-cpu-ms"]))
    for task, one in pairs if seconds else ():
        if not task.writes:
            found[task.name].rate = _rate(task, one, seconds)
    return found


def _asked(task: Task, client: Client) -> Answer:
    answer = task.ask(client)
    if answer.status not in GOOD:
        raise SystemExit(f"{task.name} was answered with {answer.status}: {answer.text[-500:]}")
    return answer


def _rate(task: Task, client: Client, seconds: float) -> float:
    """Requests a second, from several connections at once."""
    done = [0] * AT_ONCE
    end = time.monotonic() + seconds

    def ask(place: int) -> None:
        with closing(client.again()) as one:
            while time.monotonic() < end:
                _asked(task, one)
                done[place] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


def add_server_figures(found: Mapping[str, Figures], lines: Mapping[str, tuple[float, int]]) -> None:
    """CPU and statements of each request, from the lines the server wrote about it."""
    for figures in found.values():
        for request in figures.requests:
            if request in lines:
                cpu, statements = lines[request]
                figures.cpu.append(cpu)
                figures.statements.append(statements)
