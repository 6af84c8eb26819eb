"""The error boundary around plugin code on pages: a fault is reported under the plugin's name, the page goes on (F28)."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from core.contract.hooks import IncidentKind, watched
from core.errors import ComptoirError, PluginError
from core.i18n import lazy as _
from core.web.current import here

log = logging.getLogger("comptoir.plugins")


class Boundary:
    """`with Boundary("sample", "panel totals", "panel") as part:` runs code of a plugin; `part.failed` tells how it went.

    Everything is held but the operator's interrupt, SystemExit and RecursionError too (F30).
    """

    def __init__(self, plugin: str, place: str, kind: IncidentKind) -> None:
        self._plugin = plugin
        self._place = place
        self._kind = kind
        self._watched = watched(plugin, place)
        self.failed = False

    def __enter__(self) -> Boundary:
        self._watched.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._watched.__exit__(None, None, None)
        if error is None or isinstance(error, KeyboardInterrupt):
            return False
        self.failed = True
        report_fault(self._plugin, self._place, self._kind, error)
        return True


def report_fault(plugin: str, place: str, kind: IncidentKind, error: BaseException) -> None:
    """Log a fault of a plugin on a page and keep it for the Modules page."""
    log.error("%s of module %s failed", place, plugin, exc_info=error)
    surroundings = here()
    surroundings.generation.hooks.failed(plugin, place, kind, error)
    if isinstance(error, SQLAlchemyError):
        surroundings.session.rollback()  # PostgreSQL answers nothing more in a transaction with a failed statement


def guarded(plugin: str, endpoint: str, view: Callable[..., Any]) -> Callable[..., Any]:
    """A plugin's view whose faults are named on the Modules page; refusals and HTTP errors pass as they are."""

    @functools.wraps(view)
    def run(*arguments: Any, **values: Any) -> Any:
        try:
            return view(*arguments, **values)
        except (ComptoirError, HTTPException, KeyboardInterrupt):
            raise
        except BaseException as error:
            report_fault(plugin, f"view {endpoint}", "view", error)
            label = here().registry.plugins[plugin].label
            message = _("The module %(module)s failed. Nothing was changed.", module=label)
            raise PluginError(plugin, message, reported=True) from error

    return run
