"""Schema steps of the core and of each plugin: Alembic without an env.py (DESIGN 10, OPS-3, SECURITY F21, F24).

An owner has a folder `migrations/versions` of steps and a version table of its own, `<owner>_migration`. Steps run on
the caller's connection inside the caller's transaction, so a step that fails leaves nothing behind, on either engine.
Alembic is slow to import; callers compare `fingerprint` first and come here only when files changed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, MetaData, Table, inspect, text

from core.data.guards import cover, uncover
from core.data.session import ENDINGS
from core.errors import PluginError
from core.i18n import Text, lazy as _

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

CORE_FOLDER = Path(__file__).parent.parent / "migrations"
MIGRATION_LOCK = 0x0C0817011
"""Key of the PostgreSQL advisory lock that keeps two processes from migrating at once."""

SEARCH_PREFIX = "core_search_"
"""How the indexes of searched texts begin, which follow the declarations and no step (`core.features.search_index`)."""

_process_lock = threading.Lock()  # `alembic.op` is one proxy for the whole process


def version_table(owner: str) -> str:
    """The table that says which steps of an owner were done."""
    return f"{owner}_migration"


def fingerprint(folder: Path) -> str:
    """A hash of an owner's step files; empty without any. Cheap, and does not import Alembic."""
    files = sorted((folder / "versions").glob("*.py"))
    if not files:
        return ""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def migrate(connection: Connection, owner: str, folder: Path) -> list[str]:
    """Run the steps of an owner that were not yet done, inside the transaction that is open on `connection`.

    Returns the revisions applied, oldest first. Raises `PluginError` naming the owner and the step; the caller then
    rolls back, and nothing of any step remains (F21).
    """
    if not fingerprint(folder):
        return []
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    applied: list[str] = []
    under_way: list[str] = []

    def steps(revision: Any, context: MigrationContext) -> Iterator[Any]:
        for step in scripts._upgrade_revs("heads", revision):
            under_way.append(step.revision.revision)
            yield step
            applied.append(under_way.pop())

    with _process_lock, _keeping_transaction(connection):
        try:
            scripts = ScriptDirectory(str(folder))
            context = migration_context(connection, owner, {"script": scripts, "fn": steps})
            with Operations.context(context):
                context.run_migrations()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a step must not end the process (F30)
            raise PluginError(owner, _failure(owner, under_way, error), kind="migration") from error
    return applied


def migration_context(connection: Connection, owner: str, options: dict[str, Any]) -> MigrationContext:
    """Alembic's view of one owner's part of the database."""
    from alembic.runtime.migration import MigrationContext

    from core.data.records import NAMING

    # Alembic holds that SQLite has no transactional DDL because of the driver's own BEGIN; ours is explicit.
    settings = {"version_table": version_table(owner), "transactional_ddl": True}
    names = {"target_metadata": MetaData(naming_convention=NAMING)}
    return MigrationContext.configure(connection, opts={**names, **settings, **options})


def _failure(owner: str, under_way: list[str], error: BaseException) -> Text:
    if under_way:
        return _(
            "Step %(step)s of module %(owner)s failed, nothing of it was kept: %(error)s",
            step=under_way[-1],
            owner=owner,
            error=error,
        )
    return _(
        "The steps of module %(owner)s cannot be read, or the database is from a newer version: %(error)s",
        owner=owner,
        error=error,
    )


@contextmanager
def _keeping_transaction(connection: Connection) -> Iterator[None]:
    """Refuse COMMIT and ROLLBACK by a step: it would keep half of what fails later."""
    cover(connection, *ENDINGS, why="inside a migration step: it must not end the transaction it runs in")
    try:
        yield
    finally:
        uncover(connection)


def drop_owner(connection: Connection, owner: str, tables: Iterable[str]) -> list[str]:
    """Drop an owner's tables, those that point at others first, and its version table (MO-3).

    Returns the names dropped. The caller has made sure that no table of anybody else points at them.
    """
    existing = set(inspect(connection).get_table_names())
    wanted = [name for name in {*tables, version_table(owner)} if name in existing]
    metadata = MetaData()
    metadata.reflect(connection, only=wanted)
    doomed = [table for table in reversed(metadata.sorted_tables) if table.name in wanted]
    for table in doomed:
        table.drop(connection)
    return [table.name for table in doomed]


def compare(connection: Connection, tables: Iterable[Table]) -> list[Any]:
    """How the database differs from mapped tables, as Alembic sees it; empty when the steps made what the models say."""
    from alembic.autogenerate import compare_metadata

    wanted = list(tables)
    if not wanted:
        return []
    return list(compare_metadata(migration_context(connection, "compare", only(wanted)), wanted[0].metadata))


def only(tables: Iterable[Table]) -> dict[str, Any]:
    """Alembic options that leave out everything but these tables."""
    names = {table.name for table in tables}

    def include(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        return name in names if kind == "table" else not (name or "").startswith(SEARCH_PREFIX)

    return {"include_object": include, "compare_type": True}
