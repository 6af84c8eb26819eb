"""Notifications: what happened that somebody wants to know of, in the bell and by e-mail if he likes (US-7).

    notify(unit, user_id, "assigned", _("%(who)s assigned %(title)s to you", who=actor.name), entity="lead", record_id=7)

The text is kept as message and values, and read in the reader's language. `%(title)s` is not kept: it is the record's
title at the moment of reading, if the reader may know of the record then.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Index, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.contract.contributions import Ownership
from core.data.clock import database_clock
from core.data.engine import Database
from core.data.records import Document, Identifier, Row, now
from core.data.session import GuardedSession
from core.data.tables import JobRow
from core.errors import ContractError
from core.fields import DateTime
from core.i18n import Message, Text, lazy as _
from core.registry import CORE, Registry

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.data.unit import Unit

ASSIGNED, JOB, MAIL = "assigned", "job", "mail"
KINDS: Mapping[str, Text] = {
    ASSIGNED: _("Somebody assigns a record to me"),
    JOB: _("A job of mine is done or failed"),
    MAIL: _("A message of mine could not be sent"),
}
"""What the core tells people of; modules add theirs in their manifests."""
HIDDEN = _("About a record you may no longer see")
KEPT = datetime.timedelta(days=90)
MOST_COUNTED = 99
"""The bell counts no further."""
SEVERAL = 5
"""From so many records of one operation on there is one notification for all of them."""
MAIL_JOB = "core.notification_mail"
"""The job that mails one notification; written here, done in `core.exchange`, which knows of mail."""


class Notification(Row):
    """One notification of one person; what it is about is named by at most one of the numbers."""

    __tablename__ = "core_notification"
    __table_args__ = (
        Index("ix_core_notification_unread", "user_id", "read_at"),
        Index("ix_core_notification_user", "user_id", "id"),
        Index("ix_core_notification_created_at", "created_at"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    user_id: Mapped[int] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[dict[str, Any]] = mapped_column(Document)
    entity: Mapped[str | None] = mapped_column(String(80))
    record_id: Mapped[int | None] = mapped_column(Identifier)
    job_id: Mapped[int | None] = mapped_column(Identifier)
    message_id: Mapped[int | None] = mapped_column(Identifier)
    """A message of the outbox; `entity` and `record_id` then name the record it is about."""
    operation_id: Mapped[int | None] = mapped_column(Identifier)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    read_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())


class NotificationChoice(Row):
    """How a person wants to be told of a kind; without a row, by the bell alone."""

    __tablename__ = "core_notification_choice"
    user_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    bell: Mapped[bool] = mapped_column()
    mail: Mapped[bool] = mapped_column()


@dataclass(frozen=True, slots=True)
class Choice:
    """How somebody wants to be told of a kind."""

    bell: bool = True
    mail: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification before it is written; the numbers as in `Notification`."""

    user_id: int
    kind: str
    text: Message
    entity: str | None = None
    record_id: int | None = None
    job_id: int | None = None
    message_id: int | None = None
    operation_id: int | None = None


def kinds_of(registry: Registry) -> dict[str, Text]:
    """What people are told of in this enabled set, and choose how: name and label, those of the core first."""
    declared = (kind for plugin in registry.plugins.values() for kind in plugin.notifications)
    return {**KINDS, **{kind.name: kind.label for kind in declared}}


# -- writing ----------------------------------------------------------------------------------------------------
def notify(
    unit: Unit, user_id: int, kind: str, text: Message, *, entity: str | None = None, record_id: int | None = None
) -> None:
    """Tell somebody something, in the unit of whoever causes it: both happen, or neither.

    `kind`: of the core, or one that an enabled module declares, else `ContractError`. `text`: may have `%(title)s` for the title of the record, which is not
    among its values. `entity` alone leads to the list, with `record_id` to the sheet.
    """
    _check_kinds([kind], kinds_of(unit.context.registry))
    write_notices(unit.session.connection(), [Notice(user_id, kind, text, entity, record_id)])


def _check_kinds(named: Iterable[str], kinds: Collection[str]) -> None:
    if unknown := set(named) - set(kinds):
        raise ContractError(f"no such kind of notification: {', '.join(sorted(unknown))}")


