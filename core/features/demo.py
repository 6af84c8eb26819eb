"""Demo data: fictitious records that plugins add to an empty installation, the same each time."""

from __future__ import annotations

from core.data.context import Context
from core.data.unit import transaction
from core.i18n import lazy as _


def load_demo(context: Context) -> int:
    """Let every enabled plugin add its demo records, each in one unit; returns how many records were made."""
    made = 0
    for plugin in context.hooks.listeners("demo_data"):
        label = context.registry.plugins[plugin].label
        with transaction("demo.load", cause=str(_("Demo data of %(module)s", module=label)), context=context) as unit:
            context.hooks.demo(plugin, unit)
        made += sum(change.kind == "created" for change in unit.changes)
    return made
