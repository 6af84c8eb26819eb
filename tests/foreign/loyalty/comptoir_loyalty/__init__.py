"""Loyalty: a tier, points and rewards for third parties, earned by being contacted."""

from core.api import Permission, Plugin, lazy as _

plugin = Plugin(
    name="loyalty",
    label=_("Loyalty"),
    version="1.0",
    hooks="comptoir_loyalty.hooks",
    requires=("thirdparty",),
    after=("mischief",),
    permissions=(Permission("loyalty.reward", _("Give rewards"), roles=frozenset({"administrator", "user"})),),
    category=_("Marketing"),
    description=_("Points for every contact, tiers that grow with them, and rewards."),
    icon="star",
    author="An author of plugins",
    licence="MIT",
)
