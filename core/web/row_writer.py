"""Rows of a list as HTML: one function for each list, made once with the generation, no template per row (PERFORMANCE D9).

What is the same in all rows is put together beforehand, with the words of the language; a row fills in its id, title and
cells. The texts stand here and nowhere else, so that a row that answers a click is that of the page (UX 2.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from core.fields import Field, Link, Option
from core.i18n import Text, current_locale, gettext
from core.registry import RegisteredEntity
from core.web.cells import Titles, cell_maker, linked_cell

STRIPS_UP_TO = 50
"""Rows per page that get a strip of statuses: it is ten elements, and 3,500 is what a page may have. More have a menu."""
TITLE = "\ue000"
"""Stands for a record's title while the words around it are translated."""


@dataclass(frozen=True, slots=True)
class RowAction:
    """A button in the menu of rows. `form`: the id of the form it sends; of a link None, its address comes with the row."""

    label: Text
    form: str | None
    shortcut: str | None = None


@dataclass(frozen=True, slots=True)
class RowState:
    """What is particular about a row. `actions`: which it has, by their places; `urls`: the addresses of those that are links.

    `gone`: it no longer matches the filter and stays until the next reload. `error`: why a click on it did nothing.
    """

    actions: tuple[int, ...] = ()
    urls: Mapping[int, str] | None = None
    gone: bool = False
    error: Text | None = None


PLAIN = RowState()


