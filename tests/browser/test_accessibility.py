"""axe finds nothing, and neither do our own rules, on any screen in either theme at any width (UX 7.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.browser.screens import ANONYMOUS, DAILY, OTHERS

WIDTHS = (1280, 320)
ALL_WIDTHS = (1280, 768, 320)
HEIGHT = 800
ALL = {**DAILY, **OTHERS}


def _open(open_tab: OpenTab, language: str, screen: str) -> Desk:
    return open_tab(language, person=None if screen in ANONYMOUS else "Alice Durand")


def _look(desk: Desk, screen: str, widths: tuple[int, ...], show: Callable[[Desk], None]) -> list[str]:
    """Everything wrong with a screen, in both themes and all widths."""
    said = []
    for width in widths:
        desk.page.set_viewport_size({"width": width, "height": HEIGHT})
        show(desk)
        for theme in ("light", "dark"):
            desk.page.emulate_media(color_scheme=theme)
            said += [f"{screen}, {desk.language}, {width} px, {theme}: {text}" for text in problems(desk.page)]
    return said


@pytest.mark.parametrize("screen", DAILY)
def test_daily_screens(open_tab: OpenTab, screen: str) -> None:
    """English wide and narrow, light and dark."""
    said = _look(_open(open_tab, "en", screen), screen, WIDTHS, DAILY[screen])
    assert not said, "\n".join(said)


def test_narrow_pages_in_french(open_tab: OpenTab) -> None:
    """French words are longer: nothing scrolls sideways at 320 px."""
    desk = open_tab("fr", viewport={"width": 320, "height": HEIGHT})
    said, titles = [], {}
    for screen, show in DAILY.items():
        if screen in ANONYMOUS:
            continue
        show(desk)
        titles[screen] = desk.page.title()
        wide = desk.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            said.append(f"{screen}: {wide} px too wide")
    assert not said, "\n".join(said)
    assert len({title for name, title in titles.items() if name != "list with undo"}) == len(titles) - 1, titles


@pytest.mark.axe
@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", ALL)
def test_every_screen(open_tab: OpenTab, language: str, screen: str) -> None:
    """The full matrix of `make axe`."""
    said = _look(_open(open_tab, language, screen), screen, ALL_WIDTHS, ALL[screen])
    assert not said, "\n".join(said)
