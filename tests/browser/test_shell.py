"""The frame of every page in a browser: palette, keys, short forms, the drawer, text at twice its size (UX 1, 3.1)."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NARROW, OpenTab

TWICE = "document.documentElement.style.fontSize = '200%'"
OVER = """() => [...document.querySelectorAll('main *, header *')].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && getComputedStyle(one).position !== 'fixed' && !one.closest('[popover], dialog, thead');
}).slice(0, 8).map((one) => `${one.tagName}.${one.className.baseVal ?? one.className} ${one.textContent.trim().slice(0, 20)} ${Math.round(one.getBoundingClientRect().right)}`)"""
WIDER = "document.documentElement.scrollWidth - innerWidth"


@pytest.mark.covers("UI-1f")
def test_text_at_twice_its_size_on_a_phone(open_tab: OpenTab) -> None:
    """WCAG 1.4.4 with 1.4.10: 200 % text at 320 px, and nothing is cut off or scrolls sideways."""
    desk = open_tab("fr", viewport=NARROW)
    made = desk.create(town="Villeneuve-Saint-Georges", email="correspondance.commerciale@boulangerie.example")
    pages = (
        "/",
        "/thirdparties",
        made.path,
        f"{made.path}/edit",
        "/leads",
        "/help",
        "/search?q=boulangerie",
        "/admin/modules",
    )
    wide: dict[str, object] = {}
    for path in pages:
        desk.go(path)
        desk.page.evaluate(TWICE)
        over = desk.page.evaluate(WIDER)
        if over > 0:
            wide[path] = (over, desk.page.evaluate(OVER))
    assert not wide, "\n".join(map(str, wide.items()))
