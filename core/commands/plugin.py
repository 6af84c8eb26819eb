"""`comptoir plugin list | enable | disable | purge`: the Modules page for a terminal (MO-1 to MO-3)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.i18n import gettext as _

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its verbs."""
    parser = subparsers.add_parser("plugin", help=_("modules: list, switch on and off, remove their data"))
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    verbs.add_parser("list", help=_("every module and its state")).set_defaults(run=run_list)
    enable = verbs.add_parser("enable", help=_("switch a module on, with those it needs"))
    enable.add_argument("name", metavar="NAME")
    enable.set_defaults(run=run_enable)
    disable = verbs.add_parser("disable", help=_("switch a module off; its data stays"))
    disable.add_argument("name", metavar="NAME")
    disable.add_argument("--with-dependents", action="store_true", help=_("those that need it as well"))
    disable.set_defaults(run=run_disable)
    purge = verbs.add_parser("purge", help=_("remove the data of a module that is off"))
    purge.add_argument("name", metavar="NAME")
    purge.add_argument("--yes", action="store_true", help=_("do not ask"))
    copies = purge.add_mutually_exclusive_group()
    copies.add_argument("--dump-to", type=Path, metavar="FOLDER", help=_("where the copy of the data goes"))
    copies.add_argument("--no-dump", action="store_true", help=_("do not keep a copy of the data"))
    purge.set_defaults(run=run_purge)


def run_list(arguments: argparse.Namespace) -> int:
    """Print name, version, state and reason of every module."""
    from core.commands.common import started_runtime
    from core.upkeep.overview import modules

    with started_runtime() as runtime:
        rows = [("NAME", "VERSION", "STATE", "")]
        for module in modules(runtime):
            reasons = [str(reason) for reason in (module.reason, module.waiting) if reason]
            rows.append((module.name, module.version, module.status, "; ".join(reasons)))
        for clash in runtime.discovery.clashes:
            rows.append((clash.name, clash.version, "unavailable", str(clash.error)))
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        print("  ".join((*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3])).rstrip())
    return 0


def run_enable(arguments: argparse.Namespace) -> int:
    """Switch a module on."""
    from core.commands.common import started_runtime
    from core.runtime.activation import enable

    with started_runtime() as runtime:
        came = enable(runtime, arguments.name)
    if came:
        print(_("Switched on: %(names)s", names=", ".join(came)))
    else:
        print(_("The module %(name)s is on already", name=arguments.name))
    return 0


def run_disable(arguments: argparse.Namespace) -> int:
    """Switch a module off."""
    from core.commands.common import started_runtime
    from core.runtime.activation import disable

    with started_runtime() as runtime:
        went = disable(runtime, arguments.name, with_dependents=arguments.with_dependents)
    if went:
        print(_("Switched off, their data stays: %(names)s", names=", ".join(went)))
    else:
        print(_("The module %(name)s is off already", name=arguments.name))
    return 0


def run_purge(arguments: argparse.Namespace) -> int:
    """Remove the data of a module, after its name was typed once more."""
    from core.commands.common import started_runtime
    from core.upkeep.purging import dump_folder, purge

    with started_runtime() as runtime:
        target: Path | None = None if arguments.no_dump else arguments.dump_to or dump_folder(runtime)
        if not arguments.yes and not _confirmed(runtime, arguments.name, target):
            print(_("Nothing was removed"), file=sys.stderr)
            return 2
        written = purge(runtime, arguments.name, dump_to=target)
    print(_("The data of module %(name)s was removed", name=arguments.name))
    if written is not None:
        print(_("A copy is in %(file)s", file=written))
    return 0


def _confirmed(runtime: Runtime, name: str, target: Path | None) -> bool:
    """Say what would go, where a copy goes first, and ask for the name. Raises what `purge` would, before anybody types."""
    from core.upkeep.dumps import count_pointing, entities_of
    from core.upkeep.overview import count
    from core.upkeep.purging import check_purge

    entities = entities_of(runtime, name)
    with runtime.database.reading() as session:
        tables = check_purge(runtime, session, name)
        counts = {table: count(session.connection(), table) for table in tables}
        for table, number in {**counts, **count_pointing(session, entities, tables)}.items():
            print(_("  %(table)s: %(number)s rows", table=table, number=number))
    if target is None:
        print(_("No copy of them is kept. Leave --no-dump out for one."))
    else:
        print(_("A copy of them, files included, is written to %(folder)s first (--no-dump: none).", folder=target))
    if not sys.stdin.isatty():
        print(_("Repeat with --yes to remove these tables"), file=sys.stderr)
        return False
    return input(_("Type %(name)s to remove these tables: ", name=name)).strip() == name
