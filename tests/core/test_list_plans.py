"""The rows of a list are the same however they are found, and no list is sorted or searched row by row (PERFORMANCE D)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from core.data.query import ListQuery
from core.data.unit import transaction
from core.features import list_plan, search_index
from core.features.bin import delete_record, restore_record
from core.features.list_finding import plan_for
from core.features.list_rows import count, page_statement, read_page
from core.features.tags import Tag
from core.testing.site import Site
from plugins.leads.models import Lead, Origin
from plugins.thirdparty.models import ThirdParty
from tests.core.stock import ask
from tests.probe.models import Mark

pytest_plugins = ["tests.probe.fixtures"]

ROWS = 180
COUNTRIES, TAGS, STATUSES = ("", "FR", "PL"), ("", "Often", "Rare"), ("", "never", "refused")
TEXTS = ("", "garage", "dup", "ga", "zz", "lyon garage", "99 00 12")
SORTS = (
    "-created_at",
    "name",
    "-town",
    "potential",
    "contact_status,-name",
    "leads.source",
    "-parent_id.name",
    "-alias",
)


@pytest.fixture
def firms(sales: Site) -> Site:
    """Third parties with tags, owners and facets, some of them in the bin; and a few leads."""
    chance = random.Random(20_261_122)
    sales.browser()
    with transaction("test", context=sales.context()) as unit:
        often, rare = (unit.add(Tag(name=name, target="thirdparty")) for name in ("Often", "Rare"))
        unit.session.flush()
        tags = {"Often": often.id, "Rare": rare.id}
    with transaction("test", context=sales.context(sales.people["Alice"])) as unit:
        kind = unit.context.registry.entity("thirdparty").field("tags")
        made: list[ThirdParty] = []
        for number in range(ROWS):
            firm = ThirdParty(
                name=f"{chance.choice(['Garage', 'Bakery', 'Hotel'])} {chance.choice(['Dupont', 'Martin', 'Zzyx'])} {number % 7}",
                town=chance.choice([None, "Lyon", "Paris"]), country=chance.choice(["FR", "FR", "DE", "PL"]),
                contact_status=chance.choice(["never", "never", "never", "refused"]), role="prospect",
                potential=chance.choice([None, "low", "high"]), phone=f"+331990012{number % 90:02}" if number % 3 else None,
                alias=chance.choice([None, None, "Garage"]),
            )  # fmt: skip
            made.append(unit.add(firm))
        unit.session.flush()
        for number, firm in enumerate(made):
            chosen = [tags["Often"]] * (number % 2) + [tags["Rare"]] * (number % 40 == 1)
            if chosen:
                unit.write(firm, kind, tuple(chosen))
            if number % 5 == 0:
                unit.facet(Origin, firm.id).source = chance.choice(["web", "fair"])
            if number % 9 == 1:
                firm.parent_id = made[number // 2].id
            unit.add(Lead(name=f"Lead {number}")) if number < 9 else None
    with transaction("test", context=sales.context()) as unit:
        for firm in made[::17]:
            delete_record(unit, unit.get(ThirdParty, firm.id))
    return sales


def questions() -> Iterator[dict[str, list[str]]]:
    """A part of all combinations, each filter with each sort somewhere."""
    every = list(itertools.product(COUNTRIES, TAGS, STATUSES, TEXTS, SORTS))
    for country, tag, status, typed, sort in random.Random(1).sample(every, 90):
        asked = [f"country:is:{country}"] * bool(country) + [f"tags:in:{tag}"] * bool(tag)
        asked += [f"contact_status:in:{status}"] * bool(status)
        yield {"f": asked, "q": [typed], "sort": [sort], "per": ["100"]}
    yield {"f": ["name:contains:dup"], "sort": ["name"], "per": ["100"]}
    yield {"any": ["1:country:is:PL", "1:tags:in:Rare"], "sort": ["name"], "per": ["100"]}
    yield {"f": ["tags:all:Often,Rare"], "sort": ["-name"], "per": ["100"]}
    yield {"f": ["leads.source:is:fair", "tags:none:Rare"], "q": ["hotel"], "per": ["100"]}


def found(session: Session, query: ListQuery) -> list[int]:
    numbers: list[int] = []
    place = None
    while True:
        page = read_page(session, list_at(query, place), [], 40)
        numbers += [row[0] for row in page.rows]
        if page.next is None:
            return numbers
        place = page.next


def list_at(query: ListQuery, place: Any) -> ListQuery:
    return replace(query, place=place)


def test_every_way_finds_the_same_rows(firms: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entity = firms.runtime.follow().registry.entity("thirdparty")
    ways: dict[float, int] = {0.0: 0, 1e12: 0}
    some = 0
    for arguments in questions():
        query = ask(firms, entity, **arguments)
        assert not query.problems, list(map(str, query.problems))
        with firms.runtime.database.reading() as session:
            expected = [row[0] for row in session.connection().execute(page_statement(query, [], 1_000))]
            some += bool(expected)
            for cost in ways:
                monkeypatch.setattr(list_plan, "FETCH_COST", cost)
                plan = plan_for(session, query, 41)
                ways[cost] += plan.drives
                assert found(session, query) == expected, (arguments, plan)
            assert count(session, query) == len(expected), arguments
    assert some > 40
    if firms.runtime.database.is_sqlite:
        assert ways[0.0] > ways[1e12] + 10, "both ways were gone"


def test_a_list_so_large_that_a_share_of_it_is_counted(firms: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share is no whole number of rows: above 300,000 rows every filter was answered with 500."""
    monkeypatch.setattr(list_plan, "PROBE_CAP", 1)
    monkeypatch.setattr(list_plan, "PROBE_SHARE", 7)
    assert ROWS % 7
    entity = firms.runtime.follow().registry.entity("thirdparty")
    query = ask(firms, entity, f=["country:is:FR", "tags:in:Often"], sort=["name"])
    with firms.runtime.database.reading() as session:
        expected = [row[0] for row in session.connection().execute(page_statement(query, [], 1_000))]
        assert expected
        assert found(session, query) == expected


