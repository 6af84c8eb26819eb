"""The sender: takes what is due from the outbox to the mail server, one message after the other (ML-5, F01 to F12).

`send_due` is called by `comptoir sender` again and again. It may be killed anywhere, and as many processes as you like may
run it: the journal sees to it that no recipient is lost and none gets a mail twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError as PoolTimeout

from core.data.engine import Database
from core.data.records import now
from core.errors import Busy, ComptoirError
from core.exchange.mail import journal, models
from core.exchange.mail.addresses import Mailbox
from core.exchange.mail.builder import Attachment, BuilderError, Letter, build
from core.exchange.mail.gate import Gate
from core.exchange.mail.journal import Claim
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.exchange.mail.presence import presence
from core.exchange.mail.settings import MailSettings, mail_settings
from core.exchange.mail.smtp import Dropped, Server, ServerDown, Unknown

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.mail")

TURN_SECONDS = 5.0
"""How long one call sends before the settings are read anew."""
TRANSIENT = (Busy, DBAPIError, PoolTimeout, OSError, MemoryError)
"""What goes wrong while a mail is read that may be well the next time."""


class _Lost(Exception):
    """The row is not ours any more."""


class _Ending(Exception):
    """The sender was told to end before the last dot: the server has nothing, and nobody has to wait for its word."""


def presence_folder(var: Path) -> Path:
    """Where senders of this installation keep their locks."""
    return var / "mail"


def send_due(runtime: Runtime, stop: Callable[[], bool]) -> int:
    """Send what is due; returns how many recipients were dealt with.

    `stop` is asked between two messages and before a last dot (SIGTERM, F54). Without a server nothing happens: mail
    stays in the outbox (ML-6). Raises `Busy` or an error of SQLAlchemy while the database is away, for the caller to wait.
    """
    database = runtime.database
    try:
        return _send(runtime, presence_folder(runtime.config.var), stop)
    except OSError as error:  # the folder of locks: the disk is full, or it is not ours to write
        _wait(database, f"{type(error).__name__}: {error}")
        return 0


def _send(runtime: Runtime, folder: Path, stop: Callable[[], bool]) -> int:
    database, keys = runtime.database, runtime.config.secret_keys
    journal.recover(database, folder)
    with database.reading() as session:
        settings = mail_settings(session, keys)
    if not settings.host or not journal.anything_due(database):
        return 0
    gate = Gate(keys, runtime.follow().registry)
    done, until = 0, time.monotonic() + TURN_SECONDS
    with presence(folder) as owner, Server(settings) as server:
        while not stop() and time.monotonic() < until:
            held = journal.claim(database, owner, gate, settings.throttle, settings.end_of_data_seconds)
            if held is None or not _deal_with(database, keys, settings, server, held, stop):
                break
            done += 1
    return done


def _wait(database: Database, problem: str) -> tuple[float, bool]:
    """Leave the server alone for a while; the first time it is reported."""
    seconds, first = journal.pause(database, problem)
    if first:
        log.warning("waiting for the mail server, next try in %.0f s: %s", seconds, problem)
    return seconds, first


def _deal_with(
    database: Database,
    keys: tuple[bytes, ...],
    settings: MailSettings,
    server: Server,
    held: Claim,
    stop: Callable[[], bool],
) -> bool:
    """One recipient, to the end of its claim; False when nothing more can be sent now."""
    try:
        letter = load_letter(database, held.recipient_id, settings)
        content = build(letter)
    except TRANSIENT as error:  # the machine or the database is to blame, not the mail
        log.warning("mail %s cannot be read now: %s", held.recipient_id, error)
        journal.put_back(database, held, "", counts=False, delay=journal.PAUSE_SECONDS)
        return False
    except (
        Exception
    ) as error:  # one poisoned row must not hold up the others (F11), whatever it makes the library raise
        words = str(error) if isinstance(error, (ComptoirError, BuilderError)) else f"{type(error).__name__}: {error}"
        log.error("mail %s cannot be built: %s", held.recipient_id, words)
        journal.put_aside(database, held, models.FAILED, words)
        return True
    return _hand_over(database, keys, settings, server, held, letter, content, stop)


def _hand_over(
    database: Database,
    keys: tuple[bytes, ...],
    settings: MailSettings,
    server: Server,
    held: Claim,
    letter: Letter,
    content: bytes,
    stop: Callable[[], bool],
) -> bool:
    def before_dot() -> None:
        if stop():
            raise _Ending
        if not journal.mark_data(database, held, settings.end_of_data_seconds):
            raise _Lost

    try:
        reply = server.deliver(letter.sender.address, letter.to.address, content, before_dot)
    except ServerDown as error:
        _server_down(database, held, error)
        return False
    except Dropped as error:
        journal.put_back(database, held, str(error), counts=True)
        return True
    except Unknown as error:
        journal.put_aside(database, held, models.UNCERTAIN, str(error))
        return True
    except (Busy, SQLAlchemyError) as error:  # of `mark_data`: the last dot was not written
        log.warning("mail %s cannot be marked now: %s", held.recipient_id, error)
        journal.put_back(database, held, "", counts=False, delay=journal.PAUSE_SECONDS)
        return False
    except _Ending:
        journal.put_back(database, held, "the sender was told to end", counts=False)
        return False
    except _Lost:
        return True
    state = journal.settle(database, keys, held, reply)
    if state is None:
        log.warning("mail %s: the server answered %s, too late: its row is not ours any more", held.recipient_id, reply)
    else:
        log.info("mail %s %s", held.recipient_id, state)
    return True


def _server_down(database: Database, held: Claim, error: ServerDown) -> None:
    """Everything waits. The mail at which it showed comes after the others; it is to blame only if these go through."""
    if error.in_mail:
        seconds, first = _wait(database, str(error))
        delay = seconds + journal.PAUSE_SECONDS
        journal.put_back(database, held, str(error), counts=first, delay=delay, after_dot=error.after_dot)
    else:
        journal.put_back(database, held, str(error), counts=False)
        _wait(database, str(error))


def load_letter(database: Database, recipient_id: int, settings: MailSettings) -> Letter:
    """The letter of a row of the outbox. Raises `BuilderError` while no sender is set."""
    if settings.sender is None:
        raise BuilderError("no sender address is set")
    with database.reading() as session:
        recipient = session.get_one(MailRecipient, recipient_id)
        message = session.get_one(MailMessage, recipient.message_id)
        files = session.execute(
            select(MailAttachment.name, MailContent.content, MailAttachment.content_type)
            .join(MailContent, MailContent.digest == MailAttachment.digest)
            .where(MailAttachment.message_id == message.id)
            .order_by(MailAttachment.id)
        )
        return Letter(
            sender=replace(settings.sender, name=message.sender_name or settings.sender.name),
            to=Mailbox(recipient.address, recipient.name or ""),
            subject=message.subject,
            text=message.body,
            message_id=recipient.header_id,
            date=now(),
            language=message.language,
            html=message.html,
            attachments=[Attachment(name, content, kind) for name, content, kind in files],
            reply_to=Mailbox(message.reply_to, message.reply_to_name or "") if message.reply_to else None,
            bulk=message.kind == "bulk",
            unsubscribe=recipient.unsubscribe or "",
            list_id=message.list_id or "",
        )
