"""What an administrator says about mail: the server, its password, who mails come from (ML-6, SECURITY A59, A60)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from core.access.sealing import seal, unseal
from core.contract.plugin import Setting
from core.data.tables import SettingValue
from core.exchange.mail.addresses import Mailbox
from core.fields import Choice, Email, Integer, Option, Text
from core.i18n import lazy as _, lazy_context
from core.settings import CORE_SETTINGS, read_settings

OWNER = "mail"
PASSWORD = f"{OWNER}.password"
PURPOSE = b"comptoir mail password"
NONE, STARTTLS, TLS = "none", "starttls", "tls"
SECURITY = (
    Option(STARTTLS, lazy_context("mail", "STARTTLS (usually port 587)")),
    Option(TLS, lazy_context("mail", "TLS (usually port 465)")),
    Option(NONE, lazy_context("mail", "None: readable on the way")),
)
MAIL_SETTINGS: tuple[Setting, ...] = (
    Setting("host", Text(253), _("Mail server"), help=_("Empty: mail stays in the local outbox and is not sent.")),
    Setting("port", Integer(minimum=1, maximum=65_535), _("Port"), default=587),
    Setting("security", Choice(SECURITY), _("Encryption"), default=STARTTLS),
    Setting("user", Text(254), _("User name")),
    Setting("from_address", Email(), _("Sender address")),
    Setting("from_name", Text(120), _("Sender name"), help=_("Empty: the name of the company.")),
    Setting("throttle", Integer(minimum=1, maximum=10_000), _("Messages per minute"), default=60),
    Setting(
        "end_of_data_seconds",
        Integer(minimum=1, maximum=3_600),
        _("Seconds to wait for the server after a message"),
        default=600,
    ),
    Setting(
        "kept_days",
        Integer(minimum=30, maximum=36_500),
        _("Days a message is kept"),
        default=1_095,
        help=_(
            "Then it and its files are deleted. Mails of accounts are kept for 30 days, their links until they end."
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The settings of one moment; `host` empty means the local outbox."""

    host: str = ""
    port: int = 587
    security: str = STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    sender: Mailbox | None = None
    throttle: int = 60
    end_of_data_seconds: int = 600
    kept_days: int = 1_095

    @property
    def told(self) -> tuple[str, int, str, str]:
        """Whom the password is told, and how: when this changes, whoever changes it must know the password."""
        return (self.host, self.port, self.security, self.user)


def mail_settings(session: Session, keys: Sequence[bytes] = ()) -> MailSettings:
    """What is set now. `keys`: the installation's keys; without them the password stays sealed."""
    found = read_settings(session, OWNER, MAIL_SETTINGS)
    company = read_settings(session, "core", CORE_SETTINGS)["company_name"] or ""
    address = found["from_address"]
    row = session.get(SettingValue, PASSWORD)
    return MailSettings(
        host=found["host"] or "",
        port=found["port"],
        security=found["security"],
        user=found["user"] or "",
        password=unseal(keys, PURPOSE, row.value) if keys and row is not None and row.value else "",
        sender=Mailbox(address, found["from_name"] or company) if address else None,
        throttle=found["throttle"],
        end_of_data_seconds=found["end_of_data_seconds"],
        kept_days=found["kept_days"],
    )


def has_password(session: Session) -> bool:
    """Whether a password is kept; it is never shown."""
    row = session.get(SettingValue, PASSWORD)
    return row is not None and bool(row.value)


def write_password(session: Session, keys: Sequence[bytes], password: str | None) -> None:
    """Keep a password sealed, or forget it (None). Part of a unit."""
    row = session.get(SettingValue, PASSWORD) or SettingValue(name=PASSWORD)
    row.value = seal(keys, PURPOSE, password) if password else None
    session.add(row)
