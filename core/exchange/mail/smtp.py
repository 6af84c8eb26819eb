"""One SMTP connection, step by step: the journal must know when the last dot goes out (SECURITY F01 to F10, A59)."""

from __future__ import annotations

import re
import select
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from core.exchange.mail.settings import STARTTLS, TLS, MailSettings
from core.exchange.outgoing import Unreachable, connect

COMMAND_SECONDS = 60.0
MAXIMUM_REPLY = 400
BUSY = frozenset({421, 452})
"""The server has enough of us, not of this mail: everything waits (F08)."""
TOO_LARGE = 552
_DOT = re.compile(rb"^\.", re.MULTILINE)
_BAD_ADDRESS = re.compile(r"5\.1\.\d")
_OTHER_FAULT = re.compile(r"5\.[2-7]\.\d")


class ServerDown(Exception):
    """The server cannot be used now; no mail is to blame."""


class Dropped(Exception):
    """The connection ended before the last dot was written: the server has nothing."""


class Unknown(Exception):
    """The last dot went out and no answer came: the server may have taken the mail or not."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to one mail. `about_address`: it refused the recipient, not what the mail says."""

    code: int
    text: str
    about_address: bool = False

    @property
    def accepted(self) -> bool:
        """Taken: now it is the server's."""
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        """Try later."""
        return 400 <= self.code < 500

    @property
    def bad_address(self) -> bool:
        """The address itself does not work, as far as codes tell: flag it (F07)."""
        named = _BAD_ADDRESS.search(self.text) is not None
        return self.about_address and self.code in (550, 551, 553) and (named or not _OTHER_FAULT.search(self.text))

    def __str__(self) -> str:
        return f"{self.code} {self.text}"[:MAXIMUM_REPLY]


class _Client(smtplib.SMTP):
    """smtplib on a socket of ours: to the address that was checked, with TLS from the first byte when asked for."""

    def __init__(self, settings: MailSettings, context: ssl.SSLContext) -> None:
        self._settings = settings
        self._context = context
        super().__init__(settings.host, settings.port, timeout=COMMAND_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = connect(host, port, timeout, inside=True)
        if self._settings.security != TLS:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


class Server:
    """The connection to the mail server: opened on first use, used for many mails, opened anew when it is gone."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._client: _Client | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; says goodbye when it still can."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def _abandon(self) -> None:
        """Cut the connection: whatever the server was told so far counts for nothing."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def open(self) -> bool:
        """Connect, encrypt, sign in, unless that is done. Returns whether it was done now. Raises `ServerDown`."""
        if self._client is not None:
            return False
        try:
            self._client = self._opened()
        except ssl.SSLError as error:
            raise ServerDown(f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}") from error
        except smtplib.SMTPAuthenticationError as error:
            raise ServerDown(f"the server refuses user name or password: {_words(error.smtp_error)}") from error
        except smtplib.SMTPResponseException as error:
            raise ServerDown(f"{error.smtp_code} {_words(error.smtp_error)}") from error
        except (OSError, smtplib.SMTPException, Unreachable) as error:
            raise ServerDown(str(error) or type(error).__name__) from error
        return True

    def _opened(self) -> _Client:
        settings = self._settings
        context = ssl.create_default_context()
        client = _Client(settings, context)
        try:
            client.ehlo_or_helo_if_needed()
            if settings.security == STARTTLS:
                client.starttls(context=context)  # raises when the server offers none: never silently in the clear
                client.ehlo_or_helo_if_needed()
            if settings.user:
                client.login(settings.user, settings.password)
        except BaseException:
            client.close()
            raise
        return client

    def deliver(self, sender: str, to: str, content: bytes, before_dot: Callable[[], None]) -> Reply:
        """Hand one mail over. `before_dot` is called when all but the last dot is written.

        Raises `ServerDown`, `Dropped`, `Unknown`; what `before_dot` raises passes through, and the server has nothing.
        A connection that was open before and is found closed is opened once more (F08).
        """
        fresh = self.open()
        try:
            return self._one(sender, to, content, before_dot)
        except Dropped:
            self._abandon()
            if fresh:
                raise
        self.open()
        try:
            return self._one(sender, to, content, before_dot)
        except Dropped:
            self._abandon()
            raise

    def _one(self, sender: str, to: str, content: bytes, before_dot: Callable[[], None]) -> Reply:
        client = self._client
        if client is None:
            raise Dropped("the connection is closed")
        try:
            refused = self._envelope(client, sender, to)
            if refused is not None:
                client.rset()
                return refused
            client.send(_DOT.sub(b"..", content))
            if client.sock is not None and select.select([client.sock], [], [], 0)[0]:
                raise smtplib.SMTPServerDisconnected("the server ended the connection inside the mail")
        except smtplib.SMTPResponseException as error:
            self._down(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            raise Dropped(str(error) or type(error).__name__) from error
        try:
            before_dot()
        except BaseException:
            self._abandon()
            raise
        return self._last_dot(client)

    def _envelope(self, client: _Client, sender: str, to: str) -> Reply | None:
        """MAIL, RCPT and DATA; a refusal, or None when the server waits for the mail."""
        code, text = client.mail(sender)
        self._not_busy(code, text)
        if code >= 500 and code != TOO_LARGE:
            self._down(code, text)  # the sender is the same in every mail: a setting is wrong, not this mail
        if code != 250:
            return Reply(code, _words(text))
        code, text = client.rcpt(to)
        self._not_busy(code, text)
        if code not in (250, 251):
            return Reply(code, _words(text), about_address=True)
        code, text = client.docmd("DATA")
        self._not_busy(code, text)
        return None if code == 354 else Reply(code, _words(text))

    def _last_dot(self, client: _Client) -> Reply:
        try:
            if client.sock is not None:
                client.sock.settimeout(self._settings.end_of_data_seconds)
            client.send(b".\r\n")
            code, text = client.getreply()
            if client.sock is not None:
                client.sock.settimeout(COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self._abandon()
            raise Unknown(str(error) or type(error).__name__) from error
        self._not_busy(code, text)
        return Reply(code, _words(text))

    def _not_busy(self, code: int, text: Any) -> None:
        if code in BUSY:
            self._down(code, text)
        if code == -1:
            raise Dropped("the server closed the connection")

    def _down(self, code: int, text: Any) -> NoReturn:
        self._abandon()
        raise ServerDown(f"{code} {_words(text)}"[:MAXIMUM_REPLY])


def _words(text: bytes | str) -> str:
    """A server's words, fit to be shown: printable, on one line, not too long."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())[:MAXIMUM_REPLY]
