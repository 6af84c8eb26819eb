"""What the hooks of the two plugins do; each test writes its own, and afterwards they do nothing again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def nothing(*arguments: Any) -> None:
    """The hook of a plugin that does not care."""


@dataclass
class Script:
    """One plugin's hooks."""

    changing: Callable[..., Any] = nothing
    changed: Callable[..., Any] = nothing
    committed: Callable[..., Any] = nothing
    job: Callable[..., Any] = nothing

    def clear(self) -> None:
        """Do nothing again."""
        self.changing = self.changed = self.committed = self.job = nothing


probe = Script()
echo = Script()
