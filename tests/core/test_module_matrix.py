"""Modules in every company (MO-4): none on, each alone with its needs, every pair, all; bundled and foreign alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from core.runtime.discovery import BUNDLED
from core.testing import Browser, Site, probe

FOREIGN = ("loyalty",)


def module_sets(site: Site) -> Iterator[frozenset[str]]:
    """The sets to try, each closed under needs and only once, the small ones first."""
    discovery = site.runtime.discovery
    names = [name for name, found in discovery.found.items() if found.distribution == BUNDLED or name in FOREIGN]
    assert set(FOREIGN) < set(names)
    wanted = [(), *((name,) for name in names), *itertools.combinations(names, 2), names]
    closed = {frozenset(discovery.closure_needs(chosen)) for chosen in wanted}
    yield from sorted(closed, key=lambda chosen: (len(chosen), sorted(chosen)))


def switch_to(site: Site, wanted: frozenset[str]) -> None:
    on = set(site.runtime.follow().enabled)
    site.disable(*(on - wanted))
    site.enable(*sorted(wanted - on))
    assert set(site.runtime.follow().enabled) == wanted


def problems(site: Site, browser: Browser, known: dict[str, probe.Traces]) -> Iterator[str]:
    """What is wrong with the set that is on."""
    generation = site.runtime.follow()
    for name, found in known.items():
        yield from probe.missing(browser, found) if name in generation.enabled else probe.leftovers(browser, found)
    filler = probe.Filler(site, browser, {}, {})
    for entity in generation.registry.entities.values():
        if entity.plugin in generation.enabled and entity.entity.pages:
            number = filler.create(entity, filler.least(entity))
            sheet = browser.get(f"/{entity.entity.slug}/{number}")
            if sheet.status_code != 200 or "could not be loaded" in sheet.text:
                yield f"{entity.name}: {probe.complaints(sheet)}"


@pytest.mark.covers("MO-4")
@pytest.mark.usefixtures("foreign_packages")
def test_every_set_of_modules_works_and_nothing_is_left_of_the_others(site: Site) -> None:
    sets = list(module_sets(site))
    switch_to(site, sets[-1])
    known = {name: probe.traces(site, name) for name in site.runtime.follow().enabled}
    browser = site.browser()
    wrong: list[str] = []
    for chosen in (*sets, sets[-1]):
        switch_to(site, chosen)
        wrong += [
            f"with {', '.join(sorted(chosen)) or 'nothing'} on: {text}" for text in problems(site, browser, known)
        ]
    assert not wrong, "\n".join(wrong)
    assert len(sets) >= 5
    assert not sets[0]
