"""Rounds, facets and vetoes of a unit of work (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.contract.changes import Change
from core.data.unit import MAXIMUM_ROUNDS, Unit
from core.errors import PluginError, Veto
from core.testing.site import Site
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.core.units import Recorder, incidents
from tests.probe import script
from tests.probe.helpers import add, changes, edit, fetch, history, number_of, row_of, work
from tests.probe.models import Box, Mark, Tally

pytest_plugins = ["tests.probe.fixtures"]


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
