"""Sentences about operations and changes, for messages, history and recent actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.models import User
from core.access.permissions import is_administrator
from core.data.history import Entry, Operation, Summary, summarise
from core.data.records import now
from core.features.undo import DONE_BY_UNDO, UNDO_HOURS
from core.fields import Field
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity, Registry
from core.web.contexts import HistoryValue
from core.web.current import here


def describe_operations(summaries: Sequence[Summary]) -> list[Text]:
    """What each operation did, in one sentence; it names no record the person may not know of any more (T35)."""
    known = _known_places(summaries)
    sentences = []
    for summary in summaries:
        sentence = _describe(here().registry, summary, known)
        undone = summary.operation.undo_of is not None
        sentences.append(_("Taken back: %(what)s", what=sentence) if undone else sentence)
    return sentences


def _known_places(summaries: Iterable[Summary]) -> set[tuple[str, int]]:
    """Of the records that single changes are about those the person may know of, with one question for each entity."""
    surroundings = here()
    wanted: dict[str, set[int]] = {}
    known: set[tuple[str, int]] = set()
    for summary in summaries:
        if summary.only is None:
            continue
        entity, record_id = summary.only.change.entity, summary.only.change.record_id
        found_in = surroundings.registry.entities.get(entity)
        if found_in is not None and not found_in.entity.pages and found_in.entity.ownership is None:
            if summary.operation.actor_id == surroundings.actor.id:  # saved views: who did it knows what it was
                known.add((entity, record_id))
        else:
            wanted.setdefault(entity, set()).add(record_id)
    for entity, numbers in wanted.items():
        registered = surroundings.registry.entities.get(entity)
        if registered is None:  # its module is off, and with it the rule of whose its records are
            found: Iterable[int] = numbers if is_administrator(surroundings.actor) else ()
        elif (condition := surroundings.scope.known(registered)) is None:
            found = numbers
        else:
            key = registered.model.__table__.c.id  # those in the trash too
            found = surroundings.session.connection().scalars(select(key).where(key.in_(numbers), condition))
        known |= {(entity, number) for number in found}
    return known


def _describe(registry: Registry, summary: Summary, known: Collection[tuple[str, int]]) -> Text:
    if summary.only is not None and (summary.only.change.entity, summary.only.change.record_id) in known:
        return describe_change(registry, summary.only)
    if not summary.kinds:
        return summary.operation.cause or _("Nothing was changed")
    if set(summary.kinds) == {"deleted"}:
        return lazy_plural(
            "%(number)s record moved to the trash.", "%(number)s records moved to the trash.", summary.total
        )
    if set(summary.kinds) == {"created"}:
        return lazy_plural("%(number)s record created.", "%(number)s records created.", summary.total)
    return lazy_plural("%(number)s record changed.", "%(number)s records changed.", summary.total)


def describe_change(registry: Registry, entry: Entry) -> Text:
    """What happened to one record."""
    change = entry.change
    title = change.title
    registered = registry.entities.get(change.entity)
    own = registered.entity.sentences.get(change.kind) if registered else None
    if own is not None:
        return replace(own, values=(("title", title),))
    if change.kind == "created":
        return _("%(title)s created.", title=title)
    if change.kind == "deleted":
        return _("%(title)s moved to the trash.", title=title)
    if change.kind == "restored":
        return _("%(title)s restored.", title=title)
    quick = registered.quick_field if registered else None
    if quick is not None and list(entry.fields) == [quick.name]:
        new = entry.fields[quick.name][1]
        return _("%(title)s set to %(value)s.", title=title, value=dumped_text(quick, new))
    return _("%(title)s changed.", title=title)


def history_values(registered: RegisteredEntity | None, entry: Entry) -> list[HistoryValue]:
    """The fields of a history line, old and new as people read them; names stand for fields of modules that are off."""
    values = []
    for name, (old, new) in entry.fields.items():
        found = registered.fields.get(name) if registered else None
        if found is None:
            values.append(HistoryValue(name, old or "", new or ""))
        else:
            values.append(HistoryValue(found.label, dumped_text(found, old), dumped_text(found, new)))
    return values


def dumped_text(found: Field, dumped: str | None) -> str:
    """A value of history as people read it."""
    if dumped is None:
        return ""
    value: Any = found.type.load(dumped)
    return found.type.text(value)


def may_be_taken_back(operation: Operation, user: User) -> bool:
    """Whether Undo is offered; whether it works is decided when it is tried."""
    recent = (now() - operation.at).total_seconds() < UNDO_HOURS * 3600
    return recent and operation.action not in DONE_BY_UNDO and operation.actor_id == user.id


def load_summary(session: Session, operation_id: int) -> Summary | None:
    """An operation in short, None when there is none."""
    operation = session.get(Operation, operation_id)
    return None if operation is None else summarise(session, operation)
