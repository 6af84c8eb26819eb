"""The rows of a list as a file: its filters, sort, columns and scope, all of them or the chosen ones (EX-1, EX-2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import parse_qs

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.audit import EXPORT, note
from core.access.models import User
from core.access.permissions import Permissions
from core.contract.changes import Actor
from core.data.query import ListQuery, parse
from core.data.scopes import Scope
from core.data.unit import Unit
from core.errors import Refused
from core.exchange.csv_files import NUMBER, CsvForm, CsvWriter, defuse
from core.features.list_rows import FIRST_COLUMN, Page, count, page_statement, read_page
from core.fields import Field, Link
from core.fields.choices import Listed
from core.fields.text import StoredText
from core.i18n import format_integer, lazy as _
from core.jobs.run import JobRun
from core.registry import RegisteredEntity, Registry

PORTION = 500
"""Rows read at a time."""
MOST_CHOSEN = 100_000


@dataclass(frozen=True, slots=True)
class ListRows:
    """Rows of a list somebody looks at. Made by `rows_asked_for`, and of a job's payload by `rows_of_job`."""

    query: ListQuery
    registry: Registry
    text: str
    """The list's question as its address has it."""
    ids: tuple[int, ...] | None = None
    """The chosen rows; None for all."""

    @property
    def entity(self) -> RegisteredEntity:
        """Whose rows they are."""
        return self.query.entity

    @property
    def payload(self) -> dict[str, Any]:
        """What a job keeps to find them again."""
        return {"entity": self.entity.name, "query": self.text, "ids": None if self.ids is None else list(self.ids)}

    def count(self, session: Session, cap: int) -> int:
        """How many there are, counted up to `cap`."""
        if self.ids is None:
            return count(session, self.query, cap)
        known = 0
        for portion in self._portions(self.ids[:cap]):
            statement = page_statement(self._chosen(), [], PORTION).where(self._key.in_(portion))
            known += len(session.connection().execute(statement).all())
        return known

    def write(
        self, session: Session, handle: BinaryIO, form: CsvForm, told: Callable[[int], None] | None = None
    ) -> int:  # fmt: skip
        """Write them and return how many; `told` hears of the number after each portion. Memory does not grow with them."""
        writer = CsvWriter(handle, form)
        writer.row([defuse(str(field.label)) for field in self.query.columns])
        number = 0
        for rows in self._read(session):
            titles = [
                self._titles(session, field, rows, FIRST_COLUMN + at) for at, field in enumerate(self.query.columns)
            ]
            for row in rows:
                writer.row(
                    [
                        _cell(field, value, named)
                        for field, value, named in zip(self.query.columns, row[FIRST_COLUMN:], titles, strict=False)
                    ]
                )
            number += len(rows)
            if told is not None:
                told(number)
        writer.end()
        return number

    def note(self, unit: Unit, number: int | None = None) -> None:
        """Say in the audit who took them: the list, its question, how many; None: a job will say how many."""
        user = unit.session.get(User, unit.context.actor.id) if unit.context.actor.id is not None else None
        many = _("in the background") if number is None else _("%(number)s rows", number=format_integer(number))
        which = self.text if self.ids is None else _("%(number)s chosen rows", number=format_integer(len(self.ids)))
        what = f"{self.entity.entity.plural}: {many}" + (f" ({which})" if str(which) else "")
        note(unit.session, EXPORT, what, user=user, entity=self.entity.name)

    # -- reading ------------------------------------------------------------------------------------------------
    @property
    def _key(self) -> Any:
        return self.entity.model.__table__.c.id

    def _chosen(self) -> ListQuery:
        return replace(self.query, filters=(), search="")

    def _portions(self, ids: Sequence[int]) -> Iterator[Sequence[int]]:
        for start in range(0, len(ids), PORTION):
            yield ids[start : start + PORTION]

    def _read(self, session: Session) -> Iterator[Sequence[Sequence[Any]]]:
        columns = self.query.columns
        if self.ids is not None and len(self.ids) <= PORTION:
            statement = page_statement(self._chosen(), columns, PORTION).where(self._key.in_(self.ids))
            yield session.connection().execute(statement).all()
            return
        query, wanted = (self.query, None) if self.ids is None else (self._chosen(), frozenset(self.ids))
        while True:
            page: Page = read_page(session, query, columns, PORTION)
            yield page.rows if wanted is None else [row for row in page.rows if row[0] in wanted]
            if page.next is None:
                return
            query = replace(query, place=page.next)

    def _titles(self, session: Session, field: Field, rows: Sequence[Sequence[Any]], at: int) -> Mapping[int, str]:
        """Names of the records a column points at; of those the person may not know of the number stays."""
        target = self.registry.by_table(field.type.to) if isinstance(field.type, Link) else None
        wanted = {row[at] for row in rows if row[at] is not None}
        if target is None or not wanted:
            return {}
        table = target.model.__table__
        statement = select(table.c.id, target.title_field.column).where(table.c.id.in_(wanted))
        known = self.query.scope.known(target) if self.query.scope else None
        if known is not None:
            statement = statement.where(known)
        return {row[0]: str(row[1]) for row in session.connection().execute(statement)}


def make_rows(
    registry: Registry,
    entity: RegisteredEntity,
    text: str,
    ids: Iterable[int] | None,
    permissions: Permissions,
    actor: Actor,
    scope: Scope | None,
) -> ListRows:
    """The rows a question asks for, as one person may see them. Raises `Forbidden` without the right to export them, and
    `Refused` for a question that is not understood: leaving a filter out would give away more than was shown.
    """  # fmt: skip
    permissions.require(actor, entity.permission("export"))
    arguments: Mapping[str, Sequence[str]] = parse_qs(text, keep_blank_values=True)
    asked = {name: values for name, values in arguments.items() if name != "at"}
    linked = permissions.linked_fields(actor, entity, registry)
    query = parse(entity, asked, permissions.fields(actor, entity), scope=scope, linked=linked)
    if query.problems:
        raise Refused(_("These rows cannot be exported: %(reason)s", reason=query.problems[0]))
    chosen = None if ids is None else tuple(dict.fromkeys(ids))[:MOST_CHOSEN]
    return ListRows(query, registry, text, chosen)


def rows_of_job(job: JobRun) -> ListRows:
    """The rows a job was started for, by its `payload`, as its owner may see them now. Raises as `make_rows` does."""
    entity = job.context.registry.entity(str(job.payload["entity"]))
    ids = job.payload.get("ids")
    return make_rows(
        job.context.registry,
        entity,
        str(job.payload["query"]),
        ids,
        job.permissions,
        job.context.actor,
        job.context.scope,
    )


def write_in_job(job: JobRun, rows: ListRows, handle: BinaryIO, form: CsvForm) -> int:
    """Write them from a job, which says how far it is; returns how many."""
    with job.context.database.reading() as session:
        session.scope = job.context.scope
        return rows.write(session, handle, form, told=job.progress)


# -- cells ------------------------------------------------------------------------------------------------------
def _cell(field: Field, value: Any, titles: Mapping[int, str]) -> str:
    """A value as `parse` reads it back: labels of lists, names of linked records, else as forms hold it."""
    if value is None:
        return ""
    if isinstance(field.type, Listed):
        text = field.type.text(value)
    elif isinstance(field.type, Link):
        text = titles.get(value, str(value))
    else:
        text = field.type.edit_text(value)
    is_number = not isinstance(field.type, StoredText) and NUMBER.fullmatch(text) is not None
    return text if is_number else defuse(text)
