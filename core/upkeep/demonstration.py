"""What a new installation shows who wants to look around: modules that are on, and demo data in them (UX 2.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.contract.changes import SYSTEM, Actor
from core.features.demo import load_demo
from core.runtime.activation import enable

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime

DEMO_MODULES = ("thirdparty", "leads")


def begin_demo(runtime: Runtime, actor: Actor = SYSTEM) -> int:
    """Switch the modules of the demo on and load their demo data; returns how many records were made.

    What was done before is not done again. Raises as `enable` does when a module cannot be switched on.
    """
    for name in DEMO_MODULES:
        generation = runtime.follow()
        if name not in generation.enabled:
            enable(runtime, name, shown_version=generation.version, actor=actor)
    return load_demo(runtime.context(runtime.follow(), actor))
