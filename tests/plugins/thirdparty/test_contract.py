"""Third parties keep what every plugin must keep."""

from core.testing import PluginContract


class TestThirdParties(PluginContract):
    plugin = "thirdparty"
