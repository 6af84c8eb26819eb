"""Where the export meets the core; each line delegates."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint

from core.api import Command, Job, hookimpl, lazy as _
from plugins.export import services, views


@hookimpl
def blueprints() -> Iterable[Blueprint]:
    yield views.blueprint


@hookimpl
def commands() -> Iterable[Command]:
    yield Command(
        "list", _("Export"), "export.run", context="list", method="post", keywords=_("CSV file download spreadsheet"),
        permission="entity.export", icon="download", pin=True, order=10,
    )  # fmt: skip
    yield Command(
        "options", _("Export with options"), "export.options", context="list", keywords=_("CSV file separator"),
        permission="entity.export", icon="settings", pin=True, order=11,
    )  # fmt: skip
    yield Command("rows", _("Export"), "export.run", context="rows", permission="entity.export", icon="download")


@hookimpl
def jobs() -> Iterable[Job]:
    yield Job(services.WRITE, _("Export"), services.write_file)
