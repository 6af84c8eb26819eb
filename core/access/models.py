"""Users, their roles, teams and companies, and their sign-in records (US-1, US-2, TP-14, SECURITY 7.19)."""

from __future__ import annotations

import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.data.records import Identifier, Row
from core.fields import DateTime


class User(Row):
    """Somebody who signs in. `login_key` is the e-mail, folded, unique (T59)."""

    __tablename__ = "core_user"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    login_key: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(40))
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None] = mapped_column(String(8))
    region: Mapped[str | None] = mapped_column(String(8))
    timezone: Mapped[str | None] = mapped_column(String(60))
    theme: Mapped[str | None] = mapped_column(String(8))
    supervisor_id: Mapped[int | None] = mapped_column(ForeignKey("core_user.id"), index=True)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("core_company.id"))
    """The company the person works for now; None: the first one (TP-14)."""
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


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


class Team(Row):
    """People who may share what they own."""

    __tablename__ = "core_team"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class TeamMember(Row):
    """Somebody in a team."""

    __tablename__ = "core_team_member"
    team_id: Mapped[int] = mapped_column(ForeignKey("core_team.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), primary_key=True, index=True)


class Company(Row):
    """A company of ours (TP-14). Records that name no company belong to the first one."""

    __tablename__ = "core_company"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)


class CompanyMember(Row):
    """Somebody who works for a company; who is in none works for the first one."""

    __tablename__ = "core_company_member"
    company_id: Mapped[int] = mapped_column(ForeignKey("core_company.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), primary_key=True, index=True)


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
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))


class SignInFailure(Row):
    """A wrong password, counted per account and per address to slow guessing down (T50)."""

    __tablename__ = "core_sign_in_failure"
    __table_args__ = (Index("ix_core_sign_in_failure_at", "at"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    scope: Mapped[str] = mapped_column(String(300), index=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())