class RowWriter:
    """Writes the rows of one list for one language: `writer.write(record_id, title, values, state, ...)`."""

    def __init__(
        self, entity: RegisteredEntity, columns: Sequence[Field], *, strip: int | None, in_menu: bool, picked: bool,
        edited: bool, actions: Sequence[RowAction],
    ) -> None:  # fmt: skip
        """`strip`: the column that is set with one click, or `in_menu` with two; `picked`: rows can be chosen; `edited`:
        they can be edited.
        """
        self._slug = entity.entity.slug
        self._columns = columns
        self._strip, self._in_menu = strip, in_menu
        self._picked, self._edited = picked, edited
        self._actions = actions
        self._ends = [' class="end"' if column.type.align == "end" else "" for column in columns]
        self._cells = [None if isinstance(column.type, Link) else cell_maker(column) for column in columns]
        self._options = columns[strip].type.control().options if strip is not None else ()
        self._made: dict[Any, str] = {}
        gone = _fixed(gettext("No longer in this view"))
        self._gone_note = f' <span class="gone-note">{gone}</span>'

    def write(
        self, rows: Sequence[tuple[int, str, Sequence[Any]]], states: Sequence[RowState], titles: Mapping[int, Titles],
        *, token: str, all_picked: bool = False,
    ) -> list[str]:  # fmt: skip
        """The rows, each of (id, title, values of the columns). `titles`: those of link columns, by their places.

        `token`: of the visit, for the forms; `all_picked`: every row of the list is chosen.
        """
        cells = [made or linked_cell(titles.get(at, {})) for at, made in enumerate(self._cells)]
        first, rest, strip = cells[0], list(enumerate(cells))[1:], self._strip
        csrf = str(escape(token))
        written = []
        for (number, title, values), state in zip(rows, states, strict=True):
            quick = values[strip] if strip is not None else None
            shown = str(escape(title))
            places = {"id": number, "title": shown, "token": csrf, "0": self._first(first(values[0]), number, shown)}
            for at, cell in rest:
                if at != strip:
                    places[str(at)] = cell(values[at])
            if state.urls:
                places |= {f"url{at}": str(escape(url)) for at, url in state.urls.items()}
            if state.error is not None:
                places["error"] = str(escape(state.error))
            key = (quick, state.actions, state.gone, state.error is not None, all_picked)
            frame = self._made.get(key)
            if frame is None:
                frame = self._made[key] = self._frame(quick, state, all_picked)
            written.append(frame % places)
        return written

    def _first(self, cell: str, number: int, title: str) -> str:
        """The cell that leads to the record."""
        if "<a " in cell:
            return cell
        shown = title if 'class="nil"' in cell else cell
        return f'<a href="/{self._slug}/{number}">{shown}</a>'

    # -- what is the same in many rows --------------------------------------------------------------------------
    def _frame(self, quick: Any, state: RowState, all_picked: bool) -> str:
        gone = ' class="gone"' if state.gone else ""
        parts = [f'<tr id="row-%(id)s"{gone}>\n<td class="pick">', self._pick(all_picked), self._menu(state), "</td>"]
        for at, end in enumerate(self._ends):
            if at == 0:
                parts.append(f'<th scope="row"{end}>%(0)s{self._gone_note if state.gone else ""}</th>')
            elif at == self._strip:
                error = '<p class="row-error" role="alert">%(error)s</p>' if state.error is not None else ""
                status = self._status_menu(quick) if self._in_menu else self._status(quick)
                parts.append(f"<td>{status}{error}</td>")
            else:
                parts.append(f"<td{end}>%({at})s</td>")
        return "".join([*parts, "</tr>"])

    def _pick(self, all_picked: bool) -> str:
        if not self._picked:
            return ""
        checked = " checked disabled" if all_picked else ""
        name = _with_title(gettext("Select %(name)s", name=TITLE))
        return f'<input type="checkbox" form="bulk" name="id" value="%(id)s"{checked} aria-label="{name}">'

    def _menu(self, state: RowState) -> str:
        if not self._edited and not state.actions:
            return ""
        name = _with_title(gettext("Actions for %(name)s", name=TITLE))
        word = _fixed(gettext("Edit"))
        edit = f'<a role="menuitem" href="/{self._slug}/%(id)s/edit">{word}</a>' if self._edited else ""
        items = "".join(self._item(at, self._actions[at]) for at in state.actions)
        return (
            f'<button popovertarget="m%(id)s" aria-haspopup="menu" aria-label="{name}"></button>'
            f'<div popover id="m%(id)s" role="menu">{edit}{items}</div>'
        )

    def _item(self, at: int, action: RowAction) -> str:
        label = _fixed(action.label)
        if action.form is not None:
            return f'<button role="menuitem" form="{action.form}" name="id" value="%(id)s">{label}</button>'
        keys = f' aria-keyshortcuts="Alt+Shift+{action.shortcut.upper()}"' if action.shortcut else ""
        return f'<a role="menuitem" href="%(url{at})s"{keys}>{label}</a>'

    def _status(self, value: Any) -> str:
        """The buttons that set the quick field with one click: a button's class is the first letter of its tone."""
        assert self._strip is not None, "asked of its column only"
        url, options = f"/{self._slug}/%(id)s/status", [option for option in self._options if option.code]
        buttons = "".join(self._button(option, pressed=option.code == value) for option in options)
        kind = self._columns[self._strip].type
        closed = kind.text(value) if value else ""  # what can no longer be chosen still has its word
        word = next((option.label for option in options if option.code == value), closed)
        return (
            f'<form method="post" action="{url}" class="strip" hx-post="{url}">'
            f'<input type="hidden" name="csrf_token" value="%(token)s"><input type="hidden" name="seen" value="{_fixed(value or "")}">\n'
            f'<span role="toolbar" aria-label="{_fixed(self._columns[self._strip].label)}">{buttons}</span>'
            f'<span class="word">{_fixed(word)}</span></form>'
        )

    def _status_menu(self, value: Any) -> str:
        """The status as a link to the form of its field, which script opens as a menu."""
        assert self._strip is not None, "asked of its column only"
        column = self._columns[self._strip]
        word = column.type.text(value) if value else gettext("empty")
        name = _with_title(gettext("%(status)s, change status of %(name)s", status=word, name=TITLE))
        shown = cell_maker(column)(value).replace("%", "%%")
        return (
            f'<a role="button" class="strip-menu" href="/{self._slug}/%(id)s/field/{column.name}" aria-haspopup="menu"'
            f' aria-label="{name}" data-seen="{_fixed(value or "")}">{shown}</a>'
        )

    def _button(self, option: Option, *, pressed: bool) -> str:
        name = _with_title(gettext("Set %(title)s to %(status)s", title=TITLE, status=option.label))
        shape = f" k-{option.icon}" if option.icon else ""
        return (
            f'<button name="value" value="{_fixed(option.code)}" class="{_fixed(option.tone[:1] + shape)}" aria-label="{name}"'
            f' aria-pressed="{"true" if pressed else "false"}"></button>'
        )


def _fixed(text: Text) -> str:
    """A text that is the same in all rows, as part of a frame."""
    return str(escape(text)).replace("%", "%%")


def _with_title(text: str) -> str:
    return _fixed(text).replace(TITLE, "%(title)s")


def writer_of(
    kept: dict[Any, Any], entity: RegisteredEntity, columns: Sequence[Field], *, strip: int | None, in_menu: bool,
    picked: bool, edited: bool, actions: Sequence[RowAction],
) -> RowWriter:  # fmt: skip
    """The writer of a list in the current language, made on first use. `kept`: what the generation keeps."""
    names = tuple(column.name for column in columns)
    key = ("rows", entity.name, names, strip, in_menu, picked, edited, tuple(actions), current_locale())
    found: RowWriter | None = kept.get(key)
    if found is None:
        found = kept[key] = RowWriter(
            entity, columns, strip=strip, in_menu=in_menu, picked=picked, edited=edited, actions=actions
        )
    return found
