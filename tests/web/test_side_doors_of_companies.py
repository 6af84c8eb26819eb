"""Mail and jobs of others tell who administers nothing of records he may not know of (TP-14, T35)."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from core.access.models import Role, RoleRight, User
from core.data.tables import JobRow, bump
from core.data.unit import transaction
from core.exchange.mail.models import MailMessage, MailRecipient
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.jobs.enqueue import enqueue
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.web.people import Firm, make, open_firm, split_firm

SECRET = "Southern secret"


@pytest.fixture
def firm(sales: Site) -> Firm:
    """Two companies: Uma works in the second, everybody else in the first."""
    firm = open_firm(sales)
    split_firm(firm, "Uma")
    return firm


def write(firm: Firm, who: str, subject: str, record: int | None) -> int:
    """Queue a mail of somebody, about a third party or nothing."""
    context = firm.site.context(firm.site.people[who])
    with transaction("mail.send", context=context) as unit:
        about = unit.get(ThirdParty, record) if record is not None else None
        draft = Draft(to=(Recipient("a@test.example"),), subject=subject, text="Hello.", record=about)
        enqueue_mail(unit, draft)
    with firm.site.runtime.database.reading() as session:
        return session.scalars(select(MailMessage.id).where(MailMessage.subject == subject)).one()


class TestMail:
    @pytest.fixture
    def hidden(self, firm: Firm) -> int:
        return write(firm, "Uma", SECRET, make(firm.browsers["Uma"], "thirdparties", "Southern"))

    def test_nothing_of_other_companies(self, firm: Firm, hidden: int) -> None:
        alice = firm.browsers["Alice"]
        for page in ("/mail/outbox", "/mail/outbox?state=sent", "/mail/outbox?state=waiting"):
            assert SECRET not in alice.get(page).text
        for path in ("", "/html", "/file/1"):
            assert alice.get(f"/mail/outbox/{hidden}{path}").status_code == 404
        for path in ("/cancel", "/decide"):
            assert alice.post(f"/mail/outbox/{hidden}{path}", {"recipient": "1"}).status_code == 404
        assert SECRET in firm.browsers["Uma"].get("/mail/outbox").text

    def test_not_even_that_it_is_uncertain(self, firm: Firm, hidden: int) -> None:
        with firm.site.runtime.database.connection() as connection:
            connection.execute(update(MailRecipient).values(state="uncertain"))
        assert "nobody knows whether they arrived" not in firm.browsers["Alice"].get("/mail/outbox").text
        assert "nobody knows whether they arrived" in firm.browsers["Uma"].get("/mail/outbox").text

    def test_what_is_about_ones_own_records_or_none_is_seen(self, firm: Firm) -> None:
        about = write(firm, "Rita", "About Rita", firm.records["Rita", "thirdparty"])
        nothing = write(firm, "Rita", "About nothing", None)
        alice = firm.browsers["Alice"]
        page = alice.get("/mail/outbox").text
        assert "About Rita" in page
        assert "About nothing" in page
        for number in (about, nothing):
            assert alice.get(f"/mail/outbox/{number}").status_code == 200
            assert firm.browsers["Otto"].get(f"/mail/outbox/{number}").status_code == 404


class TestJobs:
    NOTE = "Southern was refused"

    def job(self, firm: Firm, owner: str | None) -> str:
        with transaction("test.job", context=firm.site.context()) as unit:
            number = enqueue(
                unit, "leads.recount", {}, label=f"{SECRET} to Rita",
                owner=firm.user_id(owner) if owner else None,
            )  # fmt: skip
        values = {
            "state": "failed",
            "notes": [self.NOTE],
            "errors": 1,
            "error": "Southern failed",
            "result": "Southern",
        }
        with firm.site.runtime.database.connection() as connection:
            connection.execute(update(JobRow).where(JobRow.id == number).values(**values))
        return f"/jobs/{number}"

    def told(self, browser: Browser, path: str) -> bool:
        return any("Southern" in browser.get(page).text for page in (path, "/jobs"))

    def test_of_somebody_else(self, firm: Firm) -> None:
        path = self.job(firm, "Uma")
        alice = firm.browsers["Alice"]
        assert not self.told(alice, path)
        assert alice.get(path).status_code == 200
        assert alice.post(f"{path}/retry").status_code == 303
        assert self.told(firm.browsers["Uma"], path)

    def test_one_s_own_and_those_of_nobody(self, firm: Firm) -> None:
        assert self.told(firm.browsers["Alice"], self.job(firm, "Alice"))

    def test_of_nobody(self, firm: Firm) -> None:
        assert self.told(firm.browsers["Alice"], self.job(firm, None))

    def test_who_only_manages_modules(self, firm: Firm) -> None:
        with transaction("test.role", context=firm.site.context()) as unit:
            unit.session.add(Role(code="keeper", label="Keeper", second_factor=False))
            unit.session.add(RoleRight(role="keeper", permission="modules.manage", reach="all"))
            bump(unit.session.connection())
        keeper = firm.site.browser("Kim", "keeper")
        assert not self.told(keeper, self.job(firm, "Uma"))

    def test_with_one_company_administrators_see_all(self, sales: Site) -> None:
        firm = open_firm(sales)
        assert self.told(firm.browsers["Alice"], self.job(firm, "Rita"))
        with sales.runtime.database.reading() as session:
            assert session.scalars(select(User.companies)).first() is None
