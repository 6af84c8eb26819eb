"""What must hold of a database at any moment, whoever was killed: nothing half-written, history equal to the records."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import select

from core.data.history import Operation, RecordChange, changes_of
from core.data.records import Record
from core.data.tables import JobRow
from core.features.dictionaries import DictionaryEntry
from core.testing.site import Site
from tests.probe.helpers import fetch


def check(site: Site) -> None:
    """Raise `AssertionError` naming what is wrong."""
    if site.runtime.database.is_sqlite:
        assert fetch(site, "PRAGMA integrity_check") == [("ok",)]
        assert fetch(site, "PRAGMA foreign_key_check") == []
    check_operations(site)
    check_records(site)
    check_numbers(site)


def operations(site: Site) -> list[int]:
    """Operations that changed records."""
    column = RecordChange.__table__.c.operation_id
    return [row[0] for row in fetch(site, select(column).distinct().order_by(column))]


def check_operations(site: Site) -> None:
    """Every operation has its changes, and one job row for each plugin that listens."""
    table = Operation.__table__
    silent = table.c.action.not_like("module.%")
    assert operations(site) == [
        row[0]
        for row in fetch(site, select(table.c.id).where(silent | table.c.id.in_(operations(site))).order_by(table.c.id))
    ]
    listeners = set(site.context().hooks.listeners("changes_committed"))
    told: Counter[int] = Counter()
    for row in fetch(site, select(JobRow.__table__).where(JobRow.__table__.c.name == "changes_committed")):
        assert row.plugin in listeners
        told[row.payload["operation"]] += 1
    since = min(told, default=0)  # plugins that came later listen to what comes later
    assert told == {operation: len(listeners) for operation in operations(site) if operation >= since}


def check_records(site: Site) -> None:
    """Replaying a record's history gives its present values, and there is a record for each history."""
    replayed: dict[tuple[str, int], dict[str, Any]] = {}
    with site.runtime.database.reading() as session:
        for operation in operations(site):
            for entry in changes_of(session, operation):
                change = entry.change
                assert change.moved is None
                place = (change.entity, change.record_id)
                if change.kind == "created":
                    assert place not in replayed
                    replayed[place] = {}
                values = replayed[place]
                for name, (old, new) in entry.fields.items():
                    assert values.get(name) == old, (place, name)
                    values[name] = new
                if change.kind in ("deleted", "restored"):
                    assert values.get("*bin", False) is (change.kind == "restored"), place
                    values["*bin"] = change.kind == "deleted"
                values["*version"] = change.version
    for registered in site.context().registry.entities.values():
        present = _present(site, registered.model)
        if registered.model is DictionaryEntry:  # shipped values are nobody's doing
            present = {number: values for number, values in present.items() if (registered.name, number) in replayed}
        expected = {place[1]: _clean(values) for place, values in replayed.items() if place[0] == registered.name}
        assert present == expected


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, False)}


def _present(site: Site, model: type[Record]) -> dict[int, dict[str, Any]]:
    """Values as history dumps them, by id; facets included."""
    registered = site.context().registry.entity(model.entity.name)
    found: dict[int, dict[str, Any]] = {}
    for owner, fields in registered.tracked.items():
        for row in fetch(site, owner.__table__.select()):
            key = row.id if owner is model else row.record_id
            values = found.setdefault(key, {})
            for field in fields:
                value = getattr(row, field.attribute)
                values[field.name] = None if value is None else field.type.dump(value)
            if owner is model:
                values["*version"], values["*bin"] = row.version, row.deleted_at is not None
    return {key: _clean(values) for key, values in found.items()}


def check_numbers(site: Site) -> None:
    """As many codes as the counter gave, without gap."""
    given = sum(row.last for row in fetch(site, "SELECT last FROM core_counter"))
    codes = [int(row.code.rpartition("-")[2]) for row in fetch(site, "SELECT code FROM thirdparty_thirdparty")]
    assert sorted(codes) == list(range(1, given + 1))
