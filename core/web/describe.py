"""Sentences about operations and changes, for messages, history and recent actions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from core.access.models import User
from core.data.history import Entry, Operation, Summary, summarise
from core.data.records import now
from core.features.undo import DONE_BY_UNDO, UNDO_HOURS
from core.fields import Field
from core.i18n import Text, lazy as _, lazy_plural
from core.registry import RegisteredEntity, Registry
from core.web.contexts import HistoryValue


def describe_operation(registry: Registry, summary: Summary) -> Text:
    """What an operation did, in one sentence."""
    sentence = _describe(registry, summary)
    if summary.operation.undo_of is not None:
        return _("Taken back: %(what)s", what=sentence)
    return sentence


def _describe(registry: Registry, summary: Summary) -> Text:
    if summary.only is not None:
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
