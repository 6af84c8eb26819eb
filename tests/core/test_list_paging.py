"""Pages of a list sorted by several keys, and the page that begins with a value (UX 2.1)."""

from __future__ import annotations

import random
from functools import cmp_to_key
from typing import Any

import pytest
from sqlalchemy import select

from core.data.query import SortKey
from core.data.records import value_of
from core.features import list_rows
from core.features.list_rows import go_to, read_page
from core.fields import Field, fold
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.core.stock import (
    ask,
    every_id,
    plain,
    replace_place,
)
from tests.probe.models import Box

pytest_plugins = ["tests.probe.fixtures", "tests.core.stock_fixtures"]


# -- order ------------------------------------------------------------------------------------------------------
SORTED = (
    "name",
    "number",
    "price",
    "day",
    "at",
    "sealed",
    "owner",
    "keeper.town",
    "keeper.probe.points",
    "keeper.leads.source",
    "-serial",
)


class TestPaging:
    @pytest.mark.parametrize("seed", range(12))
    def test_pages_go_through_all_rows_once_in_order(self, stock: Site, seed: int) -> None:
        """Up to three sort keys, rising and falling, with empty values, on pages of 25, forwards and backwards."""
        chance = random.Random(seed)
        stock.browser()
        entity = stock.runtime.follow().registry.entity("box")
        names = chance.sample([name.lstrip("-") for name in SORTED], chance.randint(1, 3))
        sort = ",".join(chance.choice(["", "-"]) + name for name in names)
        query = ask(stock, entity, sort=[sort], per=["25"])
        assert ",".join(key.wire() for key in query.sort) == sort
        with stock.runtime.database.reading() as session:
            firms = {firm.id: firm for firm in session.scalars(select(ThirdParty))}
            boxes = list(session.scalars(select(Box)))

            def value(box: Box, key: SortKey) -> Any:
                found: Field = getattr(key.field, "field", key.field)
                if found is key.field:
                    return plain(found, value_of(box, found))
                return plain(found, value_of(firms[box.keeper], found)) if box.keeper else None

            def compare(one: Box, other: Box) -> int:
                for key in query.sort:
                    first, second = value(one, key), value(other, key)
                    if first != second:
                        smaller = first is None or (second is not None and first < second)
                        return (-1 if smaller else 1) * (-1 if key.descending else 1)
                return (-1 if one.id < other.id else 1) * (-1 if query.sort[-1].descending else 1)

            expected = [box.id for box in sorted(boxes, key=cmp_to_key(compare))]
            assert every_id(session, query) == expected
            page = read_page(session, query, [])
            while page.next is not None:
                page = read_page(session, replace_place(query, page.next), [])
            back = [row[0] for row in page.rows]
            while page.previous is not None:
                page = read_page(session, replace_place(query, page.previous), [])
                back = [row[0] for row in page.rows] + back
            assert back == expected

    @pytest.mark.parametrize("sort", ["name", "-name", "number,-day", "-number,name"])
    @pytest.mark.parametrize("many", [2, list_rows.MANY], ids=["many", "few"])
    def test_go_to_a_value(self, stock: Site, sort: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """The page begins with the first row that has the value, or comes after it, and says which row that is."""
        monkeypatch.setattr(list_rows, "MANY", many)
        stock.browser()
        entity = stock.runtime.follow().registry.entity("box")
        query = ask(stock, entity, sort=[sort], per=["25"])
        key = query.sort[0]
        with stock.runtime.database.reading() as session:
            order = every_id(session, query)
            boxes = {box.id: box for box in session.scalars(select(Box))}
            for text in ("2", "0", "99") if key.field.name == "number" else ("n", "elan", "zz", "A"):
                wanted = int(text) if key.field.name == "number" else fold(text)

                def reached(box: Box, wanted: Any = wanted) -> bool:
                    mine = box.number if key.field.name == "number" else fold(box.name)
                    if mine is None:
                        return key.descending
                    if not key.descending:
                        return bool(mine >= wanted)
                    return bool(mine <= wanted) or (isinstance(mine, str) and mine.startswith(wanted))

                first = next((at for at, number in enumerate(order) if reached(boxes[number])), len(order))
                place = go_to(session, query, text)
                page = read_page(session, query if place is None else replace_place(query, place), [])
                assert [row[0] for row in page.rows] == order[first : first + 25], (text, first)
                assert page.first_number == first + 1 or not page.rows
