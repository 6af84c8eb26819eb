"""Who may do what (DESIGN 7): permissions derived from entities plus those of manifests; two roles for now."""

from __future__ import annotations

from collections.abc import Mapping

from core.access.users import ADMINISTRATOR, ROLES, USER
from core.contract.changes import Actor
from core.errors import Forbidden
from core.i18n import lazy as _
from core.registry import RegisteredEntity, Registry

VERBS = ("view", "create", "edit", "delete", "export")
CORE_PERMISSIONS = ("modules.manage", "settings.manage")


class Permissions:
    """The rights of each role in one enabled set; built with the generation."""

    def __init__(self, registry: Registry) -> None:
        self._of: Mapping[str, frozenset[str]] = {role: _of_role(registry, role) for role in ROLES}

    def of(self, actor: Actor) -> frozenset[str]:
        """All permissions of an actor."""
        return frozenset().union(*(self._of.get(role, frozenset()) for role in actor.roles))

    def may(self, actor: Actor, permission: str) -> bool:
        """Whether the actor has the permission; one nobody declared is nobody's (default deny)."""
        return any(permission in self._of.get(role, frozenset()) for role in actor.roles)

    def require(self, actor: Actor, permission: str) -> None:
        """Raise `Forbidden` when the actor lacks the permission."""
        if not self.may(actor, permission):
            raise Forbidden(_("You may not do this. Ask an administrator."))

    def fields(self, actor: Actor, registered: RegisteredEntity) -> frozenset[str]:
        """Names of the fields the actor may see, on every road (T39)."""
        return frozenset(
            name
            for name, field in registered.fields.items()
            if field.declaration.permission is None or self.may(actor, field.declaration.permission)
        )


def _of_role(registry: Registry, role: str) -> frozenset[str]:
    found: set[str] = set(CORE_PERMISSIONS) if role == ADMINISTRATOR else set()
    for registered in registry.slugs.values():  # what has no pages is part of another record, and goes by its rights
        if role == ADMINISTRATOR or (role == USER and not registered.entity.administrators_only):
            found |= {registered.permission(verb) for verb in VERBS}
    for plugin in registry.plugins.values():
        found |= {permission.name for permission in plugin.permissions if role in permission.roles}
    return frozenset(found)
