"""Streams rows of a CSV file through the unit of work, in units of 500 (the first, plain form of import).

Every value goes through its field's `parse`, every record through the same checks, hooks and history as one typed by
hand. A refused row is reported with line, column and reason, and does not hold up the others.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import delete, insert, select, update

from core.data.clock import database_clock
from core.data.context import Context
from core.data.records import Record
from core.data.tables import JobRow
from core.data.unit import Unit, transaction
from core.errors import Invalid, Refused
from core.exchange.csv_files import restore
from core.fields import Field
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity

UNIT_ROWS = 500
LEASE_SECONDS = 60.0
MAXIMUM_COLUMNS = 200
ENCODINGS = ("utf-8-sig", "cp1252")
PORTION_BYTES = 1_048_576
JOB_NAME = "load"
OUTSIDE = "outside"
"""State of a job row that another process than the worker does; the row only says so while its lease lives."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused: its line in the file, the column if one is to blame, and why."""

    line: int
    column: str | None
    reason: Text


@dataclass(slots=True)
class Outcome:
    """What a load did."""

    created: int = 0
    known: int = 0
    encoding: str = ""
    """How the file was read."""
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """How columns become fields: header by field name, values every row gets, and what a row is recognised by."""

    entity: RegisteredEntity
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    key: Sequence[str]

    def check(self) -> None:
        """Raise `Refused` for a field that does not exist or may not be written."""
        for name in (*self.columns, *self.constants):
            found = self.entity.fields.get(name)
            if found is None or not found.writable:
                raise Refused(
                    _(
                        "%(entity)s has no field “%(name)s” that can be loaded",
                        entity=self.entity.entity.plural,
                        name=name,
                    )
                )
        for name in self.key:
            if name not in self.columns and name not in self.constants:
                raise Refused(_("The key names “%(name)s”, which the file does not fill", name=name))


@dataclass(slots=True)
class Parsed:
    """One row of the file, read by the fields."""

    line: int
    values: dict[str, Any]


def load_file(context: Context, plan: Plan, file: Path, progress: Callable[[int], None]) -> Outcome:
    """Load a file; `progress` is told how many rows were handled. Raises `Refused` when it cannot be read at all."""
    plan.check()
    outcome = Outcome()
    reference = _announce(context, plan)
    seen: set[tuple[Any, ...]] = set()
    try:
        for batch in _batches(_rows(plan, file, outcome), UNIT_ROWS):
            fresh = list(_unknown(context, plan, batch, seen, outcome))
            _write(context, plan, fresh, outcome, reference)
            progress(len(batch))
    finally:
        _withdraw(context, reference)
    return outcome


# -- reading ----------------------------------------------------------------------------------------------------
def _rows(plan: Plan, file: Path, outcome: Outcome) -> Iterator[Parsed | Rejected]:
    fields = {name: plan.entity.fields[name] for name in plan.columns}
    fixed = {name: plan.entity.fields[name].parse(text) for name, text in plan.constants.items()}
    with _opened(file, outcome) as handle:
        reader = csv.reader(handle)
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise Refused(_("The file cannot be read: %(reason)s", reason=error)) from error
        places = _places(plan, header)
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield Rejected(reader.line_num, None, _("The line cannot be read: %(reason)s", reason=error))
                continue
            if row is None:
                return
            if row:
                yield _parse(reader.line_num, row, fields, places, fixed, plan.columns)


def _opened(file: Path, outcome: Outcome) -> TextIO:
    try:
        outcome.encoding = _encoding_of(file)
        return file.open(encoding=outcome.encoding, newline="")
    except OSError as error:
        raise Refused(
            _("The file %(name)s cannot be opened: %(reason)s", name=file.name, reason=error.strerror)
        ) from error


def _encoding_of(file: Path) -> str:
    """The first of the known encodings that fits the whole file, so that no row can break it later (F50)."""
    with file.open("rb") as handle:
        start = handle.read(2)
    known = ("utf-16",) if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ENCODINGS
    for name in known:
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with file.open("rb") as handle:
                while portion := handle.read(PORTION_BYTES):
                    decoder.decode(portion)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Refused(_("The file is neither UTF-8, UTF-16 nor Windows-1252. Save it as UTF-8 and try again."))


def _places(plan: Plan, header: Sequence[str]) -> dict[str, int]:
    if len(header) > MAXIMUM_COLUMNS:
        raise Refused(_("The file has more than %(number)s columns", number=MAXIMUM_COLUMNS))
    places = {}
    for name, column in plan.columns.items():
        if column not in header:
            raise Refused(
                _(
                    "The file has no column “%(column)s”. It has: %(header)s",
                    column=column,
                    header=", ".join(header)[:500],
                )
            )
        places[name] = header.index(column)
    return places


def _parse(
    line: int, row: Sequence[str], fields: Mapping[str, Field], places: Mapping[str, int], fixed: Mapping[str, Any],
    columns: Mapping[str, str],
) -> Parsed | Rejected:  # fmt: skip
    values = dict(fixed)
    for name, found in fields.items():
        place = places[name]
        try:
            values[name] = found.parse(restore(row[place]) if place < len(row) else "")
        except Invalid as error:
            return Rejected(line, columns[name], error.message)
    for name, found in fields.items():
        sources = found.declaration.derived
        if sources and found.required and values[name] is None and not any(map(values.get, sources)):
            return Rejected(line, columns[name], _("Enter a value for %(field)s", field=found.label))
    return Parsed(line, values)


