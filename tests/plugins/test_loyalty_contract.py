"""A plugin of another distribution keeps what every plugin must keep."""

from __future__ import annotations

import pytest

from core.testing import PluginContract


@pytest.mark.usefixtures("foreign_packages")
class TestLoyalty(PluginContract):
    plugin = "loyalty"