def write_notices(connection: Connection, notices: Sequence[Notice]) -> None:
    """Write notifications into the transaction of `connection`, as their readers chose; for code without a unit."""
    if not notices:
        return
    chosen = _choices_of(connection, {notice.user_id for notice in notices})
    moment = now()
    for notice in notices:
        choice = chosen.get((notice.user_id, notice.kind), Choice())
        if not choice.bell and not choice.mail:
            continue
        row = {
            "user_id": notice.user_id, "kind": notice.kind, "text": dump_message(notice.text), "entity": notice.entity,
            "record_id": notice.record_id, "job_id": notice.job_id, "message_id": notice.message_id,
            "operation_id": notice.operation_id, "created_at": moment, "read_at": None if choice.bell else moment,
        }  # fmt: skip
        number = connection.execute(insert(Notification).values(row).returning(Notification.id)).scalar_one()
        if choice.mail:
            job = {
                "name": MAIL_JOB, "plugin": CORE, "payload": {"notification": number}, "state": "ready", "attempts": 0,
                "run_at": database_clock(connection), "unique_key": f"notification:{number}",
            }  # fmt: skip
            connection.execute(insert(JobRow).values(job))


def _choices_of(connection: Connection, users: Iterable[int]) -> dict[tuple[int, str], Choice]:
    found = select(NotificationChoice).where(NotificationChoice.user_id.in_(sorted(users)))
    return {(row.user_id, row.kind): Choice(row.bell, row.mail) for row in connection.execute(found)}


def dump_message(message: Text) -> dict[str, Any]:
    """A message as JSON holds it, with messages among its values."""
    if not isinstance(message, Message):
        return {"text": message}
    values = {
        name: dump_message(value) if isinstance(value, Message) else value if isinstance(value, int) else str(value)
        for name, value in message.values
    }
    kept = {"message": message.singular, "plural": message.plural, "number": message.number, "context": message.context}
    return {**{name: value for name, value in kept.items() if value is not None}, "values": values}


def load_message(stored: Mapping[str, Any], **values: object) -> Message:
    """The message again; `values` are added to its own."""
    if "text" in stored:
        return Message("%(text)s", values=(("text", stored["text"]),))
    kept = {name: load_message(value) if isinstance(value, dict) else value for name, value in stored["values"].items()}
    return Message(
        stored["message"], stored.get("plural"), stored.get("number", 1), tuple({**kept, **values}.items()),
        stored.get("context"),
    )  # fmt: skip


# -- owners -----------------------------------------------------------------------------------------------------
def watch(unit: Unit) -> None:
    """Tell people that somebody else made a record theirs, whatever its entity: its `Ownership` says whose it is."""
    by_reader: dict[tuple[int, str], list[Change]] = {}
    for change in unit.changes:
        ownership = unit.context.registry.entity(change.entity).entity.ownership
        if ownership is not None and change.kind in ("created", "updated"):
            for reader in _new_owners(change, ownership) - {unit.context.actor.id or 0}:
                by_reader.setdefault((reader, change.entity), []).append(change)
    if by_reader:
        write_notices(unit.session.connection(), list(_assigned(unit, by_reader)))


def _new_owners(change: Change, ownership: Ownership) -> set[int]:
    found: set[int] = set()
    if ownership.through is not None or ownership.part_of is not None:
        return found  # it belongs to whoever its parent belongs to, who was told of that
    if ownership.owner is not None and change.moved(ownership.owner) and change.new[ownership.owner] is not None:
        found.add(int(change.new[ownership.owner]))
    name = ownership.representatives
    if name is not None and change.moved(name):
        found |= {int(each) for each in change.new[name] or ()} - {int(each) for each in change.old.get(name) or ()}
    return found


def _assigned(unit: Unit, by_reader: Mapping[tuple[int, str], Sequence[Change]]) -> Iterable[Notice]:
    who = unit.context.actor.name
    for (reader, entity), changes in by_reader.items():
        if len(changes) < SEVERAL:
            text = _("%(who)s assigned %(title)s to you", who=who)
            for change in changes:
                yield Notice(reader, ASSIGNED, text, entity, change.record_id, operation_id=unit.operation)
        else:
            plural = unit.context.registry.entity(entity).entity.plural
            text = _("%(who)s assigned %(number)s records to you: %(list)s", who=who, number=len(changes), list=plural)
            yield Notice(reader, ASSIGNED, text, entity, operation_id=unit.operation)


# -- jobs and mail ----------------------------------------------------------------------------------------------
def job_ended(connection: Connection, owner_id: int | None, job_id: int, label: str, state: str) -> None:
    """Tell the owner of a job how it ended; who stopped it himself knows. Part of the transaction that ends it."""
    texts = {
        "done": _("Job done: %(label)s", label=label),
        "failed": _("Job failed: %(label)s", label=label),
        "parked": _("Job given up: %(label)s", label=label),
    }
    if owner_id is not None and state in texts:
        write_notices(connection, [Notice(owner_id, JOB, texts[state], job_id=job_id)])


