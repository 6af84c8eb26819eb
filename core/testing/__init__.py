"""What tests need, for Comptoir's own and those of plugin authors; nothing here is imported while serving.

`class TestMine(PluginContract): plugin = "mine"` checks a plugin; `Site` and `Browser` are what its own tests use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.testing.contract import PluginContract
    from core.testing.site import Browser, Site

__all__ = ["Browser", "PluginContract", "Site"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: pytest loads this package in every run, also in those that need nothing of it."""
    if name == "PluginContract":
        from core.testing.contract import PluginContract

        return PluginContract
    if name in ("Browser", "Site"):
        from core.testing import site

        return getattr(site, name)
    raise AttributeError(name)
