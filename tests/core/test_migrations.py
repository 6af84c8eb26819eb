"""Schema steps on both databases: all or nothing, once, and what the models say (OPS-3, SECURITY F21, F22, F24)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

import core.registry
from core.commands.migration import owned_tables
from core.commands.migration_writer import write_step
from core.data.engine import Database
from core.data.migrations import CORE_FOLDER, compare, drop_owner, fingerprint, migrate
from core.errors import PluginError, Refused
from plugins.leads import models as leads
from plugins.thirdparty import models as thirdparty

FOLDERS = {
    "core": CORE_FOLDER,
    "thirdparty": Path(thirdparty.__file__).parent / "migrations",
    "leads": Path(leads.__file__).parent / "migrations",
}
HEADER = "import sqlalchemy as sa\nfrom alembic import op\nrevision = {revision!r}\ndown_revision = {previous!r}\n\n\ndef upgrade():\n"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def steps(tmp_path: Path) -> Any:
    """Writes the steps of an owner called sample: each a few lines of code."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)

    def write(*bodies: str) -> Path:
        for number, body in enumerate(bodies, 1):
            previous = f"sample_{number - 1:04}" if number > 1 else None
            header = HEADER.format(revision=f"sample_{number:04}", previous=previous)
            indented = "".join(f"    {line}\n" for line in body.splitlines())
            (folder / "versions" / f"{number:04}_step.py").write_text(header + indented)
        return folder

    return write


def create(name: str) -> str:
    return f"op.create_table({name!r}, sa.Column('id', sa.Integer(), primary_key=True))"


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


class TestOurOwn:
    @pytest.mark.parametrize("owner", ["core", "thirdparty", "leads"])
    def test_steps_make_what_the_models_say(self, database: Database, owner: str) -> None:
        package = "core" if owner == "core" else f"plugins.{owner}"
        with database.connection() as connection:
            for name, folder in FOLDERS.items():
                migrate(connection, name, folder)
            mapped = owned_tables(package)
            assert mapped
            assert compare(connection, mapped) == []
            prefix = f"{owner}_"
            made = {name for name in tables(connection) if name.startswith(prefix) and name != f"{owner}_migration"}
            assert made == {table.name for table in mapped}

    def test_steps_never_import_live_models(self) -> None:
        allowed = ("core.data.migration_columns",)
        for folder in FOLDERS.values():
            for file in (folder / "versions").glob("*.py"):
                for line in file.read_text().splitlines():
                    if line.startswith(("from core", "import core", "from plugins", "import plugins")):
                        assert line.split()[1] in allowed, f"{file}: {line}"

    def test_history_is_append_only(self, database: Database) -> None:
        with database.connection() as connection:
            migrate(connection, "core", CORE_FOLDER)
            connection.execute(
                text(
                    "INSERT INTO core_operation (id, at, actor_name, action) VALUES (1, '2026-01-01 00:00:00', 'x', 'x')"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO core_change_value (id, operation_id, entity, record_id, field, old) "
                    "VALUES (1, 1, 'x', 1, 'email', 'a')"
                )
            )
        refused = (
            "UPDATE core_operation SET action = 'y'",
            "DELETE FROM core_operation",
            "DELETE FROM core_change_value",
        )
        for statement in refused:
            with pytest.raises(DBAPIError, match="append-only"), database.connection() as connection:
                connection.execute(text(statement))
        with database.connection() as connection:
            connection.execute(text("UPDATE core_change_value SET old = NULL"))


