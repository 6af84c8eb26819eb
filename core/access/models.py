"""Users, their roles, teams and companies, and their sign-in records (US-1, US-2, TP-14, SECURITY 7.19)."""

from __future__ import annotations

import datetime
import unicodedata
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, and_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, validates
from sqlalchemy.types import TypeEngine

from core.contract.contributions import Entity, Section
from core.data.links import LinkRow
from core.data.records import Document, Identifier, Record, Row, now
from core.data.session import WITHOUT_EVENTS
from core.errors import Refused
from core.fields import (
    COMPANIES,
    PEOPLE,
    TEAMS,
    Boolean,
    Choice,
    DateTime,
    Email,
    OneOf,
    Option,
    SeveralOf,
    Text,
    field,
)
from core.i18n import LANGUAGES, lazy as _

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.data.unit import Unit

ADMINISTRATOR = "administrator"
LANGUAGE_LENGTH = 8
ROLES = "core.roles"
"""The list of roles, bound like a dictionary when a generation is built."""


class LanguageChoice(Choice):
    """One of the languages of Comptoir; None until the person chose one."""

    def __init__(self) -> None:
        super().__init__(tuple(Option(code, name) for code, name in LANGUAGES.items()))

    def column_type(self) -> TypeEngine[Any]:
        return String(LANGUAGE_LENGTH)


class Team(Record):
    """People who may share what they own (US-1)."""

    __tablename__ = "core_team"
    entity = Entity(
        "team", _("Team"), _("Teams"), slug="teams", title="name", new_label=_("New team"), group="administration",
        icon="users", order=22, default_sort="name", administrators_only=True, rebuilds=True,
    )  # fmt: skip
    name: Mapped[str] = field(Text(80), _("Name"), listed=True, search=True, unique=True)

    def settle(self, unit: Unit, change: Change) -> None:
        """One that people or records name stays."""
        if change.kind == "deleted":
            _refuse_while_named(unit, self, TEAMS)


class Company(Record):
    """A company of ours (TP-14). Records that name no company belong to the first one."""

    __tablename__ = "core_company"
    entity = Entity(
        "company", _("Company"), _("Companies"), slug="companies", title="name", new_label=_("New company"),
        group="administration", icon="building", order=24, default_sort="created_at",
        administrators_only=True, rebuilds=True,
    )  # fmt: skip
    name: Mapped[str] = field(Text(128), _("Name"), listed=True, search=True, unique=True)

    def settle(self, unit: Unit, change: Change) -> None:
        """One that people or records name stays: without it, others would see those (TP-14)."""
        if change.kind == "deleted":
            _refuse_while_named(unit, self, COMPANIES)


