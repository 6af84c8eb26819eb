"""The audit: who signed in, was refused, or changed what others may do; append-only (SECURITY 7.35, A70, A71, G22).

Changes of records are in history. What belongs to a unit is written in it; a refusal, of which a GET may be the cause,
waits for the end of the request and is written apart.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, String, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.changes import Change
from core.data.engine import Database
from core.data.records import Identifier, Row, now
from core.errors import Busy
from core.fields import DateTime
from core.i18n import Text, lazy_context
from core.logs import Facts, current_facts

if TYPE_CHECKING:
    from core.access.models import User
    from core.data.unit import Unit

log = logging.getLogger("comptoir.audit")

SIGN_IN, WRONG_SIGN_IN, SIGN_OUT, REFUSED = "sign_in", "sign_in_wrong", "sign_out", "refused"
ACCOUNT, ROLE, MODULE, EXPORT = "account", "role", "module", "export"
KINDS: Mapping[str, Text] = {
    SIGN_IN: lazy_context("audit", "Signed in"),
    WRONG_SIGN_IN: lazy_context("audit", "Wrong sign-in"),
    SIGN_OUT: lazy_context("audit", "Signed out"),
    REFUSED: lazy_context("audit", "Refused"),
    ACCOUNT: lazy_context("audit", "Account changed"),
    ROLE: lazy_context("audit", "Role changed"),
    MODULE: lazy_context("audit", "Module changed"),
    EXPORT: lazy_context("audit", "Exported"),
}
"""What is noted, and the words for it."""
ACTIONS = {"role": ROLE, "module": MODULE, "settings": MODULE, "account": ACCOUNT, "user": ACCOUNT}
"""First word of a unit's action -> what it is noted as."""
OF_ACCOUNTS = frozenset({"account", "user"})
"""Of these only what a page says is noteworthy: password, second factor, invitation, end of sign-ins. Changes of the account
itself are noted one by one."""
VALUES_SHOWN = frozenset({"role", "active", "supervisor_id", "teams", "companies"})
"""Fields of an account that decide what it may do: noted with their values, others by name only."""
ACCOUNTS = "user"
WHAT_LENGTH, NAME_LENGTH = 500, 120
MAXIMUM_QUEUE = 1_000
"""Entries kept while the database cannot take them."""
REPEAT_SECONDS = 60.0
"""The same refusal of the same person is noted once in this time."""


class Audit(Row):
    """One event. `what` is text of whoever caused it: shown literally, nothing else (T14)."""

    __tablename__ = "core_audit"
    __table_args__ = (
        Index("ix_core_audit_kind", "kind", "id"),
        Index("ix_core_audit_user", "user_id", "id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    kind: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(Identifier)
    user_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    what: Mapped[str] = mapped_column(String(WHAT_LENGTH))
    entity: Mapped[str | None] = mapped_column(String(80))
    record_id: Mapped[int | None] = mapped_column(Identifier)
    operation_id: Mapped[int | None] = mapped_column(Identifier)
    request_id: Mapped[str | None] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))


def note(session: Session, kind: str, what: str = "", *, user: User | None = None, **columns: Any) -> None:
    """Note an event in the transaction of `session`. `user`: who did it, when that is not who is signed in.

    `columns`: `entity`, `record_id` and `operation_id`, when it is about those.
    """
    known = {} if user is None else {"user_id": user.id, "user_name": user.name}
    session.connection().execute(insert(Audit).values(_values(kind, what, **{**columns, **known})))


def _values(kind: str, what: str, **columns: Any) -> dict[str, Any]:
    facts = current_facts() or Facts(request_id="")
    values: dict[str, Any] = {
        "at": now(), "kind": kind, "what": what[:WHAT_LENGTH], "user_id": facts.user_id, "user_name": facts.user_name,
        "request_id": facts.request_id or None, "address": facts.address, "browser": facts.browser,
        "entity": None, "record_id": None, "operation_id": None, **columns,
    }  # fmt: skip
    # PostgreSQL takes no NUL in text, and a refusal to note must not keep anybody from signing in or out.
    cleaned = {
        name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value for name, value in values.items()
    }
    return {**cleaned, "user_name": cleaned["user_name"][:NAME_LENGTH]}


# -- of units ---------------------------------------------------------------------------------------------------
def watch(unit: Unit) -> None:
    """Note what a unit changed of accounts, roles and modules, in the unit itself."""
    actor: dict[str, Any] = {
        "user_id": unit.context.actor.id,
        "user_name": unit.context.actor.name,
        "operation_id": unit.operation,
    }
    first = unit.action.partition(".")[0]
    kind = ACTIONS.get(first)
    if kind is not None and (first not in OF_ACCOUNTS or (unit.noteworthy and unit.cause)):
        note(unit.session, kind, f"{unit.action}: {unit.cause or ''}", **actor)
    for change in unit.changes:
        if change.entity == ACCOUNTS:
            note(unit.session, ACCOUNT, _told(change), entity=change.entity, record_id=change.record_id, **actor)


def _told(change: Change) -> str:
    parts = [
        f"{name}: {change.old.get(name)} → {value}" if name in VALUES_SHOWN else name
        for name, value in change.new.items()
    ]
    return f"{change.title}, {change.kind}: {'; '.join(parts)}"


# -- of requests ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Seen:
    user_id: int | None
    kind: str
    what: str


class Trail:
    """Entries that wait for the end of the request: batched, and never in anybody's way. One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MAXIMUM_QUEUE)
        self._seen: dict[_Seen, float] = {}

    def later(self, kind: str, what: str, **columns: Any) -> None:
        """Note an event at the next `flush`; the same one of the same person once a minute."""
        values = _values(kind, what, **columns)
        moment = time.monotonic()
        recent = {seen: at for seen, at in self._seen.items() if moment - at < REPEAT_SECONDS}
        seen = _Seen(values["user_id"], kind, values["what"])
        if seen not in recent:
            self._waiting.append(values)
            recent = dict(list(recent.items())[-MAXIMUM_QUEUE:]) | {seen: moment}
        self._seen = recent

    def flush(self) -> None:
        """Write what waits; when the database is busy a later request does it."""
        taken: list[dict[str, Any]] = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if not taken:
            return
        try:
            with self._database.connection(wait=0.0) as connection:
                connection.execute(insert(Audit), taken)
        except (Busy, DBAPIError):
            log.warning("%s entries of the audit wait", len(taken))
            self._waiting.extendleft(reversed(taken))
