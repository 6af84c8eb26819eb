"""A scripted SMTP server, a process of its own: the witness of what was really sent.

    python sink.py PORT LOG [--script FILE] [--tls CERT KEY] [--starttls CERT KEY] [--user NAME PASSWORD]

Every mail it takes becomes one line of JSON in LOG, written and flushed before the answer, so that it knows of mails
whose sender never heard the answer. FILE says what to do otherwise, one rule a line, looked at for every command:

    rcpt ADDRESS CODE TEXT       answer RCPT so; `once` before the code: the first time only
    dot ADDRESS CODE TEXT        answer after the last dot so, without taking the mail
    mail * CODE TEXT             answer MAIL so
    slow SECONDS                 wait before the answer after the last dot; the mail is taken
    swallow ADDRESS SECONDS      take the mail, wait, answer nothing and close
    close AFTER                  close the connection after so many mails
    cut BYTES                    close the connection after so many bytes of every mail's data
    hangup VERB [ADDRESS]        close the connection instead of answering mail, rcpt or data
    bye ADDRESS                  close the connection right after refusing RCPT of this address
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import ssl
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Sink:
    """What to answer, and the log."""

    def __init__(self, log: Path, script: Path | None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._script = script
        self._used: set[str] = set()

    def rules(self) -> list[list[str]]:
        """The script as it is now."""
        if self._script is None or not self._script.exists():
            return []
        return [line.split(maxsplit=4) for line in self._script.read_text("utf-8").splitlines() if line.strip()]

    def answer(self, verb: str, address: str) -> str | None:
        """The scripted answer to a command about an address."""
        for rule in self.rules():
            if rule[0] == verb and len(rule) > 2 and rule[1] in (address, "*"):
                words = rule[2:]
                if words[0] == "once":
                    if " ".join((*rule[:2], address)) in self._used:
                        continue
                    self._used.add(" ".join((*rule[:2], address)))
                    words = words[1:]
                return " ".join(words)
        return None

    def hangs_up(self, server: SMTP, verb: str, address: str) -> bool:
        """Close the connection instead of an answer, if told so."""
        hit = any(rule[:2] == ["hangup", verb] and rule[2:] in ([], [address]) for rule in self.rules())
        if hit:
            server.transport.abort()
        return hit

    def number(self, verb: str) -> float | None:
        """The figure of a rule without an address."""
        return next((float(rule[1]) for rule in self.rules() if rule[0] == verb), None)

    def write(self, **values: Any) -> None:
        """One line of the log; it is with the kernel when this returns."""
        os.write(self._log, json.dumps(values).encode() + b"\n")

    # -- what aiosmtpd calls ------------------------------------------------------------------------------------
    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.answer("mail", address)
        if self.hangs_up(server, "mail", address):
            return "250 nobody hears this"
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.answer("rcpt", address)
        if self.hangs_up(server, "rcpt", address):
            return "250 nobody hears this"
        if refusal:
            server.leaving = ["bye", address] in self.rules()
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        address = envelope.rcpt_tos[0]
        refusal = self.answer("dot", address)
        if refusal:
            return refusal
        content: Any = envelope.original_content
        self.write(
            sender=envelope.mail_from, to=envelope.rcpt_tos, content=content.decode("latin-1"),
            tls=session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            user=session.authenticated,
        )  # fmt: skip
        swallow = self.answer("swallow", address)
        if swallow:
            await asyncio.sleep(float(swallow))
            server.transport.close()
            return "250 nobody hears this"
        await asyncio.sleep(self.number("slow") or 0.0)
        count = getattr(server, "taken", 0) + 1
        server.taken = count
        if count == self.number("close"):
            asyncio.get_running_loop().call_soon(server.transport.close)
        return "250 taken"


class Cutting(SMTP):
    """Closes the connection after so many bytes of data, as a network would."""

    sink: Sink
    leaving = False

    async def push(self, status: Any) -> None:
        await super().push(status)
        if self.leaving:
            self.transport.close()

    async def smtp_DATA(self, argument: str) -> None:
        if self.sink.hangs_up(self, "data", ""):
            return
        limit = self.sink.number("cut")
        if limit is None:
            await super().smtp_DATA(argument)
            return
        await self.push("354 go on")
        await self._reader.readexactly(int(limit))
        self.transport.abort()


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("log", type=Path)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--starttls", nargs=2)
    parser.add_argument("--user", nargs=2)
    arguments = parser.parse_args()
    sink = Sink(arguments.log, arguments.script)
    options: dict[str, Any] = {"enable_SMTPUTF8": False, "decode_data": False}
    wrap = None
    if arguments.tls or arguments.starttls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*(arguments.tls or arguments.starttls))
        wrap = context if arguments.tls else None
        options |= {"tls_context": context, "require_starttls": True} if arguments.starttls else {}
    if arguments.user:

        def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            known = [word.encode() for word in arguments.user]
            right = isinstance(data, LoginPassword) and [data.login, data.password] == known
            return AuthResult(success=right, handled=False, auth_data=arguments.user[0])

        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": False}

    def make() -> SMTP:
        server = Cutting(sink, hostname="sink.test", **options)
        server.sink = sink
        return server

    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", arguments.port, ssl=wrap)
    print("ready", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
