"""The list's question against the same question asked in Python, over random rows, on both databases (UI-4)."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from core.access.models import RoleRight, User
from core.access.views import scope_of
from core.data.query import parse
from core.data.records import value_of
from core.data.tables import bump
from core.features.list_rows import count, read_page
from core.fields import Field
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.core.stock import (
    SEED,
    ask,
    escaped,
    every_id,
    holds,
    operands_of,
    plain,
    typed,
)
from tests.probe.helpers import work
from tests.probe.models import Box

pytest_plugins = ["tests.probe.fixtures", "tests.core.stock_fixtures"]


class TestEveryOperator:
    @pytest.mark.covers("UI-4a", "UI-4b", "UI-4c")
    def test_says_what_python_says(self, stock: Site) -> None:
        """Every operator of every field of boxes, and of the records they link to, with values that are there."""
        chance = random.Random(SEED)
        entity = stock.runtime.follow().registry.entity("box")
        stock.browser()
        asked = 0
        with stock.runtime.database.reading() as session:
            boxes = {box.id: box for box in session.scalars(select(Box))}
            firms = {firm.id: firm for firm in session.scalars(select(ThirdParty))}
            query = ask(stock, entity)
            fields = {**entity.fields, **{n: f for n, f in query.linked.items() if f.via.name == "keeper"}}
            for name, what in fields.items():
                found: Field = getattr(what, "field", what)
                linked = found is not what
                values = {
                    number: value_of(firms[box.keeper], found)
                    if linked and box.keeper
                    else None
                    if linked
                    else value_of(box, found)
                    for number, box in boxes.items()
                }
                samples = sorted({typed(found, value) for value in values.values() if value is not None})
                for operator in found.type.operators:
                    for operands in operands_of(chance, operator, samples):
                        wire = f"{name}:{operator.name}" + (":" + ",".join(map(escaped, operands)) if operands else "")
                        query = ask(stock, entity, f=[wire], sort=["-created_at"])
                        assert not query.problems, (wire, list(map(str, query.problems)))
                        expected = {
                            number for number, value in values.items() if holds(found, operator.name, operands, value)
                        }
                        assert set(every_id(session, query)) == expected, wire
                        assert count(session, query) == len(expected)
                        asked += 1
        assert asked > 200

    @pytest.mark.covers("UI-4b")
    def test_one_level_of_or(self, stock: Site) -> None:
        entity = stock.runtime.follow().registry.entity("box")
        stock.browser()
        alternatives = ["1:number:is:1", "1:sealed:is:yes", "2:day:empty", "2:keeper.town:filled"]
        query = ask(stock, entity, f=["state:is:open"], any=alternatives)
        with stock.runtime.database.reading() as session:
            expected = {
                box.id for box in session.scalars(select(Box))
                if box.state == "open" and (box.number == 1 or box.sealed)
                and (box.day is None or (box.keeper is not None and session.get_one(ThirdParty, box.keeper).town is not None))
            }  # fmt: skip
            assert set(every_id(session, query)) == expected
        assert expected


class TestLinkedRecords:
    @pytest.mark.covers("UI-4a")
    def test_nobody_learns_of_records_that_he_may_not_know_of(self, stock: Site) -> None:
        """A hidden record is as none: its values select nothing and sort nothing (T33, T35)."""
        stock.browser("Lou", "user")
        lou = stock.people["Lou"]
        with stock.runtime.database.connection() as connection:
            right = {"role": "user", "permission": "thirdparty.view", "reach": "own"}
            connection.execute(RoleRight.__table__.insert().values(right))
            bump(connection)
        with work(stock, "give") as unit:
            for firm in unit.session.scalars(select(ThirdParty).order_by(ThirdParty.id).limit(4)):
                firm.owner_id = lou.id
        generation = stock.runtime.follow()
        entity, permissions = generation.registry.entity("box"), generation.permissions
        linked = permissions.linked_fields(lou, entity, generation.registry)
        with stock.runtime.database.reading() as session:
            user = session.get_one(User, lou.id)
            scope = scope_of(session, user, lou, generation.registry, permissions)
            firms = {firm.id: firm for firm in session.scalars(select(ThirdParty)) if firm.owner_id == lou.id}
            boxes = {box.id: box for box in session.scalars(select(Box))}

            def asked(**arguments: Sequence[str]) -> list[int]:
                query = parse(entity, arguments, permissions.fields(lou, entity), scope=scope, linked=linked)
                assert not query.problems, list(map(str, query.problems))
                return [row[0] for row in read_page(session, query, []).rows]

            for name in ("town", "phone", "role", "probe.points", "leads.source"):
                found = linked[f"keeper.{name}"].field
                values = {
                    number: value_of(firms[box.keeper], found) if box.keeper in firms else None
                    for number, box in boxes.items()
                }
                everybody = [value_of(firm, found) for firm in session.scalars(select(ThirdParty))]
                samples = sorted({typed(found, value) for value in everybody if value is not None})
                for operator in found.type.operators:
                    for operands in operands_of(random.Random(SEED), operator, samples):
                        text = f"keeper.{name}:{operator.name}:" + ",".join(map(escaped, operands))
                        expected = {
                            number for number, value in values.items() if holds(found, operator.name, operands, value)
                        }
                        assert set(asked(f=[text.rstrip(":")], per=["100"])) == expected, text
            town = linked["keeper.town"].field
            order = [boxes[number] for number in asked(sort=["keeper.town"], per=["100"])]
            towns = [plain(town, firms[box.keeper].town) if box.keeper in firms else None for box in order]
            assert towns == sorted(towns, key=lambda key: (key is not None, key or ""))

    def test_of_lists_that_he_may_not_see_nothing_is_asked(self, stock: Site) -> None:
        stock.browser("Lou", "user")
        with stock.runtime.database.connection() as connection:
            right = {"role": "user", "permission": "thirdparty.view", "reach": "none"}
            connection.execute(RoleRight.__table__.insert().values(right))
            bump(connection)
        generation = stock.runtime.follow()
        lou, entity = stock.people["Lou"], generation.registry.entity("box")
        found = generation.permissions.linked_fields(lou, entity, generation.registry)
        assert not [name for name in found if name.startswith("keeper.")]
