"""Tags: on one record and on many, filters over the tree, the merge of two, undo, and who may know of them (TP-6)."""

from __future__ import annotations

import pytest

from core.errors import NotFound, Refused
from core.features.tag_field import Tags
from core.features.tags import Tag, merge_tags, tag_record
from core.features.undo import undo
from core.testing.site import Browser, Site
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, fetch, row_of, work

pytestmark = pytest.mark.covers("TP-6")


@pytest.fixture
def tagged(sales: Site) -> Site:
    """Trade above Bakery and Garage, and Big; three third parties of whom Zinc is a big bakery, Tin a garage."""
    add(sales, Tag(name="Trade", target="thirdparty"), Tag(name="Big", target="thirdparty", color="#c02b2b"))
    add(
        sales,
        Tag(name="Bakery", target="thirdparty", parent_id=1),
        Tag(name="Garage", target="thirdparty", parent_id=1),
    )
    add(sales, Tag(name="Fair", target="lead"))
    add(sales, ThirdParty(name="Zinc"), ThirdParty(name="Tin"), ThirdParty(name="Iron"))
    put(sales, 1, "Bakery", "Big")
    put(sales, 2, "Garage")
    return sales


def kind(site: Site) -> Tags:
    found = site.runtime.follow().registry.entity("thirdparty").fields["tags"].type
    assert isinstance(found, Tags)
    return found


def put(site: Site, record_id: int, *names: str, remove: bool = False) -> int | None:
    site.runtime.follow()
    with work(site, "tag") as unit:
        entity = unit.context.registry.entity("thirdparty")
        for name in names:
            tag_record(unit, entity, unit.get(ThirdParty, record_id), kind(site).find(name).id, remove=remove)
    return unit.operation


def names(browser: Browser, query: str) -> set[str]:
    page = browser.get(f"/thirdparties?{query}").text
    return {name for name in ("Zinc", "Tin", "Iron") if f">{name}</a>" in page}


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("f=tags:in:Bakery", {"Zinc"}),
            ("f=tags:in:Bakery,Garage", {"Zinc", "Tin"}),
            ("f=tags:in:Trade", {"Zinc", "Tin"}),  # a tag covers those below it
            ("f=tags:all:Trade,Big", {"Zinc"}),
            ("f=tags:all:Bakery,Garage", set()),
            ("f=tags:none:Bakery", {"Tin", "Iron"}),
            ("f=tags:empty", {"Iron"}),
            ("f=tags:filled", {"Zinc", "Tin"}),
            ("f=tags:in:%2523" + "3", {"Zinc"}),
        ],
    )
    def test_any_all_none(self, tagged: Site, query: str, found: set[str]) -> None:
        assert names(tagged.browser(), query) == found

    def test_an_unknown_tag_is_a_notice(self, tagged: Site) -> None:
        page = tagged.browser().get("/thirdparties?f=tags:in:Nothing").text
        assert "There is no tag “Nothing”" in page

    def test_the_list_shows_them(self, tagged: Site) -> None:
        page = tagged.browser().get("/thirdparties?c=tags").text
        assert 'fill="#c02b2b"' in page
        assert "Bakery" in page


class TestOnRecords:
    def test_adding_and_removing_on_the_sheet(self, tagged: Site) -> None:
        browser = tagged.browser()
        assert "Remove tag Trade / Bakery" in browser.get("/thirdparties/1").text
        answer = browser.post("/thirdparties/1/tags", {"tag": "#4", "return": "/thirdparties/1"})
        assert answer.status_code == 303
        assert names(browser, "f=tags:in:Garage") == {"Zinc", "Tin"}
        operation = answer.headers["Location"].partition("done=")[2]
        assert browser.post(f"/undo/{operation}").status_code == 303
        assert names(browser, "f=tags:in:Garage") == {"Tin"}
        assert browser.post("/thirdparties/1/tags/2/remove").status_code == 303
        assert names(browser, "f=tags:in:Big") == set()
        assert browser.post("/thirdparties/1/tags", {"tag": "Fair"}).status_code == 422  # a tag of leads
        assert browser.post("/thirdparties/1/tags/5/remove").status_code == 404

    def test_the_form_sets_them(self, tagged: Site) -> None:
        browser = tagged.browser()
        version = row_of(tagged, ThirdParty, 3)["version"]
        assert 'value="#3"' in browser.get("/thirdparties/3/edit").text
        assert browser.post("/thirdparties/3/edit", {"tags": ["", "#2", "#3"], "version": version}).status_code == 303
        assert names(browser, "f=tags:all:Big,Bakery") == {"Zinc", "Iron"}

    def test_many_tags_are_typed(self, tagged: Site) -> None:
        add(tagged, *(Tag(name=f"More {number}", target="thirdparty") for number in range(40)))
        browser = tagged.browser()
        page = browser.get("/thirdparties/1/edit").text
        assert 'value="Big, Trade / Bakery"' in page
        typed = {"tags": "big, More 7", "version": row_of(tagged, ThirdParty, 1)["version"]}
        assert browser.post("/thirdparties/1/edit", typed).status_code == 303
        assert names(browser, "f=tags:in:More 7") == {"Zinc"}

    def test_many_records_at_once(self, tagged: Site) -> None:
        browser = tagged.browser()
        asked = browser.post("/thirdparties/bulk/tag", {"id": ["1", "3"]})
        assert asked.status_code == 200
        assert 'name="id" value="3"' in asked.text
        assert browser.post("/thirdparties/bulk/tag", {"id": ["1", "3"], "tag": "#2", "then": "add"}).status_code == 303
        assert names(browser, "f=tags:in:Big") == {"Zinc", "Iron"}
        sent = {"id": ["1", "3"], "tag": "#2", "then": "remove"}
        answer = browser.post("/thirdparties/bulk/tag", sent)
        assert names(browser, "f=tags:in:Big") == set()
        browser.post(f"/undo/{answer.headers['Location'].partition('done=')[2]}")
        assert names(browser, "f=tags:in:Big") == {"Zinc", "Iron"}

    def test_of_a_hidden_record_nobody_learns(self, tagged: Site) -> None:
        boris = tagged.browser("Boris", "representative")
        assert names(boris, "f=tags:in:Big") == set()
        assert boris.get("/thirdparties/1").status_code == 404
        assert boris.post("/thirdparties/1/tags", {"tag": "#2"}).status_code == 404
        assert boris.post("/thirdparties/1/tags/2/remove").status_code == 404


