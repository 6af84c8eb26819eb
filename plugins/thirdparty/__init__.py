"""Third parties: the companies and people we trade with."""

from core.api import Choice, Dictionary, Option, Plugin, Setting, lazy as _

ROLES = {"prospect": _("Prospect"), "customer": _("Customer"), "both": _("Both")}

plugin = Plugin(
    name="thirdparty",
    label=_("Third parties"),
    version="0.1.0",
    hooks="plugins.thirdparty.hooks",
    category=_("Sales"),
    description=_("Prospects and customers: the register everything else points at."),
    icon="building",
    author="Comptoir",
    licence="MIT",
    settings=(Setting("default_role", Choice(ROLES), _("Role of a new third party"), default="prospect"),),
    dictionaries=(
        Dictionary(
            "contact_status",
            _("Contact status"),
            (
                Option("never", _("Never contacted"), "neutral"),
                Option("tocall", _("To contact"), "info"),
                Option("progress", _("Contact in progress"), "progress"),
                Option("contacted", _("Contacted"), "success"),
                Option("refused", _("Do not contact"), "danger"),
            ),
        ),
        Dictionary(
            "potential",
            _("Potential"),
            (
                Option("none", _("None"), "neutral"),
                Option("low", _("Low"), "info"),
                Option("medium", _("Medium"), "progress"),
                Option("high", _("High"), "success"),
            ),
        ),
    ),
)