def _batches(rows: Iterable[Parsed | Rejected], size: int) -> Iterator[list[Parsed | Rejected]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


# -- recognising ------------------------------------------------------------------------------------------------
def _unknown(
    context: Context, plan: Plan, batch: Iterable[Parsed | Rejected], seen: set[tuple[Any, ...]], outcome: Outcome
) -> Iterator[Parsed]:
    """The rows of a batch that are neither refused nor there already, in the database or earlier in the file."""
    parsed: list[Parsed] = []
    for row in batch:
        if isinstance(row, Rejected):
            outcome.rejected.append(row)
        else:
            parsed.append(row)
    if not plan.key:
        yield from parsed
        return
    recognisable = [row for row in parsed if _can_be_recognised(plan, row, outcome)]
    stored = _stored_keys(context, plan, recognisable)
    for row in recognisable:
        key = tuple(row.values.get(name) for name in plan.key)
        if key in seen or key in stored:
            outcome.known += 1
        else:
            seen.add(key)
            yield row


def _can_be_recognised(plan: Plan, row: Parsed, outcome: Outcome) -> bool:
    """Whether the file fills any of the key for this row; if not it is refused, since a second load would double it."""
    own = [name for name in plan.key if name in plan.columns]
    if not own or any(row.values.get(name) is not None for name in own):
        return True
    columns = ", ".join(plan.columns[name] for name in own)
    reason = _("The row has no value in %(columns)s, by which rows are recognised", columns=columns)
    outcome.rejected.append(Rejected(row.line, plan.columns[own[0]], reason))
    return False


def _stored_keys(context: Context, plan: Plan, rows: Iterable[Parsed]) -> set[tuple[Any, ...]]:
    """Keys of live records that share a row's leading key field: one question per field that leads.

    A row is led by its first key field with a value, an indexed one if it has one: what has no website is looked up
    by its name, and not among all that have none.
    """
    fields = [plan.entity.fields[name] for name in plan.key]
    leads = sorted(fields, key=lambda found: (found.name not in plan.columns, found.key_column is None))
    wanted: dict[str, set[Any]] = {}
    for row in rows:
        lead = next((found.name for found in leads if row.values.get(found.name) is not None), None)
        if lead is not None:
            wanted.setdefault(lead, set()).add(row.values[lead])
    live = plan.entity.model.__table__.c.deleted_at.is_(None)
    known: set[tuple[Any, ...]] = set()
    with context.database.reading() as session:
        for name, values in wanted.items():
            lead_field = plan.entity.fields[name]
            keyed = lead_field.key_column is not None
            operands = {lead_field.type.key(value) for value in values} if keyed else values
            statement = select(*(found.column for found in fields)).where(lead_field.sort_column.in_(operands), live)
            known.update(tuple(row) for row in session.connection().execute(statement))
    return known


# -- writing ----------------------------------------------------------------------------------------------------
def _write(context: Context, plan: Plan, rows: Sequence[Parsed], outcome: Outcome, reference: str) -> None:
    if not rows:
        return
    try:
        with transaction(f"{plan.entity.name}.load", context=context) as unit:
            for row in rows:
                _add(unit, plan, row)
            _renew(unit, reference)
    except Refused as error:
        if len(rows) == 1:
            outcome.rejected.append(Rejected(rows[0].line, plan.columns.get(error.field or ""), error.message))
            return
        half = len(rows) // 2
        _write(context, plan, rows[:half], outcome, reference)
        _write(context, plan, rows[half:], outcome, reference)
        return
    outcome.created += len(rows)


def _add(unit: Unit, plan: Plan, row: Parsed) -> Record:
    model = plan.entity.model
    own = {found.attribute: row.values[name] for name, found in _own(plan).items() if row.values.get(name) is not None}
    record = unit.add(model(**own))
    for name, value in row.values.items():
        found = plan.entity.fields[name]
        if value is not None and (found.owner is not model or found.extra_key is not None):
            unit.write(record, found, value)
    return record


def _own(plan: Plan) -> dict[str, Field]:
    names = (*plan.columns, *plan.constants)
    fields = {name: plan.entity.fields[name] for name in names}
    return {
        name: found for name, found in fields.items() if found.owner is plan.entity.model and found.extra_key is None
    }


# -- saying that work is under way ------------------------------------------------------------------------------
def _announce(context: Context, plan: Plan) -> str:
    reference = f"{JOB_NAME}:{secrets.token_hex(8)}"
    with transaction("load.begin", context=context) as unit:
        moment = database_clock(unit.session)
        row = {
            "name": JOB_NAME, "plugin": plan.entity.plugin, "payload": {"entity": plan.entity.name}, "state": OUTSIDE,
            "attempts": 1, "run_at": moment, "lease_until": moment + LEASE_SECONDS, "unique_key": reference,
        }  # fmt: skip
        unit.session.connection().execute(insert(JobRow), [row])
    return reference


def _renew(unit: Unit, reference: str) -> None:
    lease = database_clock(unit.session) + LEASE_SECONDS
    unit.session.connection().execute(update(JobRow).where(JobRow.unique_key == reference).values(lease_until=lease))


def _withdraw(context: Context, reference: str) -> None:
    with transaction("load.end", context=context) as unit:
        unit.session.connection().execute(delete(JobRow).where(JobRow.unique_key == reference))


def work_under_way(unit: Unit, name: str, plugin: str) -> bool:
    """Whether work of this name on a plugin's records is running now; work whose process died counts until its lease ends."""
    statement = select(JobRow.id).where(
        JobRow.name == name,
        JobRow.plugin == plugin,
        JobRow.state == OUTSIDE,
        JobRow.lease_until > database_clock(unit.session),
    )
    return unit.session.execute(statement.limit(1)).first() is not None
