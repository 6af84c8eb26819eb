"""axe-core in a tab, and the rules of ours it does not have (UX 7.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / ".assets" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """tags => axe.run(document, {
    runOnly: {type: 'tag', values: tags}, rules: {'target-size': {enabled: true}}, resultTypes: ['violations', 'incomplete'],
})"""
IN_SIGHT = """async target => {
    document.querySelector(target).scrollIntoView({block: 'center', behavior: 'instant'});
    const found = await axe.run(target, {runOnly: {type: 'rule', values: ['target-size']}});
    return found.violations.length > 0;
}"""
OWN = """() => {
    const said = [], all = (selector) => [...document.querySelectorAll(selector)];
    if (all('h1').length !== 1) said.push(`${all('h1').length} h1`);
    if (!/ – Comptoir$/.test(document.title)) said.push(`title ${document.title}`);
    if (!['en', 'fr'].includes(document.documentElement.lang)) said.push('lang');
    const ids = all('[id]').map((one) => one.id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) said.push(`id ${id} twice`);
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 0) said.push(`the page scrolls sideways by ${wide} px`);
    for (const one of all('[aria-controls], [aria-describedby], [aria-labelledby], [popovertarget]'))
        for (const name of ['aria-controls', 'aria-describedby', 'aria-labelledby', 'popovertarget'])
            for (const id of (one.getAttribute(name) ?? '').split(/\\s+/).filter(Boolean))
                if (!document.getElementById(id)) said.push(`${name} points at ${id}, which is not there`);
    if (document.body.innerText.match(/%\\(\\w+\\)s|\\{\\{|\\bundefined\\b/)) said.push('a place was not filled in');
    return said;
}"""
REVIEWED = {
    (
        "color-contrast",
        "only non-text characters",
    ): "the arrow between an old and a new value; it is in the text colour",
    ("color-contrast", "due to a background image"): "the arrow of a select; the colours are tokens (UX 3.2)",
    (
        "color-contrast",
        "overlapped by another element",
    ): "scrolled under a sticky bar or an open menu; looked at elsewhere while in sight",
    (
        "color-contrast",
        "partially overlaps other elements",
    ): "half under an open menu or the Create button; looked at elsewhere while in sight",
    (
        "color-contrast",
        "partially obscured by another element",
    ): "scrolled out of a list with a bar below it; the same lines are looked at while in sight",
    ("color-contrast", "Element content is too short"): "a count of one digit; it is in the muted colour (UX 3.2)",
    ("color-contrast", "Element has no value"): "an empty control; what is typed has the colours of one that is filled",
}
"""What axe cannot decide by itself, with a part of its reason, and why it is right."""


def load(page: Page) -> None:
    """Bring axe into the page; `make assets` fetched it."""
    if not SCRIPT.exists():
        pytest.fail(f"{SCRIPT} is missing: run `make assets`")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text("utf-8"))


def problems(page: Page) -> list[str]:
    """What is wrong with the page as it is now."""
    load(page)
    found: dict[str, Any] = page.evaluate(RUN, list(TAGS))
    for one in found["violations"]:
        if one["id"] == "target-size":
            one["nodes"] = [node for node in one["nodes"] if _too_small(page, node["target"])]
    said = [f"{one['id']}: {_where(one)}" for one in found["violations"] if one["nodes"]]
    said += [f"to review, {one['id']}: {_where(one)}" for one in found["incomplete"] if not _reviewed(one)]
    own: list[str] = page.evaluate(OWN)
    return said + own


def _too_small(page: Page, target: list[str]) -> bool:
    """Whether a target is still too small once it is in sight: half under a bar or a message, scrolling brings it out."""
    return len(target) > 1 or bool(page.evaluate(IN_SIGHT, target[0]))


def _reviewed(result: dict[str, Any]) -> bool:
    known = [reason for rule, reason in REVIEWED if rule == result["id"]]
    return all(any(reason in (node.get("failureSummary") or "") for reason in known) for node in result["nodes"])


def _where(result: dict[str, Any]) -> str:
    nodes = result["nodes"]
    shown = [
        f"{' '.join(map(str, node['target']))} ({node.get('failureSummary') or node['html'][:120]})"
        for node in nodes[:3]
    ]
    return f"{len(nodes)} × " + " | ".join(" ".join(text.split()) for text in shown)
