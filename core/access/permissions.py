"""Who may do what (DESIGN 7): permissions derived from entities plus those of manifests, as each role has them."""

from __future__ import annotations

from collections.abc import Mapping

from core.access.models import ADMINISTRATOR
from core.access.roles import VERBS, Rights
from core.contract.changes import Actor
from core.data.scopes import Reach
from core.errors import Forbidden
from core.i18n import lazy as _
from core.registry import RegisteredEntity, Registry

CORE_PERMISSIONS = ("modules.manage", "settings.manage", "users.manage")


class Permissions:
    """The rights of each role in one enabled set; built with the generation."""

    def __init__(self, registry: Registry, roles: Mapping[str, Rights]) -> None:
        self.roles = roles
        self._reaches = {code: reaches_of(registry, rights) for code, rights in roles.items()}

    def reaches(self, actor: Actor) -> Mapping[str, Reach]:
        """How far an actor reaches with each permission he has."""
        found: dict[str, Reach] = {}
        for role in actor.roles:
            found.update(self._reaches.get(role, {}))
        return found

    def of(self, actor: Actor) -> frozenset[str]:
        """All permissions of an actor."""
        return frozenset(self.reaches(actor))

    def may(self, actor: Actor, permission: str) -> bool:
        """Whether the actor has the permission; one nobody declared is nobody's (default deny)."""
        return any(permission in self._reaches.get(role, {}) for role in actor.roles)

    def require(self, actor: Actor, permission: str) -> None:
        """Raise `Forbidden` when the actor lacks the permission."""
        if not self.may(actor, permission):
            raise Forbidden(_("You may not do this. Ask an administrator."))

    def fields(self, actor: Actor, registered: RegisteredEntity) -> frozenset[str]:
        """Names of the fields the actor may see, on every road (T39). A list with nothing to choose from is left out."""
        return frozenset(
            name
            for name, field in registered.fields.items()
            if (field.declaration.permission is None or self.may(actor, field.declaration.permission))
            and not field.type.idle
        )


def reaches_of(registry: Registry, rights: Rights) -> dict[str, Reach]:
    """Permission -> reach of one role, without those it lacks. Only viewing has a reach; the others follow it."""
    found: dict[str, Reach] = {}
    administrator = rights.code == ADMINISTRATOR
    for registered in registry.slugs.values():  # what has no pages is part of another record, and goes by its rights
        view = registered.permission("view")
        usual: Reach = rights.usual
        if registered.entity.administrators_only and not administrator:
            usual = "none"
        reach = usual if administrator else rights.decided.get(view, usual)
        if registered.entity.ownership is None and reach in ("own", "team"):
            reach = "none"  # nobody owns its records: all or nothing
        if reach == "none":
            continue
        for verb in VERBS:
            permission = registered.permission(verb)
            granted: Reach = "none" if usual == "none" or (verb == "export" and usual != "all") else "all"
            if verb == "view" or (granted if administrator else rights.decided.get(permission, granted)) != "none":
                found[permission] = reach
    declared = dict.fromkeys(CORE_PERMISSIONS, administrator)
    for plugin in registry.plugins.values():
        declared.update({permission.name: rights.code in permission.roles for permission in plugin.permissions})
    for name, usually in declared.items():
        if administrator or rights.decided.get(name, "all" if usually else "none") != "none":
            found[name] = "all"
    return found
