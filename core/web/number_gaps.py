"""What a numbering series gives next, and which numbers it left out (TP-2, UX 2.13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, url_for

from core.access.permissions import is_administrator
from core.data.numbering import Series, printed, read_mask
from core.data.records import Record
from core.errors import Refused
from core.features.number_gaps import MOST_GAPS, Deleted, Gap, find_gaps
from core.features.numbering import peek
from core.i18n import Text, format_datetime, format_integer, lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.contexts import ActionButton, Crumb
from core.web.current import here
from core.web.number_boxes import maker, stepped_over
from core.web.policy import policy
from core.web.responses import page, record_or_404
from core.web.shell import group_label, make_shell

blueprint = Blueprint("number_gaps", __name__)
SHOWN_NEXT = 10


@dataclass(frozen=True, slots=True)
class DeletedLine:
    """A deleted record that had one of the missing numbers; `url` while it is in the trash."""

    text: Text
    url: str | None


@dataclass(frozen=True, slots=True)
class GapLine:
    """Numbers that are missing between two codes, in words."""

    said: Text
    lines: Sequence[DeletedLine]


@dataclass(frozen=True, slots=True)
class GapsPage:
    """The next codes of a series, why there are none, and its gaps."""

    heading: Text
    pattern: str
    edit_url: str
    next: Sequence[str]
    problem: Text | None
    skipped: Text | None
    gaps: Sequence[GapLine]
    more: Text | None


@blueprint.get("/numbering/<int:record_id>/gaps")
@policy("series.view")
def index(record_id: int) -> Response:
    """The next ten numbers of a series, and the missing ones with who deleted their records."""
    series = record_or_404(Series, record_id)
    registered = here().registry.entities.get(series.target)
    heading = _("Gaps and next numbers of %(name)s", name=series.name)
    sheet = url_for("records.sheet", entity="series", record_id=series.id)
    edit_url = url_for("editing.edit", entity="series", record_id=series.id)
    content = GapsPage(heading, series.mask, edit_url, (), _("Its module is off"), None, (), None)
    if registered is not None:
        content = _looked_at(series, registered, heading, edit_url)
    crumbs = [
        Crumb(group_label("administration")), Crumb(_("Numbering"), url_for("records.index", entity="series")),
        Crumb(series.name, sheet), Crumb(heading),
    ]  # fmt: skip
    return page("core/number_gaps.html", page=content, shell=make_shell(heading, crumbs))


def _looked_at(series: Series, registered: RegisteredEntity, heading: Text, edit_url: str) -> GapsPage:
    session, codes, skipped = here().session, list[str](), list[str]()
    problem: Text | None = None
    try:
        mask = read_mask(session, series.mask, series.counted_by)
    except Refused as error:
        return GapsPage(heading, series.mask, edit_url, (), error.message, None, (), None)
    try:
        context = printed(session, registered, mask, maker())
        codes, skipped = peek(session, registered, mask, context, series.id, SHOWN_NEXT)
    except Refused as error:
        problem = error.message
    known = here().scope.known(registered)
    found, more = find_gaps(session, registered, mask, known, all_titles=is_administrator(here().actor))
    said = _("The %(number)s newest gaps are shown", number=format_integer(MOST_GAPS)) if more else None
    lines = [_line(registered, gap) for gap in found]
    return GapsPage(heading, series.mask, edit_url, codes, problem, stepped_over(skipped), lines, said)


def _line(registered: RegisteredEntity, gap: Gap) -> GapLine:
    lines = [_deleted(registered, one) for one in gap.deleted]
    said = lazy_plural(
        "%(number)s number is missing between %(after)s and %(before)s.",
        "%(number)s numbers are missing between %(after)s and %(before)s.",
        gap.missing, number=format_integer(gap.missing), after=gap.after, before=gap.before,
    )  # fmt: skip
    return GapLine(said, lines)


def _deleted(registered: RegisteredEntity, one: Deleted) -> DeletedLine:
    words = {"code": one.code, "name": one.who or "?", "when": format_datetime(one.at) if one.at else "?"}
    text: Text = _("%(code)s, deleted by %(name)s on %(when)s", **words)
    if one.title:
        text = _("%(code)s %(title)s, deleted by %(name)s on %(when)s", title=one.title, **words)
    url = None
    if one.record_id is not None:
        url = url_for("records.sheet", entity=registered, record_id=one.record_id)
    return DeletedLine(text, url)


def series_actions(record: Record) -> list[ActionButton]:
    """What can be asked of a series on its sheet."""
    if not isinstance(record, Series) or record.deleted_at is not None:
        return []
    url = url_for("number_gaps.index", record_id=record.id)
    return [ActionButton(_("Gaps and next numbers"), url, "get", "hash")]
