"""Whose account somebody may change: nobody makes himself or another more than he is (US-1, A54).

`user.edit` and `user.create` can be given to any role. Who has them may not reach, through an account, rights he has not
himself: neither by giving a role, nor by taking over an account that has it.
"""

from __future__ import annotations

from core.access.models import User
from core.access.permissions import is_administrator, permissions_now
from core.contract.changes import Change
from core.data.unit import Unit
from core.errors import Forbidden
from core.i18n import lazy as _

PLACE = ("teams", "companies", "supervisor_id")
"""Fields of an account that say whose records its person may know of."""


def check_account(unit: Unit, change: Change) -> None:
    """Raise `Forbidden` for a change of an account that its actor may not make. The system itself may make any."""
    actor = unit.context.actor
    if actor.is_system:
        return
    own = change.record_id == actor.id
    if own and change.kind == "updated" and change.moved("role"):
        raise Forbidden(_("Nobody changes his own role. Ask another administrator."))
    if is_administrator(actor):
        return
    user = unit.session.get_one(User, change.record_id)
    check_reach(unit, user.role, str(change.old.get("role") or user.role))
    if (own and any(map(change.moved, PLACE))) or change.new.get("supervisor_id") == actor.id:
        raise Forbidden(_("Only administrators change whose records you may see."))


def check_reach(unit: Unit, *roles: str) -> None:
    """Raise `Forbidden` when the actor may not do all that accounts of these roles may."""
    permissions = permissions_now(unit)
    if not all(permissions.covers(unit.context.actor, role) for role in roles):
        raise Forbidden(
            _("This account may do more than you. Only an administrator can change it or give such a role.")
        )
