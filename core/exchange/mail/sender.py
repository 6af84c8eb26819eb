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

from core.data.engine import Database
from core.data.records import now
from core.errors import ComptoirError
from core.exchange.mail import journal, models
from core.exchange.mail.addresses import Mailbox
from core.exchange.mail.builder import Attachment, BuilderError, Letter, build
from core.exchange.mail.journal import Claim
from core.exchange.mail.models import MailAttachment, MailContent, MailMessage, MailRecipient
from core.exchange.mail.settings import MailSettings, mail_settings
from core.exchange.mail.smtp import Dropped, Server, ServerDown, Unknown

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.mail")

TURN_SECONDS = 5.0
"""How long one call sends before the settings are read anew."""


class _Lost(Exception):
    """The row is not ours any more."""


class _Ending(Exception):
    """The sender was told to end before the last dot: the server has nothing, and nobody has to wait for its word."""


def presence_folder(var: Path) -> Path:
    """Where senders of this installation keep their locks."""
    return var / "mail"


def send_due(runtime: Runtime, stop: Callable[[], bool]) -> int:
    """Send what is due; returns how many recipients were dealt with.

    `stop` is asked between two messages and before a last dot (SIGTERM, F54). Without a server nothing happens: mail stays in the outbox (ML-6).
    """
    database, keys = runtime.database, runtime.config.secret_keys
    folder = presence_folder(runtime.config.var)
    journal.recover(database, folder)
    with database.reading() as session:
        settings = mail_settings(session, keys)
    if not settings.host or not journal.anything_due(database):
        return 0
    done, until = 0, time.monotonic() + TURN_SECONDS
    with journal.presence(folder) as owner, Server(settings) as server:
        while not stop() and time.monotonic() < until:
            held = journal.claim(database, owner, keys, settings.throttle, settings.end_of_data_seconds)
            if held is None or not _deal_with(database, keys, settings, server, held, stop):
                break
            done += 1
    return done


def _deal_with(
    database: Database, keys: tuple[bytes, ...], settings: MailSettings, server: Server, held: Claim,
    stop: Callable[[], bool],
) -> bool:  # fmt: skip
    """One recipient, to the end of its claim; False when the server cannot be used now."""
    try:
        letter = load_letter(database, held.recipient_id, settings)
        content = build(letter)
    except (
        Exception
    ) as error:  # one poisoned row must not hold up the others (F11), whatever it makes the library raise
        words = str(error) if isinstance(error, (ComptoirError, BuilderError)) else f"{type(error).__name__}: {error}"
        log.error("mail %s cannot be built: %s", held.recipient_id, words)
        journal.put_aside(database, held, models.FAILED, words)
        return True

    def before_dot() -> None:
        if stop():
            raise _Ending
        if not journal.mark_data(database, held):
            raise _Lost

    try:
        reply = server.deliver(letter.sender.address, letter.to.address, content, before_dot)
    except ServerDown as error:
        journal.put_back(database, held, str(error), counts=False)
        seconds, first = journal.pause(database, str(error))
        if first:
            log.warning("waiting for the mail server, next try in %.0f s: %s", seconds, error)
        return False
    except Dropped as error:
        journal.put_back(database, held, str(error), counts=True)
        return True
    except Unknown as error:
        journal.put_aside(database, held, models.UNCERTAIN, str(error))
        return True
    except _Ending:
        journal.put_back(database, held, "the sender was told to end", counts=False)
        return False
    except _Lost:
        return True
    state = journal.settle(database, keys, held, reply)
    log.info("mail %s %s", held.recipient_id, state)
    return True


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
