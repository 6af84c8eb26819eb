"""The matrix of rights, and accounts, teams and companies as records (US-1, UX 2.13, T37, T42, T48, T49)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.access.models import RoleRight, User
from core.data.history import Operation
from core.testing.site import Browser, Site
from tests.web.people import make


def rights(site: Site, role: str) -> dict[str, str]:
    with site.runtime.database.reading() as session:
        found = session.execute(select(RoleRight.permission, RoleRight.reach).where(RoleRight.role == role))
        return {permission: reach for permission, reach in found}


def user_number(site: Site, name: str) -> int:
    with site.runtime.database.reading() as session:
        return session.scalars(select(User.id).where(User.name == name)).one()


@pytest.fixture
def alice(sales: Site) -> Browser:
    return sales.browser("Alice")


class TestMatrix:
    def test_a_role_of_ones_own(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles")
        made = alice.post("/admin/roles", {"code": "assistant", "label": "Assistant"})
        assert made.status_code == 303
        page = alice.get(made.headers["Location"]).text
        assert 'aria-label="See own on Third parties"' in page
        assert 'aria-label="Export records on Leads"' in page
        assert "checked" not in page.split("<tbody>")[1].split("</tbody>")[0]
        chosen = {"thirdparty.view": ["own", "team"], "thirdparty.edit": "all"}
        assert alice.post("/admin/roles/assistant", chosen).status_code == 303
        found = rights(sales, "assistant")
        assert (found["thirdparty.view"], found["thirdparty.edit"], found["lead.view"]) == ("team", "all", "none")
        ann = sales.browser("Ann", "assistant")
        assert ann.get("/leads").status_code == 403
        assert ann.get("/thirdparties").status_code == 200
        assert ann.get("/thirdparties/new").status_code == 403
        assert "/leads" not in ann.get("/").text

    def test_who_has_the_role_signs_in_again_and_others_do_not(self, sales: Site, alice: Browser) -> None:
        paul, rita = sales.browser("Paul", "user"), sales.browser("Rita", "representative")
        alice.get("/admin/roles/user")
        assert alice.post("/admin/roles/user", {"thirdparty.view": "all"}).status_code == 303
        assert paul.get("/").headers["Location"].startswith("/signin")
        assert rita.get("/").status_code == 200

    def test_rights_of_a_module_that_is_off_come_back_with_it(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles/user")
        alice.post("/admin/roles/user", {"thirdparty.view": "all", "lead.view": "own"})
        sales.disable("leads")
        alice.get("/admin/roles/user")
        assert "Leads" not in alice.get("/admin/roles/user").text.split("<tbody>")[1]
        alice.post("/admin/roles/user", {"thirdparty.view": "all"})
        assert rights(sales, "user")["lead.view"] == "own"
        sales.enable("leads")
        assert sales.browser("Paul", "user").get("/leads").status_code == 200

    def test_administrators_cannot_lock_themselves_out(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles/administrator")
        assert alice.post("/admin/roles/administrator", {}).status_code == 303
        assert rights(sales, "administrator") == {}
        assert alice.get("/admin/roles").status_code == 200

    @pytest.mark.parametrize(
        ("code", "label", "said"),
        [
            ("user", "Again", "There is a role user already"),
            ("Great!", "Great", "small letters"),
            ("", "No code", "small letters"),
            ("empty", " ", "Enter a name"),
        ],
    )
    def test_bad_input(self, sales: Site, alice: Browser, code: str, label: str, said: str) -> None:
        alice.get("/admin/roles")
        answer = alice.post("/admin/roles", {"code": code, "label": label})
        assert answer.status_code == 422
        assert said in answer.text

    def test_reaches_nobody_declared_are_not_stored(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles/user")
        alice.post("/admin/roles/user", {"thirdparty.view": "everything", "secret.view": "all"})
        assert rights(sales, "user")["thirdparty.view"] == "none"
        assert "secret.view" not in rights(sales, "user")

    def test_a_role_in_use_is_not_removed(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles")
        alice.post("/admin/roles", {"code": "guest", "label": "Guest"})
        sales.add_person("Gus", "guest")
        alice.get("/admin/roles/guest")
        refused = alice.post("/admin/roles/guest/remove")
        assert refused.status_code == 422
        assert "Gus" in refused.text
        assert alice.post("/admin/roles/user/remove").status_code == 404

    def test_what_was_decided_is_told_in_history(self, sales: Site, alice: Browser) -> None:
        alice.get("/admin/roles/user")
        alice.post("/admin/roles/user", {"thirdparty.view": "all"})
        with sales.runtime.database.reading() as session:
            told = session.scalars(select(Operation).where(Operation.action == "role.edit")).one()
            assert told.actor_name == "Alice"


class TestAccounts:
    def change(self, browser: Browser, number: int, **values: str) -> int:
        browser.get("/")
        for name, value in values.items():
            answer = browser.post(f"/users/{number}/status", {"field": name, "value": value})
            if answer.status_code != 303:
                return answer.status_code
        return 303

    def test_who_is_deactivated_is_out_at_once(self, sales: Site, alice: Browser) -> None:
        paul = sales.browser("Paul", "user")
        assert self.change(alice, user_number(sales, "Paul"), active="off") == 303
        assert paul.get("/").headers["Location"].startswith("/signin")
        assert paul.sign_in("paul@test.example").status_code == 422

    def test_another_role_ends_sign_ins(self, sales: Site, alice: Browser) -> None:
        paul = sales.browser("Paul", "user")
        assert self.change(alice, user_number(sales, "Paul"), role="representative") == 303
        assert paul.get("/").status_code == 303

    def test_the_last_administrator_stays(self, sales: Site, alice: Browser) -> None:
        number = user_number(sales, "Alice")
        assert self.change(alice, number, role="user") == 422
        assert self.change(alice, number, active="off") == 422
        assert self.change(sales.browser("Bob"), number, role="user") == 303

    def test_nobody_is_below_himself(self, sales: Site, alice: Browser) -> None:
        sales.add_person("Sam", "user")
        sales.add_person("Rita", "user")
        sam, rita = user_number(sales, "Sam"), user_number(sales, "Rita")
        assert self.change(alice, sam, supervisor_id="Rita") == 303
        assert self.change(alice, rita, supervisor_id="Sam") == 422
        assert self.change(alice, rita, supervisor_id="Rita") == 422

    def test_accounts_are_not_deleted(self, sales: Site, alice: Browser) -> None:
        sales.add_person("Paul", "user")
        alice.get("/")
        answer = alice.post(f"/users/{user_number(sales, 'Paul')}/delete")
        assert answer.status_code == 422
        assert "history speaks of them" in answer.text

    @pytest.mark.parametrize("email", ["PAUL@test.example", " paul@TEST.example ", "ｐａｕｌ@test.example"])
    def test_sign_in_names_are_unique_however_they_are_written(self, sales: Site, alice: Browser, email: str) -> None:
        sales.add_person("Paul", "user")
        alice.get("/users/new")
        assert alice.post("/users/new", {"name": "Another", "email": email}).status_code == 422

    def test_users_may_not_raise_themselves(self, sales: Site, alice: Browser) -> None:
        paul = sales.browser("Paul", "user")
        assert self.change(paul, user_number(sales, "Paul"), role="administrator") == 403
        assert paul.get("/users").status_code == 403
        for path in ("/admin/roles", "/admin/roles/user"):
            assert paul.get(path).status_code == 403

    def test_teams_and_companies_are_records(self, sales: Site, alice: Browser) -> None:
        team, company = make(alice, "teams", "North"), make(alice, "companies", "Comptoir Nord")
        make(alice, "companies", "Comptoir Sud")
        page = alice.get("/thirdparties/new").text
        assert "Shared with" in page
        assert "North" in page
        assert alice.get(f"/teams/{team}/history").status_code == 200
        menu = alice.get("/").text
        assert 'aria-label="Active company: Comptoir Nord"' in menu
        assert "Active company: Comptoir Sud" not in menu
        assert alice.post("/company", {"company": str(company + 1)}).status_code == 404
        number = user_number(sales, "Alice")
        alice.get(f"/users/{number}/edit")
        assert self.change(alice, number, companies=f"{company},{company + 1}") == 303
        assert alice.post("/company", {"company": str(company + 1)}).status_code == 303
        third_party = make(alice, "thirdparties", "Southern")
        assert "Comptoir Sud" in alice.get(f"/thirdparties/{third_party}?tab=details").text
