"""`comptoir migration OWNER MESSAGE`: writes a migration step from what the models say now, for developers (OPS-3)."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from core.i18n import gettext as _

if TYPE_CHECKING:
    from sqlalchemy import Table


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("migration", help=_("for developers: write a migration step from the models"))
    parser.add_argument("owner", metavar="OWNER", help=_("a plugin's name, or core"))
    parser.add_argument("message", metavar="MESSAGE", help=_("what the step does, in a few words"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare an empty database taken to the last step with the models, and write the difference."""
    from core.commands.migration_writer import write_step
    from core.data.engine import Database
    from core.data.migrations import CORE_FOLDER, migrate
    from core.errors import Refused
    from core.runtime.discovery import Discovery

    discovery = Discovery()
    discovery.scan()
    owner: str = arguments.owner
    needs = [] if owner == "core" else discovery.closure_needs([owner])
    folders: dict[str, Path] = {"core": CORE_FOLDER}
    for name in needs:
        folder = discovery.found[name].folder
        if folder is None:
            raise Refused(_("The module %(name)s is a single file: only a package can have migrations", name=name))
        folders[name] = folder / "migrations"
        importlib.import_module(discovery.plugin(name).hooks)
    package = "core" if owner == "core" else discovery.found[owner].package
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(f"sqlite:///{scratch}/scratch.db")
        with database.connection() as connection:
            for name, folder in folders.items():
                migrate(connection, name, folder)
            target = write_step(connection, owner, folders[owner], arguments.message, owned_tables(package))
        database.dispose()
    print(target)
    print(_("Read it before you use it: it must stay as it is once released."))
    return 0


def owned_tables(package: str) -> list[Table]:
    """The mapped tables whose classes stand in a package."""
    import core.access.models
    import core.exchange.mail.models
    import core.features.demo
    import core.runtime.generation  # noqa: F401 - these four map the core's own tables
    from core.data.records import Row

    mapped = [mapper for mapper in Row.registry.mappers if f"{mapper.class_.__module__}.".startswith(f"{package}.")]
    names = {mapper.class_.__tablename__ for mapper in mapped}
    return [table for table in Row.metadata.sorted_tables if table.name in names]
