"""A list as a file, as it is shown to who asks: rows, columns, order, scope; formulas defused (EX-1, EX-2, T68, A08)."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies

from core.access.models import Company
from core.data.unit import transaction
from core.exchange.csv_files import defuse, restore
from core.exchange.load import Plan, load_file
from core.jobs.worker import Worker
from core.testing import Browser, Site
from core.testing.prepared import Prepared
from plugins.thirdparty.api import ThirdParty
from tests.web.people import ROLES, Firm, open_firm, split_firm
from tests.web.test_scopes import SEES

MODULES = ("thirdparty", "leads", "export")
BOM = "\ufeff"
ALL = {"all": "1", "query": ""}
HOSTILE = (
    "=1+1", "+1", "-1", "@x", "\uff1d1+1", "  =1", "'=1", "''+1", "'quoted'", "-", "=cmd|' /C calc'!A0", "a;b,c\"d", "Ünïcode 👩",
)  # fmt: skip


@pytest.fixture
def site(engine_name: str, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with prepared.site(engine_name, MODULES, tmp_path_factory.mktemp("export") / "var") as made:
        yield made


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser()


def add(site: Site, *names: str, **values: object) -> list[int]:
    """Third parties of these names; returns their numbers."""
    with transaction("test", context=site.context(site.people["Alice"])) as unit:
        made = [unit.add(ThirdParty(**{"role": "prospect", "name": name, **values})) for name in names]
        unit.session.flush()
        return [one.id for one in made]


def work(site: Site) -> None:
    """Do all jobs that wait."""
    while Worker(site.runtime).run_one():
        pass


def rows_of(content: bytes, separator: str = ";") -> list[list[str]]:
    """The lines of a file, the first of which are its columns."""
    return list(csv.reader(io.StringIO(content.decode("utf-8").removeprefix(BOM), newline=""), delimiter=separator))


def export(browser: Browser, slug: str = "thirdparties", **form: object) -> list[list[str]]:
    """The lines of the file a form gives."""
    browser.get(f"/{slug}")
    answer = browser.post(f"/export/{slug}", form or ALL)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return rows_of(answer.data)


@pytest.mark.covers("EX-2a")
class TestAsShown:
    """Two clicks: More actions, Export."""

    def test_the_form_of_the_list_gives_its_rows(self, site: Site, browser: Browser) -> None:
        add(site, "Tin", "Zinc", "Copper", town="Lyon", contact_status="tocall")
        add(site, "Iron", town="Lille")
        address = "/thirdparties?f=town:is:Lyon&sort=-name&c=name&c=town&c=contact_status"
        shown = browser.get(address).text
        form = re.search(r'<form method="post" action="(/export/[^"]+)" role="none">(.*?)</form>', shown, re.DOTALL)
        assert form
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html.unescape(form[2].replace("&#34;", ""))))
        answer = browser.post(form[1], fields)
        assert answer.data.startswith(BOM.encode())
        assert rows_of(answer.data) == [
            ["Name", "Town", "Contact status"],
            *([name, "Lyon", "To contact"] for name in ("Zinc", "Tin", "Copper")),
        ]

    def test_the_chosen_rows(self, site: Site, browser: Browser) -> None:
        zinc, _tin, iron = add(site, "Zinc", "Tin", "Iron")
        assert "/export/thirdparties" in browser.get("/thirdparties").text.partition('id="bulk"')[2]
        lines = export(browser, id=[zinc, iron, 999_999], **{"return": "/thirdparties?sort=name&c=name&at=x"})
        assert lines == [["Name"], ["Iron"], ["Zinc"]]

    def test_options(self, site: Site, browser: Browser) -> None:
        add(site, "Zinc, Tin")
        page = browser.get("/export/thirdparties?c=name&q=zinc")
        assert "Export 1 row<" in page.text
        assert 'name="query" value="c=name&amp;q=zinc"' in page.text
        answer = browser.post("/export/thirdparties", {"all": "1", "query": "c=name&q=zinc", "separator": "comma"})
        assert answer.data.decode() == 'Name\r\n"Zinc, Tin"\r\n'
        assert "There is nothing to export" in browser.get("/export/thirdparties?q=nothing").text

    def test_in_the_words_of_who_asks(self, site: Site) -> None:
        camille = site.browser("Camille", "administrator", "fr")
        camille.post("/leads/new", {"name": "Zinc"})
        assert export(camille, "leads", all="1", query="c=name&c=status") == [["Nom", "Statut"], ["Zinc", "Nouvelle"]]

    @pytest.mark.parametrize(
        ("form", "status"),
        [
            ({"all": "1", "query": "f=nothing:is:1"}, 422), ({"all": "1", "query": "q=nothing"}, 422), ({}, 422),
            ({"id": "x"}, 422), ({"id": "999999"}, 422), ({"all": "1", "query": "f=name:is:%00"}, 422),
            ({"all": "1", "query": "&&=;%%"}, 200), ({"all": "1", "query": "c=name", "separator": "|"}, 200),
        ],
    )  # fmt: skip
    def test_what_is_not_understood(self, site: Site, browser: Browser, form: dict[str, str], status: int) -> None:
        add(site, "Zinc")
        browser.get("/thirdparties")
        assert browser.post("/export/thirdparties", form).status_code == status


class TestWho:
    """The right and the scope are asked when the file is made."""

    def test_only_what_each_may_see(self, site: Site) -> None:
        firm: Firm = open_firm(site)
        for who in ROLES:
            browser = firm.browsers[who]
            browser.get("/")
            answer = browser.post("/export/thirdparties", {"all": "1", "query": "c=name"})
            if who not in ("Alice", "Uma", "Tina"):
                assert answer.status_code == 403, who
                assert "/export/" not in browser.get("/thirdparties").text
            else:
                assert {row[0].removesuffix(" & Company") for row in rows_of(answer.data)[1:]} == SEES[who]

    def test_no_rows_of_other_companies(self, site: Site) -> None:
        firm = open_firm(site)
        split_firm(firm, "Uma")
        (hidden,) = add(site, "Northern")
        with site.runtime.database.reading() as session:
            assert session.query(Company).count() == 2
        uma = firm.browsers["Uma"]
        uma.get("/")
        for form in ({"all": "1", "query": "c=name&q=northern"}, {"id": str(hidden)}):
            assert uma.post("/export/thirdparties", form).status_code == 422

    @pytest.mark.covers("EX-1b")
    def test_the_audit_says_who_took_what(self, site: Site, browser: Browser) -> None:
        numbers = add(site, "Zinc", "Tin")
        export(browser, all="1", query="q=zinc")
        export(browser, id=numbers)
        audit = html.unescape(browser.get("/admin/audit?kind=export").text)
        assert "Third parties: 1 rows (q=zinc)" in audit
        assert "Third parties: 2 rows (2 chosen rows)" in audit
        assert audit.count("Alice") >= 2


class TestMany:
    """More than two thousand rows are a job, with the rights its owner has then."""

    @pytest.fixture
    def many(self, site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
        monkeypatch.setattr("plugins.export.services.AT_ONCE", 3)
        monkeypatch.setattr("core.exchange.list_files.PORTION", 2)
        add(site, *(f"Firm {number}" for number in range(7)))
        browser.get("/thirdparties")
        return browser

    @pytest.mark.covers("EX-1a")
    def test_the_file_is_on_the_page_of_the_job(self, site: Site, many: Browser) -> None:
        answer = many.post("/export/thirdparties", {"all": "1", "query": "c=name&sort=name", "separator": "tab"})
        assert answer.status_code == 303
        work(site)
        assert "7 rows exported" in many.get(answer.location).text
        file = many.get(f"{answer.location}/file")
        assert file.data.decode() == "Name\r\n" + "".join(f"Firm {number}\r\n" for number in range(7))
        audit = many.get("/admin/audit?kind=export").text
        assert "Third parties: 7 rows (c=name&amp;sort=name)" in audit
        assert "Third parties: in the background" in audit

    def test_chosen_rows_keep_the_order_of_the_list(self, site: Site, many: Browser) -> None:
        ids = [str(number) for number in (5, 1, 7, 3, 2)]
        answer = many.post("/export/thirdparties", {"id": ids, "return": "/thirdparties?sort=-name&c=name"})
        work(site)
        lines = rows_of(many.get(f"{answer.location}/file").data)
        assert [row[0] for row in lines[1:]] == [f"Firm {number}" for number in (6, 4, 2, 1, 0)]

    def test_who_lost_the_right_gets_nothing(self, site: Site, many: Browser) -> None:
        uma = site.browser("Uma", "user")
        answer = uma.post("/export/thirdparties", ALL)
        site.add_person("Uma", "representative")
        work(site)
        with site.runtime.database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT state, file FROM core_job WHERE name = 'export.write'").one() == (
                "failed",
                None,
            )
        assert answer.status_code == 303


@pytest.mark.covers("EX-1b")
class TestFormulas:
    def test_every_text_comes_back(
        self, site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        add(site, *HOSTILE)
        browser.get("/thirdparties")
        data = {"all": "1", "query": "c=name&sort=created_at", "separator": "comma"}
        content = browser.post("/export/thirdparties", data).data
        cells = [row[0] for row in rows_of(content, ",")[1:]]
        assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\uff1d")]
        file = tmp_path_factory.mktemp("file") / "list.csv"
        file.write_bytes(content)
        plan = Plan(site.runtime.generation.registry.entity("lead"), {"name": "Name"}, {}, ())
        assert load_file(site.context(site.people["Alice"]), plan, file, lambda number: None).created == len(HOSTILE)
        assert {row[0] for row in export(browser, "leads", all="1", query="c=name")[1:]} == set(cells)
        names = html.unescape(browser.get("/leads").text)
        for name in HOSTILE:
            assert f">{name.strip()}<" in names

    def test_numbers_keep_their_sign(self) -> None:
        from core.exchange.csv_files import NUMBER

        assert NUMBER.fullmatch("-12.50")
        assert not NUMBER.fullmatch("-1+cmd")

    @given(strategies.text())
    def test_any_text(self, text: str) -> None:
        made = defuse(text)
        assert restore(made) == text
        assert made.lstrip()[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20")
        assert made[:1] not in ("\t", "\r", "\n")
