"""Leads keep what every plugin must keep."""

from core.testing import PluginContract


class TestLeads(PluginContract):
    plugin = "leads"
    values = {"lead": {"lost_reason": "No budget this year"}}
