"""Loyalty: a tier, points and rewards for third parties, earned by being contacted."""

from core.api import Integer, Permission, Plugin, Setting, lazy as _

plugin = Plugin(
    name="loyalty",
    label=_("Loyalty"),
    version="1.0",
    hooks="comptoir_loyalty.hooks",
    requires=("thirdparty",),
    after=("mischief",),
    permissions=(Permission("loyalty.reward", _("Give rewards"), roles=frozenset({"administrator", "user"})),),
    settings=(Setting("points_per_contact", Integer(minimum=1), _("Points per contact"), default=10),),
    category=_("Marketing"),
    description=_("Points for every contact, tiers that grow with them, and rewards."),
    icon="star",
    author="An author of plugins",
    licence="MIT",
)
