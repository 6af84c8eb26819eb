"""Notes and files are records that belong to another: bin, history, undo, purge and privacy (TP-5, TP-11, US-3, US-4)."""

from __future__ import annotations

import io

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings, strategies as st

from core.contract.changes import SYSTEM, Actor
from core.data.history import Entry, history_of
from core.data.unit import transaction
from core.errors import Forbidden, NotFound, Refused
from core.features.bin import delete_record, restore_record
from core.features.file_care import look
from core.features.file_store import FileStore
from core.features.files import StoredFile, attach_file, clean_name, keep_file, rename_file
from core.features.notes import Note, add_note, change_note, visible_changes
from core.features.parts import count_parts, get_part, parts_of
from core.features.purge import purge_bin
from core.features.undo import undo
from core.testing.site import Site
from core.upkeep.purging import purge
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, changes, fetch, number_of, work
from tests.probe.models import Box

pytest_plugins = ["tests.probe.fixtures"]

ALICE, PAUL = Actor(11, "Alice", frozenset({"user"})), Actor(12, "Paul", frozenset({"user"}))
BOSS = Actor(13, "Boss", frozenset({"administrator"}))


def store_of(site: Site) -> FileStore:
    return FileStore(site.config.files)


def annotate(
    site: Site, owner: ThirdParty | Box, *texts: str, actor: Actor = SYSTEM, private: bool = False
) -> list[int]:
    """Put notes on a record, in one operation."""
    with work(site, "note.add", actor) as unit:
        found = unit.get(type(owner), owner.id)
        notes = [add_note(unit, found, f"<p>{text}</p>", private=private) for text in texts]
    return [note.id for note in notes]


def attach(site: Site, owner: ThirdParty | Box, *names: str) -> list[int]:
    """Put files on a record, in one operation."""
    kept = [keep_file(store_of(site), io.BytesIO(name.encode()), name) for name in names]
    with work(site, "file.add") as unit:
        found = unit.get(type(owner), owner.id)
        files = [attach_file(unit, found, one) for one in kept]
    return [file.id for file in files]


def company(site: Site, name: str = "Zinc") -> ThirdParty:
    record = ThirdParty(name=name)
    add(site, record)
    return record


def alive(site: Site) -> set[str]:
    """Notes and files that are not in the bin."""
    rows = [
        *fetch(site, "SELECT 'note ' || id FROM core_note WHERE deleted_at IS NULL"),
        *fetch(site, "SELECT 'file ' || id FROM core_file WHERE deleted_at IS NULL"),
    ]
    return {row[0] for row in rows}


def told(site: Site, owner: ThirdParty, actor: Actor) -> list[Entry]:
    """What somebody reads in the history of a record, oldest first."""
    with site.runtime.database.reading() as session:
        return history_of(session, owner.entity.name, owner.id, parts=visible_changes(actor))[::-1]