# -- what the database says it does -----------------------------------------------------------------------------
def explained(session: Session, query: ListQuery) -> str:
    """How the database finds the rows of a page, in its own words."""
    connection = session.connection()
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    page = read_page(session, query, query.columns)
    event.remove(connection, "before_cursor_execute", note)
    assert page.rows
    word = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    rows = (connection.exec_driver_sql(word + statement, parameters) for statement, parameters in sent)
    return "\n".join(" ".join(map(str, row)) for found in rows for row in found)


@contextmanager
def without_sorting(session: Session) -> Iterator[None]:
    """PostgreSQL reads small tables as a whole and sorts them, unless it is told to avoid that where it can."""
    if session.connection().dialect.name != "sqlite":
        for way in ("enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_incremental_sort"):
            session.connection().exec_driver_sql(f"SET LOCAL {way} = off")
    yield


@pytest.mark.parametrize("name", ["thirdparty", "lead"])
def test_declared_sorts_and_filters_have_an_index(firms: Site, name: str) -> None:
    """First page and those after and before a place, in both directions; the bin is left out on the way."""
    entity = firms.runtime.follow().registry.entity(name)
    declared = [found.name for found in entity.fields.values() if found.owner is entity.model and sorts(found)]
    assert {"name", "created_at", "updated_at"} <= set(declared)
    with firms.runtime.database.reading() as session, without_sorting(session):
        for sort in (*declared, *(f"-{name}" for name in declared)):
            query = ask(firms, entity, sort=[sort])
            middle = read_page(session, query, [], 5)
            for place in (None, middle.next):
                told = explained(session, list_at(query, place))
                assert not any(word in told for word in ("TEMP B-TREE", "Sort", "Seq Scan")), (sort, place, told)
                told = told.replace(f"SCAN {entity.model.__tablename__} USING INDEX", "")
                assert "SCAN" not in told, (sort, place, told)
        for asked in ("contact_status:is:refused", "country:is:PL") if name == "thirdparty" else ("status:is:new",):
            told = explained(session, ask(firms, entity, f=[asked]))
            assert not any(word in told for word in (f"SCAN {entity.model.__tablename__}\n", "Seq Scan")), told


def sorts(found: Any) -> bool:
    return bool(found.declaration.listed) or found.name in ("created_at", "updated_at")


