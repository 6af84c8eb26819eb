"""Leads: people and companies not yet targeted, in a register of their own."""

from core.api import Dictionary, Option, Plugin, lazy as _, lazy_context

plugin = Plugin(
    name="leads",
    label=_("Leads"),
    version="0.1.0",
    hooks="plugins.leads.hooks",
    requires=("thirdparty",),
    category=_("Sales"),
    description=_("Companies and consumers not yet targeted, never mixed with third parties."),
    icon="address-book",
    author="Comptoir",
    licence="MIT",
    dictionaries=(
        Dictionary(
            "lead_status",
            _("Lead status"),
            (
                Option("new", lazy_context("lead status", "New"), "neutral"),
                Option("tocall", _("To contact"), "info"),
                Option("progress", _("Contact in progress"), "progress"),
                Option("qualified", lazy_context("lead status", "Qualified"), "success"),
                Option("lost", lazy_context("lead status", "Lost"), "danger"),
            ),
        ),
    ),
)