class User(Record):
    """Somebody who signs in. `login_key` is the e-mail, folded, unique (T59)."""

    __tablename__ = "core_user"
    entity = Entity(
        "user", _("User"), _("Users"), slug="users", title="name", new_label=_("Invite user"), group="administration",
        icon="user", order=20, default_sort="name", administrators_only=True, rebuilds=True, guarded=True,
        sections=(Section("main", _("User")), Section("place", _("Place in the firm"))),
    )  # fmt: skip
    name: Mapped[str] = field(Text(120), _("Name"), listed=True, search=True)
    email: Mapped[str] = field(Email(), _("Email"), listed=True, search=True, personal=True)
    role: Mapped[str] = field(Choice(dictionary=ROLES), _("Role"), listed=True, default=lambda: "user")
    active: Mapped[bool] = field(Boolean(), _("May sign in"), listed=True, default=lambda: True)
    language: Mapped[str | None] = field(
        LanguageChoice(),
        _("Language"),
        help=_("Of the pages and of the invitation. Without a choice: that of the browser"),
    )
    supervisor_id: Mapped[int | None] = field(
        OneOf(PEOPLE), _("Supervisor"), listed=True, section="place", help=_("Sees what this person may see, too")
    )
    teams: Mapped[tuple[int, ...] | None] = field(SeveralOf(TEAMS), _("Teams"), listed=True, section="place")
    companies: Mapped[tuple[int, ...] | None] = field(
        SeveralOf(COMPANIES), _("Works for"), section="place", help=_("Without a choice: the first company")
    )
    login_key: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    """Empty until the person chose a password: then nobody can sign in."""
    region: Mapped[str | None] = mapped_column(String(8))
    timezone: Mapped[str | None] = mapped_column(String(60))
    theme: Mapped[str | None] = mapped_column(String(8))
    preferences: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What the person chose about the pages (`core.access.preferences`)."""
    company_id: Mapped[int | None] = field(
        OneOf(COMPANIES, to="core_company"), _("Active company"), readonly=True, section="place"
    )
    """The company the person works for now; None: the first of his (TP-14)."""

    @validates("email")
    def _sign_in_name(self, _attribute: str, email: str) -> str:
        """The e-mail is what people sign in with."""
        self.login_key = login_key(email or "")
        return email

    def settle(self, unit: Unit, change: Change) -> None:
        """Somebody must be left who administers, and who lost a right is signed out (A23, T42, T48, T49)."""
        if change.kind == "deleted":
            raise Refused(_("Accounts are not deleted, since history speaks of them. Untick “May sign in” instead."))
        if change.kind == "created":
            return
        if change.moved("role") or change.moved("active"):
            _keep_an_administrator(unit.session)
        if change.moved("supervisor_id"):
            _refuse_loop(unit.session, self)
        if any(map(change.moved, ("role", "active", "email"))):
            end_sign_ins(unit.session, self.id)


def login_key(name: str) -> str:
    """What a sign-in name is compared by: width, case and blanks do not count (T59)."""
    return unicodedata.normalize("NFKC", name).replace("\x00", "\ufffd").strip().casefold()


def end_sign_ins(session: Session, user_id: int, *, but: int | None = None) -> None:
    """End all sign-ins of an account, or all `but` one; their cookies are worth nothing from then on (T49)."""
    living = (SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.id.is_distinct_from(but))
    ended = update(SignIn).where(*living).values(ended_at=now())
    session.execute(ended, execution_options=WITHOUT_EVENTS)  # sign-ins are no records: nothing to tell anybody


def _keep_an_administrator(session: Session) -> None:
    able = (
        User.role == ADMINISTRATOR,
        User.active,
        User.password_hash != "",
    )  # who was only invited cannot sign in yet
    left = select(User.id).where(*able).with_for_update()
    if session.scalars(left).first() is None:
        raise Refused(_("At least one active administrator must be left"), field="role")


def _refuse_while_named(unit: Unit, record: Record, source: str) -> None:
    """Raise `Refused` while a field of several values holds the row; the others are references, which refuse themselves.

    Of modules that are off only the links are known: their columns are told by their names. The trash counts too, since
    what is in it comes back.
    """
    entities = unit.context.registry.entities.values()
    fields = [found for registered in entities for found in registered.fields.values()]
    several = [found for found in fields if isinstance(found.type, SeveralOf) and found.type.dictionary == source]
    places = [
        and_(LinkRow.source_table == one.column.table.name, LinkRow.source_column == one.attribute) for one in several
    ]
    off = and_(
        LinkRow.source_table.not_in({found.owner.__tablename__ for found in fields}),
        LinkRow.source_column.in_({found.attribute for found in several}),
    )
    naming = select(LinkRow.record_id).where(LinkRow.target_id == record.id, or_(off, *places)).limit(1)
    if unit.session.connection().execute(naming).first() is not None:
        raise Refused(_("%(title)s cannot be deleted: people or records still name it", title=record.title))


def _refuse_loop(session: Session, user: User) -> None:
    seen, above = {user.id}, user.supervisor_id
    while above is not None:
        if above in seen:
            raise Refused(_("Nobody can be his own supervisor, not even by way of others"), field="supervisor_id")
        seen.add(above)
        above = session.scalar(select(User.supervisor_id).where(User.id == above))


class Role(Row):
    """A role an administrator made, or what he changed of one that is built in."""

    __tablename__ = "core_role"
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str | None] = mapped_column(String(80))
    second_factor: Mapped[bool] = mapped_column(default=False)


class RoleRight(Row):
    """How far a role reaches with one permission. Kept by name while the module that declares it is off."""

    __tablename__ = "core_role_right"
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    permission: Mapped[str] = mapped_column(String(120), primary_key=True)
    reach: Mapped[str] = mapped_column(String(8))


class SignIn(Row):
    """One signed-in browser: a random reference, stored hashed; revocable (A49 to A51)."""

    __tablename__ = "core_sign_in"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    seen_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    ended_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())
    confirmed_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())
    """When the person gave the password again; None: not since `created_at` (A52)."""
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))


class KeptForm(Row):
    """A form sent after the sign-in had expired: kept for a while for the same person, sent again once (UX 2.4)."""

    __tablename__ = "core_kept_form"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    path: Mapped[str] = mapped_column(String(2000))
    fields: Mapped[list[list[str]]] = mapped_column(Document)
    back: Mapped[str] = mapped_column(String(2000))
    """Where the person was when sending it."""
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type(), index=True)


class SignInFailure(Row):
    """A wrong try, counted per account and per address to slow guessing down (T50)."""

    __tablename__ = "core_sign_in_failure"
    __table_args__ = (Index("ix_core_sign_in_failure_at", "at"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    scope: Mapped[str] = mapped_column(String(300), index=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


class AccountToken(Row):
    """A link that was mailed, or a sign-in that waits for its code: stored hashed, used once, for a while (A48, T53)."""

    __tablename__ = "core_account_token"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    binding: Mapped[str] = mapped_column(String(64))
    """Of the password and the sign-in name at the time: once one of them changes, the token is worth nothing."""
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
    expires_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type(), index=True)
    used_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())


class SecondFactor(Row):
    """The app that makes a person's codes: its seed, sealed, and the last time step a code was taken of (A47)."""

    __tablename__ = "core_second_factor"
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), primary_key=True, autoincrement=False)
    sealed_seed: Mapped[str] = mapped_column(String(400))
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


class RecoveryCode(Row):
    """A code for who lost the app: hashed, used once (A47)."""

    __tablename__ = "core_recovery_code"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime.datetime | None] = mapped_column(DateTime().column_type())
