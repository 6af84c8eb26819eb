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
GO_ON = 354
_DOT = re.compile(rb"^\.", re.MULTILINE)
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
"""The code of RFC 3463 in a reply: class, subject, detail."""
_BAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""No such mailbox, no such domain, no address, moved away, a domain that takes no mail. Not the rest of 5.1, which is
about the sender or says nothing."""
_NO_SUCH_USER = re.compile(
    r"\b(no such (user|recipient|mailbox|address)|(user|recipient|mailbox|address) (unknown|not found|does not exist)"
    r"|unknown (user|recipient|mailbox|address))\b",
    re.IGNORECASE,
)
_STRANGER = re.compile(
    r"\b(relay(ing)?( access)? (is )?(denied|prohibited|forbidden|disabled|not (permitted|allowed))"
    r"|(cannot|unable to|will not|do not|not (permitted|allowed) to) relay"
    r"|authentication (is )?required|not authenticated|must (first )?(be authenticated|authenticate))\b",
    re.IGNORECASE,
)
_STRANGER_CODES = frozenset({530, 535, 538})
"""What a server says that does not know us: no address is to blame."""
_OF_THE_SERVER = ("4.3", "4.4", "4.7")
"""Temporary refusals for reasons of the server, the network or its rules (greylisting), not of a mailbox."""


class ServerDown(Exception):
    """The server cannot be used now; no mail is to blame.

    `in_mail`: it showed while this mail was handed over, so that another may fare better. `after_dot`: it is the
    answer to the last dot, so that the mail surely was not taken.
    """

    def __init__(self, words: str, *, in_mail: bool = False, after_dot: bool = False) -> None:
        super().__init__(words)
        self.in_mail = in_mail
        self.after_dot = after_dot


class _Closed(ServerDown):
    """The connection ended before the server asked for the mail."""


class Dropped(Exception):
    """The connection ended inside the mail, before the last dot was written: the server has nothing."""


class Unknown(Exception):
    """The last dot went out and no answer came: the server may have taken the mail or not."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to one mail. `about_address`: it refused the recipient, not what the mail says."""

    code: int
    text: str
    about_address: bool = False

    @classmethod
    def parse(cls, kept: str) -> Reply | None:
        """A reply to RCPT as it was written down by `str`, None for other words."""
        code, _blank, text = kept.partition(" ")
        return cls(int(code), text, about_address=True) if len(code) == 3 and code.isdecimal() else None

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
        """The address itself does not work, said in so many words: flag it (F07)."""
        if not self.about_address or not 500 <= self.code < 600:
            return False
        code = _ENHANCED.search(self.text)
        return code[1] in _BAD_ADDRESS if code else self.code == 550 and _NO_SUCH_USER.search(self.text) is not None

    @property
    def from_stranger(self) -> bool:
        """The server does not know us, or will not carry mail for us: a setting is wrong, no mail is to blame."""
        known = _STRANGER.search(self.text) is not None and not self.bad_address
        return self.code in _STRANGER_CODES or (self.code >= 500 and known)

    @property
    def soft_bounce(self) -> bool:
        """The mailbox takes nothing now, as far as the server says: several in a row make a bad address (G11)."""
        code = _ENHANCED.search(self.text)
        return self.about_address and self.temporary and not (code and code[1].startswith(_OF_THE_SERVER))

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
        except UnicodeError as error:
            raise ServerDown("user name or password hold letters that cannot be sent") from error
        except (OSError, ValueError, smtplib.SMTPException, Unreachable) as error:
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
        except (_Closed, Dropped):
            self._abandon()
            if fresh:
                raise
        self.open()
        try:
            return self._one(sender, to, content, before_dot)
        except (_Closed, Dropped):
            self._abandon()
            raise

    def _one(self, sender: str, to: str, content: bytes, before_dot: Callable[[], None]) -> Reply:
        client = self._client
        if client is None:
            raise _Closed("the connection is closed", in_mail=True)
        try:
            refused = self._envelope(client, sender, to)
        except smtplib.SMTPResponseException as error:
            self._down(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            raise _Closed(str(error) or type(error).__name__, in_mail=True) from error
        if refused is not None:
            self._forget(client)
            return refused
        try:
            client.send(_DOT.sub(b"..", content))
            if client.sock is not None and select.select([client.sock], [], [], 0)[0]:
                raise smtplib.SMTPServerDisconnected("the server ended the connection inside the mail")
        except (OSError, smtplib.SMTPException) as error:
            raise Dropped(str(error) or type(error).__name__) from error
        try:
            before_dot()
        except BaseException:
            self._abandon()
            raise
        return self._last_dot(client)

    def _forget(self, client: _Client) -> None:
        """Let the server forget a mail it refused. One that hangs up instead has refused it all the same (F07)."""
        try:
            code, _text = client.rset()
        except (OSError, smtplib.SMTPException):
            code = 0
        if code != 250:
            self._abandon()

    def _envelope(self, client: _Client, sender: str, to: str) -> Reply | None:
        """MAIL, RCPT and DATA; a refusal, or None when the server waits for the mail."""
        code, text = client.mail(sender)
        self._check_answer(code, text)
        if code >= 500 and code != TOO_LARGE:
            self._down(code, text)  # the sender is the same in every mail: a setting is wrong, not this mail
        if code >= 400:
            return Reply(code, _words(text))
        code, text = client.rcpt(to)
        self._check_answer(code, text)
        if code >= 400:
            refused = Reply(code, _words(text), about_address=True)
            if refused.from_stranger:
                self._down(code, text)
            return refused
        code, text = client.docmd("DATA")
        self._check_answer(code, text, go_on=True)
        return None if code == GO_ON else Reply(code, _words(text))

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
        if code in BUSY:
            self._down(code, text, after_dot=True)
        if not (200 <= code < 300 or 400 <= code < 600):
            self._abandon()
            raise Unknown(f"the server answered what nobody understands: {code} {_words(text)}"[:MAXIMUM_REPLY])
        return Reply(code, _words(text))

    def _check_answer(self, code: int, text: Any, *, go_on: bool = False) -> None:
        """Raise `ServerDown` when the server has enough of us, or says what is no answer to the command."""
        good = code == GO_ON if go_on else 200 <= code < 300
        if code in BUSY or not (good or 400 <= code < 600):
            self._down(code, text)

    def _down(self, code: int, text: Any, *, after_dot: bool = False) -> NoReturn:
        self._abandon()
        raise ServerDown(f"{code} {_words(text)}"[:MAXIMUM_REPLY], in_mail=True, after_dot=after_dot)


def _words(text: bytes | str) -> str:
    """A server's words, fit to be shown: printable, on one line, not too long."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())[:MAXIMUM_REPLY]
