"""Values as HTML cells: one function per column, no template per cell (PERFORMANCE D9); `row_writer` makes rows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import g
from markupsafe import escape
from sqlalchemy import select

from core.data.session import GuardedSession
from core.fields import Field, Link
from core.i18n import gettext, lazy as _
from core.registry import RegisteredEntity, Registry
from core.web.boundary import report_fault
from core.web.contexts import StatusButton, StatusStrip

Cell = Callable[[Any], str]
MOST_KNOWN = 1_000
"""Values of a column that are kept as HTML."""
Titles = Mapping[int, tuple[str, str | None]]
"""Names of linked records with their addresses, None where one may not go."""


def empty_cell() -> str:
    """An empty value: a word to hear, in whose place the styles show a dash (UX 3.4)."""
    return f'<span class="nil">{escape(gettext("empty"))}</span>'


def cell_maker(found: Field, nothing: str | None = None) -> Cell:
    """The function that turns a column's value into HTML. Values of a list of choices are turned once.

    `nothing`: what stands for no value, if not the usual word.
    """
    html, nothing = found.type.html, empty_cell() if nothing is None else nothing
    known: dict[Any, str] | None = {} if found.type.control().options else None

    def cell(value: Any) -> str:
        if value is None:
            return nothing
        if known is not None and isinstance(value, str) and value in known:
            return known[value]
        try:
            made = html(value) or nothing
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may bring field types; its column fails alone (F28)
            return _failed(found, error)
        if known is not None and isinstance(value, str) and len(known) < MOST_KNOWN:
            known[value] = made
        return made

    return cell


def linked_cell(titles: Titles) -> Cell:
    """The same for a column of links. `titles`: names and addresses of the records."""
    nothing = empty_cell()

    def cell(value: Any) -> str:
        if value is None:
            return nothing
        title, url = titles.get(value, (f"#{value}", None))
        return f'<a href="{escape(url)}">{escape(title)}</a>' if url else str(escape(title))

    return cell


def _failed(found: Field, error: BaseException) -> str:
    told: set[str] = g.setdefault("failed_columns", set())
    if found.name not in told:  # once a page, not once a row
        told.add(found.name)
        report_fault(found.plugin, f"field {found.name}", "field", error)
    sentence = gettext("could not be shown")
    return f'<span class="error">{escape(sentence)}</span>'


def link_titles(
    session: GuardedSession,
    registry: Registry,
    found: Field,
    values: Iterable[Any],
    address: Callable[[RegisteredEntity, int], str | None],
) -> dict[int, tuple[str, str | None]]:
    """Names and addresses of the records a link column points at, asked once for all rows; hidden ones stay numbers."""
    kind = found.type
    target = registry.by_table(kind.to) if isinstance(kind, Link) else None
    wanted = {value for value in values if value is not None}
    if target is None or not wanted:
        return {}
    table = target.model.__table__
    statement = select(table.c.id, target.title_field.column).where(table.c.id.in_(wanted))
    known = session.scope.known(target) if session.scope else None
    if known is not None:
        statement = statement.where(known)
    return {row[0]: (str(row[1]), address(target, row[0])) for row in session.connection().execute(statement)}


def make_strip(found: Field, value: Any, title: str, url: str) -> StatusStrip:
    """The buttons that set a record's quick field with one click (UX 2.1)."""
    control = found.type.control()
    buttons: Sequence[StatusButton] = [
        StatusButton(
            code=option.code,
            label=option.label,
            tone=option.tone,
            icon=option.icon,
            name=_("Set %(title)s to %(status)s", title=title, status=option.label),
            pressed=option.code == value,
        )
        for option in control.options
        if option.code
    ]
    label = next((button.label for button in buttons if button.pressed), found.type.text(value) if value else "")
    return StatusStrip(url=url, field=found.name, seen=value or "", label=label, buttons=buttons)
