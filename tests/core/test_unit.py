"""The unit of work: rounds, the two phases, and what happens to plugins that break its rules (DESIGN 6, F26 to F31)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from core.contract.changes import Change
from core.data.tables import PluginIncident
from core.data.unit import MAXIMUM_ROUNDS, Unit, transaction
from core.errors import ContractError, EditConflict, PluginError, Refused, Veto
from core.testing.site import Site
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.probe.helpers import add, changes, edit, fetch, history, number_of, row_of, work
from tests.probe.models import Box, Mark, Tally

pytest_plugins = ["tests.probe.fixtures"]


def incidents(site: Site) -> list[tuple[str, str, str]]:
    with site.runtime.database.reading() as session:
        found = session.scalars(select(PluginIncident).order_by(PluginIncident.id))
        return [(row.plugin, row.hook, row.kind) for row in found]


class Recorder:
    """A hook that keeps what it is told, round by round."""

    def __init__(self) -> None:
        self.rounds: list[list[tuple[str, str, dict[str, Any], dict[str, Any]]]] = []

    def __call__(self, told: Sequence[Change], unit: Unit | None = None) -> None:
        self.rounds.append([(change.entity, change.kind, dict(change.old), dict(change.new)) for change in told])


# -- rounds and merging -----------------------------------------------------------------------------------------
class TestRounds:
    def test_each_plugin_is_asked_once_per_round_and_before_anybody_reacts(self, shop: Site) -> None:
        calls: list[str] = []
        script.probe.changing = lambda told: calls.append("probe asked")
        script.echo.changing = lambda told: calls.append("echo asked")
        script.probe.changed = lambda told, unit: calls.append("probe reacts")
        script.echo.changed = lambda told, unit: calls.append("echo reacts")
        add(shop, Box(name="one"), Box(name="two"))
        assert calls == ["probe asked", "echo asked", "probe reacts", "echo reacts"]

    def test_what_a_reaction_changes_is_the_next_round(self, shop: Site) -> None:
        def count(told: Sequence[Change], unit: Unit) -> None:
            for change in told:
                if change.kind == "created":
                    unit.get(Box, change.record_id).number = 7

        recorder = script.echo.changing = Recorder()
        script.probe.changed = count
        (box,) = add(shop, Box(name="one"))
        assert [[(kind, new.get("number")) for _, kind, _, new in told] for told in recorder.rounds] == [
            [("created", None)], [("updated", 7)],
        ]  # fmt: skip
        (entry,) = history(shop, Box, box)
        assert entry.change.kind == "created"
        assert entry.fields["number"] == (None, "7")

    def test_changes_merge_over_flushes(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1))
        recorder = script.probe.changed = Recorder()
        with work(shop) as unit:
            record = unit.get(Box, box)
            record.number = 2
            unit.session.flush()
            record.number, record.name = 3, "drei"
            unit.session.flush()
            record.name = "three"
        assert recorder.rounds == [
            [("box", "updated", {"number": 1, "name": "one"}, {"number": 3, "name": "three"})]
        ]  # fmt: skip
        assert row_of(shop, Box, box)["version"] == 4

    def test_new_values_are_read_after_defaults_and_in_canonical_form(self, shop: Site) -> None:
        recorder = script.probe.changed = Recorder()
        add(shop, Box(name="  E\u0301le\u0300ve  ", owner="Ada@EXAMPLE.com"))
        ((told,),) = recorder.rounds
        assert told[3] == {"name": "Élève", "sealed": False, "state": "open", "owner": "Ada@example.com"}

    def test_a_number_given_by_the_core_is_a_new_value(self, shop: Site) -> None:
        recorder = script.probe.changed = Recorder()
        add(shop, ThirdParty(name="Zinc"))
        assert recorder.rounds[0][0][3]["code"].startswith("CU")

    def test_equal_values_are_dropped(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1))
        recorder = script.probe.changed = Recorder()
        with work(shop) as unit:
            record = unit.get(Box, box)
            record.number = 2
            unit.session.flush()
            record.number = 1
            record.name = " one "
        assert recorder.rounds == []
        assert unit.operation is None
        assert len(history(shop, Box, box)) == 1

    def test_a_change_taken_back_by_a_reaction_is_not_history(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=1))

        def undo(told: Sequence[Change], unit: Unit) -> None:
            unit.get(Box, box).number = 1

        script.probe.changed = undo
        with work(shop) as unit:
            unit.get(Box, box).number = 2
        assert unit.changes == []
        assert unit.operation is None

    def test_created_records_have_no_old_values_and_changed_ones_have_all(self, shop: Site) -> None:
        recorder = script.probe.changed = Recorder()
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
        with work(shop) as unit:
            unit.facet(Mark, company).points = 6
        created, first, second = (told for (told,) in recorder.rounds)
        assert created[2] == {}
        assert first == ("thirdparty", "updated", {"probe.points": None}, {"probe.points": 5})
        assert second == ("thirdparty", "updated", {"probe.points": 5}, {"probe.points": 6})

    def test_modules_that_answer_each_other_for_ever_are_stopped(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=0))
        rounds: list[int] = []

        def again(told: Sequence[Change], unit: Unit) -> None:
            record = unit.get(Box, box)
            record.number = (record.number or 0) + 1
            rounds.append(record.number)

        script.echo.changed = again
        with pytest.raises(PluginError, match="echo") as caught:
            edit(shop, Box, box, name="two")
        assert caught.value.plugin == "echo"
        assert len(rounds) == MAXIMUM_ROUNDS
        assert row_of(shop, Box, box)["name"] == "one"

    def test_as_many_rounds_as_allowed_are_fine(self, shop: Site) -> None:
        (box,) = add(shop, Box(name="one", number=0))

        def a_few(told: Sequence[Change], unit: Unit) -> None:
            record = unit.get(Box, box)
            if (record.number or 0) < MAXIMUM_ROUNDS - 2:
                record.number = (record.number or 0) + 1

        script.echo.changed = a_few
        edit(shop, Box, box, name="two")
        assert row_of(shop, Box, box)["number"] == MAXIMUM_ROUNDS - 2


# -- facets -----------------------------------------------------------------------------------------------------
class TestFacets:
    def test_a_facet_s_change_is_its_record_s(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        before = row_of(shop, ThirdParty, company)
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
            unit.facet(Origin, company).source = "fair"
        after = row_of(shop, ThirdParty, company)
        assert after["version"] == before["version"] + 1
        assert after["updated_at"] > before["updated_at"]
        (entry,) = changes(shop, unit.operation)
        assert (entry.change.entity, entry.change.record_id, entry.change.kind) == ("thirdparty", company, "updated")
        assert entry.change.version == after["version"]
        assert entry.fields == {"probe.points": (None, "5"), "leads.source": (None, "fair")}

    def test_record_and_facet_changed_at_once_move_the_version_once(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        with work(shop) as unit:
            unit.get(ThirdParty, company).town = "Lyon"
            unit.facet(Mark, company).points = 5
        assert row_of(shop, ThirdParty, company)["version"] == 2
        (entry,) = changes(shop, unit.operation)
        assert set(entry.fields) == {"town", "probe.points"}

    def test_change_reads_fields_of_facets_and_columns(self, shop: Site) -> None:
        (company,) = add(shop, ThirdParty(name="Zinc"))
        seen: list[Any] = []
        script.probe.changed = lambda told, unit: seen.append(
            (told[0]["name"], told[0]["probe.points"], told[0]["leads.source"], told[0]["version"])
        )
        with work(shop) as unit:
            unit.facet(Mark, company).points = 5
        assert seen == [("Zinc", 5, None, 2)]


# -- phase 1 ----------------------------------------------------------------------------------------------------
class TestVeto:
    def test_a_veto_refuses_everything(self, shop: Site) -> None:
        def refuse(told: Sequence[Change]) -> None:
            for change in told:
                if change["name"] == "two":
                    raise Veto("Not this one", change=change, field="name")

        script.echo.changing = refuse
        with pytest.raises(Veto, match="Not this one") as caught:
            add(shop, Box(name="one"), Box(name="two"), Box(name="three"))
        assert caught.value.field == "name"
        assert number_of(shop, "probe_box") == 0
        assert fetch(shop, "SELECT * FROM core_change WHERE entity = 'box'") == []
        assert incidents(shop) == []

    def test_a_veto_of_a_later_round_refuses_everything(self, shop: Site) -> None:
        def refuse(told: Sequence[Change]) -> None:
            if any(change.entity == "lead" for change in told):
                raise Veto("No leads today")

        script.echo.changing = refuse
        script.probe.changed = lambda told, unit: unit.add(Lead(name="from a box")) if told[0].entity == "box" else None
        with pytest.raises(Veto, match="No leads today"):
            add(shop, Box(name="one"))
        assert number_of(shop, "probe_box") == 0

    def test_a_bundled_veto_holds_on_this_road(self, shop: Site) -> None:
        (lead,) = add(shop, Lead(name="Ann"))
        with pytest.raises(Veto, match="Say why Ann is lost"):
            edit(shop, Lead, lead, status="lost")
        edit(shop, Lead, lead, status="lost", lost_reason="No budget")

    @pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(1), RecursionError()])
    def test_a_veto_hook_that_crashes_refuses_and_is_reported(self, shop: Site, error: BaseException) -> None:
        def crash(told: Sequence[Change]) -> None:
            raise error

        script.probe.changing = crash
        with pytest.raises(Veto, match="Module probe could not check this change"):
            add(shop, Box(name="one"))
        script.probe.clear()
        shop.runtime.flush_incidents()
        assert incidents(shop) == [("probe", "records_changing", "veto")]
        assert number_of(shop, "probe_box") == 0

    def test_records_changing_must_not_write(self, shop: Site, caplog: pytest.LogCaptureFixture) -> None:
        (box,) = add(shop, Box(name="one"))
        units: list[Unit] = []
        script.probe.changed = lambda told, unit: units.append(unit)

        def flushes(told: Sequence[Change]) -> None:
            units[-1].get(Box, box).number = 1
            units[-1].session.flush()

        def leaves_it_dirty(told: Sequence[Change]) -> None:
            units[-1].get(Box, box).number = 1

        def adds_a_plain_row(told: Sequence[Change]) -> None:
            units[-1].session.add(Tally(id=1, number=1))

        def writes_in_bulk(told: Sequence[Change]) -> None:
            marked = Tally.__table__.insert().values(id=1, number=1).execution_options(without_events=True)
            units[-1].session.execute(marked)

        for wrong in (flushes, leaves_it_dirty, adds_a_plain_row, writes_in_bulk):

            def second_round(told: Sequence[Change], wrong: Any = wrong) -> None:
                if units and units[-1].session.unit is units[-1] and not units[-1].session.ending:
                    wrong(told)

            units.clear()
            script.probe.changing = second_round
            script.echo.changed = lambda told, unit: setattr(unit.get(Box, box), "notes", "second round")
            with pytest.raises(Veto, match="Module probe could not check"):
                edit(shop, Box, box, name="two")
            assert "records_changing must not write" in caplog.text, wrong
            caplog.clear()
            assert row_of(shop, Box, box)["number"] is None
            assert number_of(shop, "probe_tally") == 0


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
