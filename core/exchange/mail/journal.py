"""The journal of sending: each step is committed before the act it names (SECURITY 7.27, F01 to F03).

`claimed` is written before the server is spoken to, `data` before the last dot goes out, `sent` after its answer. So a
row found `claimed` was surely not sent and goes back, a row found `data` may have been and is `uncertain`: shown to a
person, never sent again by itself. Rows of the outbox are no records: these small writers are their only ones.
"""

from __future__ import annotations

import datetime
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.contract.changes import SYSTEM
from core.data.clock import database_clock
from core.data.engine import Database
from core.data.records import now
from core.errors import Busy
from core.exchange.mail import models, suppression
from core.exchange.mail.addresses import address_key
from core.exchange.mail.gate import Gate
from core.exchange.mail.models import MailMessage, MailRecipient, MailServer
from core.exchange.mail.presence import is_gone
from core.exchange.mail.smtp import Reply
from core.features.notifications import mail_ended

log = logging.getLogger("comptoir.mail")

DEFER_SECONDS = (300.0, 900.0, 2_700.0, 8_100.0, 24_300.0, 72_900.0)
"""After a temporary refusal: 5, 15, 45 minutes, and so on, for about a day and a half (F06)."""
JITTER = 0.1
MAXIMUM_ATTEMPTS = len(DEFER_SECONDS)
PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 900.0
LEASE_MARGIN_SECONDS = 300.0
SETTLE_SECONDS = 240.0
"""How long an answer is kept trying to be written down: less than the lease lasts beyond the answer."""
AGAIN_SECONDS = 1.0
SOFT_BOUNCES = 5
"""So many messages given up in a row make a mailbox that takes none a bad address (G11)."""
MINUTE = 60.0
SERVER = 1
"""The one row of the server's state."""
_FIRST_USE = text(
    "INSERT INTO core_mail_server (id, failures, sent_in_window, window_start) VALUES (:id, 0, 0, 0) ON CONFLICT DO NOTHING"
)
ENDED_EARLY = "ended-early"
ENDED_LATE = "ended-late"
"""Our own reasons, in words when they are shown; everything else in `last_reply` is what a server or library said."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row this sender holds."""

    recipient_id: int
    message_id: int
    address: str
    attempts: int
    owner: str


# -- what a sender left behind ----------------------------------------------------------------------------------------
def recover(database: Database, folder: Path) -> int:
    """Put in order what a sender that is gone left behind; returns how many rows (F01, F02)."""
    with database.reading() as session:
        moment = database_clock(session)
        left = select(MailRecipient.claim, MailRecipient.lease_until).where(
            MailRecipient.state.in_((models.CLAIMED, models.DATA))
        )
        held = [(owner or "", until or 0.0) for owner, until in session.execute(left)]
    gone = {owner for owner, until in held if until < moment or is_gone(folder, owner)}
    if not gone:
        return 0
    with database.writing() as session:
        mine = MailRecipient.claim.in_(gone)
        values = {"claim": None, "lease_until": None, "changed_at": now()}
        connection = session.connection()
        numbers = list(session.scalars(select(MailRecipient.id).where(mine)))
        # Whatever takes its sender down time and again is given up in the end.
        tired = and_(mine, MailRecipient.state == models.CLAIMED, MailRecipient.attempts >= MAXIMUM_ATTEMPTS)
        reason = ENDED_EARLY
        done = connection.execute(
            update(MailRecipient).where(tired).values(state=models.FAILED, last_reply=reason, **values)
        ).rowcount
        back = and_(mine, MailRecipient.state == models.CLAIMED)
        again = {"state": models.PENDING, "attempts": MailRecipient.attempts + 1, "next_at": moment}
        done += connection.execute(update(MailRecipient).where(back).values(**again, **values)).rowcount
        reason = ENDED_LATE
        open_ended = and_(mine, MailRecipient.state == models.DATA)
        done += connection.execute(
            update(MailRecipient).where(open_ended).values(state=models.UNCERTAIN, last_reply=reason, **values)
        ).rowcount
        _tell_owners(session, MailRecipient.id.in_(numbers))
        session.commit()
    for owner in gone:
        (folder / f"{owner}.lock").unlink(missing_ok=True)
    return int(done)


# -- claiming ---------------------------------------------------------------------------------------------------------
def _due(moment: float) -> ColumnElement[bool]:
    return and_(MailRecipient.state.in_(models.WAITING), MailRecipient.next_at <= moment)


def anything_due(database: Database) -> bool:
    """Whether a claim would find something and the server may be asked; a read, so that an idle worker takes no lock."""
    with database.reading() as session:
        moment = database_clock(session)
        server = session.get(MailServer, SERVER)
        if server is not None and server.paused_until is not None and server.paused_until > moment:
            return False
        return session.execute(select(MailRecipient.id).where(_due(moment)).limit(1)).first() is not None


