"""Who may do what (DESIGN 7): permissions derived from entities plus those of manifests, as each role has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from core.access.models import ADMINISTRATOR
from core.access.roles import VERBS, Rights, read_roles
from core.contract.changes import Actor
from core.data.query import LinkedField
from core.data.scopes import REACHES, Reach
from core.errors import Forbidden
from core.fields import Field, Link, OneOf
from core.i18n import lazy as _
from core.registry import RegisteredEntity, Registry

if TYPE_CHECKING:
    from core.data.unit import Unit

Doing = Literal["create", "edit"]
"""What a field is typed for."""
CORE_PERMISSIONS = ("modules.manage", "settings.manage")


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

    def covers(self, actor: Actor, role: str) -> bool:
        """Whether the actor may do all that a role may: he can then give it, and change the accounts that have it."""
        if is_administrator(actor):
            return True
        own = self.reaches(actor)
        return role != ADMINISTRATOR and not any(
            _wider(reach, own.get(name, "none")) for name, reach in self._reaches.get(role, {}).items()
        )

    def grantable(self, actor: Actor, role: str) -> Mapping[str, Reach] | None:
        """How far an actor may let a role reach: as far as himself, or as the role does already. None: without limit."""
        if is_administrator(actor):
            return None
        found = dict(self._reaches.get(role, {}))
        for name, reach in self.reaches(actor).items():
            if _wider(reach, found.get(name, "none")):
                found[name] = reach
        return found

    def withheld(self, actor: Actor, registered: RegisteredEntity, action: Doing) -> frozenset[str]:
        """Names of the fields an actor may not set, whatever he may do with the records: those he may not see (T39), and
        those that say whose a record is, for who does not see all of them: he would put records into the lists of others,
        or out of his own. Who creates a record owns it, so nobody names its owner then (T38, A67).
        """
        found = {
            name
            for name, field in registered.fields.items()
            if field.declaration.permission is not None and not self.may(actor, field.declaration.permission)
        }
        ownership = registered.entity.ownership
        if ownership is not None and ownership.part_of is None:
            whose = {ownership.owner, ownership.representatives, ownership.team}
            if self.reaches(actor).get(registered.permission("view")) == "all":
                whose = {ownership.owner} if action == "create" else set()
            found.update(filter(None, whose))
        return frozenset(found)

    def writable(self, actor: Actor, registered: RegisteredEntity, action: Doing) -> list[Field]:
        """The fields an actor may type, in one list for form, inline edit, bulk, raw POST and import (SECURITY 7.6)."""
        visible = self.fields(actor, registered) - self.withheld(actor, registered, action)
        return [
            found
            for found in registered.fields.values()
            if found.writable and found.name in visible and (action == "create" or not found.declaration.once)
        ]

    def fields(self, actor: Actor, registered: RegisteredEntity) -> frozenset[str]:
        """Names of the fields the actor may see, on every road (T39). A list with nothing to choose from is left out."""
        return frozenset(
            name
            for name, field in registered.fields.items()
            if (field.declaration.permission is None or self.may(actor, field.declaration.permission))
            and not field.type.idle
        )

    def linked_fields(
        self, actor: Actor, registered: RegisteredEntity, registry: Registry
    ) -> Mapping[str, LinkedField]:
        """By name, the fields of the records that links lead to, which the actor may filter and sort by (UI-4): those
        that he may see, of lists that he may see."""
        found: dict[str, LinkedField] = {}
        allowed = self.fields(actor, registered)
        for via in (
            one for name, one in registered.fields.items() if name in allowed
        ):  # in their order, in all workers
            target = registry.by_table(via.type.to) if isinstance(via.type, Link | OneOf) else None
            if target is None or not self.may(actor, target.permission("view")):
                continue
            visible = self.fields(actor, target)
            linked = [LinkedField(via, target, one) for one in target.fields.values() if one.name in visible]
            found.update({one.name: one for one in linked if not one.field.type.multiple})
        return {name: one for name, one in found.items() if name not in registered.fields}


def is_administrator(actor: Actor) -> bool:
    """Whether the actor may do everything."""
    return ADMINISTRATOR in actor.roles


def permissions_now(unit: Unit) -> Permissions:
    """The rights of each role as they stand in the database now, for rules that hold on every road of a unit."""
    return Permissions(unit.context.registry, read_roles(unit.session))


def _wider(reach: Reach, than: Reach) -> bool:
    return REACHES.index(reach) > REACHES.index(than)


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