@pytest.mark.covers("OPS-3a")
class TestRunning:
    def test_steps_run_once_in_order(self, database: Database, steps: Any) -> None:
        folder = steps(create("sample_one"), create("sample_two"))
        with database.connection() as connection:
            assert migrate(connection, "sample", folder) == ["sample_0001", "sample_0002"]
        with database.connection() as connection:
            assert migrate(connection, "sample", folder) == []
            assert {"sample_one", "sample_two", "sample_migration"} <= tables(connection)

    def test_a_later_step_runs_alone(self, database: Database, steps: Any) -> None:
        with database.connection() as connection:
            migrate(connection, "sample", steps(create("sample_one")))
        with database.connection() as connection:
            assert migrate(connection, "sample", steps(create("sample_one"), create("sample_two"))) == ["sample_0002"]

    @pytest.mark.parametrize("failing", [1, 2, 3])
    def test_a_failing_step_leaves_nothing(self, database: Database, steps: Any, failing: int) -> None:
        bodies = [create("sample_one"), create("sample_two"), create("sample_three")]
        bodies[1] += "\nop.execute('INSERT INTO sample_one VALUES (1)')"
        bodies[failing - 1] += "\nop.execute('this is no SQL')"
        with pytest.raises(PluginError, match=f"sample_000{failing}") as caught, database.connection() as connection:
            migrate(connection, "sample", steps(*bodies))
        assert caught.value.plugin == "sample"
        with database.connection() as connection:
            assert not {name for name in tables(connection) if name.startswith("sample")}

    @pytest.mark.parametrize("ending", ["commit", "rollback"])
    def test_a_step_cannot_end_the_transaction(self, database: Database, steps: Any, ending: str) -> None:
        body = f"{create('sample_one')}\nop.get_bind().{ending}()"
        with pytest.raises(PluginError, match="must not end"), database.connection() as connection:
            migrate(connection, "sample", steps(body))
        with database.connection() as connection:
            assert "sample_one" not in tables(connection)

    def test_steps_that_cannot_be_read(self, database: Database, steps: Any) -> None:
        folder = steps(create("sample_one"))
        (folder / "versions" / "0002_broken.py").write_text("def upgrade(:\n")
        with pytest.raises(PluginError, match="sample cannot be read"), database.connection() as connection:
            migrate(connection, "sample", folder)

    def test_a_database_from_a_newer_version(self, database: Database, steps: Any) -> None:
        with database.connection() as connection:
            migrate(connection, "sample", steps(create("sample_one")))
            connection.execute(text("UPDATE sample_migration SET version_num = 'sample_0099'"))
        with pytest.raises(PluginError, match="newer version"), database.connection() as connection:
            migrate(connection, "sample", steps(create("sample_one")))

    def test_two_processes_at_once(self, database: Database, database_url: str, steps: Any) -> None:
        folder = steps(create("sample_one"), create("sample_two"))
        applied: list[list[str]] = []
        start = threading.Barrier(4)

        def work() -> None:
            own = Database(database_url)
            start.wait()
            with own.connection() as connection:
                applied.append(migrate(connection, "sample", folder))
            own.dispose()

        threads = [threading.Thread(target=work) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(applied) == [[], [], [], ["sample_0001", "sample_0002"]]

    def test_no_steps_at_all(self, database: Database, tmp_path: Path) -> None:
        with database.connection() as connection:
            assert migrate(connection, "sample", tmp_path / "nowhere") == []


class TestTools:
    def test_the_fingerprint_follows_the_files(self, steps: Any) -> None:
        folder = steps(create("sample_one"))
        first = fingerprint(folder)
        assert first == fingerprint(steps(create("sample_one")))
        assert first != fingerprint(steps(create("sample_two")))
        assert fingerprint(folder / "nowhere") == ""

    def test_drop_owner_takes_its_tables_in_order(self, database: Database, steps: Any) -> None:
        child = (
            "op.create_table('sample_a', sa.Column('id', sa.Integer(), sa.ForeignKey('sample_b.id'), primary_key=True))"
        )
        with database.connection() as connection:
            migrate(connection, "sample", steps(create("sample_b"), child))
            connection.execute(text("INSERT INTO sample_b VALUES (1)"))
            connection.execute(text("INSERT INTO sample_a VALUES (1)"))
        with database.connection() as connection:
            dropped = drop_owner(connection, "sample", ["sample_a", "sample_b", "sample_never_made"])
            assert dropped.index("sample_a") < dropped.index("sample_b")
            assert not {name for name in tables(connection) if name.startswith("sample")}
        with database.connection() as connection:
            assert migrate(connection, "sample", steps(create("sample_b"), child)), "it can be made anew"

    def test_compare_sees_what_is_missing(self, database: Database) -> None:
        with database.connection() as connection:
            assert (
                next(difference[0] for difference in compare(connection, [thirdparty.ThirdParty.__table__]))
                == "add_table"
            )

    def test_a_written_step_makes_the_models_tables(self, tmp_path: Path) -> None:
        folder = tmp_path / "migrations"
        folder.mkdir()
        database = Database(f"sqlite:///{tmp_path / 'scratch.db'}")
        mapped = owned_tables("plugins.thirdparty")
        with database.connection() as connection:
            target = write_step(connection, "thirdparty", folder, "First tables!", mapped)
        assert target.name == "0001_first_tables.py"
        assert "core.fields" not in target.read_text(), "steps are literal"
        with database.connection() as connection:
            assert migrate(connection, "thirdparty", folder) == ["thirdparty_0001"]
            assert compare(connection, mapped) == []
            with pytest.raises(Refused):
                write_step(connection, "thirdparty", folder, "again", mapped)
        database.dispose()


assert core.registry
