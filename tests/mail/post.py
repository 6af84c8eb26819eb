"""Queuing and sending mail in tests, and asking the witness what arrived."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from core.data.unit import transaction
from core.exchange.mail.gate import Gate
from core.exchange.mail.models import MailRecipient, MailServer
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.exchange.mail.sender import send_due
from core.exchange.mail.settings import MAIL_SETTINGS, write_password
from core.settings import write_settings
from core.testing.servers import free_port
from core.testing.site import Site

SINK = Path(__file__).with_name("sink.py")
SENDER = "office@zinc.example"


@dataclass
class Witness:
    """A running sink and its log."""

    port: int
    log: Path
    script: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Serve on the port."""
        command = [
            sys.executable,
            str(SINK),
            str(self.port),
            str(self.log),
            "--script",
            str(self.script),
            *self.options,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """Be down."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def play(self, *rules: str) -> None:
        """Behave so from now on."""
        self.script.write_text("\n".join(rules), "utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """What was taken, in order."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()] if self.log.exists() else []

    def counts(self) -> Counter[str]:
        """How often each address got a mail."""
        return Counter(address for line in self.lines() for address in line["to"])

    def messages(self) -> list[EmailMessage]:
        """The mails, parsed."""
        parsed = (email.message_from_string(line["content"], policy=email.policy.default) for line in self.lines())
        return [message for message in parsed if isinstance(message, EmailMessage)]


@contextmanager
def running_sink(folder: Path, *options: str) -> Iterator[Witness]:
    """A sink for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    witness = Witness(free_port(), folder / "sink.log", folder / "sink.script", options)
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()


def settings(site: Site, port: int, password: str = "", **more: str) -> None:
    """Set the mail server as an administrator would."""
    typed = {
        "host": "127.0.0.1", "port": str(port), "security": "none", "from_address": SENDER, "throttle": "10000",
        "end_of_data_seconds": "5", **more,
    }  # fmt: skip
    with transaction("test.settings", context=site.context()) as unit:
        write_settings(unit.session, "mail", MAIL_SETTINGS, typed)
        if password:
            write_password(unit.session, site.config.secret_keys, password)


def queue(site: Site, *addresses: str, **more: Any) -> list[int]:
    """One message to each address; returns their numbers."""
    with transaction("test.mail", context=site.context()) as unit:
        return [
            enqueue_mail(
                unit, Draft(**{"to": (Recipient(address),), "subject": f"To {address}", "text": "Bonjour", **more})
            )
            for address in addresses
        ]


def send(site: Site) -> int:
    """One turn of the sender."""
    return send_due(site.runtime, lambda: False)


def gate(site: Site) -> Gate:
    """The opt-out gate, as the sender asks it."""
    return Gate(site.config.secret_keys, site.runtime.follow().registry)


def states(site: Site) -> Mapping[str, str]:
    """What became of each address."""
    with site.runtime.database.reading() as session:
        return {
            address: state for address, state in session.execute(select(MailRecipient.address, MailRecipient.state))
        }


def row(site: Site, address: str) -> MailRecipient:
    """The row of an address."""
    with site.runtime.database.reading() as session:
        return session.scalars(select(MailRecipient).where(MailRecipient.address == address)).one()


def later(site: Site) -> None:
    """Let everything that waits be due, and the server be asked again, as after hours."""
    with site.runtime.database.connection() as connection:
        connection.execute(update(MailRecipient).values(next_at=0.0))
        connection.execute(update(MailServer).values(paused_until=None))


def people(number: int) -> list[str]:
    """So many addresses."""
    return [f"person{index}@example.org" for index in range(number)]
