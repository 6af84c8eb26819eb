"""The hook this plugin publishes for others."""

from core.api import hookspec


@hookspec
def mischief_report() -> str:  # type: ignore[empty-body]
    """A sentence on how the plugin that answers is."""
