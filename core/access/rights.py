"""Changing roles: what an administrator decides on the matrix page (US-1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.access.models import ADMINISTRATOR, Role, RoleRight, User, end_sign_ins
from core.access.roles import CODE, read_roles
from core.data.scopes import REACHES, Reach
from core.data.session import WITHOUT_EVENTS
from core.data.tables import bump
from core.errors import Forbidden, NotFound, Refused
from core.i18n import lazy as _


def add_role(session: Session, code: str, label: str) -> None:
    """Add a role that may do nothing yet. Raises `Refused` for a code that is taken or cannot be one."""
    if not CODE.fullmatch(code):
        raise Refused(_("A code has small letters, digits and _, and starts with a letter"), field="code")
    if code in read_roles(session):
        raise Refused(_("There is a role %(code)s already", code=code), field="code")
    if not label.strip():
        raise Refused(_("Enter a name"), field="label")
    session.add(Role(code=code, label=label.strip()[:80]))
    bump(session.connection())


def decide(
    session: Session,
    code: str,
    shown: Collection[str],
    granted: Mapping[str, Reach],
    *,
    second_factor: bool,
    most: Mapping[str, Reach] | None = None,
) -> None:
    """Set what a role may do. `shown`: the permissions that were on the page; others, of modules that are off, stay.

    `most`: how far each right may go at most, None for who may give anything. Administrators may do everything so that
    nobody is locked out: of their role only the second factor is set. Raises `NotFound`, and `Forbidden` for more than
    `most`.
    """
    roles = read_roles(session)
    if code not in roles:
        raise NotFound(_("There is no role %(role)s", role=code))
    if most is not None:
        beyond = [
            name for name, reach in granted.items() if REACHES.index(reach) > REACHES.index(most.get(name, "none"))
        ]
        if code == ADMINISTRATOR or beyond:
            raise Forbidden(_("Nobody can give more rights than his own. Ask an administrator."))
    if code != ADMINISTRATOR:
        gone = delete(RoleRight).where(RoleRight.role == code, RoleRight.permission.in_(shown))
        session.execute(gone, execution_options=WITHOUT_EVENTS)  # rights are no records: the operation tells of them
        rows = [RoleRight(role=code, permission=name, reach=granted.get(name, "none")) for name in sorted(shown)]
        session.add_all(rows)
        for user_id in session.scalars(select(User.id).where(User.role == code)).all():
            end_sign_ins(session, user_id)
    role = session.get(Role, code) or Role(code=code)
    role.second_factor = second_factor
    session.add(role)
    bump(session.connection())


def remove_role(session: Session, code: str) -> None:
    """Remove a role nobody has. Raises `NotFound` for one that is built in, `Refused` while somebody has it."""
    role = session.get(Role, code)
    if role is None or read_roles(session)[code].built_in:
        raise NotFound(_("There is no role %(role)s", role=code))
    names = session.scalars(select(User.name).where(User.role == code).order_by(User.name).limit(5)).all()
    if names:
        raise Refused(_("%(names)s still have this role. Give them another one first.", names=", ".join(names)))
    gone = delete(RoleRight).where(RoleRight.role == code)
    session.execute(gone, execution_options=WITHOUT_EVENTS)  # rights are no records: the operation tells of them
    session.delete(role)
    bump(session.connection())
