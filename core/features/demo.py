"""Demo data: fictitious records that plugins add to an empty installation, the same each time."""

from __future__ import annotations

from core.data.context import Context
from core.data.unit import transaction
from core.errors import Busy
from core.i18n import lazy as _


def load_demo(context: Context) -> int:
    """Let every enabled plugin add its demo records, each in one unit; returns how many records were made.

    A plugin that fails is reported, and its records are left out.
    """
    made = 0
    for plugin in context.hooks.listeners("demo_data"):
        label = context.registry.plugins[plugin].label
        cause = str(_("Demo data of %(module)s", module=label))
        try:
            with transaction("demo.load", cause=cause, context=context) as unit:
                context.hooks.demo(plugin, unit)
        except (KeyboardInterrupt, Busy):
            raise
        except BaseException as error:  # also SystemExit (F30)
            context.hooks.failed(plugin, "demo_data", "demo", error)
            continue
        made += sum(change.kind == "created" for change in unit.changes)
    return made
