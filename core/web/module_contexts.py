"""What the templates of the Modules pages are given (UX 2.12); see `core.web.contexts`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import Text


@dataclass(frozen=True, slots=True)
class ModuleCard:
    """A module on the Modules page (UX 2.12). `state`: enabled, disabled, attention, missing. `verb`: what `change_url`
    does, enable or disable.
    """

    name: str
    label: Text
    description: Text
    category: Text
    state: str
    version: str
    icon: str
    needs: Sequence[Text]
    problem: Text | None
    details_url: str
    settings_url: str | None
    verb: str
    change_url: str | None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class DemoBox:
    """What there is of demo data, and where to remove it. `off`: a sentence on that of modules that are off."""

    counts: Sequence[Text]
    off: Text | None
    remove_url: str | None


@dataclass(frozen=True, slots=True)
class ModulesPage:
    """The list of modules; `states` are the filter tabs with counts and addresses."""

    cards: Sequence[ModuleCard]
    states: Sequence[tuple[Text, str, bool]]
    search: str
    reload_url: str
    version: int
    upgraded: Sequence[Text] = ()
    demo: DemoBox | None = None


@dataclass(frozen=True, slots=True)
class ImpactPage:
    """What enabling or disabling does, before it is done. `verb`: enable or disable."""

    verb: str
    name: str
    label: Text
    url: str
    version: int
    adds: Sequence[tuple[Text, Sequence[Text]]]
    others: Sequence[Text]
    blocked: Text | None
    warning: Text | None = None
    cancel_url: str = "/admin/modules"


@dataclass(frozen=True, slots=True)
class ModuleDetails:
    """Everything about one module: health, incidents (when, where, what, whether cleared), data, purge."""

    card: ModuleCard
    facts: Sequence[tuple[Text, str]]
    checks: Sequence[tuple[Text, str, Text]]
    incidents: Sequence[tuple[datetime.datetime, str, str, bool]]
    clear_url: str | None
    purge_url: str | None
    purge_rows: int
    dump_url: str | None
    error: Text | None = None
