"""The errors people read: what happened and what to do.

Everything a user can cause derives from `ComptoirError` and carries a sentence; everything else is a fault of ours and
ends as a page with an incident number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.contract.changes import Change
    from core.contract.hooks import IncidentKind
    from core.i18n import Text


class ComptoirError(Exception):
    """Base of all errors whose message is meant for a person."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class Refused(ComptoirError):
    """The request cannot be done as asked; nothing was written. Pages answer 422."""

    def __init__(self, message: Text, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Invalid(Refused):
    """A typed value does not fit its field. The message says what to type instead (UX 4.2)."""


class FormRefused(Refused):
    """Several fields are wrong at once: `errors` maps a field's name to its sentence."""

    def __init__(self, message: Text, errors: dict[str, Text]) -> None:
        super().__init__(message)
        self.errors = errors


class Veto(Refused):
    """Raised by a plugin's `records_changing` to refuse a change; the only exception with meaning there (DESIGN 3)."""

    def __init__(self, message: Text, *, change: Change | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.change = change


class Forbidden(ComptoirError):
    """The user may know of the thing but not do this with it. Pages answer 403."""


class NotFound(ComptoirError):
    """No such record, or the user may not know of it. Pages answer 404."""


class StateConflict(ComptoirError):
    """The thing is not in a state that allows this, or its state changed meanwhile. Pages answer 409."""


class EditConflict(StateConflict):
    """Somebody changed the record since the form was opened (F39). `fields` names what changed."""

    def __init__(self, message: Text, *, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class Busy(ComptoirError):
    """The database could not be had in time; trying again is safe. Pages answer 503 with Retry-After."""


class PluginError(ComptoirError):
    """A plugin broke its contract; `plugin` names it, `kind` says by what.

    `reported`: the Modules page knows of it already.
    """

    def __init__(self, plugin: str, message: Text, *, kind: IncidentKind = "build", reported: bool = False) -> None:
        super().__init__(message)
        self.plugin = plugin
        self.kind = kind
        self.reported = reported


class ContractError(Exception):
    """A programming mistake in the core or a plugin, found when it is declared or built."""


def described(error: BaseException) -> str:
    """What a plugin ran into, with its kind, for those who look after the plugin."""
    return f"{type(error).__name__}: {error}"
