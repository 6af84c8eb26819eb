"""The manifest of a plugin (DESIGN 3, MO-2, MO-9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from core.contract.contributions import Dictionary, NotificationKind, Permission
from core.errors import ContractError
from core.fields.base import FieldType
from core.i18n import Text

NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
KIND_LENGTH = 20
"""Characters of a kind of notification that its column holds."""
CONTRACT = "1.0"
"""The version of what plugins are written against, `core.api` and the hooks: a new minor number for what is added, a new
major one for what is taken away. It moves on its own, whatever the version of Comptoir is."""
RESERVED = frozenset({"core", "vendor", "static", "admin"})


@dataclass(frozen=True, slots=True)
class Setting:
    """A value an administrator keeps for a module: form, validation and default come from this one line."""

    name: str
    type: FieldType[Any]
    label: Text
    default: object = None
    help: Text | None = None


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a plugin states about itself, found through the entry-point group `comptoir.plugins`.

    `name` prefixes its tables, endpoints, permissions, settings, templates and contributed fields. `hooks` is a dotted
    module, imported when the plugin is first enabled in a process. `requires` must be on for it to be on; `after` only
    orders. `core` is the range of versions of this contract (`CONTRACT`) it was written for.
    """

    name: str
    label: Text
    version: str
    hooks: str
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: tuple[Setting, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()
    notifications: tuple[NotificationKind, ...] = ()
    category: Text = ""
    description: Text = ""
    icon: str = "puzzle"
    author: str = ""
    licence: str = ""
    core: str = ">=1,<2"

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ContractError(f"plugin name {self.name!r} must match {NAME.pattern} and not be reserved")
        if self.name in self.requires or self.name in self.after:
            raise ContractError(f"plugin {self.name} cannot need itself")
        prefix = f"{self.name}."
        for permission in self.permissions:
            if not permission.name.startswith(prefix):
                raise ContractError(f"permission {permission.name!r} of plugin {self.name} must start with {prefix!r}")
        for kind in self.notifications:
            if not kind.name.startswith(prefix) or len(kind.name) > KIND_LENGTH:
                raise ContractError(
                    f"notification {kind.name!r} of plugin {self.name} must start with {prefix!r} and have at most "
                    f"{KIND_LENGTH} characters"
                )
