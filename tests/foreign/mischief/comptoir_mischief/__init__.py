"""Mischief: misbehaves on demand."""

from comptoir_mischief.misdeeds import act, asked
from core.api import Plugin, lazy as _

act("import")

plugin = Plugin(
    name="mischief",
    label=_("Mischief"),
    version="1.0",
    hooks="comptoir_mischief.hooks",
    requires=("thirdparty",),
    description=_("Misbehaves on demand."),
    author="Nobody",
    licence="MIT",
    core=asked("core") or ">=1,<2",
)
