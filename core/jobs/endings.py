"""How a run of a job ends before its time, and what its owner reads of a failure."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from core.errors import ComptoirError
from core.i18n import Text


class Interruption(BaseException):
    """Ends a run between two steps. Not an `Exception`: the job's own handlers must not take it for a failure."""


class HandedBack(Interruption):
    """The worker ends, or the job's module is off: it goes on elsewhere, later."""


class GivesWay(Interruption):
    """It had its turn, and others wait: it goes on behind them, from its cursor."""


class LeaseLost(Interruption):
    """The lease ended and somebody else may have the job: nothing more is written."""


class Stopped(Interruption):
    """A person asked for the end, or the owner may no longer work here."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason)
        self.reason = reason


def said(error: BaseException) -> str:
    """A failure in words for its owner: our own as they are, others with their kind; of the database no statement."""
    if isinstance(error, DBAPIError):
        words = str(error.orig).strip().splitlines()
        return f"{type(error).__name__}: {words[0] if words else ''}"
    return str(error) if isinstance(error, ComptoirError) else f"{type(error).__name__}: {error}"
