"""Records that may be the same as the one being typed: a hint meanwhile, a question when saving (TP-9, UX 2.4).

Nothing is ever refused for a name alone, and of records the person may not know of nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, render_template, request, url_for

from core.data.records import Likeness, Record, value_of
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.registry import SYSTEM_ATTRIBUTES, RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import SimilarBox, SimilarHint, SimilarItem
from core.web.policy import policy
from core.web.responses import is_fragment, page
from core.web.shell import group_label, make_shell

blueprint = Blueprint("similar", __name__)
ANYWAY = "anyway"
"""What the button says that creates a record although there is one like it."""
SHOWN = 5
DETAILS = 3
PAUSE = 400
"""Milliseconds without a key after which the hint is asked for."""


@blueprint.get("/<entity:entity>/similar")
@policy("entity.view")
def index(entity: RegisteredEntity) -> Response:
    """Those that are like what is typed: `?name=&email=`; `but`: the one whose form it is."""
    words = entity.model.similar_by
    values = {name: request.args.get(word) or request.args.get(name, "") for word, name in words.items()}
    box = make_box(entity, find(entity, values, number_argument(request.args, "but")))
    if is_fragment():
        return Response(render_template("core/similar.html", box=box), content_type="text/html; charset=utf-8")
    heading = _("Similar records")
    crumbs = [
        Crumb(group_label(entity.entity.group)),
        Crumb(entity.entity.plural, url_for("records.index", entity=entity)),
        Crumb(heading),
    ]
    return page("core/similar_page.html", heading=heading, box=box, shell=make_shell(heading, crumbs))


def find(entity: RegisteredEntity, values: Mapping[str, str], but: int | None = None) -> Sequence[Likeness]:
    """The records like one with these typed values, by the fields the person may see."""
    visible = here().permissions.fields(here().actor, entity)
    known = {name: text for name, text in values.items() if name in visible and text.strip()}
    return entity.model.similar(here().session, known, but=but) if known and entity.model.similar_by else ()


def certain(entity: RegisteredEntity, typed: Mapping[str, str]) -> Sequence[Likeness]:
    """Of those the ones that are hardly another: unless the form says that it is to be created anyway."""
    if ANYWAY in request.form:
        return ()
    return [one for one in find(entity, typed) if one.certain]


def make_hint(
    entity: RegisteredEntity, record_id: int | None = None, stopped_by: Sequence[Likeness] = ()
) -> SimilarHint | None:
    """What a form needs to ask while somebody types; None for entities that cannot tell."""
    by = entity.model.similar_by
    if not by:
        return None
    places = [f"#f-{name}" for name in by.values()]
    return SimilarHint(
        url=url_for("similar.index", entity=entity, but=record_id),
        include=", ".join(places),
        trigger=", ".join(f"input from:{place} delay:{PAUSE}ms" for place in places),
        box=make_box(entity, stopped_by) if stopped_by else None,
        open_url=_sheet(entity, stopped_by[0].record) if stopped_by else None,
        message=_("%(title)s: %(reasons)s", title=stopped_by[0].record.title, reasons=_reasons(stopped_by[0]))
        if stopped_by
        else None,
    )


def make_box(entity: RegisteredEntity, found: Sequence[Likeness]) -> SimilarBox | None:
    """What is said of them."""
    if not found:
        return None
    one, several = (str(label)[:1].lower() + str(label)[1:] for label in (entity.entity.label, entity.entity.plural))
    number = format_integer(len(found))
    label = lazy_plural(
        "%(number)s similar %(one)s", "%(number)s similar %(list)s", len(found), number=number, one=one, list=several
    )
    may_edit = here().may(entity.permission("edit"))
    items = [
        SimilarItem(
            like.record.title, _details(entity, like.record), _reasons(like), _sheet(entity, like.record),
            url_for("editing.edit", entity=entity, record_id=like.record.id) if may_edit else None,
        )
        for like in found[:SHOWN]
    ]  # fmt: skip
    return SimilarBox(label, items)


def _reasons(like: Likeness) -> str:
    return ", ".join(map(str, like.reasons))


def _sheet(entity: RegisteredEntity, record: Record) -> str:
    return url_for("records.sheet", entity=entity, record_id=record.id)


def _details(entity: RegisteredEntity, record: Record) -> Sequence[Text]:
    """What lists show of a record beside its name, to tell it from others of that name."""
    visible = here().permissions.fields(here().actor, entity)
    left_out = {entity.entity.title, *SYSTEM_ATTRIBUTES}
    fields = [
        found for name, found in entity.fields.items()
        if found.declaration.listed and name in visible and found.attribute not in left_out and found.extra_key is None
    ]  # fmt: skip
    said = ((found, value_of(record, found)) for found in fields)
    return [found.type.text(value) for found, value in said if value is not None][:DETAILS]
