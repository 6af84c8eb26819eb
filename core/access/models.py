"""Users and their sign-in records (US-2, SECURITY 7.19). Two roles for now: administrator and user."""

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
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime().column_type())


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
