"""Puts the generated third parties into an installation by statement, as the application itself would have written them.

Numbers, keys, links and history come from the same fields and registry; only hooks and rounds are left out, so that a
million rows take minutes. What the loader writes in three operations: created, tagged, contacted.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Table, func, insert, select, update

from core.access.models import User, login_key
from core.access.roles import USER
from core.access.users import actor_of
from core.contract.changes import SYSTEM
from core.data.history import Operation, PersonalValue, RecordChange
from core.data.links import LinkRow
from core.data.numbering import Counter, default_series
from core.data.records import now
from core.data.unit import transaction
from core.features.tags import Tag
from core.registry import RegisteredEntity
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tools.bench.people import PEOPLE, TAGS, Company, companies

MODULES = ("thirdparty", "leads")
PORTION, OPERATION_ROWS = 5_000, 500
"""Rows of one transaction, and of one operation as `comptoir load` makes them."""
OVER = datetime.timedelta(days=700)
"""The time in which the records were made."""
SIGNED_IN = "Alice"
PATTERN = "CU{yy}{mm}-{0000000}"
TABLE = ThirdParty.__tablename__


def ensure(site: Site, rows: int, file: Path | None = None) -> int:
    """Bring the installation to `rows` third parties, in portions, so that an interrupted load goes on; returns how many there are."""
    site.enable(*MODULES)
    people, tags = _accounts(site), _tags(site)
    _widen_numbers(site)
    entity = site.runtime.follow().registry.entity("thirdparty")
    with site.runtime.database.reading() as session:
        there = session.scalar(select(func.count()).select_from(ThirdParty.__table__)) or 0
        last = session.scalar(select(func.max(ThirdParty.id))) or 0
        series = default_series(session, "thirdparty")
    if there >= rows or series is None:
        return there
    source = itertools.islice(companies(rows, people, file), there, None)
    began, step = now() - OVER, OVER / max(rows, 1)
    while portion := list(itertools.islice(source, PORTION)):
        first = last + 1
        with site.runtime.database.connection(wait=60) as connection:
            _Writer(connection, entity, first, began + first * step, tags).write(portion)
            _count_on(connection, series.id, first + len(portion) - 1)
        last += len(portion)
        print(f"\r{last:,} of {rows:,} rows", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if not site.runtime.database.is_sqlite:  # where nobody would do it by itself, it is as new
        with site.runtime.database.connection() as connection:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{TABLE}', 'id'), {last})")
            connection.exec_driver_sql("ANALYZE")
    return rows


def _accounts(site: Site) -> list[int]:
    """The people who own records: all with one hash, since hashing takes longer than all the rest."""
    with site.runtime.database.reading() as session:
        users = session.scalars(select(User).order_by(User.id)).all()
    if not users:
        site.add_person(SIGNED_IN)
        return _accounts(site)
    site.people[SIGNED_IN] = actor_of(users[0])
    if len(users) < PEOPLE:
        with transaction("bench.people", context=site.context()) as unit:
            for number in range(len(users) + 1, PEOPLE + 1):
                email = f"person{number}@bench.example"
                user = User(name=f"Person {number}", email=email, login_key=login_key(email), role=USER, active=True)
                user.password_hash = users[0].password_hash
                unit.session.add(user)
        return _accounts(site)
    return [user.id for user in users]


def _tags(site: Site) -> list[int]:
    statement = select(Tag.id).where(Tag.target == "thirdparty").order_by(Tag.id)
    with site.runtime.database.reading() as session:
        known = list(session.scalars(statement))
    if not known:
        with transaction("bench.tags", context=site.context()) as unit:
            for number in range(1, TAGS + 1):
                unit.add(Tag(name=f"Tag {number}", target="thirdparty"))
        return _tags(site)
    return known


def _widen_numbers(site: Site) -> None:
    """Numbers of seven digits: those of five are used up before there are a hundred thousand."""
    with transaction("bench.numbers", context=site.context()) as unit:
        series = default_series(unit.session, "thirdparty")
        if series is not None and series.mask != PATTERN:
            series.mask = PATTERN


def _count_on(connection: Connection, series: int, last: int) -> None:
    """Let the next record made by hand go on where these end."""
    place = {"series_id": series, "scope": "", "period": ""}
    moved = connection.execute(update(Counter).filter_by(**place).values(last=last))
    if not moved.rowcount:
        connection.execute(insert(Counter), {**place, "last": last})


class _Writer:
    """Writes one portion: operations of hundreds of rows with what they did to each."""

    def __init__(
        self, connection: Connection, entity: RegisteredEntity, first: int, at: datetime.datetime, tags: Sequence[int]
    ) -> None:
        self._connection = connection
        self._entity = entity
        self._first = first
        self._at = at
        self._tags = tags
        self._fields = [found for found in entity.fields.values() if found.owner is entity.model]
        self._makers = _key_makers(cast(Table, ThirdParty.__table__))

    def write(self, portion: Sequence[Company]) -> None:
        """All of it, in the transaction of the connection."""
        rows, changes, personal, links = [], [], [], []
        created = tagged = contacted = 0
        for number, company in enumerate(portion, start=self._first):
            if (number - self._first) % OPERATION_ROWS == 0:
                created, tagged, contacted = (self._operation(name) for name in ("load", "bulk_tag", "bulk_set"))
            values = self._with_defaults(company.values, number)
            fields = {
                found.name: [None, found.type.dump(values[found.attribute])]
                for found in self._fields
                if values.get(found.attribute) is not None and not found.declaration.readonly
            }
            for found in self._fields:
                if found.declaration.personal and found.name in fields:
                    personal.append(self._value(created, number, found.name, fields[found.name][1]))
                    fields[found.name] = [None, None]
            changes.append(self._change(created, number, values["name"], "created", fields, 1))
            tags = tuple(sorted(self._tags[place] for place in company.tags))
            text = ",".join(map(str, tags))
            changes.append(self._change(tagged, number, values["name"], "updated", {"tags": [None, text]}, 2))
            version = 2
            if company.status != values["contact_status"]:
                version, moved = 3, {"contact_status": [values["contact_status"], company.status]}
                changes.append(self._change(contacted, number, values["name"], "updated", moved, version))
            links += [self._link("extra.tags", number, tag) for tag in tags]
            links += [self._link("representatives", number, person) for person in values["representatives"] or ()]
            values |= {"extra": {"tags": text}, "contact_status": company.status, "version": version, "id": number}
            rows.append({**values, **{key: make(values[source]) for source, key, make in self._makers}})
        self._insert((ThirdParty, rows), (RecordChange, changes), (PersonalValue, personal), (LinkRow, links))

    def _insert(self, *written: tuple[Any, Sequence[Mapping[str, Any]]]) -> None:
        for model, rows in written:
            if rows:
                self._connection.execute(insert(cast(Table, model.__table__)), rows)

    def _operation(self, verb: str) -> int:
        values = {"at": self._at, "actor_id": SYSTEM.id, "actor_name": SYSTEM.name, "action": f"thirdparty.{verb}"}
        statement = insert(Operation).values(**values).returning(Operation.id)
        return int(self._connection.execute(statement).scalar_one())

    def _with_defaults(self, given: Mapping[str, Any], number: int) -> dict[str, Any]:
        moment = self._at + datetime.timedelta(seconds=number - self._first)
        made: dict[str, Any] = {found.attribute: None for found in self._fields if found.extra_key is None}
        for found in self._fields:
            if found.declaration.default is not None:
                made[found.attribute] = found.declaration.default()
        stamps = {"created_at": moment, "updated_at": moment, "deleted_at": None}
        return {**made, **given, **stamps, "code": f"CU{self._at:%y%m}-{number:07}"}

    def _change(self, operation: int, number: int, title: str, kind: str, fields: Any, version: int) -> dict[str, Any]:
        return {
            "operation_id": operation, "entity": self._entity.name, "record_id": number, "kind": kind, "title": title,
            "fields": fields, "version": version,
        }  # fmt: skip

    def _value(self, operation: int, number: int, name: str, new: str | None) -> dict[str, Any]:
        place = {"operation_id": operation, "entity": self._entity.name, "record_id": number}
        return {**place, "field": name, "old": None, "new": new}

    def _link(self, column: str, number: int, target: int) -> dict[str, Any]:
        return {"source_table": TABLE, "source_column": column, "record_id": number, "target_id": target}


def _key_makers(table: Table) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """What fills the columns that searches and sorting use: source, column, and the function of a value."""
    found: Iterable[Any] = (column for column in table.columns if "key_of" in column.info)
    makers: list[tuple[str, str, Callable[[Any], Any]]] = []
    for column in found:
        source = column.info["key_of"]
        make = column.info.get("key_by") or table.columns[source].info["field"].type.key
        makers.append((source, column.name, functools.partial(_key, make)))
    return makers


def _key(make: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else make(value)
