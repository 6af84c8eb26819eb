"""The export keeps what every plugin must keep."""

from core.testing import PluginContract


class TestExport(PluginContract):
    plugin = "export"