class TestTheTree:
    def test_names_differ_among_brothers_only(self, tagged: Site) -> None:
        add(tagged, Tag(name="Bakery", target="thirdparty"))
        with pytest.raises(Refused) as refused:
            add(tagged, Tag(name="BAKERY", target="thirdparty", parent_id=1))
        assert refused.value.field == "name"

    @pytest.mark.parametrize("parent", [1, 3, 5, 99])
    def test_a_parent_is_another_tag_of_the_list(self, tagged: Site, parent: int) -> None:
        with pytest.raises(Refused):
            edit(tagged, Tag, 1, parent_id=parent)

    def test_only_administrators_keep_them(self, tagged: Site) -> None:
        browser = tagged.browser("Uma", "user")
        assert browser.get("/tags").status_code == 403
        assert browser.post("/tags/1/merge", {"tag": "#2", "version": "1"}).status_code == 403
        assert tagged.browser().get("/tags").status_code == 200

    def test_what_is_in_the_trash_is_not_shown_and_comes_back(self, tagged: Site) -> None:
        browser = tagged.browser()
        answer = browser.post("/tags/2/delete")
        assert answer.status_code == 303
        assert "Remove tag Big" not in browser.get("/thirdparties/1").text
        browser.post(f"/undo/{answer.headers['Location'].partition('done=')[2]}")
        assert "Remove tag Big" in browser.get("/thirdparties/1").text


class TestMerge:
    def test_records_of_both_have_the_one_that_is_left(self, tagged: Site) -> None:
        browser = tagged.browser()
        assert "Merge tags" in browser.get("/tags/3/merge").text
        version = row_of(tagged, Tag, 3)["version"]
        answer = browser.post("/tags/3/merge", {"tag": "#4", "version": version})
        assert answer.status_code == 303
        assert names(browser, "f=tags:in:Garage") == {"Zinc", "Tin"}
        assert "Remove tag Trade / Garage" in browser.get("/thirdparties/1").text
        assert "There is no tag" in browser.get("/thirdparties?f=tags:in:Bakery").text
        put(tagged, 1, "Garage", remove=True)
        assert names(browser, "f=tags:in:Garage") == {"Tin"}
        put(tagged, 1, "Garage")
        browser.post(f"/undo/{answer.headers['Location'].partition('done=')[2]}")
        assert names(browser, "f=tags:in:Garage") == {"Zinc", "Tin"}
        assert names(browser, "f=tags:in:Bakery") == set()

    def test_undone_everything_is_as_it_was(self, tagged: Site) -> None:
        before = fetch(tagged, "SELECT id, name, parent_id, merged_id FROM core_tag ORDER BY id")
        with work(tagged) as unit:
            merge_tags(unit, unit.get(Tag, 1), unit.get(Tag, 3))  # into one below it
        rows = {row.id: row for row in fetch(tagged, "SELECT id, parent_id, merged_id FROM core_tag")}
        assert (rows[1].merged_id, rows[3].parent_id, rows[4].parent_id) == (3, None, 3)
        tagged.runtime.follow()
        assert names(tagged.browser(), "f=tags:in:Bakery") == {"Zinc", "Tin"}
        assert unit.operation is not None
        undo(unit.operation, context=tagged.context())
        assert fetch(tagged, "SELECT id, name, parent_id, merged_id FROM core_tag ORDER BY id") == before

    @pytest.mark.parametrize(("one", "into"), [(3, 3), (3, 5)])
    def test_only_two_of_one_list(self, tagged: Site, one: int, into: int) -> None:
        with pytest.raises(Refused), work(tagged) as unit:
            merge_tags(unit, unit.get(Tag, one), unit.get(Tag, into))


def test_a_tag_of_another_list_is_none(tagged: Site) -> None:
    add(tagged, Lead(name="Ann"))
    with pytest.raises(NotFound), work(tagged) as unit:
        tag_record(unit, unit.context.registry.entity("lead"), unit.get(Lead, 1), 1)
