"""Hooks that do what a test says."""

from core.api import hookimpl
from tests.probe import script, work
from tests.probe.models import Box, Label, Mark


@hookimpl
def entities():
    return [Box, Label]


@hookimpl
def entity_fields(entity):
    return [Mark] if entity == "thirdparty" else []


@hookimpl
def jobs():
    return work.JOBS


@hookimpl
def records_changing(changes):
    script.probe.changing(changes)


@hookimpl
def records_changed(changes, unit):
    script.probe.changed(changes, unit)


@hookimpl
def changes_committed(changes, unit):
    script.probe.committed(changes, unit)