# -- the index of searched texts --------------------------------------------------------------------------------
def names_found(site: Site, typed: str, **filters: Sequence[str]) -> set[str]:
    entity = site.runtime.follow().registry.entity("thirdparty")
    query = ask(site, entity, q=[typed], **filters)
    with site.runtime.database.reading() as session:
        return {str(row[2]) for row in read_page(session, query, [entity.title_field]).rows}


def test_the_search_index_follows_every_write(sales: Site) -> None:
    sales.browser()
    with transaction("test", context=sales.context()) as unit:
        firm = unit.add(ThirdParty(name="Œuvre Quartz", role="prospect", phone="+33199001234"))
        unit.add(ThirdParty(name="Other", role="prospect"))
    for typed in ("quartz", "OEUVRE", "uvre qua", "qua", "oe", "99 00 12", "199001234"):
        assert names_found(sales, typed) == {"Œuvre Quartz"}, typed
    for typed in ("uv", "qu", "quarts", 'q"uartz', "qxuart"):
        assert names_found(sales, typed) == set(), typed
    with transaction("test", context=sales.context()) as unit:
        unit.get(ThirdParty, firm.id).name = "Basalt"
    assert (names_found(sales, "quartz"), names_found(sales, "basalt")) == (set(), {"Basalt"})
    with transaction("test", context=sales.context()) as unit:
        delete_record(unit, unit.get(ThirdParty, firm.id))
    assert names_found(sales, "basalt") == set()
    with transaction("test", context=sales.context()) as unit:
        restore_record(unit, unit.get(ThirdParty, firm.id, deleted=True))
    assert names_found(sales, "basalt") == {"Basalt"}
    table = ThirdParty.__table__
    with sales.runtime.database.connection() as connection:  # whoever writes, and however
        connection.execute(update(table).where(table.c.id == firm.id).values(name="Jasper", name_key="jasper"))
    assert names_found(sales, "jasper") == {"Jasper"}
    _check(sales)
    with sales.runtime.database.connection() as connection:  # as a database of before, or of other fields
        search_index.drop(connection, [ThirdParty.__tablename__])
    assert names_found(sales, "jasper") == {"Jasper"}, "slower, and found all the same"
    sales.runtime.start()
    assert names_found(sales, "jasper") == {"Jasper"}
    _check(sales)
    sales.disable("thirdparty")
    sales.enable("thirdparty")
    _check(sales)


def test_what_a_plugin_contributes_is_found_by_who_may_see_it(shop: Site) -> None:
    shop.browser()
    with transaction("test", context=shop.context()) as unit:
        firm, other = (unit.add(ThirdParty(name=name, role="prospect")) for name in ("Zinc", "Purple Paint"))
        unit.session.flush()
        unit.facet(Mark, firm.id).remark = "Likes purple"
        unit.facet(Mark, other.id).remark = "nothing"
    assert names_found(shop, "purple") == {"Zinc", "Purple Paint"}
    with transaction("test", context=shop.context()) as unit:
        unit.facet(Mark, firm.id).remark = "Likes violet"
    assert (names_found(shop, "purple"), names_found(shop, "likes vio")) == ({"Purple Paint"}, {"Zinc"})
    entity = shop.runtime.follow().registry.entity("thirdparty")
    query = ask(shop, entity, q=["violet"])
    with shop.runtime.database.reading() as session:
        assert count(session, query) == 1
        hidden = replace(query, visible=query.visible - {"probe.remark"})
        assert (count(session, hidden), read_page(session, hidden, []).rows) == (0, [])


def _check(site: Site) -> None:
    """The index is there, up to date, and says what the rows say."""
    models = site.runtime.follow().registry.models
    with site.runtime.database.connection() as connection:
        assert search_index.outdated(connection, models) == []
        assert search_index.is_whole(connection, models) or not site.runtime.database.is_sqlite
        if site.runtime.database.is_sqlite:
            name = search_index.index_name(ThirdParty.__tablename__)
            statement = "INSERT INTO {0}({0}, rank) VALUES ('integrity-check', 1)".format(name)  # noqa: S608, UP032
            connection.execute(text(statement))
