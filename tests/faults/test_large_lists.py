"""Lists of a hundred thousand third parties, as `make bench` makes them: the same rows as plain statements find, by indexes,
with as many statements and bytes as ever (PERFORMANCE B)."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from core.data.query import ListQuery
from core.features.list_conditions import LAST_CHARACTER
from core.features.list_plan import PLAIN
from core.features.list_rows import count, go_to, ids, matching, page_statement, read_page
from core.i18n import use_locale
from core.testing.servers import fresh_database
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.core.stock import ENGLISH, ask
from tests.core.test_list_plans import explained, sorts
from tests.walks.test_statements import LIST, SHEET, sent_for
from tools.bench.loading import SIGNED_IN, ensure

ROWS, SIZE = 100_000, 50
MOST_BYTES = 130_000
COUNTRIES, TAGS, STATUSES = ("", "FR", "PL"), ("", "Tag 1", "Tag 9", "Tag 60"), ("", "never", "refused")
TEXTS = ("", "garage", "zz", "boulangerie bel", "33 12")
SORTS = ("-created_at", "name", "-town", "potential", "-updated_at", "contact_status,-name")
QUESTIONS = 60
LISTS = (
    "/thirdparties",
    "/thirdparties?sort=-name&f=country:is:FR",
    "/thirdparties?f=country:is:FR&f=contact_status:is:tocall&f=tags:in:Tag+1&sort=name",
    "/thirdparties?q=garage",
    "/thirdparties?sort=town&f=updated_at:last:900",
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def large(engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Made by the loader of `make bench`."""
    folder = tmp_path_factory.mktemp(f"large-{engine_name}")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'comptoir.db'}"
        if engine_name == "postgresql":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgresql_url")))
        site = stack.enter_context(closing(Site(url, folder)))
        assert ensure(site, ROWS) == ROWS
        stack.enter_context(use_locale(ENGLISH))
        yield site


@pytest.fixture
def clerk(large: Site) -> Browser:
    """Who looks at the lists."""
    return large.browser(SIGNED_IN)


def of(site: Site, **arguments: list[str]) -> ListQuery:
    """A question to the list of third parties, without any problem."""
    query = ask(site, site.runtime.follow().registry.entity("thirdparty"), **arguments)
    assert not query.problems, list(map(str, query.problems))
    return query


def questions() -> Iterator[dict[str, list[str]]]:
    """A part of all combinations."""
    every = list(itertools.product(COUNTRIES, TAGS, STATUSES, TEXTS, SORTS))
    for country, tag, status, typed, sort in random.Random(2).sample(every, QUESTIONS):
        asked = [f"country:is:{country}"] * bool(country) + [f"tags:in:{tag}"] * bool(tag)
        asked += [f"contact_status:in:{status}"] * bool(status)
        yield {"f": asked, "q": [typed], "sort": [sort]}
    yield {"any": ["1:country:is:PL", "1:tags:in:Tag 60"], "sort": ["name"]}
    yield {"f": ["owner_id.name:is:Person 3"], "sort": ["-name"]}
    yield {"f": ["town:empty"], "sort": ["name"]}
    yield {"f": ["email:contains:gar", "tags:none:Tag 1"], "sort": ["-updated_at"]}


def test_every_question_has_the_rows_of_a_plain_statement(large: Site) -> None:
    """First page, second, back again, number and ids."""
    empty = 0
    for arguments in questions():
        query = of(large, **arguments)
        with large.runtime.database.reading() as session:
            plainly = page_statement(query, [], 2 * SIZE, plan=PLAIN)
            expected = [row[0] for row in session.connection().execute(plainly)]
            all_of = select(func.count()).select_from(matching(query, plan=PLAIN).subquery())
            number = session.connection().execute(all_of).scalar_one()
            first = read_page(session, query, [], SIZE)
            assert [row[0] for row in first.rows] == expected[:SIZE], arguments
            assert count(session, query, None) == number, arguments
            assert len(ids(session, query, ROWS)) == number, arguments
            if first.next is not None:
                second = read_page(session, replace(query, place=first.next), [], SIZE)
                assert [row[0] for row in second.rows] == expected[SIZE:], arguments
                assert second.previous is not None
                back = read_page(session, replace(query, place=second.previous), [], SIZE)
                assert [row[0] for row in back.rows] == expected[:SIZE], arguments
            empty += not expected
    assert empty < QUESTIONS // 2


@pytest.mark.parametrize("typed", ["m", "garage", "zz"])
@pytest.mark.parametrize("sort", ["name", "-name"])
def test_go_to(large: Site, sort: str, typed: str) -> None:
    """The place says how many rows come before it."""
    query = of(large, sort=[sort])
    with large.runtime.database.reading() as session:
        place = go_to(session, query, typed)
        page = read_page(session, replace(query, place=place), [], SIZE)
        key = ThirdParty.__table__.c.name_key
        before = key > f"{typed}{LAST_CHARACTER}" if sort.startswith("-") else key < typed
        number = select(func.count()).where(before, ThirdParty.__table__.c.deleted_at.is_(None))
        assert page.first_number - 1 == session.connection().execute(number).scalar_one()
        plainly = page_statement(query, [], SIZE, plan=PLAIN).offset(page.first_number - 1)
        assert [row[0] for row in page.rows] == [row[0] for row in session.connection().execute(plainly)]


def test_declared_sorts_and_filters_read_no_table_as_a_whole(large: Site) -> None:
    """In the words of the database itself, which is told nothing: PostgreSQL knows how large its tables are."""
    entity = large.runtime.follow().registry.entity("thirdparty")
    declared = [found.name for found in entity.fields.values() if found.owner is entity.model and sorts(found)]
    with large.runtime.database.reading() as session:
        for sort in (*declared, *(f"-{name}" for name in declared)):
            query = of(large, sort=[sort])
            middle = read_page(session, query, [], 5)
            for place in (None, middle.next):
                _check(explained(session, replace(query, place=place)), sort)
        for asked in ("contact_status:is:refused", "country:is:PL", "tags:in:Tag 60", "owner_id.name:is:Person 150"):
            _check(explained(session, of(large, f=[asked], sort=["-created_at"])), asked, sorted_by=True)


def _check(told: str, question: Any, *, sorted_by: bool = False) -> None:
    words = ("Seq Scan on thirdparty_thirdparty",) if sorted_by else ("Seq Scan on thirdparty", "Sort", "TEMP B-TREE")
    assert not any(word in told for word in words), (question, told)
    assert not re.search(r"SCAN (thirdparty_\w+|core_link)\b(?! USING INDEX)", told), (question, told)


@pytest.mark.parametrize("path", LISTS)
def test_statements_and_bytes_of_a_list(large: Site, clerk: Browser, path: str) -> None:
    page = clerk.get(path)
    assert page.text.count('<tr id="row-') == SIZE
    assert len(page.data) <= MOST_BYTES
    assert len(sent_for(large, clerk, path)) <= LIST + 2  # how large a filter's set is, and a count that took too long


def test_statements_of_a_sheet(large: Site, clerk: Browser) -> None:
    assert len(sent_for(large, clerk, f"/thirdparties/{ROWS // 2}")) <= SHEET + 1  # its leads are looked for by e-mail
