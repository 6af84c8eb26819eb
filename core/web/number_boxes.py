"""What forms show of numbers: the next one of a new record, and what a series would give (TP-2, UX 2.4, 2.13)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import request, url_for

from core.data.numbering import Maker, Series, read_mask
from core.data.records import Record
from core.errors import Refused
from core.features.numbering import Preview, check_mask, preview, series_of
from core.fields import Option
from core.i18n import Text, format_date, lazy as _
from core.registry import RegisteredEntity
from core.web.current import here
from core.web.form_contexts import Automatic, NumberPreview

NUMBER_SERIES = "number_series"
"""The form field that holds the series somebody chose for a new record."""


def maker() -> Maker:
    """Who would make a record now."""
    return Maker(datetime.date.today(), here().actor.name)


def is_numbered(entity: RegisteredEntity, name: str) -> bool:
    """Whether the field of that name gets a number by itself."""
    numbering = entity.entity.numbering
    return numbering is not None and numbering.field == name


# -- a new record -----------------------------------------------------------------------------------------------
def automatic(entity: RegisteredEntity) -> Automatic:
    """The next number of the default series, and the other series."""
    series = series_of(here().session, entity.name)
    if not series:
        message = _(
            "There is no numbering series for %(entity)s. Add one under Numbering.", entity=entity.entity.plural
        )
        return Automatic(None, message)
    code, problem = _next(entity, series[0])
    will_be = _("Will be %(number)s (automatic)", number=code) if code else None
    if len(series) == 1:
        return Automatic(will_be, problem)
    options = [Option(str(found.id), _labelled(entity, found)) for found in series]
    return Automatic(will_be, problem, options, request.form.get(NUMBER_SERIES, ""))


def _labelled(entity: RegisteredEntity, series: Series) -> Text:
    code, _problem = _next(entity, series)
    return _("%(series)s, next %(number)s", series=series.name, number=code) if code else series.name


def _next(entity: RegisteredEntity, series: Series) -> tuple[str | None, Text | None]:
    """The next code of a series, or why there is none."""
    session = here().session
    try:
        found = preview(session, entity, read_mask(session, series.mask, series.counted_by), maker(), series.id)
    except Refused as error:
        return None, error.message
    return (found.codes[0] if found.codes else None), None


# -- a series ---------------------------------------------------------------------------------------------------
TOKENS: tuple[tuple[str, Text], ...] = (
    ("{yyyy}", _("year")), ("{yy}", _("year, two digits")), ("{mm}", _("month")), ("{0000}", _("counter")),
    ("{0000@1}", _("counter, new each year")), ("{0000@99}", _("counter, new each month")),
)  # fmt: skip
"""The parts that buttons put into a pattern."""


def series_preview(entity: RegisteredEntity, record: Record | None, typed: Mapping[str, str]) -> NumberPreview | None:
    """What a series would give as it stands in its form; None for records that are no series."""
    found = _preview(entity, record, typed)
    return None if found is None else replace(found, tokens=TOKENS)


def _preview(entity: RegisteredEntity, record: Record | None, typed: Mapping[str, str]) -> NumberPreview | None:
    if entity.model is not Series:
        return None
    series = record if isinstance(record, Series) else None
    url = url_for("numbering.preview", series=series.id if series else None)
    target = here().registry.entities.get(series.target if series else typed.get("target", ""))
    pattern = typed.get("mask", "").strip()
    if target is None or target.entity.numbering is None or not pattern:
        return NumberPreview(url)
    session, numbered_by = here().session, typed.get("counted_by") or None
    try:
        mask = check_mask(session, here().registry, target.name, pattern, numbered_by)
        return _in_words(url, preview(session, target, mask, maker(), series.id if series else None))
    except Refused as error:
        return NumberPreview(url, problem=error.message)


def _in_words(url: str, found: Preview) -> NumberPreview:
    if not found.codes:
        return NumberPreview(url, problem=_("The next numbers are all in use already: they would be stepped over"))
    first, *others = found.codes
    return NumberPreview(
        url,
        _("Next number %(number)s", number=first),
        _("Then %(numbers)s", numbers=", ".join(others)) if others else None,
        _("From %(day)s: %(number)s", day=format_date(found.later[0]), number=found.later[1]) if found.later else None,
        stepped_over(found.skipped),
    )


def stepped_over(codes: Sequence[str]) -> Text | None:
    """The sentence on codes that are not given, since records have them."""
    return _("In use already, so stepped over: %(numbers)s", numbers=", ".join(codes)) if codes else None