def mail_ended(
    connection: Connection, owner_id: int, message_id: int, about: tuple[str, int] | None, *, uncertain: bool
) -> None:
    """Tell somebody that a message of his did not arrive, once until he has read it. `about`: its record."""
    open_ = (Notification.user_id == owner_id, Notification.message_id == message_id, Notification.read_at.is_(None))
    if connection.execute(select(Notification.id).where(*open_).limit(1)).first() is not None:
        return
    if about is None:
        failed, unknown = (
            _("A message of yours could not be sent"),
            _("Nobody knows whether a message of yours was sent"),
        )
    else:
        failed = _("A message about %(title)s could not be sent")
        unknown = _("Nobody knows whether a message about %(title)s was sent")
    entity, record_id = about or (None, None)
    text = unknown if uncertain else failed
    write_notices(connection, [Notice(owner_id, MAIL, text, entity, record_id, message_id=message_id)])


# -- reading ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """A notification as its reader sees it. `hidden`: it is about a record he may not know of, and leads nowhere."""

    row: Notification
    text: Message
    hidden: bool


def tell(session: GuardedSession, registry: Registry, may: Iterable[str], rows: Sequence[Notification]) -> list[Told]:
    """The notifications in words. `session` has the scope of the reader; `may`: his permissions.

    One statement for each entity they are about.
    """
    wanted: dict[str, set[int]] = {}
    for row in rows:
        if row.entity is not None and row.record_id is not None:
            wanted.setdefault(row.entity, set()).add(row.record_id)
    permissions = frozenset(may)
    titles: dict[tuple[str, int], str] = {}
    for entity, numbers in wanted.items():
        found = registry.entities.get(entity)
        if found is not None and found.permission("view") in permissions:
            known = session.scalars(select(found.model).where(found.model.id.in_(numbers)))
            titles |= {(entity, record.id): record.title for record in known}
    return [_told(registry, permissions, titles, row) for row in rows]


def _told(
    registry: Registry, permissions: frozenset[str], titles: Mapping[tuple[str, int], str], row: Notification
) -> Told:
    if row.entity is None:
        return Told(row, load_message(row.text), False)
    if row.record_id is None:
        found = registry.entities.get(row.entity)
        hidden = found is None or found.permission("view") not in permissions
        return Told(row, HIDDEN if hidden else load_message(row.text), hidden)
    title = titles.get((row.entity, row.record_id))
    return Told(row, HIDDEN, True) if title is None else Told(row, load_message(row.text, title=title), False)


def mark_read(connection: Connection, user_id: int, *, number: int | None = None, until: int | None = None) -> None:
    """Mark one notification, or all up to the one numbered `until`, as read; those of others stay as they are."""
    mine = [Notification.user_id == user_id, Notification.read_at.is_(None)]
    if number is not None:
        mine.append(Notification.id == number)
    if until is not None:
        mine.append(Notification.id <= until)
    connection.execute(update(Notification).where(*mine).values(read_at=now()))


# -- choices, upkeep --------------------------------------------------------------------------------------------
def read_choices(connection: Connection, user_id: int, kinds: Collection[str]) -> dict[str, Choice]:
    """How somebody wants to be told of each of these kinds."""
    chosen = _choices_of(connection, [user_id])
    return {kind: chosen.get((user_id, kind), Choice()) for kind in kinds}


def write_choices(
    connection: Connection, user_id: int, choices: Mapping[str, Choice], kinds: Collection[str] = tuple(KINDS)
) -> None:
    """Keep how somebody wants to be told; kinds that are not named stay, also those of modules that are off.

    Raises `ContractError` for one that is not among `kinds`.
    """
    _check_kinds(choices, kinds)
    mine = (NotificationChoice.user_id == user_id, NotificationChoice.kind.in_(sorted(choices)))
    connection.execute(delete(NotificationChoice).where(*mine))
    rows = [
        {"user_id": user_id, "kind": kind, "bell": choice.bell, "mail": choice.mail} for kind, choice in choices.items()
    ]
    if rows:
        connection.execute(insert(NotificationChoice), rows)


def sweep_notifications(database: Database) -> None:
    """Delete what is older than 90 days, read or not."""
    with database.connection() as connection:
        connection.execute(delete(Notification).where(Notification.created_at < now() - KEPT))
