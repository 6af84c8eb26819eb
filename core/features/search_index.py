"""The index texts are searched by: trigrams of the normalised keys, kept by the database itself (PERFORMANCE D3).

Every table with a field declared `search=True` has one: on SQLite an FTS5 table over the keys that triggers keep in
step, on PostgreSQL a GIN index of pg_trgm. It names candidates only; whoever asks compares the fields he may see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    column,
    func,
    inspect,
    literal,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError

from core.data.migrations import MIGRATION_LOCK, SEARCH_PREFIX
from core.data.records import Fielded

LEAST = 3
"""From so many characters on, texts are found by their trigrams; shorter ones by the beginnings of the keys."""
_MOST_TRIGRAMS = 16
"""More of one term do not narrow the candidates any further."""
_EXTENSION = "pg_trgm"
_TOKENIZER = "trigram case_sensitive 1"


def searched_keys(source: FromClause) -> list[ColumnElement[Any]]:
    """The key columns of a table whose fields are searched."""
    found: list[ColumnElement[Any]] = []
    for key in source.columns:
        name = key.info.get("key_of")
        declaration = source.columns[name].info.get("field") if name is not None else None
        if declaration is not None and declaration.search and key.name == f"{name}_key":
            found.append(key)
    return found


def index_name(name: str) -> str:
    """What the index of a table is called."""
    return f"{SEARCH_PREFIX}{name}"


def candidates(source: FromClause, terms: Iterable[str]) -> Select[Any]:
    """The ids of a table's rows that may hold one of the terms, each of `LEAST` characters or more; for SQLite."""
    name = index_name(source.description)
    index = table(name, column("rowid"), column(name))
    asked = " OR ".join(f"({_all_trigrams(term)})" for term in sorted(set(terms)))
    return select(index.c.rowid).where(index.c[name].op("MATCH")(literal(asked)))


def _all_trigrams(term: str) -> str:
    found = dict.fromkeys(term[at : at + LEAST] for at in range(len(term) - LEAST + 1))
    return " AND ".join('"' + one.replace('"', '""') + '"' for one in list(found)[:_MOST_TRIGRAMS])


def joined_keys(source: FromClause) -> ColumnElement[str]:
    """The searched keys of a row as one text, written as PostgreSQL's index has it, so that the index is used."""
    return literal_column(_joined(source, f'"{source.description}".'))


def _joined(source: FromClause, prefix: str = "") -> str:
    return " || ' ' || ".join(f"coalesce({prefix}\"{key.name}\", '')" for key in searched_keys(source))


# -- making it --------------------------------------------------------------------------------------------------
def outdated(connection: Connection, models: Iterable[type[Fielded]]) -> list[Table]:
    """Those of the models' tables that are there, are searched, and whose index is missing or of other fields."""
    searched = [table for model in models if searched_keys(table := cast(Table, model.__table__))]
    if not searched:
        return []
    there = set(inspect(connection).get_table_names())
    stored = _stored(connection)
    if stored is None:
        return []
    return [one for one in searched if one.name in there and not _wanted(connection, one).items() <= stored.items()]


def is_whole(connection: Connection, models: Iterable[type[Fielded]]) -> bool:
    """Whether all indexes are there; without pg_trgm PostgreSQL compares every row instead."""
    return _stored(connection) is not None and not outdated(connection, models)


def build(connection: Connection, tables: Iterable[Table]) -> None:
    """Make the indexes of these tables anew, with the rows there are."""
    doomed = list(tables)
    if not doomed:
        return
    if connection.dialect.name == "sqlite":
        drop(connection, [one.name for one in doomed])
        for one in doomed:
            for statement in _wanted(connection, one).values():
                connection.exec_driver_sql(statement)
            name = index_name(one.name)
            connection.exec_driver_sql(_insert(name, f'"{name}"', "'rebuild'"))
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    if not _has_extension(connection):
        return
    for one in doomed:
        name, comment = next(iter(_wanted(connection, one).items()))
        connection.exec_driver_sql(f'DROP INDEX IF EXISTS "{name}"')
        keys = _joined(one).replace("%", "%%")
        connection.exec_driver_sql(f'CREATE INDEX "{name}" ON "{one.name}" USING gin (({keys}) gin_trgm_ops)')
        connection.exec_driver_sql(f"COMMENT ON INDEX \"{name}\" IS '{comment}'")