@pytest.mark.covers("TP-5a")
class TestBin:
    def test_they_go_with_their_record_and_come_back_with_it(self, shop: Site) -> None:
        zinc, other = company(shop), company(shop, "Other")
        notes = annotate(shop, zinc, "one", "two")
        attach(shop, zinc, "a.txt")
        annotate(shop, other, "elsewhere")
        before = alive(shop)
        with work(shop) as unit:
            delete_record(unit, unit.get(Note, notes[0]))
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        assert alive(shop) == {"note 3"}
        with work(shop) as unit:
            restore_record(unit, unit.get(ThirdParty, zinc.id, deleted=True))
        assert alive(shop) == before - {"note 1"}

    def test_those_of_children_go_along_also_when_the_module_is_off(self, shop: Site) -> None:
        zinc = company(shop)
        box = Box(name="home", home=zinc.id)
        add(shop, box)
        annotate(shop, box, "of the box")
        attach(shop, box, "box.txt")
        shop.disable("probe")
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        operation = unit.operation
        assert alive(shop) == set()
        with work(shop) as unit:
            restore_record(unit, unit.get(ThirdParty, zinc.id, deleted=True))
        assert alive(shop) == {"note 1", "file 1"}
        assert operation is not None
        shop.enable("probe")
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        assert alive(shop) == set()
        assert unit.operation is not None
        undo(unit.operation, context=shop.context())
        assert alive(shop) == {"note 1", "file 1"}

    def test_one_alone_is_refused_without_its_record(self, shop: Site) -> None:
        zinc = company(shop)
        (note,) = annotate(shop, zinc, "one")
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        with pytest.raises(Refused, match="the linked record was deleted"), work(shop) as unit:
            restore_record(unit, unit.get(Note, note, deleted=True))

    def test_a_record_that_is_not_there_gets_none(self, shop: Site) -> None:
        with pytest.raises(Refused, match="the linked record was deleted"), work(shop) as unit:
            unit.add(Note(owner_entity="thirdparty", owner_id=999, text="<p>x</p>"))
        assert number_of(shop, "core_note") == 0

    def test_they_are_purged_with_their_record_and_not_before(self, shop: Site) -> None:
        zinc = company(shop)
        annotate(shop, zinc, "one")
        attach(shop, zinc, "a.txt")
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        with time_machine.travel("2200-01-01"):
            purge_bin(shop.context())
        assert [number_of(shop, name) for name in ("core_note", "core_file", "thirdparty_thirdparty")] == [0, 0, 0]
        with shop.runtime.database.reading() as session:
            assert len(look(session, store_of(shop), older_than=-60).strays) == 1

    def test_they_go_with_the_data_of_a_module(self, shop: Site) -> None:
        box = Box(name="home")
        add(shop, box)
        annotate(shop, box, "of the box")
        annotate(shop, company(shop), "of the company")
        shop.disable("probe")
        purge(shop.runtime, "probe", dump_to=None)
        assert alive(shop) == {"note 2"}


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["note", "file", "drop note", "drop file"]), max_size=6))
def test_a_record_comes_back_from_the_bin_with_all_it_had(shop: Site, steps: list[str]) -> None:
    zinc = company(shop)
    notes: list[int] = []
    files: list[int] = []
    for step in steps:
        if step == "note":
            notes += annotate(shop, zinc, "x")
        elif step == "file":
            files += attach(shop, zinc, "x.txt")
        elif step == "drop note" and notes:
            with work(shop) as unit:
                delete_record(unit, unit.get(Note, notes.pop()))
        elif step == "drop file" and files:
            with work(shop) as unit:
                delete_record(unit, unit.get(StoredFile, files.pop()))
    before = alive(shop)
    with work(shop) as unit:
        delete_record(unit, unit.get(ThirdParty, zinc.id))
    deleted = unit.operation
    assert deleted is not None
    assert not alive(shop) & {f"note {number}" for number in notes} | alive(shop) & {f"file {n}" for n in files}
    if len(steps) % 2:
        undo(deleted, context=shop.context())
    else:
        with work(shop) as unit:
            restore_record(unit, unit.get(ThirdParty, zinc.id, deleted=True))
    assert alive(shop) == before


@pytest.mark.covers("TP-5a", "US-3a")
class TestHistory:
    def test_their_record_tells_of_them(self, shop: Site) -> None:
        zinc = company(shop)
        (note,) = annotate(shop, zinc, "one", actor=ALICE)
        with work(shop, "note.edit", PAUL) as unit:
            change_note(unit, unit.get(Note, note), "<p>two</p>", private=False)
        attach(shop, zinc, "a.txt", "b.txt")
        entries = told(shop, zinc, PAUL)
        assert [(entry.change.entity, entry.change.kind, entry.operation.actor_name) for entry in entries] == [
            ("thirdparty", "created", "Comptoir"), ("note", "created", "Alice"), ("note", "updated", "Paul"),
            ("file", "created", "Comptoir"), ("file", "created", "Comptoir"),
        ]  # fmt: skip
        assert entries[2].fields == {"text": ("<p>one</p>", "<p>two</p>")}
        assert [entry.change.title for entry in entries[1:]] == ["#1", "#1", "a.txt", "b.txt"]
        with shop.runtime.database.reading() as session:
            assert len(history_of(session, "thirdparty", zinc.id)) == 1

    def test_what_happens_to_the_record_as_a_whole_is_told_once(self, shop: Site) -> None:
        zinc = company(shop)
        annotate(shop, zinc, "one")
        with work(shop) as unit:
            delete_record(unit, unit.get(ThirdParty, zinc.id))
        assert len(changes(shop, unit.operation)) == 2
        assert [(entry.change.entity, entry.change.kind) for entry in told(shop, zinc, BOSS)] == [
            ("thirdparty", "created"), ("note", "created"), ("thirdparty", "deleted"),
        ]  # fmt: skip

    def test_the_text_can_be_erased_from_it(self, shop: Site) -> None:
        annotate(shop, company(shop), "sparrow")
        assert fetch(shop, "SELECT fields FROM core_change WHERE entity = 'note'")
        stored = str(fetch(shop, "SELECT fields FROM core_change WHERE entity = 'note'"))
        assert "sparrow" not in stored
        assert fetch(shop, "SELECT new FROM core_change_value WHERE entity = 'note'")[0][0] == "<p>sparrow</p>"


