"""Two at once: versions of forms and of rows, links to what is being deleted, deadlocks (F36, F39, F43)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from core.contract.changes import Change
from core.data.engine import WAIT, Database
from core.data.unit import Unit
from core.errors import Busy, EditConflict, NotFound, Refused
from core.features.bin import delete_record
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.probe.helpers import add, changes, edit, fetch, number_of, row_of, work
from tests.probe.models import Box, Mark

pytest_plugins = ["tests.probe.fixtures"]

PATIENCE = 20.0


class Other:
    """Somebody else's unit, in a thread of its own, held open in the middle until `go_on`."""

    def __init__(self, site: Site, before: Callable[[Unit], Any], after: Callable[[Unit], Any]) -> None:
        self.error: BaseException | None = None
        self._reached, self._released = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(site, before, after))

    def _run(self, site: Site, before: Callable[[Unit], Any], after: Callable[[Unit], Any]) -> None:
        try:
            with work(site, "other") as unit:
                before(unit)
                unit.session.flush()
                self._reached.set()
                self._released.wait(PATIENCE)
                after(unit)
        except Exception as error:
            self.error = error
        finally:
            self._reached.set()

    def start(self) -> None:
        """Until the middle."""
        self._thread.start()
        assert self._reached.wait(PATIENCE)

    def go_on(self, delay: float = 0.0) -> None:
        """Let it end, perhaps in a while."""
        threading.Timer(delay, self._released.set).start()

    def join(self) -> BaseException | None:
        """Wait for its end."""
        self._released.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.error


@contextmanager
def other(
    site: Site, before: Callable[[Unit], Any], after: Callable[[Unit], Any] = lambda unit: None
) -> Iterator[Other]:
    somebody = Other(site, before, after)
    somebody.start()
    try:
        yield somebody
    finally:
        somebody.join()


