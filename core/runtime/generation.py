"""A generation: everything one enabled set consists of, built once and never changed (DESIGN 1, 5).

Enabling or disabling a module makes a new one; requests under way finish on theirs.
"""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core.access.models import Company, Team, User
from core.access.permissions import Permissions
from core.access.roles import Rights, read_roles
from core.access.views import read_lists
from core.contract.contributions import Job
from core.contract.hooks import Hooks, watched
from core.contract.plugin import Plugin
from core.data.custom_fields import CustomDefinition, read_custom_fields
from core.data.numbering import Series
from core.data.records import Record
from core.errors import PluginError, described
from core.exchange.accounts import ACCOUNT_JOBS
from core.exchange.images import IMAGE_JOBS
from core.exchange.mail.housekeeping import HOUSEKEEPING_JOBS
from core.exchange.mail.many import MAIL_JOBS
from core.exchange.notification_mail import NOTIFICATION_JOBS
from core.features.bulk import BULK_JOBS
from core.features.dictionaries import DICTIONARY_JOBS, DictionaryEntry, read_dictionaries
from core.features.files import StoredFile
from core.features.list_views import ListView
from core.features.notes import Note
from core.features.tags import TAG_JOBS, Tag, read_tags
from core.features.undo_job import UNDO_JOBS
from core.fields import Option
from core.i18n import Text, lazy as _
from core.jobs.core_jobs import CORE_JOBS as ENGINE_JOBS
from core.registry import Registry, build_registry
from core.runtime.discovery import IMPORT_HOOK

if TYPE_CHECKING:
    from flask import Flask

    from core.runtime.runtime import Runtime

CORE_ENTITIES: tuple[type[Record], ...] = (
    Series, User, Team, Company, Note, StoredFile, ListView, Tag, DictionaryEntry,
)  # fmt: skip
CORE_JOBS: tuple[Job, ...] = (
    *ENGINE_JOBS, *UNDO_JOBS, *BULK_JOBS, *TAG_JOBS, *DICTIONARY_JOBS, *ACCOUNT_JOBS, *IMAGE_JOBS, *NOTIFICATION_JOBS,
    *MAIL_JOBS, *HOUSEKEEPING_JOBS,
)  # fmt: skip
"""The jobs of the rooms of the core; a room adds its own tuple here."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Generation:
    """One enabled set: its names in order of need, hooks, registry and application."""

    version: int
    enabled: tuple[str, ...]
    hooks: Hooks
    registry: Registry
    permissions: Permissions
    make_app: Callable[[Generation], Flask] | None = field(repr=False)
    """Only in processes that serve pages."""
    _made: list[Flask] = field(default_factory=list, init=False, repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def app(self) -> Flask:
        """The application, made when it is first asked for. Raises `PluginError` naming the plugin it cannot hold."""
        if not self._made:
            with self._making:
                if not self._made:
                    assert self.make_app is not None, "this process serves no pages"
                    with _named():
                        self._made.append(self.make_app(self))
        return self._made[0]


AppFactory = Callable[["Runtime", Generation], "Flask"]
"""Makes the Flask application of a generation; it lives a layer above and is handed in."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a generation needs from the database."""

    dictionaries: Mapping[str, tuple[Option, ...]]
    custom: Sequence[CustomDefinition]
    roles: Mapping[str, Rights]

    def with_shipped(self, plugins: Iterable[Plugin]) -> Stored:
        """With the shipped values of plugins whose lists are not in the database yet."""
        merged = dict(self.dictionaries)
        for dictionary in (found for plugin in plugins for found in plugin.dictionaries):
            stored = merged.get(dictionary.name, ())
            known = {option.code for option in stored}
            merged[dictionary.name] = (*stored, *(option for option in dictionary.options if option.code not in known))
        return Stored(merged, self.custom, self.roles)


def read_stored(session: Session) -> Stored:
    """Read the lists, fields and roles administrators keep."""
    roles = read_roles(session)
    custom = [*read_custom_fields(session), *read_tags(session)]
    return Stored({**read_dictionaries(session), **read_lists(session, roles)}, custom, roles)


def build_generation(runtime: Runtime, version: int, names: Iterable[str], stored: Stored, *, app: bool) -> Generation:
    """Build the generation of these plugins; with `app`, where pages are served, its application at once.

    Raises `PluginError` naming the plugin whose import, registration or declaration fails; nothing is swapped.
    """
    discovery = runtime.discovery
    order = discovery.order(names)
    plugins = [discovery.plugin(name) for name in order]
    modules = [(plugin.name, import_hooks(plugin)) for plugin in plugins]
    factory = runtime.app_factory
    with _named():
        hooks = Hooks(modules, discovery.specs(), runtime.report)
        registry = build_registry(hooks, plugins, CORE_ENTITIES, stored.dictionaries, stored.custom, CORE_JOBS)
        make_app = functools.partial(factory, runtime) if factory is not None else None
        generation = Generation(version, tuple(order), hooks, registry, Permissions(registry, stored.roles), make_app)
    if app and factory is not None:
        generation.app  # noqa: B018 - so that a plugin that does not fit fails here
    return generation


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except PluginError as error:
        raise PluginError(error.plugin, _naming(error), kind=error.kind) from error


def _naming(error: PluginError) -> Text:
    """The error's sentence, with the module's name in it."""
    if error.plugin in str(error):
        return error.message
    return _("Module %(name)s: %(error)s", name=error.plugin, error=error.message)


def import_hooks(plugin: Plugin) -> ModuleType:
    """Import a plugin's hooks, once per process. Raises `PluginError`."""
    try:
        with watched(plugin.name, IMPORT_HOOK):
            return importlib.import_module(plugin.hooks)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit (F30)
        message = _("The module %(name)s cannot be imported: %(error)s", name=plugin.name, error=described(error))
        raise PluginError(plugin.name, message, kind="import") from error
