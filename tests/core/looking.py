"""What tests of the runtime look at: tables, rows, faults, states of modules."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select, text

from core.data.records import Row
from core.data.tables import PluginIncident
from core.runtime.runtime import Runtime
from core.runtime.state import lock_state
from core.upkeep.overview import modules


def tables(runtime: Runtime) -> set[str]:
    with runtime.database.reading() as session:
        return set(inspect(session.connection()).get_table_names())


def rows(runtime: Runtime, model: type[Row], *where: Any) -> list[Any]:
    with runtime.database.reading() as session:
        found = list(session.scalars(select(model).where(*where)))
        session.expunge_all()
        return found


def incidents(runtime: Runtime, name: str) -> list[str]:
    return [f"{row.kind}: {row.detail}" for row in rows(runtime, PluginIncident, PluginIncident.plugin == name)]


def wait_for_quiet(runtime: Runtime) -> None:
    """PostgreSQL notices a killed client a moment later and undoes its work then."""
    with runtime.database.connection() as connection:
        lock_state(connection)


def state(runtime: Runtime, name: str) -> str:
    return next(module.status for module in modules(runtime) if module.name == name)


def everything(runtime: Runtime) -> dict[str, Any]:
    """The whole database but for incidents, to show that nothing changed."""
    content: dict[str, Any] = {}
    with runtime.database.reading() as session:
        connection = session.connection()
        for name in sorted(inspect(connection).get_table_names()):
            if name != "core_incident":
                content[name] = sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"'))))  # noqa: S608
    return content
