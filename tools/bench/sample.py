"""What the floor is to send and to write: taken from a real list page and a real new record of the installation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from core.testing.site import Browser, Site
from tools.bench.people import SEED

ROW = re.compile(r'<tr id="row-\d+">.*?</tr>', re.DOTALL)
COPIED = ("core_operation", "thirdparty_thirdparty", "core_change", "core_change_value", "core_submission", "core_job",
          "core_link")  # fmt: skip
"""The tables a new record writes to, each after those it refers to."""
PLAIN = frozenset({"core_submission", "core_link"})
"""Tables without a number of their own."""
REFERS = {"operation_id": "core_operation", "record_id": "thirdparty_thirdparty"}
UNIQUE = frozenset({"code", "code_key", "key", "unique_key"})
MOMENTS = frozenset({"at", "created_at", "updated_at"})
FLOOR_ACTION = "bench.floor"


def new_values(number: str) -> dict[str, str]:
    """What a person types into the form of a new third party; `number` makes it another one each time."""
    return {
        "name": f"Atelier Bench {number}", "role": "prospect", "contact_status": "never", "town": "Lyon", "country": "FR",
        "email": f"contact@bench{number}.example", "phone": "+33472001122", "street": "1 rue du Moulin",
        "key": f"bench-{SEED}-{number}",
    }  # fmt: skip


def write_sample(site: Site, browser: Browser, path: str, file: Path) -> None:
    """Write the sample of the list at `path` and of a new record into `file`."""
    browser.get(path)
    with _statements(site) as sent:
        page = browser.get(path).text
    lines = ROW.findall(page)
    selected = [(text, values) for text, values in sent if "FROM thirdparty_thirdparty" in text]
    counted = next(_literal(*one) for one in selected if "count(" in one[0])
    rows = next(
        _literal(*one) for one in selected if "count(" not in one[0] and len(one[0].split(" FROM ")[0].split(",")) > 3
    )
    engine = site.runtime.database.engine
    with engine.connect() as connection:
        first = connection.exec_driver_sql(
            rows.replace("%", "%%") if not site.runtime.database.is_sqlite else rows
        ).first()
    head, tail = page.split(lines[0], 1)[0], page.rsplit(lines[-1], 1)[1]
    file.write_text(
        json.dumps({
            "head": head, "tail": tail, "row": _pieces(lines[0], first or ()), "rows": rows, "count": counted,
            "tables": _tables(site, browser),
        }, default=str),
        encoding="utf-8",
    )  # fmt: skip


@contextmanager
def _statements(site: Site) -> Iterator[list[tuple[str, Any]]]:
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        sent.append((" ".join(statement.split()), values))

    engine = site.runtime.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _literal(statement: str, values: Any) -> str:
    """The statement with its values written into it."""
    if isinstance(values, Mapping):
        named = {name: _quoted(value) for name, value in values.items()}
        text = re.sub(r"%\((\w+)\)s(::\w+)?", lambda found: named[found.group(1)], statement)
        return text.replace("%%", "%")
    parts = statement.split("?")
    return "".join(part + _quoted(value) for part, value in zip(parts, values, strict=False)) + parts[-1]


def _quoted(value: Any) -> str:
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _pieces(line: str, row: Sequence[Any]) -> list[tuple[str, int | None]]:
    """A row of the page as constant texts, each with the column of the value behind it."""
    shown = {str(value): place for place, value in reversed(list(enumerate(row))) if _is_shown(value)}
    pattern = re.compile("|".join(re.escape(escape(text)) for text in sorted(shown, key=len, reverse=True)))
    places = {escape(text): place for text, place in shown.items()}
    pieces: list[tuple[str, int | None]] = []
    end = 0
    for found in pattern.finditer(line):
        pieces.append((line[end : found.start()], places[found.group()]))
        end = found.end()
    return [*pieces, (line[end:], None)]


def _is_shown(value: Any) -> bool:
    return (isinstance(value, str) and len(value) > 1) or (isinstance(value, int) and value > 1)


def _tables(site: Site, browser: Browser) -> list[dict[str, Any]]:
    """The rows that one new record wrote, and what of them differs from record to record."""
    engine = site.runtime.database.engine
    with engine.connect() as connection:
        before = {name: _ids(connection, name) for name in COPIED}
    browser.get("/thirdparties/new")
    answer = browser.post("/thirdparties/new", new_values(f"0{_next(before)}"))
    if answer.status_code != 303:
        raise SystemExit(f"a new third party was answered with {answer.status_code}")
    tables: list[dict[str, Any]] = []
    with engine.connect() as connection:
        for name in COPIED:
            tables += [_described(name, row) for row in _added(connection, name, before[name])]
    return tables


def _next(before: Mapping[str, Any]) -> str:
    return str(before["core_operation"])


def _ids(connection: Connection, name: str) -> Any:
    """Where a table ends: its last number, or how many rows it has."""
    what = "count(*)" if name in PLAIN else "coalesce(max(id), 0)"
    return connection.exec_driver_sql(f"SELECT {what} FROM {name}").scalar_one()  # noqa: S608 - one of COPIED


def _added(connection: Connection, name: str, before: int) -> list[dict[str, Any]]:
    if name == "core_submission":
        condition = "WHERE \"key\" LIKE 'bench-%' ORDER BY at DESC LIMIT 1"
    elif name == "core_link":
        condition = (
            "WHERE source_table = 'thirdparty_thirdparty' AND record_id = (SELECT max(id) FROM thirdparty_thirdparty)"
        )
    else:
        condition = f"WHERE id > {before} ORDER BY id"
    statement = f"SELECT * FROM {name} {condition.replace('%', '%%')}"  # noqa: S608 - one of COPIED
    return [dict(row) for row in connection.exec_driver_sql(statement).mappings()]


def _described(name: str, row: dict[str, Any]) -> dict[str, Any]:
    values = {key: json.dumps(value) if isinstance(value, (dict, list)) else value for key, value in row.items()}
    if name not in PLAIN:
        del values["id"]
    if name == "core_operation":
        values["action"] = FLOOR_ACTION
    if name == "core_job":
        values["state"] = "done"  # nobody is to be told of it
    return {
        "name": name, "values": values, "identity": name not in PLAIN,
        "refers": {column: table for column, table in REFERS.items() if column in values},
        "unique": [column for column in values if column in UNIQUE and values[column] is not None],
        "moments": [column for column in values if column in MOMENTS],
    }  # fmt: skip
