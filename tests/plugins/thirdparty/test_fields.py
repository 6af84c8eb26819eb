"""All fields of a third party: numbers by country, the name of a person, a tree without loops (TP-3)."""

from __future__ import annotations

import pytest

from core.config import Config
from core.errors import Refused
from core.exchange.load import Plan, load_file
from core.exchange.mail.gate import refusing_field
from core.features.undo import undo
from core.testing.site import Site
from plugins.thirdparty.models import PERSON, ThirdParty
from plugins.thirdparty.numbers import vat_number
from tests.probe.helpers import add, edit, fetch, row_of

SIREN, SIRET, VAT = "732829320", "73282932000074", "FR44732829320"


@pytest.mark.covers("TP-3a")
class TestNumbers:
    def test_are_brought_into_form_by_the_rules_of_the_country(self, sales: Site) -> None:
        browser = sales.browser()
        typed = {"name": "Zinc", "country": "FR", "vat_number": "44 732 829 320", "registration": "732 829 320"}
        answer = browser.post("/thirdparties/new", {**typed, "establishment": "732 829 320 00074"})
        assert answer.status_code == 303
        stored = row_of(sales, ThirdParty, 1)
        assert (stored["vat_number"], stored["registration"], stored["establishment"]) == (VAT, SIREN, SIRET)
        assert stored["vat_number_key"] == VAT

    @pytest.mark.parametrize(
        ("field", "value"),
        [("vat_number", "FR45732829320"), ("registration", "732829321"), ("establishment", "73282932000075")],
    )
    def test_a_wrong_digit_is_told_at_its_field(self, sales: Site, field: str, value: str) -> None:
        answer = sales.browser().post("/thirdparties/new", {"name": "Zinc", "country": "FR", field: value})
        assert answer.status_code == 422
        assert f'id="f-{field}-error"' in answer.text
        assert value in answer.text
        assert fetch(sales, "SELECT id FROM thirdparty_thirdparty") == []

    def test_the_group_of_a_wrong_field_is_open(self, sales: Site) -> None:
        page = sales.browser().post("/thirdparties/new", {"name": "Z", "country": "FR", "registration": "1"}).text
        head, _legal, tail = page.partition("<h2>Legal</h2>")
        assert head.rpartition("<details")[2].partition(">")[0].endswith("open")
        assert "<details" in tail
        commercial = page.partition("<h2>Commercial</h2>")[0].rpartition("<details")[2].partition(">")[0]
        assert "open" not in commercial

    def test_another_country_asks_again(self, sales: Site) -> None:
        add(sales, ThirdParty(name="Zinc", country="DE", registration="HRB 1234"))
        with pytest.raises(Refused) as refused:
            edit(sales, ThirdParty, 1, country="FR")
        assert refused.value.field == "registration"

    def test_a_number_without_prefix_gets_that_of_the_country(self) -> None:
        assert vat_number("094259216", "GR") == "EL094259216"
        assert vat_number("12-3456789", "US") == "123456789"


@pytest.mark.covers("TP-3b")
class TestPersons:
    def test_first_and_last_name_give_the_name(self, sales: Site) -> None:
        browser = sales.browser()
        answer = browser.post("/thirdparties/new", {"kind": PERSON, "first_name": "Léa", "last_name": "Martin"})
        assert answer.status_code == 303
        assert row_of(sales, ThirdParty, 1)["name"] == "Léa Martin"
        operation = edit(sales, ThirdParty, 1, last_name="Faure")
        assert row_of(sales, ThirdParty, 1)["name"] == "Léa Faure"
        undo(operation, context=sales.context())
        assert row_of(sales, ThirdParty, 1)["name"] == "Léa Martin"

    def test_nobody_goes_without_a_name(self, sales: Site) -> None:
        for typed in ({}, {"name": " "}, {"kind": PERSON}, {"first_name": "Léa", "last_name": "Martin"}):
            answer = sales.browser().post("/thirdparties/new", typed)
            assert answer.status_code == 422
            assert 'id="f-name-error"' in answer.text


@pytest.mark.covers("TP-3a")
class TestParents:
    @pytest.fixture
    def chain(self, sales: Site) -> Site:
        """One above two above three."""
        add(sales, ThirdParty(name="One"))
        add(sales, ThirdParty(name="Two", parent_id=1))
        add(sales, ThirdParty(name="Three", parent_id=2))
        return sales

    @pytest.mark.parametrize("below", [1, 2, 3])
    def test_nobody_stands_below_himself(self, chain: Site, below: int) -> None:
        with pytest.raises(Refused) as refused:
            edit(chain, ThirdParty, 1, parent_id=below)
        assert refused.value.field == "parent_id"

    def test_through_the_form_and_with_one_click(self, chain: Site) -> None:
        browser = chain.browser()
        version = row_of(chain, ThirdParty, 1)["version"]
        answer = browser.post("/thirdparties/1/edit", {"parent_id": "3", "version": version})
        assert answer.status_code == 422
        assert "cannot stand below itself" in answer.text
        assert browser.post("/thirdparties/1/status", {"field": "parent_id", "value": "3"}).status_code == 422
        assert row_of(chain, ThirdParty, 1)["parent_id"] is None

    def test_a_load_and_an_undo_make_none(self, chain: Site) -> None:
        cut = edit(chain, ThirdParty, 2, parent_id=None)
        edit(chain, ThirdParty, 1, parent_id=3)
        with pytest.raises(Refused):
            undo(cut, context=chain.context())
        file = Config.from_environment({"COMPTOIR_VAR": str(chain.config.var)}).var / "rows.csv"
        file.write_text("name,parent\nFour,3\nFive,99\n", encoding="utf-8")
        plan = Plan(
            chain.runtime.follow().registry.entity("thirdparty"), {"name": "name", "parent_id": "parent"}, {}, ["name"]
        )
        outcome = load_file(chain.context(), plan, file, lambda number: None)
        assert (outcome.created, [one.line for one in outcome.rejected]) == (1, [3])

    def test_deleting_a_parent_frees_its_children(self, chain: Site) -> None:
        assert chain.browser().post("/thirdparties/1/delete").status_code == 303
        assert row_of(chain, ThirdParty, 2)["parent_id"] is None


@pytest.mark.covers("TP-3a")
def test_who_wants_no_mail_gets_none(sales: Site) -> None:
    add(sales, ThirdParty(name="Zinc", do_not_mail=True), ThirdParty(name="Tin"))
    registered = sales.runtime.follow().registry.entity("thirdparty")
    with sales.runtime.database.reading() as session:
        found = refusing_field(session, registered, 1)
        assert found is not None
        assert found.name == "do_not_mail"
        assert refusing_field(session, registered, 2) is None
