"""A firm of two companies at work for the matrix: people who sign in, and a record of every kind (T33)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from sqlalchemy import func, inspect, select, text, update

from core.access.models import Company, Role, RoleRight, SignIn, Team, User
from core.access.roles import VERBS
from core.access.users import add_user
from core.contract.changes import Actor
from core.data.context import Context
from core.data.records import Record
from core.data.tables import JobRow
from core.data.unit import Unit, transaction
from core.exchange.mail.builder import Attachment
from core.exchange.mail.models import MailAttachment, MailRecipient
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.features.bin import delete_record
from core.features.file_store import FileStore
from core.features.files import KeptFile, StoredFile, attach_file, keep_file
from core.features.notes import Note, add_note
from core.features.notifications import ASSIGNED, Notification, notify
from core.features.tags import Tag
from core.i18n import lazy as _
from core.jobs.enqueue import enqueue
from core.jobs.results import path_of
from core.testing.site import PASSWORD, Browser, Site
from plugins.thirdparty.models import Address
from tests.web.rights import (
    BUSINESS,
    MADE_HERE,
    NORTH,
    OTHERS,
    OWNED,
    PEOPLE,
    RIGHTS,
    SHARED,
    SOUTH,
    VISITOR,
    Person,
    Subject,
    kinds,
)

Stored = dict[str, list[tuple[object, ...]]]


@dataclass
class World:
    """The firm at work. What a test uses up is made anew, so that the tests may come in any order."""

    site: Site
    browsers: dict[str, Browser] = field(default_factory=dict)
    standing: dict[str, Subject] = field(default_factory=dict)
    named: dict[str, Subject] = field(default_factory=dict)
    companies: dict[str, int] = field(default_factory=dict)
    team_id: int = 0
    tables: list[str] = field(default_factory=list)
    cells: int = 0
    known: Stored | None = None
    """What was stored when nothing was written since."""
    changes: int = 0

    def user_id(self, name: str) -> int:
        """The number of an account."""
        number = self.site.people[name].id
        assert number is not None
        return number

    def model(self, entity: str) -> type[Record]:
        """The class of a list's records."""
        return self.site.runtime.generation.registry.entity(entity).model

    def browser(self, name: str) -> Browser:
        """The browser of a person, signed in; that of a visitor is not."""
        if name not in self.browsers:
            self.browsers[name] = self.site.visitor() if name == VISITOR else self.site.browser(name)
            self.browsers[name].get("/signin" if name == VISITOR else "/")
        return self.browsers[name]

    @contextmanager
    def unit(self, action: str, context: Context) -> Iterator[Unit]:
        """A unit of the test's own."""
        self.known = None
        with transaction(action, context=context) as unit:
            yield unit

    # -- records ------------------------------------------------------------------------------------------------
    def subjects(self, entity: str, person: Person, *, every: bool = False) -> list[Subject]:
        """The records a person tries; those in the bin, too."""
        wanted = {repr(subject): subject for subject in kinds(entity, person, every=every)}
        missing = {key: subject for key, subject in wanted.items() if key not in self.standing}
        if missing:
            self.standing.update(zip(missing, self.make(list(missing.values())), strict=True))
        return [self.standing[key] for key in wanted]

    def again(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Records just like these, to be used up."""
        return self.make([replace(subject) for subject in subjects], bare=True) if subjects else []

    def with_parts(self, subjects: Sequence[Subject]) -> list[Subject]:
        """The same records, each with another note and file, and with others in the bin, to be used up."""
        copies = [replace(subject) for subject in subjects]
        with self.unit("test.parts", context=self.site.context()) as unit:
            for subject in copies:
                self._parts(unit, unit.get(self.model(subject.entity), subject.number), subject)
        self._bin(copies)
        return copies

    def make(self, subjects: list[Subject], *, bare: bool = False) -> list[Subject]:
        """Write records, with notes, files and a mail each unless `bare`."""
        for subject in subjects:
            subject.name = f"Zinc-{len(self.named) + 1:05}"
            self.named[subject.name] = subject
        with self.unit("test.make", context=self.site.context()) as unit:
            for subject in subjects:
                record = self._record(unit, subject)
                subject.number = record.id
                if not bare:
                    self._parts(unit, record, subject, FileStore(self.site.config.files))
                    self._mail(unit, record, subject)
        gone = [subject for subject in subjects if subject.deleted]
        if gone:
            with self.unit("test.bin", context=self.site.context()) as unit:
                for subject in gone:
                    delete_record(unit, unit.get(self.model(subject.entity), subject.number))
        if not bare:
            self._bin([subject for subject in subjects if not subject.deleted])
        return subjects

    def _bin(self, subjects: Sequence[Subject]) -> None:
        if subjects:
            with self.unit("test.bin", context=self.site.context()) as unit:
                for subject in subjects:
                    unit.get(StoredFile, subject.binned_file).deleted_at = unit.moment
                    unit.get(Note, subject.binned_note).deleted_at = unit.moment
                    if subject.binned_address:
                        unit.get(Address, subject.binned_address).deleted_at = unit.moment

    def _parts(self, unit: Unit, record: Record, subject: Subject, store: FileStore | None = None) -> None:
        """Two notes and two files, of which one each will go to the bin; only with a `store` there are bytes."""
        notes = [add_note(unit, record, f"About {subject.name}") for _number in range(2)]
        made = [KeptFile(f"{subject.name}.txt", token_hex(16), 4, "0" * 64, "text/plain") for _number in range(2)]
        if store is not None:
            made[0] = keep_file(store, io.BytesIO(b"plan"), made[0].name)
        files = [attach_file(unit, record, kept) for kept in made]
        if store is not None:
            files[0].thumbnail = store.write(io.BytesIO(b"picture"), 100).name
        unit.session.flush()
        subject.note, subject.binned_note = (note.id for note in notes)
        subject.file, subject.binned_file = (file.id for file in files)
        if subject.entity == "thirdparty":
            place = {"owner_entity": subject.entity, "owner_id": subject.number or record.id}
            addresses = [unit.add(Address(**place, town=f"Town of {subject.name}")) for _number in range(2)]
            unit.session.flush()
            subject.address, subject.binned_address = (address.id for address in addresses)

    def _record(self, unit: Unit, subject: Subject) -> Record:
        model, name = self.model(subject.entity), subject.name
        if subject.entity == "user":
            return unit.session.get_one(User, self.user_id("Omar"))
        values: dict[str, Any] = {model.entity.title: name}
        if subject.entity in OWNED:
            values |= {
                "owner_id": self.user_id(subject.owner), "email": f"{name.lower()}@zinc.example",
                "team_id": self.team_id if subject.team else None,
                "companies": tuple(self.companies[company] for company in subject.companies),
            }  # fmt: skip
        if subject.representatives:
            values["representatives"] = tuple(map(self.user_id, subject.representatives))
        if subject.entity == "reward":
            known = self.subjects("thirdparty", PEOPLE["Alice"], every=True)
            values["thirdparty_id"] = next(found.number for found in known if found.kind == SHARED)
        if subject.entity == "tag":
            values["target"] = "thirdparty"
        if subject.entity == "series":
            values |= {"target": "thirdparty", "mask": f"{name[-5:]}-{{0000}}"}
        record = unit.add(model(**values))
        unit.session.flush()
        if subject.entity == "thirdparty":
            points = next(
                facet
                for facet in unit.context.registry.entity("thirdparty").facets
                if facet.__tablename__ == "loyalty_thirdparty"
            )
            unit.facet(points, record.id).points = 1_000
        return record

    def _mail(self, unit: Unit, record: Record, subject: Subject) -> None:
        attached = Attachment("plan.txt", b"Hello", "text/plain")
        draft = Draft(
            to=(Recipient("somebody@zinc.example"),), subject="Hello", text="Hello", record=record,
            attachments=(attached,),
        )  # fmt: skip
        subject.message = enqueue_mail(unit, draft)
        for model, name in ((MailAttachment, "attachment"), (MailRecipient, "recipient")):
            number = select(model.id).where(model.message_id == subject.message)
            setattr(subject, name, unit.session.scalars(number).one())

    def change(self, subject: Subject) -> int:
        """Somebody else changes a record; the number of the operation."""
        with self.unit("test.change", context=self.site.context(self.site.people["Omar"])) as unit:
            record = unit.get(self.model(subject.entity), subject.number)
            self.changes += 1
            setattr(record, record.entity.title, f"{subject.name} changed {self.changes}")
        assert unit.operation is not None
        return unit.operation

    def version(self, model: type[Record], number: int) -> int:
        """The version a form would have been made from."""
        with self.site.runtime.database.reading() as session:
            asked = select(model.version).where(model.id == number)
            return session.scalars(asked, execution_options={"include_deleted": True}).one()

    # -- what belongs to people ---------------------------------------------------------------------------------
    def job(self, owner: str) -> int:
        """A job of somebody that failed and left a file."""
        with self.unit("test.job", context=self.site.context()) as unit:
            number = enqueue(unit, "leads.recount", {}, label=f"Job of {owner}", owner=self.user_id(owner))
            kept = {"state": "failed", "file": "a" * 32, "file_name": "list.csv", "file_type": "text/csv"}
            unit.session.connection().execute(update(JobRow).where(JobRow.id == number).values(kept))
        path_of(self.site.config.var, kept["file"]).write_bytes(b"list")
        return number

    def notice(self, reader: str) -> int:
        """A notification of somebody."""
        with self.unit("test.notice", context=self.site.context()) as unit:
            notify(unit, self.user_id(reader), ASSIGNED, _("%(who)s assigned %(title)s to you", who="", title=""))
        return self._newest(Notification, reader)

    def sign_in(self, who: str) -> int:
        """A sign-in of somebody, in another browser."""
        self.site.browser(who)
        return self._newest(SignIn, who)

    def _newest(self, model: type[Notification] | type[SignIn], who: str) -> int:
        with self.site.runtime.database.reading() as session:
            newest = select(func.max(model.id)).where(model.user_id == self.user_id(who))
            return int(session.scalar(newest) or 0)

    # -- bytes --------------------------------------------------------------------------------------------------
    def stored(self) -> Stored:
        """Everything in the database but sign-ins, when they were seen, tries that are counted, and the audit."""
        if self.known is None:
            with self.site.runtime.database.reading() as session:
                connection = session.connection()
                if not self.tables:
                    found = inspect(connection).get_table_names()
                    self.tables = [name for name in found if not name.startswith(("core_sign_in", "core_audit"))]
                self.known = {
                    name: list(map(tuple, connection.execute(text(f'SELECT * FROM "{name}"'))))  # noqa: S608
                    for name in self.tables
                }
        return self.known

    def changed_since(self, before: Stored) -> list[str]:
        """The tables whose rows are not what they were; in which order they come says nothing."""
        self.known = None
        after = self.stored()
        return [
            name
            for name, rows in after.items()
            if rows != before[name] and sorted(rows, key=repr) != sorted(before[name], key=repr)
        ]


def open_world(site: Site) -> World:
    """Hire everybody, in two companies; in few units, since each that touches accounts makes a new generation."""
    world = World(site)
    with transaction("test.firm", context=site.context()) as unit:
        unit.session.add_all(Role(code=role, label=role.title(), second_factor=False) for role in MADE_HERE)
        unit.session.add_all(_rights(MADE_HERE))
        team = unit.add(Team(name="Field"))
        companies = {place: unit.add(Company(name=f"Comptoir {place}")) for place in (NORTH, SOUTH)}
    world.team_id = team.id
    world.companies = {place: company.id for place, company in companies.items()}
    with transaction("test.tag", context=site.context()) as unit:
        unit.add(Tag(name="Trade", target="thirdparty"))
    with transaction("test.people", context=site.context()) as unit:
        for name, role in {**{person.name: person.role for person in PEOPLE.values()}, **OTHERS}.items():
            person = PEOPLE.get(name)
            if name in site.people:  # in every prepared installation
                user = unit.get(User, world.user_id(name))
            else:
                user = add_user(
                    unit.session, name=name, email=f"{name.lower()}@test.example", password=PASSWORD, role=role,
                    language="en",
                )  # fmt: skip
            user.companies = (world.companies[person.company if person else NORTH],)
            user.teams = (world.team_id,) if name in ("Tina", "Otto") else None
            site.people[name] = Actor(user.id, name, frozenset({role}))
    with transaction("test.below", context=site.context()) as unit:
        unit.get(User, world.user_id("Sam")).supervisor_id = world.user_id("Rita")
    return world


def _rights(roles: Iterable[str]) -> Iterable[RoleRight]:
    for role in roles:
        for entity in BUSINESS:
            reach, verbs = RIGHTS[role].get(entity, ("none", ()))
            for verb in VERBS:
                granted = reach if verb == "view" else "all" if verb in verbs else "none"
                yield RoleRight(role=role, permission=f"{entity}.{verb}", reach=granted)