def claim(database: Database, owner: str, gate: Gate, throttle: int, end_of_data: float) -> Claim | None:
    """Take the next recipient, or None when nothing is due, the minute is full, or the server is paused.

    One conditional UPDATE: two senders never get the same row (F03). The opt-out gate stands here, the only way to a
    row: who wants no mail is set aside in the same transaction (ML-4, F12).
    """
    while True:
        with database.writing() as session:
            found = _claim_one(session, owner, gate, throttle, end_of_data)
            session.commit()
        if not isinstance(found, _Passed):
            return found


class _Passed:
    """Somebody was set aside; look at the next."""


def _claim_one(session: Session, owner: str, gate: Gate, throttle: int, end_of_data: float) -> Claim | _Passed | None:
    moment = database_clock(session)
    server = _server(session)
    if not MINUTE > moment - server.window_start >= 0:
        server.window_start, server.sent_in_window = moment, 0
    paused = server.paused_until is not None and server.paused_until > moment
    if paused or server.sent_in_window >= throttle:
        return None
    first = select(MailRecipient.id).where(_due(moment))
    first = first.order_by(MailRecipient.priority, MailRecipient.next_at, MailRecipient.id).limit(1)
    columns = (MailRecipient.id, MailRecipient.message_id, MailRecipient.address, MailRecipient.attempts)
    lease = moment + end_of_data + LEASE_MARGIN_SECONDS
    take = (
        update(MailRecipient)
        .where(MailRecipient.id == first.with_for_update(skip_locked=True).scalar_subquery(), _due(moment))
        .values(state=models.CLAIMED, claim=owner, lease_until=lease, changed_at=now())
        .returning(*columns)
    )
    row = session.connection().execute(take).first()
    if row is None:
        return None
    refusal = gate.refusal(session, row.message_id, row.address)
    if refusal is not None:
        _release(session, row.id, owner, models.OPTED_OUT, refusal)
        return _Passed()
    server.sent_in_window += 1
    session.flush()
    return Claim(row.id, row.message_id, row.address, row.attempts, owner)


def _server(session: Session) -> MailServer:
    """The server's row, locked; made on first use, by whoever is first."""
    server = session.get(MailServer, SERVER, with_for_update=True)
    if server is None:
        session.connection().execute(_FIRST_USE, {"id": SERVER})
        server = session.get_one(MailServer, SERVER, with_for_update=True)
    return server


# -- steps and ends ---------------------------------------------------------------------------------------------------
def _release(
    session: Session,
    recipient_id: int,
    owner: str,
    state: str,
    reply: str,
    *,
    attempts: int | None = None,
    next_at: float | None = None,
    only: Sequence[str] = (models.CLAIMED, models.DATA),
) -> bool:
    """End a claim of ours, of a row in one of the states `only`; False when it is not ours any more."""
    values: dict[str, object] = {"state": state, "claim": None, "lease_until": None, "changed_at": now()}
    values["last_reply"] = reply[:500] or None
    if state == models.SENT:
        values["sent_at"] = now()
    if attempts is not None:
        values["attempts"] = attempts
    if next_at is not None:
        values["next_at"] = next_at
    own = (MailRecipient.id == recipient_id, MailRecipient.claim == owner, MailRecipient.state.in_(only))
    done = bool(session.connection().execute(update(MailRecipient).where(*own).values(values)).rowcount)
    if done and state == models.SENT:
        models.empty_account_mail(session, recipient_id)
    if done and state in models.TROUBLE:
        _tell_owners(session, MailRecipient.id == recipient_id)
    return done


def _tell_owners(session: Session, which: ColumnElement[bool]) -> None:
    """Let the people whose messages these are know what became of them (US-7); mail of the system has no owner."""
    found = select(
        MailMessage.owner_id, MailMessage.id, MailMessage.entity, MailMessage.record_id, MailRecipient.state
    ).join(MailRecipient, MailRecipient.message_id == MailMessage.id)
    for owner, number, entity, record_id, state in session.execute(found.where(which).order_by(MailRecipient.id)).all():
        if owner is not None and state in models.TROUBLE:
            about = None if entity is None or record_id is None else (entity, record_id)
            mail_ended(session.connection(), owner, number, about, uncertain=state == models.UNCERTAIN)


def mark_data(database: Database, held: Claim, end_of_data: float) -> bool:
    """Committed before the last dot goes out; False when the row is not ours any more and must not be sent.

    The lease begins anew: getting here may have used up most of it, and the answer may take `end_of_data` seconds.
    """
    with database.writing() as session:
        lease = database_clock(session) + end_of_data + LEASE_MARGIN_SECONDS
        own = (
            MailRecipient.id == held.recipient_id,
            MailRecipient.claim == held.owner,
            MailRecipient.state == models.CLAIMED,
        )
        step = update(MailRecipient).where(*own).values(state=models.DATA, lease_until=lease, changed_at=now())
        done = bool(session.connection().execute(step).rowcount)
        session.commit()
    return done


def settle(database: Database, keys: Sequence[bytes], held: Claim, reply: Reply) -> str | None:
    """Write down what the server answered; returns the state, None when the row was not ours any more.

    What was heard must not get lost: a database that is busy or away is tried again for minutes, within the lease.
    """
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            with database.writing() as session:
                state = _settled(session, keys, held, reply)
                session.commit()
            return state
        except (Busy, SQLAlchemyError) as error:
            if time.monotonic() > until:
                raise
            log.warning("mail %s: the answer cannot be written down, trying again: %s", held.recipient_id, error)
            time.sleep(AGAIN_SECONDS)


