"""Modules go and come while people work (issue A): nobody sees an error, nothing is lost, every worker follows."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from core.testing.browser import BrowserMissing, chromium
from tests.browser.server import DEMO_EMAIL, PASSWORD, Server, serving
from tests.walks.caller import Caller

CLIENTS = 4
ROUNDS = {"sqlite": 10, "postgresql": 5}
REST = 0.03
"""Seconds between the requests of a client: work goes on all the time, and the machine still does something else."""
FRESH_CONNECTIONS = 8
"""Enough for both workers to be asked, though the system chooses which of them answers."""
LABELS = {"leads": "Leads", "loyalty": "Loyalty"}

# What a module adds, by page: each is there while it is on, and not a trace of it while it is off.
TRACES = {
    "leads": {
        "/thirdparties": ('href="/leads"', 'href="/leads/new"', 'value="leads.source"'),
        "/thirdparties/new": ('name="leads.source"',),
        "{sheet}": ('href="/leads/',),
        "{sheet}?tab=details": ("<dt>Source</dt>",),
        "/admin/modules": ("Disable Leads",),
    },
    "loyalty": {
        "/thirdparties": (
            'href="/rewards"', "Gold customers", 'id="sort-loyalty.tier"', 'value="loyalty.points"', 'value="loyalty.tier"',
        ),
        "/thirdparties/new": ('name="loyalty.tier"', 'name="loyalty.points"'),
        "{sheet}": ("<dt>Tier</dt>", "/static/loyalty/star.svg", "10 points", "Silver"),
        "/admin/modules": ("Disable Loyalty",),
    },
}  # fmt: skip
ROUTES = {
    "leads": ("/leads", "/leads/new", "/leads/1", "/leads/1/edit", "/leads/1/history"),
    "loyalty": ("/rewards", "/rewards/new", "/static/loyalty/star.svg"),
}


@dataclass
class Truth:
    """Which modules are on, as far as somebody who waited for the answer may rely on it."""

    on: dict[str, bool | None] = field(default_factory=lambda: {"leads": True, "loyalty": True})
    number: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, module: str) -> tuple[bool | None, int]:
        """Whether a module is on (None while it is being changed), and a number that grows with every change."""
        with self.lock:
            return self.on[module], self.number

    def set(self, module: str, on: bool | None) -> None:
        """Tell everybody."""
        with self.lock:
            self.on[module] = on
            self.number += 1


@dataclass
class Client:
    """One of the four: lists, creates and changes without a pause, and writes down what it was promised."""

    name: str
    caller: Caller
    truth: Truth
    stop: threading.Event
    faults: list[str] = field(default_factory=list)
    made: dict[str, dict[int, str]] = field(default_factory=lambda: {"thirdparty": {}, "lead": {}})
    clicked: list[int] = field(default_factory=list)
    asked: int = 0
    checked: int = 0

    def work(self) -> None:
        """Until told to stop."""
        numbers = itertools.count(1)
        try:
            while not self.stop.is_set() and len(self.faults) < 5:
                number = next(numbers)
                self.look("/thirdparties?view=prospects")
                self.create("thirdparty", "/thirdparties/new", f"{self.name} firm {number}", role="prospect")
                self.look("/leads", "leads")
                self.create("lead", "/leads/new", f"{self.name} lead {number}", "leads")
                self.click()
                self.look("/thirdparties?sort=loyalty.tier&q=firm")
                self.look("/rewards", "loyalty")
        except Exception as error:  # said by the test; a thread would end in silence
            self.faults.append(f"{self.name}: {error!r}")

    def _ask(self, method: str, path: str, module: str | None, form: dict[str, str] | None = None) -> int | None:
        """The status; checked against what must be true when no change began or ended meanwhile."""
        before = self.truth.see(module) if module else (True, 0)
        self.asked += 1
        time.sleep(REST)
        try:
            answer = self.caller.ask(method, path, form)
        except OSError as error:
            self.faults.append(f"{method} {path}: {error!r}")
            return None
        after = self.truth.see(module) if module else (True, 0)
        usual = (303,) if method == "POST" else (200,)
        allowed = usual if module is None else (*usual, 404)
        if before == after and before[0] is not None:
            self.checked += module is not None
            allowed = usual if before[0] else (404,)
        if answer.status not in allowed or answer.location.startswith("/signin"):
            text = re.sub(r"<[^>]+>|\s+", " ", answer.text.split("<main")[-1])
            self.faults.append(f"{method} {path}: {answer.status}, not {allowed} {answer.location} {text[:300]}")
        self._location = answer.location
        return answer.status

    def look(self, path: str, module: str | None = None) -> None:
        """Open a page; one of a module is 404 exactly while the module is off."""
        self._ask("GET", path, module)

    def create(self, entity: str, path: str, name: str, module: str | None = None, **values: str) -> None:
        """Create a record; 303 is the promise that it is there."""
        if self._ask("POST", path, module, {"name": name, **values}) == 303:
            self.made[entity][int(urlsplit(self._location).path.rsplit("/", 1)[1])] = name

    def click(self) -> None:
        """Set the status of the newest record; loyalty reacts to it while it is on."""
        if not self.made["thirdparty"]:
            return
        newest = next(reversed(self.made["thirdparty"]))
        form = {"field": "contact_status", "value": "contacted", "seen": "never"}
        if self._ask("POST", f"/thirdparties/{newest}/status", None, form) == 303:
            self.clicked.append(newest)


class Switch:
    """Switches modules in the browser and by command; both return when it is done."""

    def __init__(self, server: Server, page: Page, truth: Truth) -> None:
        self.server = server
        self.page = page
        self.truth = truth

    def set(self, module: str, on: bool, way: str) -> None:
        """Do it, and from then on hold everybody to it."""
        self.truth.set(module, None)
        (self.press if way == "browser" else self.command)(module, on)
        self.truth.set(module, on)

    def press(self, module: str, on: bool) -> None:
        """The buttons of the modules page."""
        name = f"{'Enable' if on else 'Disable'} {LABELS[module]}"
        self.page.goto("/admin/modules")
        self.page.get_by_role("button", name=name, exact=True).click()
        dialog = self.page.get_by_role("dialog", name=name, exact=True)
        dialog.get_by_role("button", name=name, exact=True).click()
        told = f"{LABELS[module]} {'enabled' if on else 'disabled'}"
        expect(self.page.locator("[data-message]").filter(has_text=told)).to_be_visible()

    def command(self, module: str, on: bool) -> None:
        """`comptoir plugin enable | disable`."""
        self.server.run("plugin", "enable" if on else "disable", module)


def check(caller: Caller, module: str, on: bool, sheet: str) -> None:
    """Every trace of a module is there, or none; asked often enough for both workers."""
    for _number in range(FRESH_CONNECTIONS):
        assert (caller.get(ROUTES[module][0]).status == 200) is on, f"{module}: a worker has not followed"
        assert (caller.get("/static/loyalty/star.svg").status == 200) is on or module != "loyalty"
    for path in ROUTES[module]:
        assert (caller.get(path).status == 200) is on, (module, on, path)
    for path, traces in TRACES[module].items():
        page = caller.get(path.format(sheet=sheet)).text
        for trace in traces:
            assert (trace in page) is on, f"{module} is {'on' if on else 'off'}: {trace} on {path}"


@contextmanager
def hammering(server: Server, truth: Truth) -> Iterator[list[Client]]:
    """Four clients at work for the length of the block."""
    stop = threading.Event()
    clients, threads = [], []
    for number in range(CLIENTS):
        caller = Caller(server.url)
        caller.sign_in(DEMO_EMAIL, PASSWORD)
        clients.append(Client(f"C{number}", caller, truth, stop))
        threads.append(threading.Thread(target=clients[-1].work, name=f"client {number}", daemon=True))
    try:
        for thread in threads:
            thread.start()
        yield clients
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def assert_nothing_lost(database_url: str, clients: list[Client]) -> None:
    """Every record a client was promised is there, once, with its history; and nothing else was made in their names."""
    engine = sa.create_engine(database_url)
    try:
        with engine.connect() as connection:
            for entity, table in (("thirdparty", "thirdparty_thirdparty"), ("lead", "leads_lead")):
                made = {record: name for client in clients for record, name in client.made[entity].items()}
                rows = connection.execute(sa.text(f"SELECT id, name FROM {table} WHERE name LIKE 'C_ %'"))  # noqa: S608
                assert {row.id: row.name for row in rows} == made
                history = connection.execute(
                    sa.text("SELECT record_id FROM core_change WHERE entity = :entity AND kind = 'created'"),
                    {"entity": entity},
                )
                assert set(made) <= {row.record_id for row in history}
            codes = connection.execute(sa.text("SELECT code FROM thirdparty_thirdparty")).scalars().all()
            assert len(set(codes)) == len(codes)
            statuses = dict(connection.execute(sa.text("SELECT id, contact_status FROM thirdparty_thirdparty")).all())
            assert {statuses[record] for client in clients for record in client.clicked} == {"contacted"}
    finally:
        engine.dispose()


@pytest.mark.covers("MO-1a", "MO-1b", "MO-3a", "MO-3b", "OPS-1a")
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_modules_come_and_go_while_people_work(
    engine_name: str, database_url: str, foreign_packages: Path, tmp_path: Path
) -> None:
    started, rounds = time.monotonic(), ROUNDS[engine_name]
    variables = {"PYTHONPATH": str(foreign_packages), "COMPTOIR_DATABASE_URL": database_url}
    try:
        driving = chromium()
        browser = driving.__enter__()
    except BrowserMissing as error:
        pytest.skip(str(error))
    try:
        with serving(tmp_path / "var", **variables) as server:
            server.run("plugin", "enable", "loyalty")
            caller = Caller(server.url)
            caller.sign_in(DEMO_EMAIL, PASSWORD)
            sheet = _record_with_everything(caller)
            context = browser.new_context(base_url=server.url, locale="en-GB")
            context.set_default_timeout(30_000)
            expect.set_options(timeout=30_000)
            page = context.new_page()
            _sign_in(page)
            truth = Truth()
            switch = Switch(server, page, truth)
            for module in LABELS:
                check(caller, module, True, sheet)
            with hammering(server, truth) as clients:
                _rounds(rounds, switch, caller, sheet, clients)
            context.close()
            faults = [fault for client in clients for fault in client.faults]
            assert not faults, "\n".join(faults) + server.said()[-3000:]
            assert "Traceback" not in server.said(), server.said()[-3000:]
            assert_nothing_lost(database_url, clients)
            asked, checked = (sum(getattr(client, name) for client in clients) for name in ("asked", "checked"))
            assert min(client.asked for client in clients) > rounds
            assert checked > rounds
            print(
                f"{asked} requests, {checked} of them on modules in a known state, {time.monotonic() - started:.0f} s"
            )
    finally:
        expect.set_options(timeout=5_000)
        driving.__exit__(None, None, None)


def _rounds(rounds: int, switch: Switch, caller: Caller, sheet: str, clients: list[Client]) -> None:
    """Off and on, in turn in the browser and by command."""
    ways = ("browser", "command")
    for number in range(rounds):
        for on in (False, True):
            for place, module in enumerate(LABELS):
                switch.set(module, on, ways[(number + place) % 2])
                assert not any(client.faults for client in clients), [client.faults for client in clients]
                check(caller, module, on, sheet)


def _record_with_everything(caller: Caller) -> str:
    """A third party both modules have something to say about."""
    email = "everything@post.example"
    made = caller.post("/thirdparties/new", name="Everything", email=email, **{"leads.source": "fair"})
    sheet = urlsplit(made.location).path
    assert caller.post("/leads/new", name="Everything's lead", email=email).status == 303
    click = {"field": "contact_status", "value": "contacted", "seen": "never"}
    assert caller.post(f"{sheet}/status", **click).status == 303
    return sheet


def _sign_in(page: Page) -> None:
    page.goto("/signin")
    page.locator("#email").fill(DEMO_EMAIL)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
