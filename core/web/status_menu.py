"""The status of a row as a button with a menu, for lists too long for a strip in each row (UX 2.1, 5)."""

from __future__ import annotations

from markupsafe import escape

from core.data.query import ListQuery
from core.i18n import Text, gettext
from core.web.contexts import StatusStrip

STRIPS_UP_TO = 50
"""Rows per page that get a strip: a strip is ten elements, and 3,500 is what a page may have."""


def in_menu(query: ListQuery) -> bool:
    """Whether the rows of this list have menus instead of strips."""
    return query.size > STRIPS_UP_TO


def status_menu(strip: StatusStrip, cell: str, title: str, base: str, error: Text | None) -> str:
    """The cell: a link to the form of the field, which script opens as a menu. `error`: why a change was refused."""
    name = gettext("%(status)s, change status of %(name)s", status=strip.label or gettext("empty"), name=title)
    shown = (
        f'<a role="button" class="strip-menu" href="{escape(base)}/field/{escape(strip.field)}" aria-haspopup="menu"'
        f' aria-label="{escape(name)}" data-seen="{escape(strip.seen)}">{cell}</a>'
    )
    return shown if error is None else f'{shown}<p class="row-error" role="alert">{escape(error)}</p>'
