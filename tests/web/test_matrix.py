"""Every route of the core and of every plugin, for every kind of person, on every kind of record (US-1, T33, T36, T40).

What must come out is worked out from `routes.py` and `rights.py`; nothing is asked of the application. Each refused form
leaves the database as it was, byte for byte, and no page names a record its reader may not know of.
"""

from __future__ import annotations

import importlib
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.features.files import StoredFile
from core.features.notes import Note
from core.testing.prepared import Prepared
from core.web.policy import PUBLIC, SIGNED_IN, policy_of
from plugins.thirdparty.models import Address
from tests.web.rights import (
    ADMINISTERED,
    BUSINESS,
    ENTITIES,
    OWNED,
    PEOPLE,
    QUICK,
    VISITOR,
    WITHOUT_STATUS,
    Person,
    Subject,
)
from tests.web.routes import (
    ACTIONS,
    ADDRESS,
    ADMINISTER,
    COMPANY,
    ENTITIES_WITH_MAIL,
    FILE,
    FOREIGN,
    JOB,
    LIST,
    MAIL,
    MODULES,
    MORE,
    NOTE,
    NOTHING,
    NOTICE,
    OF_PEOPLE,
    OF_RECORDS,
    OPERATION,
    OWN_MAIL,
    POST,
    RESULT,
    ROUTES,
    Route,
)
from tests.web.world import World, open_world

pytestmark = pytest.mark.usefixtures("foreign_packages")
THERE = {**ROUTES, **FOREIGN}
ALL = {**THERE, **MORE}
SIGN_IN_PAGE = 303
LET_IN = frozenset({200, 303, 409, 422})
"""What an empty form of who administers gets on the lists of administrators; what it does is tested elsewhere."""


