"""Companies and teams that go away do not open what they closed (TP-14, US-1)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from core.access.models import Company, Team, User
from core.data.links import LinkRow
from core.data.records import now
from core.data.unit import transaction
from core.testing.site import Site
from tests.web.people import Firm, make, open_firm, split_firm
from tests.web.test_scopes import names_in


@pytest.fixture
def firm(sales: Site) -> Firm:
    return open_firm(sales)


def remove(firm: Firm, slug: str, number: int) -> int:
    alice = firm.browsers["Alice"]
    alice.get("/")
    return alice.post(f"/{slug}/{number}/delete").status_code


def let_nobody_work_for(firm: Firm, number: int) -> None:
    with transaction("test.leave", context=firm.site.context()) as unit:
        for user in unit.session.scalars(select(User)).all():
            user.companies = tuple(one for one in user.companies or () if one != number) or None


class TestCompanies:
    def test_one_with_people_stays(self, firm: Firm) -> None:
        _first, second = split_firm(firm, "Uma")
        assert remove(firm, "companies", second) == 422

    @pytest.mark.parametrize("how", ["there", "trash", "off"])
    def test_one_with_records_stays(self, firm: Firm, how: str) -> None:
        first, second = split_firm(firm, "Uma")
        number = make(firm.browsers["Uma"], "thirdparties", "Southern")
        if how == "trash":
            assert firm.browsers["Uma"].post(f"/thirdparties/{number}/delete").status_code == 303
        if how == "off":
            firm.site.disable("leads", "thirdparty")
        let_nobody_work_for(firm, second)
        assert remove(firm, "companies", second) == 422
        assert first

    def test_one_nobody_names_goes(self, firm: Firm) -> None:
        _first, second = split_firm(firm, "Nora")
        let_nobody_work_for(firm, second)
        assert remove(firm, "companies", second) == 303

    @pytest.mark.parametrize("third", [True, False])
    def test_what_is_gone_is_none(self, firm: Firm, third: bool) -> None:
        """However it went: its people see nothing, and those of the others no more than before."""
        _first, second = split_firm(firm, "Uma")
        make(firm.browsers["Uma"], "thirdparties", "Uma & Co")
        if third:
            make(firm.browsers["Alice"], "companies", "Comptoir Ouest")
        with firm.site.runtime.database.connection() as connection:  # behind everybody's back
            connection.execute(Company.__table__.update().where(Company.id == second).values(deleted_at=now()))
        with transaction("test.new_generation", context=firm.site.context()) as unit:
            unit.add(Team(name="South"))
        assert names_in(firm.browsers["Uma"].get("/thirdparties").text) == set()
        assert firm.browsers["Uma"].get("/").status_code == 200
        assert "Otto" in names_in(firm.browsers["Alice"].get("/thirdparties").text)


class TestTeams:
    def test_one_with_people_stays(self, firm: Firm) -> None:
        with firm.site.runtime.database.reading() as session:
            north = session.scalars(select(Team.id)).one()
        assert remove(firm, "teams", north) == 422

    def test_people_of_a_team_that_is_gone_are_no_colleagues(self, firm: Firm) -> None:
        tina = firm.browsers["Tina"]
        assert names_in(tina.get("/thirdparties").text) == {"Tina", "Otto"}
        with firm.site.runtime.database.connection() as connection:
            connection.execute(Team.__table__.update().values(deleted_at=now()))
        with transaction("test.new_generation", context=firm.site.context()) as unit:
            unit.add(Team(name="South"))
        assert names_in(tina.get("/thirdparties").text) == {"Tina"}

    def test_one_without_people_goes(self, firm: Firm) -> None:
        with firm.site.runtime.database.reading() as session:
            north = session.scalars(select(Team.id)).one()
        with firm.site.runtime.database.connection() as connection:
            connection.execute(delete(LinkRow).where(LinkRow.source_column == "teams"))
        assert remove(firm, "teams", north) == 303
