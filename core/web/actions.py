"""Undo, recent actions, and the buttons plugins put on sheets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, request, url_for

from core.data.history import changes_of, summarise_all
from core.data.unit import transaction
from core.errors import ComptoirError, NotFound, PluginError
from core.features.bulk import MAXIMUM_AT_ONCE, act, act_on_several, find_action
from core.features.undo import own_operation, undo, undoable
from core.i18n import lazy as _, lazy_plural
from core.registry import RegisteredEntity
from core.web.boundary import report_fault
from core.web.bulk import chosen_ids, start_action_job
from core.web.confirm import ask_again
from core.web.contexts import Crumb, RecentPage, RecentRow
from core.web.current import here
from core.web.describe import describe_operations
from core.web.policy import SIGNED_IN, policy
from core.web.responses import came_from, page, see
from core.web.shell import make_shell
from core.web.telling import tell_later

blueprint = Blueprint("actions", __name__)
REASONS_TOLD = 5


@blueprint.post("/undo/<int:operation_id>")
@policy(SIGNED_IN)
def undo_operation(operation_id: int) -> Response:
    """Take back an operation, as far as nothing changed since and what one may change (US-4)."""
    surroundings = here()
    own_operation(surroundings.session, operation_id, surroundings.actor)
    changes = [entry.change for entry in changes_of(surroundings.session, operation_id)]
    registered = (surroundings.registry.entities.get(change.entity) for change in changes)
    if any(found is not None and found.entity.guarded for found in registered):
        asked = ask_again()
        if asked is not None:
            return asked
    result = undo(operation_id)
    answer = see(came_from(), result.operation)
    if result.refused and result.operation is not None:
        tell_later(answer, result.operation, result.refused)
    return answer


@blueprint.get("/recent")
@policy(SIGNED_IN)
def recent() -> Response:
    """The user's own actions of the last 24 hours that can be taken back."""
    surroundings = here()
    operations = undoable(surroundings.session, surroundings.actor)
    said = describe_operations(summarise_all(surroundings.session, operations))
    rows = [
        RecentRow(what, operation.at, url_for("actions.undo_operation", operation_id=operation.id))
        for operation, what in zip(operations, said, strict=True)
    ]
    heading = _("Recent actions")
    return page("core/recent.html", page=RecentPage(rows), shell=make_shell(heading, [Crumb(heading)]))


@blueprint.post("/<entity:entity>/<int:record_id>/action/<plugin>/<name>")
@policy("entity.view")
def run(entity: RegisteredEntity, record_id: int, plugin: str, name: str) -> Response:
    """Run a plugin's action on a record, in one unit."""
    action = find_action(entity, plugin, name)
    if "sheet" not in action.where:
        raise NotFound(_("There is no such action"))
    here().require(action.permission)
    with _named(plugin, name), transaction(f"{entity.name}.{name}", cause=str(action.label)) as unit:
        act(unit, entity, record_id, plugin, action)
    return see(
        request.form.get("return") or url_for("records.sheet", entity=entity, record_id=record_id), unit.operation
    )


@blueprint.post("/<entity:entity>/action/<plugin>/<name>")
@policy("entity.view")
def run_many(entity: RegisteredEntity, plugin: str, name: str) -> Response:
    """Run a plugin's action on the chosen rows, or on the one whose menu it stands in: a few in one unit, many as a job (UX 2.1)."""
    action = find_action(entity, plugin, name)
    if not {"bulk", "list"} & set(action.where):
        raise NotFound(_("There is no such action"))
    here().require(action.permission)
    chosen = chosen_ids(entity)
    if len(chosen) > MAXIMUM_AT_ONCE:
        return start_action_job(entity, chosen, plugin, action)
    with _named(plugin, name), transaction(f"{entity.name}.{name}", cause=str(action.label)) as unit:
        refused = act_on_several(unit, entity, chosen, plugin, action)
        if refused:
            unit.notice(lazy_plural("%(number)s row was refused", "%(number)s rows were refused", len(refused)))
    answer = see(came_from(), unit.operation)
    if (
        refused and unit.operation is not None
    ):  # the reasons name records: they are for who asked, not for history (T35)
        tell_later(answer, unit.operation, refused[:REASONS_TOLD])
    return answer


@contextmanager
def _named(plugin: str, name: str) -> Iterator[None]:
    """A fault of the plugin ends the unit, is reported under its name, and is told as such."""
    try:
        yield
    except (ComptoirError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit (F30)
        report_fault(plugin, f"action {name}", "action", error)
        label = here().registry.plugins[plugin].label
        message = _("The module %(module)s failed. Nothing was changed.", module=label)
        raise PluginError(plugin, message, reported=True) from error