def drop(connection: Connection, names: Iterable[str]) -> None:
    """Remove the indexes of the tables of these names, before their columns change or they go."""
    for name in names:
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(f'DROP INDEX IF EXISTS "{_short(name)}"')
            continue
        for event in _EVENTS:
            connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{index_name(name)}_{event}"')
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{index_name(name)}"')


def _short(name: str) -> str:
    """PostgreSQL cuts names at 63 characters; two tables must not share one."""
    whole = index_name(name)
    return whole if len(whole) <= 63 else f"{whole[:54]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _wanted(connection: Connection, source: Table) -> dict[str, str]:
    """Name -> what tells an index that is up to date: its statements, or on PostgreSQL the comment on it."""
    if connection.dialect.name != "sqlite":
        return {_short(source.name): hashlib.sha256(_joined(source).encode()).hexdigest()}
    return _sqlite_statements(source)


_EVENTS = ("added", "removed", "changed")


def _sqlite_statements(source: Table) -> dict[str, str]:
    name, keys = index_name(source.name), [key.name for key in searched_keys(source)]
    identity = next(iter(source.primary_key.columns)).name
    columns = ", ".join(f'"{key}"' for key in keys)
    add = _insert(name, f"rowid, {columns}", _of("new", [identity, *keys]))
    remove = _insert(name, f'"{name}", rowid, {columns}', f"'delete', {_of('old', [identity, *keys])}")
    differs = " OR ".join(f'old."{key}" IS NOT new."{key}"' for key in keys)
    on = f'ON "{source.name}"'
    return {
        name: f'CREATE VIRTUAL TABLE "{name}" USING fts5({columns}, content="{source.name}",'
        f' content_rowid="{identity}", tokenize="{_TOKENIZER}", detail=none, columnsize=0)',
        f"{name}_added": f'CREATE TRIGGER "{name}_added" AFTER INSERT {on} BEGIN {add} END',
        f"{name}_removed": f'CREATE TRIGGER "{name}_removed" AFTER DELETE {on} BEGIN {remove} END',
        f"{name}_changed": f'CREATE TRIGGER "{name}_changed" AFTER UPDATE OF {columns} {on}'
        f" WHEN {differs} BEGIN {remove} {add} END",
    }


def _insert(name: str, columns: str, values: str) -> str:
    return f'INSERT INTO "{name}"({columns}) VALUES ({values});'  # noqa: S608  # names of models, no values


def _of(row: str, names: Sequence[str]) -> str:
    return ", ".join(f'{row}."{name}"' for name in names)


def _stored(connection: Connection) -> dict[str, str] | None:
    """What `_wanted` is compared with; None where PostgreSQL does not have the extension."""
    if connection.dialect.name == "sqlite":
        schema = table("sqlite_master", column("name"), column("sql"))
        rows = connection.execute(
            select(schema.c.name, schema.c.sql).where(schema.c.name.startswith(SEARCH_PREFIX, autoescape=True))
        )
        return {name: sql for name, sql in rows}
    available = text("SELECT 1 FROM pg_available_extensions WHERE name = :name")
    if connection.execute(available, {"name": _EXTENSION}).first() is None:
        return None
    classes = table("pg_class", column("oid"), column("relname"), column("relkind"))
    told = func.coalesce(func.obj_description(classes.c.oid, "pg_class"), "")
    named = classes.c.relname.startswith(SEARCH_PREFIX, autoescape=True)
    return {name: comment for name, comment in connection.execute(select(classes.c.relname, told).where(named))}


def _has_extension(connection: Connection) -> bool:
    """Whether pg_trgm is there, made now if we are allowed to."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {_EXTENSION}")
    except DBAPIError:  # the account may not make it: `comptoir check` says so, and searching compares every row
        return False
    return True
