"""Switching modules on and off (MO-1, MO-2, SECURITY F23)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import update

from core.data.history import Operation
from core.data.numbering import Series
from core.data.references import Reference
from core.data.unit import transaction
from core.errors import Refused, StateConflict
from core.features.dictionaries import DictionaryEntry
from core.runtime.activation import disable, enable
from core.runtime.runtime import Runtime
from core.upkeep.overview import impact
from tests.core.looking import everything, rows, tables


class TestOurTwo:
    """The bundled plugins, on and off."""

    @pytest.mark.covers("MO-1a", "MO-2a")
    def test_enabling_brings_needs_tables_lists_numbers_references_and_history(self, runtime: Runtime) -> None:
        before = runtime.generation.version
        assert enable(runtime, "leads", shown_version=before) == ["thirdparty", "leads"]
        assert runtime.generation.enabled == ("thirdparty", "leads")
        assert runtime.generation.version == before + 1
        assert {"thirdparty_thirdparty", "leads_lead", "leads_migration"} <= tables(runtime)
        assert rows(runtime, DictionaryEntry, DictionaryEntry.dictionary == "lead_status")
        assert [row.mask for row in rows(runtime, Series, Series.target == "thirdparty")] == [
            runtime.generation.registry.entity("thirdparty").entity.numbering.mask
        ]
        assert all(row.plugin in ("core", "leads", "thirdparty") for row in rows(runtime, Reference))
        operation = rows(runtime, Operation, Operation.action == "module.enable")[-1]
        assert operation.cause == "Third parties, Leads"
        assert set(runtime.generation.registry.entities) == {
            "thirdparty", "address", "lead", "series", "user", "team", "company", "note", "file", "list_view", "tag",
            "dictionary_entry",
        }  # fmt: skip

    def test_enabling_twice_changes_nothing(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        before = everything(runtime)
        assert enable(runtime, "leads") == []
        assert everything(runtime) == before

    def test_needs_are_named_when_they_may_not_come_along(self, runtime: Runtime) -> None:
        with pytest.raises(Refused, match="thirdparty"):
            enable(runtime, "leads", with_needs=False)
        assert runtime.generation.enabled == ()

    @pytest.mark.covers("MO-3b")
    def test_disabling_keeps_data_and_enabling_brings_it_back(self, runtime: Runtime) -> None:
        enable(runtime, "thirdparty")
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            unit.add(runtime.generation.registry.entity("thirdparty").model(name="Zinc SARL"))
        assert disable(runtime, "thirdparty") == ["thirdparty"]
        assert "thirdparty" not in runtime.generation.registry.entities
        enable(runtime, "thirdparty")
        found = rows(runtime, runtime.generation.registry.entity("thirdparty").model)
        assert [row.name for row in found] == ["Zinc SARL"]
        assert len(rows(runtime, Series, Series.target == "thirdparty")) == 1, "seeds are not sown twice"

    @pytest.mark.covers("MO-2b")
    def test_dependents_are_listed_and_go_only_when_asked(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        with pytest.raises(Refused, match="needed by leads"):
            disable(runtime, "thirdparty")
        assert disable(runtime, "thirdparty", with_dependents=True) == ["leads", "thirdparty"]
        assert disable(runtime, "thirdparty") == []
        assert runtime.generation.enabled == ()

    def test_a_value_an_administrator_changed_stays(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        with runtime.database.connection() as connection:
            here = (DictionaryEntry.dictionary == "lead_status", DictionaryEntry.code == "new")
            connection.execute(update(DictionaryEntry).where(*here).values(label_en="Fresh", label_fr=None))
        disable(runtime, "leads")
        enable(runtime, "leads")
        labels = [row.labels for row in rows(runtime, DictionaryEntry, *here)]
        assert labels == [{"en": "Fresh"}]
        option = runtime.generation.registry.dictionaries["lead_status"][0]
        assert str(option.label) == "Fresh"

    def test_impact_says_what_comes_and_what_goes(self, runtime: Runtime) -> None:
        coming = impact(runtime, "leads")
        assert [name for name, label in coming.others] == ["thirdparty"]
        assert "Leads" in coming.additions.menus
        assert "leads_lead" in coming.additions.tables
        enable(runtime, "leads", shown_version=coming.version)
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            unit.add(runtime.generation.registry.entity("thirdparty").model(name="Zinc SARL"))
        going = impact(runtime, "thirdparty")
        assert [name for name, label in going.others] == ["leads"]
        assert going.rows["thirdparty_thirdparty"] == 1
        assert "Third parties" in going.additions.entities
        assert impact(runtime, "nothere").problem is not None


class TestSomebodyWasFaster:
    def test_the_version_shown_must_be_the_version_now(self, processes: Any) -> None:
        one, two = processes.start(), processes.start()
        shown = two.generation.version
        enable(one, "thirdparty", shown_version=shown)
        with pytest.raises(StateConflict, match="meanwhile"):
            enable(two, "leads", shown_version=shown)
        with pytest.raises(StateConflict, match="meanwhile"):
            disable(two, "thirdparty", shown_version=shown)
        assert two.follow().enabled == one.generation.enabled == ("thirdparty",)

    def test_two_at_once_one_wins(self, processes: Any, workshop: Any) -> None:
        names = [workshop.plugin("left", entity=True), workshop.plugin("right", entity=True)]
        runtimes = [processes.start(), processes.start()]
        shown = runtimes[0].generation.version
        start = threading.Barrier(2)
        outcome: dict[str, str] = {}

        def work(runtime: Runtime, name: str) -> None:
            start.wait()
            try:
                enable(runtime, name, shown_version=shown)
                outcome[name] = "done"
            except StateConflict:
                outcome[name] = "conflict"

        threads = [threading.Thread(target=work, args=pair) for pair in zip(runtimes, names, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcome.values()) == ["conflict", "done"]
        winner = next(name for name, what in outcome.items() if what == "done")
        assert {runtime.follow().enabled for runtime in runtimes} == {(winner,)}
