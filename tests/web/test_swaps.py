"""A swap is cheap and leaves nothing behind: 200 of them keep no old generation alive (issue A, DESIGN 5)."""

from __future__ import annotations

import gc
import weakref

from core.data.tables import bump
from core.testing.site import Site

SWAPS = 200
SETTLED = 50
"""Swaps until caches that are bounded have filled."""
TOLERATED_OBJECTS = 2_000


def swap(site: Site) -> None:
    """What every worker does when somebody switched a module: build anew, and serve a page."""
    with site.runtime.database.connection() as connection:
        bump(connection)
    site.visitor().get("/signin")


def test_old_generations_are_gone(site_with: object) -> None:
    site: Site = site_with("thirdparty", "leads")  # type: ignore[operator]
    generations, applications = [], []
    objects = 0
    for number in range(SWAPS):
        swap(site)
        generation = site.runtime.generation
        generations.append(weakref.ref(generation))
        applications.append(weakref.ref(generation.app))
        del generation
        if number == SETTLED:
            gc.collect()
            objects = len(gc.get_objects())
    gc.collect()
    assert [found() for found in generations[:-1] if found() is not None] == []
    assert [found() for found in applications[:-1] if found() is not None] == []
    assert len(gc.get_objects()) - objects < TOLERATED_OBJECTS
