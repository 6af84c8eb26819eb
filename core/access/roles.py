"""Roles: how far each reaches into every entity, and what else it may do (US-1, DESIGN 7).

Three are built in; administrators change all but their own, and add more. A right is kept by the name of its
permission, so that those of a module that is off come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.models import ADMINISTRATOR, Role, RoleRight
from core.data.scopes import REACHES, Reach
from core.i18n import Text, lazy as _

USER = "user"
REPRESENTATIVE = "representative"
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Rights:
    """One role. `usual` is how far it reaches where nobody decided; `decided` maps permissions to reaches."""

    code: str
    label: Text
    usual: Reach
    decided: Mapping[str, Reach]
    second_factor: bool = False
    built_in: bool = False


BUILT_IN: tuple[tuple[str, Text, Reach], ...] = (
    (ADMINISTRATOR, _("Administrator"), "all"),
    (USER, _("User"), "all"),
    (REPRESENTATIVE, _("Sales representative"), "own"),
)
"""A sales representative sees only what is assigned to him or to those below him (TP-7)."""


def read_roles(session: Session) -> dict[str, Rights]:
    """All roles by code, the built-in ones first."""
    decided: dict[str, dict[str, Reach]] = {}
    for right in session.scalars(select(RoleRight)):
        decided.setdefault(right.role, {})[right.permission] = _reach(right.reach)
    stored = {role.code: role for role in session.scalars(select(Role).order_by(Role.code))}
    roles = {
        code: Rights(
            code, label, usual, decided.get(code, {}), code in stored and stored[code].second_factor, built_in=True
        )
        for code, label, usual in BUILT_IN
    }
    for code, role in stored.items():
        if code not in roles:
            roles[code] = Rights(code, role.label or code, "none", decided.get(code, {}), role.second_factor)
    return roles


def _reach(text: str) -> Reach:
    known: dict[str, Reach] = {reach: reach for reach in REACHES}
    return known.get(text, "none")


Verb = Literal["view", "create", "edit", "delete", "export"]
VERBS: tuple[Verb, ...] = ("view", "create", "edit", "delete", "export")
