"""The number of statements a page sends does not depend on what it shows (PERFORMANCE D; UX 5)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from core.data.unit import transaction
from core.runtime.gate import FRAME
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty

LIST, SHEET, FORM, HOME = 5, 10, 6, 12
"""Of which one is the bell's."""


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """What is sent to the database in the block, without the frame of transactions."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(FRAME):
            sent.append(" ".join(statement.split()))

    engine = site.runtime.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def sent_for(site: Site, browser: Browser, path: str) -> list[str]:
    """The statements of the second view of a page: caches are warm."""
    assert browser.get(path).status_code == 200
    with statements(site) as sent:
        assert browser.get(path).status_code == 200
    return sent


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/thirdparties", LIST), ("/thirdparties?view=prospects&q=firm&sort=town&f=country:is:FR", LIST), ("/leads", LIST),
        ("/thirdparties/{id}", SHEET), ("/thirdparties/{id}/edit", FORM), ("/thirdparties/new", FORM), ("/", HOME),
    ],
)  # fmt: skip
def test_statements_of_a_page(sales: Site, path: str, most: int) -> None:
    browser = sales.browser()
    counts = []
    record = 0
    for number in (3, 47):
        with transaction("test", context=sales.context(sales.people["Alice"])) as unit:
            for index in range(number):
                added = unit.add(ThirdParty(name=f"Firm {number} {index}", country="FR", town="Lyon", role="prospect"))
            unit.session.flush()
            record = record or added.id
        sent = sent_for(sales, browser, path.format(id=record))
        counts.append(len(sent))
        assert len(sent) <= most, "\n".join(sent)
    assert counts[0] == counts[1]
