"""Tags on records, one and many, and the merge of two tags (TP-6)."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from core.data.unit import transaction
from core.errors import NotFound, Refused
from core.features.bulk import MAXIMUM_AT_ONCE
from core.features.tag_field import Tags
from core.features.tags import TAG_JOB, Tag, field_of, merge_tags, tag_record, tags_field
from core.i18n import Text, format_integer, lazy as _, lazy_plural
from core.jobs.enqueue import enqueue
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.bulk import chosen_ids, for_each
from core.web.contexts import Crumb
from core.web.current import here
from core.web.keeping import kept_values
from core.web.policy import policy
from core.web.responses import came_from, home_path, page, record_or_404, see
from core.web.shell import group_label, make_shell
from core.web.tag_boxes import choose_among, may_tag

blueprint = Blueprint("tags", __name__)
REMOVE = "remove"


def _kind(entity: RegisteredEntity) -> Tags:
    """The tags of an entity. Raises `NotFound` where the person may not set any."""
    kind = tags_field(entity)
    if kind is None or not may_tag(entity):
        raise NotFound(_("There are no tags for this list. An administrator makes them under Administration, Tags."))
    return kind


@blueprint.post("/<entity:entity>/<int:record_id>/tags")
@policy("entity.edit")
def add(entity: RegisteredEntity, record_id: int) -> Response:
    """Put a tag on a record."""
    record_or_404(entity.model, record_id)
    tag = _kind(entity).find(request.form.get("tag", ""))
    with transaction(f"{entity.name}.tag") as unit:
        tag_record(unit, entity, unit.get(entity.model, record_id), tag.id)
    return see(came_from(), unit.operation)


@blueprint.post("/<entity:entity>/<int:record_id>/tags/<int:tag_id>/remove")
@policy("entity.edit")
def remove(entity: RegisteredEntity, record_id: int, tag_id: int) -> Response:
    """Take a tag off a record."""
    record_or_404(entity.model, record_id)
    _kind(entity)
    with transaction(f"{entity.name}.tag") as unit:
        tag_record(unit, entity, unit.get(entity.model, record_id), tag_id, remove=True)
    return see(came_from(), unit.operation)


@blueprint.post("/<entity:entity>/bulk/tag")
@policy("entity.edit")
def bulk(entity: RegisteredEntity) -> Response:
    """Put a tag on the chosen rows or take it off: first the question which one, then a few at once, many as a job."""
    kind = _kind(entity)
    chosen = chosen_ids(entity)
    if "tag" not in request.form:
        return _ask(entity, kind, len(chosen))
    tag = kind.find(request.form["tag"])
    removes = request.form.get("then") == REMOVE
    if len(chosen) > MAXIMUM_AT_ONCE:
        with transaction("job.start") as unit:
            payload = {"entity": entity.name, "ids": chosen, "tag": tag.id, "remove": removes}
            job_id = enqueue(unit, TAG_JOB, payload, label=_label(entity, tag.path, len(chosen)), module=entity.plugin)
        return see(url_for("jobs.show", job_id=job_id))
    return for_each(
        f"{entity.name}.bulk_tag", entity, chosen,
        lambda unit, record: tag_record(unit, entity, record, tag.id, remove=removes),
    )  # fmt: skip


def _label(entity: RegisteredEntity, tag: str, number: int) -> Text:
    return lazy_plural(
        "%(list)s: tag “%(tag)s”, %(number)s row", "%(list)s: tag “%(tag)s”, %(number)s rows", number,
        list=entity.entity.plural, tag=tag, number=format_integer(number),
    )  # fmt: skip


def _ask(entity: RegisteredEntity, kind: Tags, number: int) -> Response:
    heading = lazy_plural("Tag %(number)s row", "Tag %(number)s rows", number, number=format_integer(number))
    index = url_for("records.index", entity=entity)
    crumbs = [Crumb(group_label(entity.entity.group)), Crumb(entity.entity.plural, index), Crumb(heading)]
    return page(
        "core/tag_step.html", heading=heading, url=url_for("tags.bulk", entity=entity), hidden=kept_values("tag", "then"),
        chooser=choose_among(kind.choices), removes=True, submit=_("Add tag"), back_url=home_path(came_from()),
        shell=make_shell(heading, crumbs), text=None,
    )  # fmt: skip


# -- merging two tags -------------------------------------------------------------------------------------------
@blueprint.get("/tags/<int:record_id>/merge")
@policy("tag.edit")
def merge(record_id: int) -> Response:
    """Which other tag it shall stand for."""
    tag = record_or_404(Tag, record_id)
    heading = _("Merge the tag %(name)s", name=tag.name)
    sheet = url_for("records.sheet", entity="tag", record_id=record_id)
    crumbs = [
        Crumb(group_label("administration")), Crumb(_("Tags"), url_for("records.index", entity="tag")),
        Crumb(tag.name, sheet), Crumb(heading),
    ]  # fmt: skip
    others = here().session.scalars(select(Tag).where(Tag.target == tag.target)).all()
    return page(
        "core/tag_step.html", heading=heading, url=url_for("tags.merge_now", record_id=record_id),
        hidden=[("version", str(tag.version))],
        chooser=choose_among([one for one in field_of(others).choices if one.id != tag.id]), removes=False,
        submit=_("Merge tags"), back_url=sheet, shell=make_shell(heading, crumbs),
        text=_("Records with this tag get the other one, and so do the tags below it. This can be undone."),
    )  # fmt: skip


@blueprint.post("/tags/<int:record_id>/merge")
@policy("tag.edit")
def merge_now(record_id: int) -> Response:
    """Let the tag stand for the other one."""
    tag = record_or_404(Tag, record_id)
    others = here().session.scalars(select(Tag).where(Tag.target == tag.target)).all()
    into = field_of(others).find(request.form.get("tag", ""))
    version = number_argument(request.form, "version")
    if version is None:
        raise Refused(_("This form is incomplete. Check the values and save again."))
    with transaction("tag.merge") as unit:
        merge_tags(unit, unit.get(Tag, record_id, version=version), unit.get(Tag, into.id))
    return see(url_for("records.sheet", entity="tag", record_id=into.id), unit.operation)
