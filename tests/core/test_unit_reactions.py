"""Reactions of plugins inside a unit of work, each undone alone (DESIGN 6, F27, F31)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from core.contract.changes import Change
from core.data.unit import Unit, transaction
from core.errors import ContractError, EditConflict, PluginError, Refused
from core.testing.site import Site
from plugins.leads.models import Lead
from tests.core.units import incidents
from tests.probe import script
from tests.probe.helpers import add, changes, edit, fetch, number_of, row_of, work
from tests.probe.models import Box, Tally

pytest_plugins = ["tests.probe.fixtures"]


# -- phase 2 ----------------------------------------------------------------------------------------------------
class TestReactions:
    @pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(1), Refused("no"), ZeroDivisionError()])
    def test_a_reaction_that_crashes_is_undone_alone(self, shop: Site, error: BaseException) -> None:
        def half(told: Sequence[Change], unit: Unit) -> None:
            for change in told:
                if change.entity == "box" and change.kind == "created":
                    unit.get(Box, change.record_id).number = 1
                    unit.add(Lead(name="half"))
                    unit.session.add(Tally(id=1, number=1))
                    unit.notice("half done")
                    unit.session.flush()
                    raise error

        def whole(told: Sequence[Change], unit: Unit) -> None:
            for change in told:
                if change.entity == "box" and change.kind == "created":
                    unit.get(Box, change.record_id).notes = "echo was here"
                    unit.add(Lead(name="whole"))

        script.probe.changed, script.echo.changed = half, whole
        with work(shop) as unit:
            box = unit.add(Box(name="one"))
        stored = row_of(shop, Box, box.id)
        assert (stored["number"], stored["notes"]) == (None, "echo was here")
        assert [row.name for row in fetch(shop, "SELECT name FROM leads_lead")] == ["whole"]
        assert number_of(shop, "probe_tally") == 0
        entries = {(entry.change.entity, entry.change.kind): entry for entry in changes(shop, unit.operation)}
        assert set(entries) == {("box", "created"), ("lead", "created")}
        assert "number" not in entries["box", "created"].fields
        assert entries["box", "created"].operation.cause is None
        shop.runtime.flush_incidents()
        assert incidents(shop) == [("probe", "records_changed", "reaction")]

    def test_a_value_the_reaction_changed_is_captured_from_before_it(self, shop: Site) -> None:
        """After the reaction is undone, the row is read anew, and a later change has the right old value."""
        (box,) = add(shop, Box(name="one", number=1))

        def crash(told: Sequence[Change], unit: Unit) -> None:
            unit.get(Box, box).number = 2
            unit.session.flush()
            raise RuntimeError

        def later(told: Sequence[Change], unit: Unit) -> None:
            if told[0].moved("name"):
                unit.get(Box, box).number = 3

        script.probe.changed, script.echo.changed = crash, later
        operation = edit(shop, Box, box, name="two")
        (entry,) = changes(shop, operation)
        assert entry.fields == {"name": ("one", "two"), "number": ("1", "3")}

    def test_a_statement_that_fails_and_is_swallowed_leaves_nothing_half(self, shop: Site) -> None:
        def swallow(told: Sequence[Change], unit: Unit) -> None:
            unit.session.add(Tally(id=1, number=1))
            unit.session.flush()
            with contextlib.suppress(Exception):
                unit.session.connection().exec_driver_sql("INSERT INTO probe_tally (id, number) VALUES (1, 1)")

        script.probe.changed = swallow
        if shop.runtime.database.is_sqlite:  # only the statement is undone there
            add(shop, Box(name="one"))
            assert number_of(shop, "probe_tally") == number_of(shop, "probe_box") == 1
        else:
            with pytest.raises(PluginError, match=r"probe.*its error was hidden"):
                add(shop, Box(name="one"))
            assert number_of(shop, "probe_tally") == number_of(shop, "probe_box") == 0

    def test_a_reaction_that_was_not_first_ends_the_whole_unit(self, shop: Site) -> None:
        """Somebody else was faster: no fault of the plugin, and dropping its reaction would lose it for good."""
        (box,) = add(shop, Box(name="one"))

        def stale(told: Sequence[Change], unit: Unit) -> None:
            record = unit.get(Box, box)
            unit.session.connection().exec_driver_sql("UPDATE probe_box SET version = version + 1")
            record.number = 2

        script.probe.changed = stale
        with pytest.raises(EditConflict):
            add(shop, Lead(name="Ann"))
        assert number_of(shop, "leads_lead") == 0
        assert incidents(shop) == []


# -- breaking the rules -----------------------------------------------------------------------------------------
ENDINGS = {
    "commit": lambda unit: unit.session.commit(),
    "rollback": lambda unit: unit.session.rollback(),
    "close": lambda unit: unit.session.close(),
    "reset": lambda unit: unit.session.reset(),
    "invalidate": lambda unit: unit.session.invalidate(),
    "connection commit": lambda unit: unit.session.connection().commit(),
    "connection rollback": lambda unit: unit.session.connection().rollback(),
    "connection close": lambda unit: unit.session.connection().close(),
    "transaction commit": lambda unit: unit.session.get_transaction().commit(),
    "transaction close": lambda unit: unit.session.get_transaction().close(),
    "savepoint rollback": lambda unit: unit.session.get_nested_transaction().rollback(),
    "with session": lambda unit: unit.session.__exit__(None, None, None),
    "second unit": lambda unit: transaction("second", context=unit.context).__enter__(),
}


class TestRules:
    def test_a_plugin_cannot_end_the_transaction(self, shop: Site) -> None:
        for name, end in ENDINGS.items():
            script.probe.changed = lambda told, unit, end=end: end(unit)
            with pytest.raises(PluginError, match="Module probe broke a rule of the core"):
                add(shop, Box(name=name))
        script.probe.clear()
        assert number_of(shop, "probe_box") == 0
        add(shop, Box(name="after all that"))
        assert number_of(shop, "probe_box") == 1

    def test_nor_can_a_service(self, shop: Site) -> None:
        for name, end in ENDINGS.items():

            def service(unit: Unit, name: str = name, end: Any = end) -> None:
                unit.add(Box(name=name))
                unit.session.flush()
                end(unit)

            with pytest.raises(ContractError), work(shop) as unit:
                service(unit)
        assert number_of(shop, "probe_box") == 0
        add(shop, Box(name="after all that"))

    def test_units_do_not_nest(self, shop: Site) -> None:
        with pytest.raises(ContractError, match="pass it on instead of opening another"), work(shop), work(shop):
            pass

    def test_a_unit_ended_by_an_error_leaves_nothing_and_the_thread_free(self, shop: Site) -> None:
        def service(unit: Unit) -> None:
            unit.add(Box(name="one"))
            unit.session.flush()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError), work(shop) as unit:
            service(unit)
        assert number_of(shop, "probe_box") == 0
        add(shop, Box(name="two"))

    def test_an_empty_unit_is_no_operation(self, shop: Site) -> None:
        before = number_of(shop, "core_operation")
        with work(shop) as unit:
            unit.session.scalars(select(Box)).all()
        assert unit.operation is None
        assert number_of(shop, "core_operation") == before

    def test_records_of_a_module_that_is_off_cannot_be_written(self, shop: Site) -> None:
        shop.disable("leads")
        with pytest.raises(ContractError, match="Lead belongs to a module that is off"):
            add(shop, Lead(name="one"))
