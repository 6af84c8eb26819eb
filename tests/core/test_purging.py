"""Removing the data of a module that is off (MO-3)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from core.data.numbering import Series
from core.data.references import Reference
from core.data.tables import PluginState, SettingValue
from core.data.unit import transaction
from core.errors import Refused, StateConflict
from core.features.dictionaries import DictionaryEntry
from core.features.file_store import FileStore
from core.features.files import attach_file, keep_file
from core.features.notes import Note
from core.runtime.activation import disable, enable
from core.runtime.runtime import Runtime
from core.upkeep.overview import modules
from core.upkeep.purging import purge
from tests.core.looking import everything, rows, tables


@pytest.mark.covers("MO-3c")
class TestPurging:
    def test_data_goes_after_a_dump(self, runtime: Runtime, tmp_path: Path) -> None:
        enable(runtime, "leads")
        registry = runtime.generation.registry
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            unit.add(registry.entity("lead").model(name="Ada L’Œuvre"))
            unit.session.add(SettingValue(name="leads.source", value="fair"))
        with pytest.raises(StateConflict, match="is on"):
            purge(runtime, "leads", dump_to=None)
        disable(runtime, "leads")
        written = purge(runtime, "leads", dump_to=tmp_path / "dumps")
        assert written is not None
        assert written.stat().st_mode & 0o077 == 0
        with zipfile.ZipFile(written) as archive:
            lines = archive.read("leads_lead.jsonl").decode().splitlines()
            entries = [json.loads(line) for line in archive.read("core_dictionary.jsonl").splitlines()]
            settings = [json.loads(line) for line in archive.read("core_setting.jsonl").splitlines()]
        assert [json.loads(line)["name"] for line in lines] == ["Ada L’Œuvre"]
        assert {entry["dictionary"] for entry in entries} == {"lead_status"}
        assert settings == [{"name": "leads.source", "value": "fair"}]
        assert rows(runtime, SettingValue) == []
        assert not {name for name in tables(runtime) if name.startswith("leads_")}
        assert rows(runtime, Reference, Reference.plugin == "leads") == []
        assert rows(runtime, DictionaryEntry, DictionaryEntry.dictionary == "lead_status") == []
        assert rows(runtime, PluginState, PluginState.name == "leads") == []
        assert rows(runtime, DictionaryEntry, DictionaryEntry.dictionary == "contact_status"), "others keep theirs"
        with pytest.raises(StateConflict, match="has no data"):
            purge(runtime, "leads", dump_to=None)
        enable(runtime, "leads")
        assert rows(runtime, runtime.generation.registry.entity("lead").model) == []

    def test_notes_and_files_on_its_records_are_in_the_dump_too(self, runtime: Runtime, tmp_path: Path) -> None:
        enable(runtime, "leads")
        lead = runtime.generation.registry.entity("lead").model
        third_party = runtime.generation.registry.entity("thirdparty").model
        store = FileStore(runtime.config.files)
        kept = [keep_file(store, io.BytesIO(content), "plan à 2.txt") for content in (b"canary", b"gone", b"other")]
        with transaction("test", context=runtime.context(runtime.generation)) as unit:
            mine, other = unit.add(lead(name="Ada")), unit.add(third_party(name="Zinc", role="customer"))
            unit.session.flush()
            for owner, text_ in ((mine, "<p>Hers</p>"), (other, "<p>Theirs</p>")):
                unit.add(Note(owner_entity=owner.entity.name, owner_id=owner.id, text=text_))
            files = [attach_file(unit, mine, one) for one in kept[:2]]
            attach_file(unit, other, kept[2])
        store.remove(kept[1].stored)
        disable(runtime, "leads")
        written = purge(runtime, "leads", dump_to=tmp_path)
        assert written is not None
        with zipfile.ZipFile(written) as archive:
            notes = [json.loads(line) for line in archive.read("core_note.jsonl").splitlines()]
            rows_ = [json.loads(line) for line in archive.read("core_file.jsonl").splitlines()]
            contents = {name: archive.read(name) for name in archive.namelist() if name.startswith("files/")}
        assert [(note["text"], note["owner_id"]) for note in notes] == [("<p>Hers</p>", mine.id)]
        assert [row["name"] for row in rows_] == ["plan à 2.txt"] * 2
        assert contents == {
            f"files/{files[0].id}/plan à 2.txt": b"canary",
            "files/missing.txt": f"files/{files[1].id}/plan à 2.txt\n".encode(),
        }
        assert [note.text for note in rows(runtime, Note)] == ["<p>Theirs</p>"]

    def test_not_while_tables_of_others_point_at_it(self, runtime: Runtime) -> None:
        enable(runtime, "leads")
        disable(runtime, "thirdparty", with_dependents=True)
        before = everything(runtime)
        with pytest.raises(Refused, match=r"leads_\w+ \(0\)"):
            purge(runtime, "thirdparty", dump_to=None)
        assert everything(runtime) == before
        purge(runtime, "leads", dump_to=None)
        purge(runtime, "thirdparty", dump_to=None)
        assert rows(runtime, Series, Series.target == "thirdparty") == []
        assert not {name for name in tables(runtime) if name.startswith(("leads_", "thirdparty_"))}

    def test_a_plugin_whose_code_is_gone(self, processes: Any, workshop: Any) -> None:
        name = workshop.plugin(entity=True)
        first = processes.start()
        enable(first, name)
        disable(first, name)
        workshop.uninstall(name)
        second = processes.start()
        purge(second, name, dump_to=None)
        assert not {each for each in tables(second) if each.startswith(name)}
        assert name not in {module.name for module in modules(second)}

    def test_names_that_begin_alike(self, processes: Any, workshop: Any) -> None:
        short = workshop.plugin("mail", entity=True)
        runtime = processes.start()
        longer = f"{short}_merge"
        table = f"{longer}_thing"
        with runtime.database.connection() as connection:
            connection.execute(insert(PluginState).values(name=longer, enabled=False, version="", migrations=""))
            connection.execute(text(f"CREATE TABLE {table} (id INTEGER)"))
        enable(runtime, short)
        disable(runtime, short)
        purge(runtime, short, dump_to=None)
        assert table in tables(runtime)
        assert f"{short}_thing" not in tables(runtime)

    def test_a_dump_that_cannot_be_written_keeps_everything(self, runtime: Runtime, tmp_path: Path) -> None:
        enable(runtime, "thirdparty")
        disable(runtime, "thirdparty")
        before = everything(runtime)
        blocked = tmp_path / "file"
        blocked.write_text("a file where a folder should be")
        with pytest.raises(OSError, match="file"):
            purge(runtime, "thirdparty", dump_to=blocked)
        assert everything(runtime) == before
