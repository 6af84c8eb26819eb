"""Export: lists as files, just as they are shown."""

from core.api import Plugin, lazy as _

plugin = Plugin(
    name="export",
    label=_("Export"),
    version="0.1.0",
    hooks="plugins.export.hooks",
    category=_("Tools"),
    description=_("Any list as a CSV file: its filters, sort and columns, chosen rows or all of them."),
    icon="download",
    author="Comptoir",
    licence="MIT",
)
