"""What code works for: the enabled set, the database, and the person. One value per request, job step or command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.contract.changes import Actor
from core.errors import ContractError

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.contract.hooks import Hooks
    from core.data.engine import Database
    from core.data.scopes import Scope
    from core.data.unit import Unit
    from core.registry import Registry

Rule = Callable[["Unit", "Change"], None]
"""What must follow from a change of a record, in the same unit."""


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
    public_url: str = ""
    """Where links in mails begin, without a slash at the end; never taken from a request (T54)."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Rules for records of the core by entity, of rooms above the one that declares the record: they are handed in,
    since a room cannot import one above it. A record's own rules stand in `Record.settle`."""


_current: ContextVar[Context | None] = ContextVar("comptoir_context", default=None)


def current_context() -> Context:
    """The context of this request or job. Raises `ContractError` outside of one."""
    context = _current.get()
    if context is None:
        raise ContractError("no context: work inside a request, a job or `use_context`")
    return context


def ask(hook: str, /, **arguments: Any) -> list[Any]:
    """The answers to a hook that a plugin published in its `specs.py`, in order of need, asked from anywhere: view,
    panel, service, job. An answer of None is left out, and one that raises too, which is reported.
    """
    return current_context().hooks.ask(hook, **arguments)


@contextmanager
def use_context(context: Context) -> Iterator[Context]:
    """Work in `context` inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
