"""What a view knows of its request: runtime, generation, reading session, account, permissions."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import Response, g

from core.access.models import User
from core.access.permissions import Permissions
from core.contract.changes import Actor
from core.data.scopes import Scope, nothing
from core.data.session import GuardedSession
from core.data.tables import STORED
from core.errors import Forbidden
from core.features.file_store import FileStore
from core.i18n import Text, current_locale, lazy as _

if TYPE_CHECKING:
    from core.registry import Registry
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

ANONYMOUS = Actor(None, "", frozenset())
KEPT = "comptoir_kept"
"""Where the application of a generation keeps what holds as long as it does."""
MOST_KEPT = 500


@dataclass(slots=True)
class Here:
    """One request's surroundings; made before it, ended after it."""

    runtime: Runtime
    generation: Generation
    request_id: str
    user: User | None = None
    actor: Actor = ANONYMOUS
    scope: Scope = field(init=False)
    """What the person may know of; nothing before sign-in."""
    form_again: Callable[[int, Text], Response] | None = None
    """Shows the form of this request again, with all that was typed: for a fault nobody foresaw. Status and sentence."""
    stack: ExitStack = field(default_factory=ExitStack)
    _session: GuardedSession | None = None

    def __post_init__(self) -> None:
        self.scope = self.same_scope("nobody", nothing(self.generation.registry))

    def same_scope(self, key: Hashable, scope: Scope) -> Scope:
        """The view that stands for all with this key: its conditions were made by the request that had it first."""
        same: Scope = self.kept.setdefault(("scope", key), scope)
        return same

    @property
    def permissions(self) -> Permissions:
        """The rights of each role."""
        return self.generation.permissions

    @property
    def registry(self) -> Registry:
        """The enabled set."""
        return self.generation.registry

    @property
    def session(self) -> GuardedSession:
        """The request's reading session, opened on first use, read-only in the database."""
        if self._session is None:
            self._session = self.stack.enter_context(self.runtime.database.reading())
            self._session.scope = self.scope
            if (known := self.kept.get(STORED)) is not None:
                self._session.info[STORED] = known
        return self._session

    @property
    def kept(self) -> dict[Any, Any]:
        """What was worked out once for this generation, and holds until there is another: settings, menus, rows."""
        found: dict[Any, Any] = self.generation.app.extensions.setdefault(KEPT, {})
        if len(found) > MOST_KEPT:
            found.clear()  # of many people, languages and lists: none of it costs much to make again
        return found

    def close(self) -> None:
        """End what the request opened; the settings it read serve those after it."""
        if self._session is not None and STORED in self._session.info:
            self.kept[STORED] = self._session.info[STORED]
        self.stack.close()

    def fresh(self) -> None:
        """Forget what was read, so that a page after a write shows it."""
        g.pop("desk", None)
        if self._session is not None:
            self._session.expunge_all()  # the account stays as it was read
            self._session.rollback()

    @property
    def files(self) -> FileStore:
        """Where uploaded files are."""
        return FileStore(self.runtime.config.files)

    def may(self, permission: str) -> bool:
        """Whether the account has a permission."""
        return self.permissions.may(self.actor, permission)

    def require(self, permission: str) -> None:
        """Raise `Forbidden` without the permission."""
        if not self.may(permission):
            raise Forbidden(_("You may not do this. Ask an administrator."))


def here() -> Here:
    """The surroundings of the current request."""
    return cast(Here, g.here)


def kept_part(name: str, *state: Hashable, caller: Callable[[], str]) -> str:
    """For templates: a part that is the same for a language and all with the same rights, while `state` is the same.

    `{% call kept("menu", state) %}...{% endcall %}`: nothing in it may depend on the person or the page otherwise.
    """
    surroundings = here()
    key = ("part", name, state, surroundings.actor.roles, current_locale())
    known: str | None = surroundings.kept.get(key)
    if known is None:
        known = surroundings.kept[key] = caller()
    return known
