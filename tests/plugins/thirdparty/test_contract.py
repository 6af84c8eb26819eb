"""Third parties keep what every plugin must keep."""

from typing import ClassVar

from core.testing import PluginContract


class TestThirdParties(PluginContract):
    plugin = "thirdparty"
    bound: ClassVar = {"thirdparty": {"kind", "first_name", "last_name", "registration", "establishment"}}
