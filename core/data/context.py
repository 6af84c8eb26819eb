"""What code works for: the enabled set, the database, and the person. One value per request, job step or command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.contract.changes import Actor
from core.errors import ContractError

if TYPE_CHECKING:
    from core.contract.hooks import Hooks
    from core.data.engine import Database
    from core.data.scopes import Scope
    from core.data.unit import Unit
    from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a unit of work needs to know about its surroundings."""

    registry: Registry
    hooks: Hooks
    database: Database
    actor: Actor
    request_id: str | None = None
    scope: Scope | None = None
    """What the actor may know of; None for the system itself."""
    job_id: int | None = None
    watchers: tuple[Callable[[Unit], None], ...] = ()
    """What looks at each unit once its changes are known, and may add rows to it: notifications, audit."""
    secret_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """The installation's keys, from a file outside the database: the first signs and seals, all of them verify."""


_current: ContextVar[Context | None] = ContextVar("comptoir_context", default=None)


def current_context() -> Context:
    """The context of this request or job. Raises `ContractError` outside of one."""
    context = _current.get()
    if context is None:
        raise ContractError("no context: work inside a request, a job or `use_context`")
    return context


@contextmanager
def use_context(context: Context) -> Iterator[Context]:
    """Work in `context` inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
