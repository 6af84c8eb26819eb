"""Boxes with something in every kind of field, or nothing."""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.fields.dates import today
from core.i18n import use_locale
from core.testing.site import Site
from plugins.leads.models import Origin
from plugins.thirdparty.models import ThirdParty
from tests.core.stock import ENGLISH, ROWS, SEED, WORDS
from tests.probe.helpers import add, work
from tests.probe.models import Box, Mark


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with use_locale(ENGLISH):
        yield


@pytest.fixture
def stock(shop: Site) -> Site:
    """Boxes with something in every kind of field, or nothing, and links to third parties with facets."""
    chance = random.Random(SEED)
    day = today()

    def perhaps(make: Callable[[], Any], empty: float = 0.3) -> Any:
        return None if chance.random() < empty else make()

    firms = add(
        shop,
        *(
            ThirdParty(
                name=f"{chance.choice(WORDS)} {number}", town=perhaps(lambda: chance.choice(WORDS)),
                country=perhaps(lambda: chance.choice(["FR", "BE", "NL"])), role="prospect",
                phone=perhaps(lambda: f"+331990012{chance.randrange(100):02}"),
                email=perhaps(lambda: f"{chance.choice(['Ann', 'bob'])}{chance.randrange(9)}@example.com"),
            )
            for number in range(9)
        ),
    )  # fmt: skip
    boxes: list[Any] = [
        Box(
            name=chance.choice(WORDS), serial=perhaps(lambda number=number: f"S{number}"),  # type: ignore[misc]
            number=perhaps(lambda: chance.randrange(4)),
            price=perhaps(lambda: decimal.Decimal(chance.randrange(5)) / 2),
            weight=perhaps(lambda: decimal.Decimal(chance.randrange(4)) / 8),
            day=perhaps(lambda: day + datetime.timedelta(chance.choice([-400, -40, -31, -30, -29, -7, -1, 0, 1, 6, 30, 31]))),
            at=perhaps(
                lambda: datetime.datetime.now(datetime.UTC)
                + datetime.timedelta(days=chance.choice([-31, -30, -2, -1, 0, 1, 9]), minutes=chance.randrange(1440))
            ),
            sealed=chance.random() < 0.5, state=chance.choice(["open", "packed"]),
            notes=perhaps(lambda: chance.choice(WORDS) + "\nagain"), owner=perhaps(lambda: chance.choice(["Ann@example.com", "bob@example.com"])),
            keeper=perhaps(lambda: chance.choice(firms)),
        )
        for number in range(ROWS)
    ]  # fmt: skip
    add(shop, *boxes)
    with work(shop, "facets") as unit:
        for firm in firms[:6]:
            mark = unit.facet(Mark, firm)
            mark.points, mark.remark = perhaps(lambda: chance.randrange(3)), perhaps(lambda: chance.choice(WORDS))
        for firm in firms[3:]:
            unit.facet(Origin, firm).source = perhaps(lambda: "fair")
    return shop
