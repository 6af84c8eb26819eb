"""Plain tables of the core: state of the installation, what administrators keep, what waits for the worker."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.data.records import Document, Identifier, Row
from core.data.session import READING
from core.fields import DateTime
from core.logs import origin

STORED = "settings"
"""Where a session that only reads keeps them."""


class State(Row):
    """The one row every request reads: the version of the enabled set (DESIGN 5)."""

    __tablename__ = "core_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


def bump(connection: Connection) -> None:
    """Make every process build a new generation before its next request; part of the change that calls for it."""
    connection.execute(update(State).values(version=State.version + 1))


class PluginState(Row):
    """What the installation knows of a plugin. `set_aside` says why it is not running although enabled (MO-8)."""

    __tablename__ = "core_plugin"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    version: Mapped[str] = mapped_column(String(40), default="")
    migrations: Mapped[str] = mapped_column(String(64), default="")
    set_aside: Mapped[str | None] = mapped_column(String(2000))


class PluginIncident(Row):
    """A fault of a plugin: import, migration, hook that raised or took too long."""

    __tablename__ = "core_incident"
    __table_args__ = (Index("ix_core_incident_plugin", "plugin", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40))
    hook: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    cleared: Mapped[bool] = mapped_column(default=False)


class SettingValue(Row):
    """A setting an administrator changed, as its field's dump."""

    __tablename__ = "core_setting"
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    value: Mapped[str | None] = mapped_column()


def stored_settings(session: Session) -> Mapping[str, str | None]:
    """What administrators set, by name. Asked once by a session that only reads: one page wants several of them."""
    known: Mapping[str, str | None] | None = session.info.get(STORED)
    if known is None:
        known = {name: value for name, value in session.execute(select(SettingValue.name, SettingValue.value))}
        if session.info.get(READING):
            session.info[STORED] = known
    return known


class CustomField(Row):
    """A field an administrator made; its values stand in `extra` of the record (MO-7)."""

    __tablename__ = "core_custom_field"
    __table_args__ = (UniqueConstraint("entity", "code"),)
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    entity: Mapped[str] = mapped_column(String(80))
    code: Mapped[str] = mapped_column(String(41))
    kind: Mapped[str] = mapped_column(String(40))
    labels: Mapped[dict[str, str]] = mapped_column(Document)
    options: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)


class JobRow(Row):
    """Work for the worker, written in the transaction that caused it (DESIGN 9). Times are seconds of database time.

    `state`: ready, running, done, failed (it said why), stopped (by a person), parked (its attempts are used up); or
    outside, for work of another process. `lease`: the token of the claim under way. `cursor`: how far its steps got.
    `put_off`: how often in a row it was put back because something was busy. `request_id`: the request that caused it.
    """

    __tablename__ = "core_job"
    __table_args__ = (
        Index("ix_core_job_ready", "state", "run_at"),
        Index("ix_core_job_owner", "owner_id", "id"),
        UniqueConstraint("unique_key"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    plugin: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(Document)
    owner_id: Mapped[int | None] = mapped_column(Identifier)
    label: Mapped[str | None] = mapped_column(String(200))
    unique_key: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12), default="ready")
    attempts: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[float] = mapped_column()
    lease_until: Mapped[float | None] = mapped_column()
    lease: Mapped[str | None] = mapped_column(String(32))
    handed_at: Mapped[float | None] = mapped_column()
    started_at: Mapped[float | None] = mapped_column()
    started_done: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[float | None] = mapped_column()
    cursor: Mapped[dict[str, Any] | None] = mapped_column(Document)
    step: Mapped[int] = mapped_column(default=0, server_default="0")
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int | None] = mapped_column()
    errors: Mapped[int] = mapped_column(default=0, server_default="0")
    notes: Mapped[list[str] | None] = mapped_column(Document)
    stop_requested: Mapped[bool] = mapped_column(default=False, server_default="0")
    result: Mapped[str | None] = mapped_column(String(2000))
    file: Mapped[str | None] = mapped_column(String(80))
    file_name: Mapped[str | None] = mapped_column(String(200))
    file_type: Mapped[str | None] = mapped_column(String(120))
    error: Mapped[str | None] = mapped_column(String(2000))
    put_off: Mapped[int] = mapped_column(default=0, server_default="0")
    request_id: Mapped[str | None] = mapped_column(String(32), default=origin)


class JobSchedule(Row):
    """When a job that runs by itself is due next, in seconds of database time (F55)."""

    __tablename__ = "core_job_schedule"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40))
    next_at: Mapped[float] = mapped_column()


class Submission(Row):
    """A form's one-time key and the answer it got: a second submit returns the first result (UX 1.5)."""

    __tablename__ = "core_submission"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(Identifier)
    operation_id: Mapped[int | None] = mapped_column(Identifier)
    location: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type(), index=True)