def _settled(session: Session, keys: Sequence[bytes], held: Claim, reply: Reply) -> str | None:
    """One try of `settle`. Flags an address that does not work (F06, F07, G11)."""
    attempts: int | None = None
    next_at: float | None = None
    state = models.SENT if reply.accepted else models.FAILED
    if reply.temporary and held.attempts < MAXIMUM_ATTEMPTS:
        state, attempts = models.DEFERRED, held.attempts + 1
        next_at = database_clock(session) + DEFER_SECONDS[held.attempts] * random.uniform(1.0, 1.0 + JITTER)
    ours = _release(session, held.recipient_id, held.owner, state, str(reply), attempts=attempts, next_at=next_at)
    _well(session)
    if state == models.FAILED and (reply.bad_address or (reply.soft_bounce and _bounces(session, held.address))):
        suppression.suppress(session, keys, held.address, suppression.BOUNCE, SYSTEM, str(reply))
    return state if ours else None


def _bounces(session: Session, address: str) -> bool:
    """Whether so many messages to an address, one after the other, were given up because its mailbox took none (G11)."""
    own = select(MailRecipient.state, MailRecipient.last_reply).where(
        MailRecipient.address_key == address_key(address), MailRecipient.state.in_((models.SENT, models.FAILED))
    )
    latest = session.execute(own.order_by(MailRecipient.changed_at.desc(), MailRecipient.id.desc()).limit(SOFT_BOUNCES))
    replies = [(state, reply or "") for state, reply in latest]
    return len(replies) == SOFT_BOUNCES and all(
        state == models.FAILED and (parsed := Reply.parse(reply)) is not None and parsed.soft_bounce
        for state, reply in replies
    )


def put_aside(database: Database, held: Claim, state: str, reason: str) -> None:
    """End a claim without an answer of the server: `failed` before it was tried, `uncertain` after the last dot."""
    with database.writing() as session:
        _release(session, held.recipient_id, held.owner, state, reason)
        session.commit()


def put_back(
    database: Database, held: Claim, reason: str, *, counts: bool, delay: float = 0.0, after_dot: bool = False
) -> None:
    """Give a row back that the server surely has not; one that is in `data` only when the server said so (`after_dot`).

    `counts`: it broke during this mail, and one that breaks every connection must not hold up the others for ever.
    `delay`: seconds before it is tried again, so that others come first.
    """
    states = (models.CLAIMED, models.DATA) if after_dot else (models.CLAIMED,)
    with database.writing() as session:
        if counts and held.attempts >= MAXIMUM_ATTEMPTS:
            _release(session, held.recipient_id, held.owner, models.FAILED, reason, only=states)
        else:
            later = database_clock(session) + delay + (PAUSE_SECONDS * 2**held.attempts if counts else 0.0)
            _release(
                session, held.recipient_id, held.owner, models.PENDING, reason,
                attempts=held.attempts + 1 if counts else held.attempts, next_at=later, only=states,
            )  # fmt: skip
        session.commit()


# -- the server -------------------------------------------------------------------------------------------------------
def _well(session: Session) -> None:
    server = session.get(MailServer, SERVER)
    if server is not None and server.problem is not None:
        server.paused_until, server.failures, server.problem, server.since = None, 0, None, None
        session.flush()


def pause(database: Database, problem: str) -> tuple[float, bool]:
    """Leave the server alone for a while: twice as long each time, up to a quarter of an hour (F05).

    Returns the seconds, and whether this is the first failure, which is the one to report.
    """
    with database.writing() as session:
        moment = database_clock(session)
        server = _server(session)
        first = server.problem is None
        seconds = min(PAUSE_SECONDS * 2**server.failures, LONGEST_PAUSE_SECONDS) * random.uniform(1.0, 1.0 + JITTER)
        server.failures = min(server.failures + 1, 10)
        server.paused_until = moment + seconds
        server.problem = problem[:500]
        server.since = server.since or now()
        waiting = update(MailRecipient).where(_due(server.paused_until)).values(next_at=server.paused_until)
        session.connection().execute(waiting)
        session.commit()
    return seconds, first


def resume(session: Session) -> None:
    """Try again at once, because somebody changed the settings or asks for it. Part of a unit."""
    server = session.get(MailServer, SERVER)
    if server is not None and server.paused_until is not None:
        waiting = update(MailRecipient).where(
            MailRecipient.state.in_(models.WAITING), MailRecipient.next_at == server.paused_until
        )
        session.connection().execute(waiting.values(next_at=database_clock(session)))
        server.paused_until, server.failures = None, 0


def server_state(session: Session) -> tuple[str, datetime.datetime] | None:
    """What is wrong with the server and since when, or None."""
    server = session.get(MailServer, SERVER)
    return None if server is None or server.problem is None or server.since is None else (server.problem, server.since)