class TestVersions:
    def test_the_version_comes_from_the_form(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        with work(shop) as unit:
            unit.get(Box, box, version=1).name = "two"
        with pytest.raises(EditConflict), work(shop) as unit:
            unit.get(Box, box, version=1).name = "three"
        assert row_of(shop, Box, box)["name"] == "two"
        with work(shop) as unit:
            unit.get(Box, box, version=2).name = "three"

    def test_every_form_has_one(self, shop: Site) -> None:
        """Generated for every entity people can edit: the second of two who save gets the conflict page, 409."""
        (box,) = add(shop, Box(name="for the label"))
        first, second = shop.browser("Ann"), shop.browser("Bob")
        values = {
            "label": {"person": "Somebody", "box": str(box)}, "series": None,
            "tag": {"name": "Somebody", "target": "thirdparty"},
            "user": {"name": "Somebody", "email": "somebody@test.example"},
        }  # fmt: skip
        tried = []
        for registered in shop.context().registry.slugs.values():
            name = registered.name
            typed = values.get(name, {registered.entity.title: "Somebody"})
            if typed is None:
                continue
            first.get(f"/{registered.entity.slug}/new")
            made = first.post(f"/{registered.entity.slug}/new", typed)
            assert made.status_code == 303, name
            path = f"{urlsplit(made.headers['Location']).path}/edit"
            pages = [browser.get(path).text for browser in (first, second)]
            version = pages[0].split('name="version" value="')[1].split('"')[0]
            changed = {**typed, registered.entity.title: "Changed first", "version": version}
            assert first.post(path, changed).status_code == 303, name
            answer = second.post(path, {**changed, registered.entity.title: "Changed second"})
            assert answer.status_code == 409, name
            assert "Changed first" in answer.text, name
            assert "Changed second" in answer.text, name
            tried.append(name)
        assert tried == ["user", "team", "company", "tag", "thirdparty", "lead", "box", "label"]

    def test_the_row_s_version_is_checked_when_it_is_written(self, shop: Site) -> None:
        """Even without a form: what was read in this unit must still be there when it is written."""
        (box,) = add(shop, Box(name="one"))

        def service(unit: Unit) -> None:
            record = unit.get(Box, box)
            unit.session.connection().exec_driver_sql("UPDATE probe_box SET version = version + 1, name = 'two'")
            record.name = "three"

        with pytest.raises(EditConflict), work(shop) as unit:
            service(unit)
        assert row_of(shop, Box, box)["name"] == "one"  # the other change was in this unit too

    def test_two_units_that_read_the_same_row(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        if shop.runtime.database.is_sqlite:  # the second waits before it reads
            with other(shop, lambda unit: unit.get(Box, box)) as somebody:
                somebody.go_on(0.2)
                edit(shop, Box, box, name="two")
            assert row_of(shop, Box, box)["name"] == "two"
            return

        def rename(unit: Unit) -> None:
            unit.get(Box, box).name = "theirs"

        with other(shop, lambda unit: unit.get(Box, box), rename) as somebody:
            edit(shop, Box, box, name="ours")
            assert isinstance(somebody.join(), EditConflict)
        assert row_of(shop, Box, box)["name"] == "ours"

    def test_a_facet_of_a_row_that_was_read_belongs_to_its_version(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))

        def service(unit: Unit) -> None:
            unit.get(ThirdParty, company)
            unit.session.connection().exec_driver_sql("UPDATE thirdparty_thirdparty SET version = version + 1")
            unit.facet(Mark, company).points = 1

        with pytest.raises(EditConflict), work(shop) as unit:
            service(unit)

    def test_two_units_that_add_to_one_facet_lose_nothing(self, shop: Site) -> None:
        """Points earned twice at once: the second waits for the first and adds to what it finds."""
        (company,) = add(shop, ThirdParty(name="Zinc"))

        def earn(unit: Unit) -> None:
            mark = unit.facet(Mark, company)
            mark.points = (mark.points or 0) + 5

        for total in (10, 20):  # first the row is not there yet, then it is
            with other(shop, earn) as somebody:
                somebody.go_on(0.2)
                with work(shop) as unit:
                    earn(unit)
            assert somebody.error is None
            assert row_of(shop, Mark, company)["points"] == total


class TestDeleting:
    """F43: 404 or 409, and no orphan."""

    def test_edit_of_what_was_deleted(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))
        browser = shop.browser()
        browser.get(f"/boxes/{box}/edit")
        assert shop.browser("Bob").post(f"/boxes/{box}/delete").status_code == 303
        assert browser.post(f"/boxes/{box}/edit", {"name": "two", "version": "1"}).status_code in (404, 409)
        with pytest.raises(NotFound):
            edit(shop, Box, box, name="two")

    def test_edit_and_delete_at_once(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one"))

        def rename(unit: Unit) -> None:
            unit.get(Box, box).name = "two"

        with other(shop, rename) as somebody:
            somebody.go_on(0.2)
            outcome: BaseException | None = None
            try:
                with work(shop) as unit:
                    delete_record(unit, unit.get(Box, box))
            except EditConflict as error:
                outcome = error
        assert somebody.error is None
        stored = row_of(shop, Box, box)
        assert stored["name"] == "two"
        assert (stored["deleted_at"] is None) == (outcome is not None)

    def test_linking_to_what_is_being_deleted(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with other(shop, lambda unit: delete_record(unit, unit.get(ThirdParty, company))) as somebody:
            somebody.go_on(0.2)
            with pytest.raises(Refused, match="deleted or does not exist"):
                add(shop, Box(name="one", keeper=company))
        assert somebody.error is None
        assert number_of(shop, "probe_box") == 0

    def test_deleting_what_is_being_linked(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with other(shop, lambda unit: unit.add(Box(name="one", keeper=company))) as somebody:
            somebody.go_on(0.2)
            with pytest.raises(Refused, match="1 record depends on it"), work(shop) as unit:
                delete_record(unit, unit.get(ThirdParty, company))
        assert somebody.error is None
        assert row_of(shop, ThirdParty, company)["deleted_at"] is None

    def test_a_child_that_comes_meanwhile_goes_along(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with other(shop, lambda unit: unit.add(Box(name="one", home=company))) as somebody:
            somebody.go_on(0.2)
            with work(shop) as unit:
                delete_record(unit, unit.get(ThirdParty, company))
        assert len({row.deleted_at for row in fetch(shop, "SELECT deleted_at FROM probe_box")} - {None}) == 1

    def test_linking_does_not_wait_for_edits(self, shop: Site) -> None:
        """The lock of a link holds up nobody but who deletes."""
        if shop.runtime.database.is_sqlite:
            return  # one writer at a time
        (company,) = add(shop, ThirdParty(name="Zinc"))

        def rename(unit: Unit) -> None:
            unit.get(ThirdParty, company).name = "Tin"

        with other(shop, rename) as somebody:
            add(shop, Box(name="one", keeper=company))  # ends before the other does
            assert somebody.error is None
        assert number_of(shop, "probe_box") == 1


class TestBusy:
    def test_a_deadlock_ends_one_unit_in_words_and_nothing_of_it_stays(self, shop: Site) -> None:
        if shop.runtime.database.is_sqlite:
            return  # one writer at a time
        first, second = add(shop, Box(name="one"), Box(name="two"))

        def rename(box: int, name: str) -> Callable[[Unit], None]:
            def service(unit: Unit) -> None:
                unit.get(Box, box).name = name
                unit.session.flush()

            return service

        mine: BaseException | None = None
        with other(shop, rename(first, "theirs"), rename(second, "theirs")) as somebody:
            try:
                with work(shop) as unit:
                    rename(second, "mine")(unit)
                    somebody.go_on(0.0)
                    rename(first, "mine")(unit)
            except (Busy, EditConflict) as error:
                mine = error
            theirs = somebody.join()
        assert (mine is None) != (theirs is None)
        assert isinstance(mine or theirs, Busy | EditConflict)
        winner = "theirs" if mine else "mine"
        assert {row.name for row in fetch(shop, "SELECT name FROM probe_box")} == {winner}

    def test_a_lock_a_reaction_cannot_have_is_no_fault_of_its_plugin(self, shop: Site) -> None:
        if shop.runtime.database.is_sqlite:
            return
        first, second = add(shop, Box(name="one"), Box(name="two"))

        def wait_in_vain(told: Sequence[Change], unit: Unit) -> None:
            unit.session.connection().exec_driver_sql("SET LOCAL lock_timeout = 100")
            unit.get(Box, second).number = 1

        with other(shop, lambda unit: setattr(unit.get(Box, second), "notes", "busy")):
            script.probe.changed = wait_in_vain
            with pytest.raises(Busy):
                edit(shop, Box, first, name="three")
            script.probe.clear()
        assert row_of(shop, Box, first)["name"] == "one"
        assert number_of(shop, "core_incident") == 0

    def test_a_writer_that_waits_too_long_is_told(self, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        database: Database = shop.runtime.database
        if not database.is_sqlite:
            return
        monkeypatch.setattr(database, "_write_engine", database._write_engine.execution_options(**{WAIT: 0.3}))
        (box,) = add(shop, Box(name="one"))
        with other(shop, lambda unit: unit.get(Box, box)), pytest.raises(Busy, match="Nothing was lost"):
            edit(shop, Box, box, name="two")
        edit(shop, Box, box, name="three")
        assert changes(shop, fetch(shop, "SELECT max(id) FROM core_operation")[0][0])[0].fields == {
            "name": ("one", "three")
        }
