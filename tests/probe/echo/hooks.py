"""Hooks that do what a test says."""

from core.api import hookimpl
from tests.probe import script


@hookimpl
def records_changing(changes):
    script.echo.changing(changes)


@hookimpl
def records_changed(changes, unit):
    script.echo.changed(changes, unit)