@pytest.mark.covers("TP-5b")
class TestPrivate:
    def seen(self, site: Site, owner: ThirdParty, actor: Actor) -> tuple[int, int, int]:
        with site.runtime.database.reading() as session:
            listed = parts_of(session, Note, owner, actor, limit=10)
            return len(listed), count_parts(session, Note, owner, actor), len(told(site, owner, actor))

    def test_only_its_author_and_administrators_know_of_it(self, shop: Site) -> None:
        zinc = company(shop)
        (note,) = annotate(shop, zinc, "secret", actor=ALICE, private=True)
        assert self.seen(shop, zinc, ALICE) == self.seen(shop, zinc, BOSS) == (1, 1, 2)
        assert self.seen(shop, zinc, PAUL) == (0, 0, 1)
        with shop.runtime.database.reading() as session:
            assert get_part(session, Note, zinc, note, ALICE).title == "#1"
            with pytest.raises(NotFound):
                get_part(session, Note, zinc, note, PAUL)

    def test_what_it_said_while_it_was_public_is_hidden_too(self, shop: Site) -> None:
        zinc = company(shop)
        (note,) = annotate(shop, zinc, "slip", actor=ALICE)
        with work(shop, "note.edit", ALICE) as unit:
            change_note(unit, unit.get(Note, note), "<p>better</p>", private=True)
        assert self.seen(shop, zinc, PAUL) == (0, 0, 1)
        with work(shop) as unit:
            delete_record(unit, unit.get(Note, note))
        with time_machine.travel("2200-01-01"):
            purge_bin(shop.context())
        assert len(told(shop, zinc, PAUL)) == 1
        assert len(told(shop, zinc, BOSS)) == 4

    def test_nobody_else_makes_it_private_or_public(self, shop: Site) -> None:
        zinc = company(shop)
        (note,) = annotate(shop, zinc, "open", actor=ALICE)
        with pytest.raises(Forbidden), work(shop, "note.edit", PAUL) as unit:
            change_note(unit, unit.get(Note, note), "<p>x</p>", private=True)
        with work(shop, "note.edit", BOSS) as unit:
            change_note(unit, unit.get(Note, note), "<p>open</p>", private=True)
        assert self.seen(shop, zinc, ALICE) == (1, 1, 3)

    def test_a_refusal_does_not_tell_of_it(self, shop: Site) -> None:
        """Undoing the creation of a record is held up by what was added since, without saying what a private note says."""
        shop.add_person("Paul", "user")
        paul = shop.people["Paul"]
        with work(shop, "add", paul) as unit:
            zinc = unit.add(ThirdParty(name="Zinc"))
        made = unit.operation
        assert made is not None
        annotate(shop, zinc, "secret words", actor=ALICE, private=True)
        with pytest.raises(Refused) as caught:
            undo(made, context=shop.context(paul))
        assert "secret" not in str(caught.value)


class TestNames:
    """A name is data: one line, no folder, nothing invisible (T10)."""

    @pytest.mark.parametrize(
        ("given_name", "kept"),
        [
            ('"><img src=x onerror=1>.png', '"><img src=x onerror=1>.png'),
            ("invoice\u202egpj.exe", "invoicegpj.exe"),
            ("a\r\nContent-Type: text/html\r\n\r\n.png", "html .png"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("a\x00b.txt", "ab.txt"),
            ("C:\\Users\\Léa\\plan.pdf", "plan.pdf"),
            ("", "file"),
            ("..", "file"),
            ("\u200b", "file"),
            ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
            ("plan.pdf.", "plan.pdf."),
            ("株式会社.pdf", "株式会社.pdf"),
        ],
    )
    def test_cleaned(self, given_name: str, kept: str) -> None:
        assert clean_name(given_name) == kept

    def test_renaming_is_history_and_an_empty_name_is_refused(self, shop: Site) -> None:
        zinc = company(shop)
        (number,) = attach(shop, zinc, "a.txt")
        with pytest.raises(Refused, match="Enter a file name"), work(shop) as unit:
            rename_file(unit, unit.get(StoredFile, number), " ")
        with transaction("file.rename", context=shop.context()) as unit:
            rename_file(unit, unit.get(StoredFile, number), "b/c.txt")
        assert told(shop, zinc, PAUL)[-1].fields == {"name": ("a.txt", "c.txt")}