@pytest.fixture(scope="module")
def world(
    engine_name: str, prepared: Prepared, foreign_packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The firm with every bundled plugin on, and a foreign one."""
    sys.path.append(str(foreign_packages))
    importlib.invalidate_caches()
    modules = ("thirdparty", "leads", "export", "loyalty")
    with prepared.site(engine_name, modules, tmp_path_factory.mktemp("world") / "var") as site:
        sys.path.remove(str(foreign_packages))
        made = open_world(site)
        for person in PEOPLE.values():
            made.subjects("thirdparty", person, every=True)  # rewards are given to them
            made.subjects("lead", person)  # templates are tried on them, whichever test comes first
        yield made
    print(f"\n{made.cells} cells")


# -- what must come out -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Expected:
    """The status that must come, and whether it is a refusal, after which nothing may have been written."""

    status: int
    refused: bool


def expected(route: Route, who: str, entity: str, subject: Subject | None, *, own: bool = True) -> Expected:
    """What somebody must get. `own`: whether what belongs to a person is his."""
    if route.policy == PUBLIC:
        return Expected(route.visitor if who == VISITOR and route.visitor else route.done, False)
    if who == VISITOR:
        return Expected(SIGN_IN_PAGE, True)
    person = PEOPLE[who]
    if route.policy != SIGNED_IN and not person.may(_permission(route.policy, entity)):
        return Expected(403, True)
    if route.mailable and entity not in ENTITIES_WITH_MAIL:
        return Expected(404, True)
    if route.quick and entity in WITHOUT_STATUS:
        return Expected(422, True)
    if route.also and not person.may(_permission(route.also, entity)):
        return Expected(403, True)
    if route.about in OF_PEOPLE:
        known = own or (route.about == JOB and person.may(MODULES))
        return Expected(route.done, False) if known else Expected(route.hidden, True)
    return Expected(route.done, False) if subject is None else _of_record(route, person, subject)


def _of_record(route: Route, person: Person, subject: Subject) -> Expected:
    administers = person.may(ADMINISTER)
    if route.about in (MAIL, OWN_MAIL):  # nobody of these people wrote it
        known = route.about == MAIL and person.may(f"{subject.entity}.view") and person.knows(subject)
        let_in = person.knows(subject) if administers else known and not subject.deleted
        return Expected(route.done, False) if let_in else Expected(route.hidden, True)
    if route.about == OPERATION and not administers:
        return Expected(404, True)
    if not person.knows(subject):
        return Expected(route.hidden, True)
    if subject.deleted:
        return Expected(route.bin, not (route.restores and route.bin != 404))
    return Expected(route.done, False)


def _permission(policy: str, entity: str) -> str:
    return policy.replace("entity.", f"{entity}.") if policy.startswith("entity.") else policy


# -- sending ----------------------------------------------------------------------------------------------------
@dataclass
class Visit:
    """One person at one route."""

    world: World
    name: str
    route: Route
    who: str
    entity: str = ""
    tries: int = 0

    @property
    def endpoint(self) -> str:
        """Of the route, without what tells its rows apart."""
        return self.name.partition(":")[0]

    def send(self, subject: Subject | None = None, number: int = 0) -> TestResponse:
        """The request, about a record, or about what has this number."""
        browser = self.world.browser(self.who)
        self.tries += 1
        words = self._words(subject, number)
        path = self._path(subject, number)
        if self.route.query:
            path += f"?{self.route.query.format(**words)}"
        if self.route.verb != POST:
            return browser.get(path)
        form: dict[str, Any] = {
            name.format(**words): value.format(**words) for name, value in self.route.form.items() if not self._bare
        }
        if self.route.upload:
            form["files"] = (io.BytesIO(b"plan"), "plan.txt")
        answer = browser.post(path, form)
        if "Set-Cookie" in answer.headers:
            browser.get("/")  # the form token goes with the cookie
        return answer

    @property
    def _bare(self) -> bool:
        return self.entity in ADMINISTERED and self.route.about not in (MAIL, OWN_MAIL)

    def _path(self, subject: Subject | None, number: int) -> str:
        app = self.world.site.runtime.generation.app
        rule = next(app.url_map.iter_rules(self.endpoint))
        known: dict[str, object] = {"entity": self.entity, **self.route.place}
        for name in ("operation_id", "job_id", "notification_id", "sign_in_id"):
            known[name] = number
        if subject is not None:
            restores = self.route.restores
            note, file = (subject.binned_note, subject.binned_file) if restores else (subject.note, subject.file)
            address = subject.binned_address if restores else subject.address
            known |= {
                "record_id": subject.number, "note_id": note, "message_id": subject.message,
                "file_id": subject.attachment if self.route.about == MAIL else file,
                "part_id": {NOTE: note, ADDRESS: address}.get(self.route.about, file),
            }  # fmt: skip
        given = {name: value for name, value in known.items() if name in rule.arguments}
        return app.url_map.bind("localhost").build(self.endpoint, given, self.route.verb)

    def _words(self, subject: Subject | None, number: int) -> dict[str, object]:
        field, quick = QUICK.get(self.entity, ("", ""))
        words: dict[str, object] = {
            "person": self.who, "again": self.tries, "number": number, "field": field, "quick": quick,
            "thirdparty": self.world.subjects("thirdparty", PEOPLE.get(self.who, PEOPLE["Alice"]))[0].number,
        }  # fmt: skip
        if self.entity == "reward":
            words["quick"] = words["thirdparty"]
        words["title"] = self.world.model(self.entity).entity.title if self.entity else ""
        if subject is not None:
            words |= {"number": subject.number, "name": subject.name, "recipient": subject.recipient}
            if "version" in self.route.form:
                model, key = {
                    NOTE: (Note, subject.note), FILE: (StoredFile, subject.file), ADDRESS: (Address, subject.address),
                }.get(self.route.about, (self.world.model(self.entity), subject.number))  # fmt: skip
                words["version"] = words["part_version"] = self.world.version(model, key)
        return words

    def check(self, one: Try, answer: TestResponse) -> list[str]:
        """What is wrong with an answer."""
        wanted, label = one.wanted, " ".join(filter(None, (self.who, self.entity, one.label)))
        wrong = []
        status = answer.status_code
        let_in = self._bare and self.route.verb == POST and not wanted.refused
        if status != wanted.status and not (let_in and status in LET_IN):
            wrong.append(f"{label}: {status}, not {wanted.status}")
        if self.who == VISITOR and wanted.refused and "/signin" not in answer.headers.get("Location", ""):
            wrong.append(f"{label}: not led to sign-in")
        for name in sorted(
            set(re.findall(r"Zinc-\d+", answer.data.decode("utf-8", "replace"))) & self.world.named.keys()
        ):
            subject = self.world.named[name]
            person = PEOPLE.get(self.who)
            if subject.entity not in OWNED:
                continue  # colleagues, teams and companies are in lists to choose from
            if person is None or not person.may(f"{subject.entity}.view") or not person.knows(subject):
                wrong.append(f"{label}: names {name}, which is {subject.kind} ({subject.entity})")
        return wrong


# -- the cells --------------------------------------------------------------------------------------------------
Row = Mapping[str, Sequence[str]]  # who tries which lists


def rows() -> Iterator[Any]:
    """Every route of every list, for everybody. The lists of administrators are one to everybody else: each tries
    another of them.
    """
    turn = 0
    everybody = (*PEOPLE, VISITOR)
    for name, route in ALL.items():
        lists = [""]
        if route.about in (LIST, *OF_RECORDS):
            lists = [route.only] if route.only else list(BUSINESS)
        for entity in lists:
            yield pytest.param(name, dict.fromkeys(everybody, (entity,)), id="-".join(filter(None, (name, entity))))
        if len(lists) > 1:
            tried: dict[str, Sequence[str]] = {VISITOR: ADMINISTERED}
            for who, person in PEOPLE.items():
                turn += 1
                one = (ADMINISTERED[turn % len(ADMINISTERED)],)
                tried[who] = ADMINISTERED if person.may(ADMINISTER) else one
            yield pytest.param(name, tried, id=f"{name}-administered")


@pytest.mark.covers("US-1a", "TP-7a", "TP-14a")
@pytest.mark.parametrize(("name", "row"), [*rows()])
def test_row(world: World, name: str, row: Row) -> None:
    route = ALL[name]
    tries = [
        (Visit(world, name, route, who, entity), one)
        for who, entities in row.items()
        for entity in entities
        for one in _tries(world, route, who, entity)
    ]
    refused = [(visit, one) for visit, one in tries if one.wanted.refused]
    wrong: list[str] = []
    for who in row:
        world.browser(who)
    before = world.stored() if refused and route.verb == POST else None
    for visit, one in refused:
        wrong += visit.check(one, visit.send(one.subject, one.number))
    if before is not None:
        wrong += [f"a refused form changed {table}" for table in world.changed_since(before)]
    for visit, one in tries:
        if not one.wanted.refused:
            wrong += _admitted(visit, one)
            world.known = world.known if route.verb != POST else None
    world.cells += len(tries)
    assert not wrong, "\n".join(wrong)


@dataclass(frozen=True, slots=True)
class Try:
    """One cell: what must come, of which record, or of what with this number."""

    wanted: Expected
    subject: Subject | None
    number: int
    label: str


def _tries(world: World, route: Route, who: str, entity: str) -> Iterator[Try]:
    """Every record of a cell with what must come of it."""
    person = PEOPLE.get(who, PEOPLE["Uma"])  # a visitor tries what others have
    if route.about in (NOTHING, LIST):
        yield Try(expected(route, who, entity, None), None, 0, entity or "page")
    elif route.about in OF_PEOPLE:
        for own in (True, False):
            wanted = expected(route, who, entity, None, own=own)
            yield Try(wanted, None, _number(world, route, person, own=own), "own" if own else "other's")
    else:
        yield from _records(world, route, who, entity, person)


def _records(world: World, route: Route, who: str, entity: str, person: Person) -> Iterator[Try]:
    live = [
        found
        for found in world.subjects(entity, person, every=route.every)
        if not (found.deleted and route.about == OPERATION)
    ]
    asked = [(expected(route, who, entity, subject), subject) for subject in live]
    if all(wanted.status in (403, SIGN_IN_PAGE) and wanted.refused for wanted, _subject in asked):
        asked = asked[:1]  # who may not use it at all is told so before any record is looked at
    spent = [subject for wanted, subject in asked if route.spends and not wanted.refused]
    again = world.with_parts if route.about in (NOTE, FILE, ADDRESS) else world.again
    fresh = dict(zip(map(id, spent), again(spent), strict=True))
    for wanted, subject in asked:
        used = fresh.get(id(subject), subject)
        number = world.change(used) if route.about == OPERATION else 0
        yield Try(wanted, used, number, subject.kind)


def _number(world: World, route: Route, person: Person, *, own: bool) -> int:
    name = person.name if own else "Omar"
    if route.about == COMPANY:
        other = "South" if person.company == "North" else "North"
        return world.companies[person.company if own else other]
    if route.about in (JOB, RESULT):
        return world.job(name)
    return world.notice(name) if route.about == NOTICE else world.sign_in(name)


def _admitted(visit: Visit, one: Try) -> list[str]:
    if visit.route.ends:  # in a browser of its own
        visit.world.browsers.pop(visit.who, None)
    wrong = visit.check(one, visit.send(one.subject, one.number))
    if visit.route.ends:
        visit.world.browsers.pop(visit.who, None)
    return wrong


# -- the table --------------------------------------------------------------------------------------------------
class TestTheTable:
    """Nothing is there that is not declared, and nothing declared that is not there."""

    def test_routes(self, world: World) -> None:
        app = world.site.runtime.generation.app
        there = {
            (rule.endpoint, verb)
            for rule in app.url_map.iter_rules()
            for verb in (rule.methods or set()) & {"GET", "POST"}
        }
        assert there == {(name, route.verb) for name, route in THERE.items()}
        assert {name: policy_of(view) for name, view in app.view_functions.items()} == {
            name: route.policy for name, route in THERE.items()
        }
        others = {
            rule.endpoint for rule in app.url_map.iter_rules() if rule.methods - {"GET", "POST", "HEAD", "OPTIONS"}
        }
        assert not others
        assert {name.partition(":")[0] for name in MORE} <= ROUTES.keys()

    def test_lists(self, world: World) -> None:
        registry = world.site.runtime.generation.registry
        assert {slug: found.name for slug, found in registry.slugs.items()} == {
            slug: name for name, slug in ENTITIES.items()
        }
        owned = {name for name in ENTITIES if registry.entity(name).entity.ownership is not None}
        assert owned == set(OWNED)
        administered = {name for name in ENTITIES if registry.entity(name).entity.administrators_only}
        assert administered == set(ADMINISTERED)

    def test_actions(self, world: World) -> None:
        registry = world.site.runtime.generation.registry
        there = {
            (entity, plugin, action.name)
            for entity, found in registry.entities.items()
            for plugin, action in found.actions
            if action.verb is not None
        }
        assert there == ACTIONS
        rows = [
            (route.only, route.place["plugin"], route.place["name"])
            for name, route in ALL.items()
            if name.startswith("actions.run")
        ]
        assert set(rows) == ACTIONS

    def test_every_bundled_plugin_is_on(self, world: World) -> None:
        bundled = {path.parent.name for path in Path("plugins").glob("*/__init__.py")}
        assert bundled < set(world.site.runtime.generation.enabled)
