"""Notifications: who is told of what, in which words, and what of it he may still see (US-7, UX 1.1)."""

from __future__ import annotations

import datetime
import re

import pytest
import time_machine
from sqlalchemy import func, select, update

from core import api
from core.contract.changes import Actor
from core.data.tables import JobRow
from core.data.unit import transaction
from core.errors import ContractError, Refused
from core.exchange.mail import models
from core.exchange.mail.journal import Claim, put_aside, recover
from core.exchange.mail.models import MailMessage, MailRecipient
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.features.notifications import (
    Choice,
    Notification,
    dump_message,
    load_message,
    notify,
    sweep_notifications,
    write_choices,
)
from core.i18n import Locale, lazy, lazy_context, lazy_plural, use_locale
from core.jobs.enqueue import enqueue
from core.jobs.worker import Worker
from core.testing.site import Browser, Site
from plugins.thirdparty.models import ThirdParty
from tests.probe import script
from tests.web.people import open_firm

pytest_plugins = ["tests.probe.fixtures"]
SUBJECT = "Offer of spring"


def bell(browser: Browser) -> str:
    """What the bell is called, on any page."""
    (name,) = re.findall(r'href="/notifications" aria-label="([^"]*)"', browser.get("/").text)
    return str(name)


def number_of(actor: Actor) -> int:
    assert actor.id is not None
    return actor.id


def assign(site: Site, who: str, *names: str, to: str) -> list[int]:
    """Third parties made by somebody for somebody else."""
    with transaction("test.assign", context=site.context(site.people[who])) as unit:
        made = [unit.add(ThirdParty(name=name, representatives=(number_of(site.people[to]),))) for name in names]
    return [record.id for record in made]


def texts(browser: Browser) -> list[str]:
    """The sentences of the list, the newest first."""
    page = browser.get("/notifications").text
    items = re.findall(r"<li(?: class=\"unread\")?>(.*?)</li>", page.partition('class="card notifications"')[2], re.S)
    plain = [re.sub(r"<time.*?</time>|<form.*?csrf_token.*?>|<[^>]*>", " ", item, flags=re.S) for item in items]
    cleaned = [" ".join(text.split()) for text in plain]
    return [text.removeprefix("Unread: ").split(" Mark as read")[0] for text in cleaned]


@pytest.fixture
def two(sales: Site) -> tuple[Site, Browser]:
    """An installation with Alice, who administers, and Paul, who reads."""
    sales.browser("Alice")
    return sales, sales.browser("Paul", "user")


@pytest.mark.covers("US-7a")
class TestAssignment:
    def test_by_somebody_else_rings_the_bell(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assert bell(paul) == "Notifications, 0 unread"
        assign(site, "Alice", "Zinc SARL", to="Paul")
        assert bell(paul) == "Notifications, 1 unread"
        assert texts(paul) == ["Alice assigned Zinc SARL to you"]

    def test_by_oneself_does_not(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assign(site, "Paul", "Zinc SARL", to="Paul")
        assert bell(paul) == "Notifications, 0 unread"

    def test_the_owner_and_not_who_was_so_before(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        (number,) = assign(site, "Alice", "Zinc SARL", to="Paul")
        alice = number_of(site.people["Alice"])
        with transaction("test.more", context=site.context(site.people["Alice"])) as unit:
            record = unit.get(ThirdParty, number)
            record.representatives = (alice, number_of(site.people["Paul"]))
            record.town = "Lyon"
        assert bell(paul) == "Notifications, 1 unread"
        with transaction("test.owner", context=site.context(site.people["Alice"])) as unit:
            unit.get(ThirdParty, number).owner_id = number_of(site.people["Paul"])
        assert bell(paul) == "Notifications, 2 unread"

    def test_what_is_refused_tells_nobody(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        with pytest.raises(Refused):
            assign(site, "Alice", "Zinc", "", to="Paul")
        assert bell(paul) == "Notifications, 0 unread"

    def test_many_at_once_are_one_notification(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assign(site, "Alice", *(f"Firm {number}" for number in range(7)), to="Paul")
        assert texts(paul) == ["Alice assigned 7 records to you: Third parties"]

    def test_a_title_with_percent_and_markup_is_text(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assign(site, "Alice", "100 %(who)s <script>x</script>", to="Paul")
        page = paul.get("/notifications").text
        assert "Alice assigned 100 %(who)s &lt;script&gt;x&lt;/script&gt; to you" in page
        assert "<script>x" not in page


class TestReading:
    def test_opening_marks_as_read_and_leads_there(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        (number,) = assign(site, "Alice", "Zinc SARL", to="Paul")
        paul.get("/notifications")
        answer = paul.post("/notifications/1/open")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/thirdparties/{number}")
        assert bell(paul) == "Notifications, 0 unread"

    def test_marking_one_and_all_up_to_what_was_shown(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        for name in ("One", "Two", "Three", "Four"):
            assign(site, "Alice", name, to="Paul")
        paul.get("/notifications")
        assert paul.post("/notifications/4/read", {"return": "/notifications"}).headers["Location"] == "/notifications"
        assert bell(paul) == "Notifications, 3 unread"
        paul.post("/notifications/read", {"until": "2"})
        assert bell(paul) == "Notifications, 1 unread"

    def test_those_of_others_are_not_there(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        alice = site.browser("Alice")
        assign(site, "Alice", "Zinc SARL", to="Paul")
        alice.get("/")
        assert alice.post("/notifications/1/open").status_code == 404
        assert alice.post("/notifications/1/read").status_code == 404
        alice.post("/notifications/read", {"until": "1"})
        assert texts(alice) == []
        assert bell(paul) == "Notifications, 1 unread"

    def test_what_one_may_no_longer_see_has_no_title_and_no_link(self, sales: Site) -> None:
        firm = open_firm(sales)
        sam = firm.browsers["Sam"]
        (number,) = assign(sales, "Alice", "Secret deal", to="Sam")
        assert texts(sam) == ["Alice assigned Secret deal to you"]
        with transaction("test.away", context=sales.context(sales.people["Alice"])) as unit:
            record = unit.get(ThirdParty, number)
            record.representatives = record.owner_id = None
        page = sam.get("/notifications").text
        assert "Secret deal" not in page
        assert "About a record you may no longer see" in page
        assert "/open" not in page
        assert sam.post("/notifications/1/open").headers["Location"] == "/notifications"

    def test_of_a_module_that_is_off(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assign(site, "Alice", "Zinc SARL", to="Paul")
        site.disable("thirdparty")
        assert texts(paul) == ["About a record you may no longer see"]

    def test_in_the_readers_language(self, sales: Site) -> None:
        sales.add_person("Alice")
        lea = sales.browser("Lea", "user", language="fr")
        assign(sales, "Alice", *(f"Firm {number}" for number in range(5)), to="Lea")
        assert bell(lea) == "Notifications, 1 non lues"
        assert "Alice vous a confié 5 fiches\N{NO-BREAK SPACE}: Tiers" in lea.get("/notifications").text

    def test_the_bell_counts_to_99(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        with transaction("test.many", context=site.context()) as unit:
            for _number in range(120):
                notify(unit, number_of(site.people["Paul"]), "job", lazy("Job done: %(label)s", label="x"))
        assert bell(paul) == "Notifications, 99+ unread"
        assert len(texts(paul)) == 50
        older = re.search(r'href="(/notifications\?before=\d+)"', paul.get("/notifications").text)
        assert older
        assert paul.get(older.group(1)).text.count('class="unread"') == 50

    def test_kept_for_ninety_days(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        assign(site, "Alice", "Zinc SARL", to="Paul")
        sweep_notifications(site.runtime.database)
        assert len(texts(paul)) == 1
        with time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=91)):
            sweep_notifications(site.runtime.database)
        assert texts(paul) == []


@pytest.mark.parametrize(
    ("message", "french"),
    [
        (lazy("Job done: %(label)s", label=lazy("Trash")), "Traitement terminé\N{NO-BREAK SPACE}: Corbeille"),
        (lazy_plural("%(number)s error", "%(number)s errors", 2), "2 erreurs"),
        (lazy_context("audit", "Signed in"), "Connexion"),
    ],
)
def test_messages_survive_the_database(message: object, french: str) -> None:
    with use_locale(Locale("fr", "FR")):
        assert str(load_message(dump_message(message))) == french  # type: ignore[arg-type]


def test_a_kind_nobody_knows_is_an_error(two: tuple[Site, Browser]) -> None:
    site, _paul = two
    with pytest.raises(ContractError, match="no such kind"), transaction("test", context=site.context()) as unit:
        notify(unit, 1, "gossip", lazy("Trash"))


class TestKindsOfModules:
    """Proposals accepted, reminders: modules name what people are told of, and people choose (US-7)."""

    KIND = "probe.accepted"

    def tell(self, shop: Site, reader: str) -> None:
        with transaction("test.accept", context=shop.context()) as unit:
            thirdparty = unit.add(ThirdParty(name="Zinc"))
            unit.session.flush()
            api.notify(
                unit, number_of(shop.people[reader]), self.KIND, lazy("%(title)s was accepted"), entity="thirdparty",
                record_id=thirdparty.id,
            )  # fmt: skip

    @pytest.mark.covers("US-7a")
    def test_it_rings_the_bell_and_is_chosen_like_any_other(self, shop: Site) -> None:
        paul = shop.browser("Paul")
        self.tell(shop, "Paul")
        assert texts(paul) == ["Zinc was accepted"]
        page = paul.get("/account/notifications").text
        assert "Something of mine was accepted" in page
        assert f'name="{self.KIND}.bell"' in page
        paul.post("/account/notifications", {})
        self.tell(shop, "Paul")
        assert texts(paul) == ["Zinc was accepted"], "he wants no more of them"

    def test_while_the_module_is_off_it_is_no_kind_and_the_choice_is_kept(self, shop: Site) -> None:
        paul = shop.browser("Paul")
        paul.get("/account/notifications")
        paul.post("/account/notifications", {})
        shop.disable("probe")
        assert self.KIND not in paul.get("/account/notifications").text
        with pytest.raises(ContractError, match="no such kind"):
            self.tell(shop, "Paul")
        paul.post("/account/notifications", {"job.bell": "1"})
        shop.enable("probe")
        self.tell(shop, "Paul")
        assert texts(paul) == []

    @pytest.mark.parametrize("name", ["accepted", "other.accepted", "loyalty.much_too_long_a_name"])
    def test_its_name_is_the_modules(self, name: str) -> None:
        with pytest.raises(ContractError, match="must start with"):
            api.Plugin(
                name="loyalty",
                label="Loyalty",
                version="1",
                hooks="x",
                notifications=(api.NotificationKind(name, "x"),),
            )


class TestJobs:
    def run(self, shop: Site, job: object, times: int = 1) -> Browser:
        paul = shop.browser("Paul", "user")
        script.probe.job = job  # type: ignore[assignment]
        with transaction("test.start", context=shop.context(shop.people["Paul"])) as unit:
            number = enqueue(unit, "probe.scripted", {}, label="Count stars")
        worker = Worker(shop.runtime)
        for _time in range(times):
            with shop.runtime.database.connection() as connection:
                connection.execute(update(JobRow).values(run_at=0.0))
            worker.run_one(only=number)
        assert paul.post("/notifications/1/open").headers["Location"] in (f"/jobs/{number}", "/signin")
        return paul

    def test_done(self, shop: Site) -> None:
        assert texts(self.run(shop, lambda job: None)) == ["Job done: Count stars"]

    def test_failed_with_a_reason(self, shop: Site) -> None:
        def refuse(job: object) -> None:
            raise Refused("no stars")

        assert texts(self.run(shop, refuse)) == ["Job failed: Count stars"]

    def test_given_up_once_and_not_at_each_attempt(self, shop: Site) -> None:
        def crash(job: object) -> None:
            raise RuntimeError("cloud")

        assert texts(self.run(shop, crash, 10)) == ["Job given up: Count stars"]


class TestMail:
    def queued(self, site: Site, about: int | None = None, kind: str = "single") -> Claim:
        """A message of Paul's, claimed by a sender."""
        with transaction("test.mail", context=site.context(site.people["Paul"])) as unit:
            record = unit.get(ThirdParty, about) if about is not None else None
            to = (Recipient("lea@example.com"),)
            enqueue_mail(unit, Draft(to=to, subject=SUBJECT, text="Bonjour", record=record, kind=kind))
        with site.runtime.database.connection() as connection:
            values = {"state": models.DATA, "claim": "node.1.gone", "lease_until": 0.0}
            connection.execute(update(MailRecipient).values(values))
            row = connection.execute(select(MailRecipient)).one()
        return Claim(row.id, row.message_id, row.address, row.attempts, row.claim)

    def test_that_failed(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        held = self.queued(site)
        put_aside(site.runtime.database, held, models.FAILED, "no such mailbox")
        assert texts(paul) == ["A message of yours could not be sent"]
        assert paul.post("/notifications/1/open").headers["Location"] == f"/mail/outbox/{held.message_id}"

    def test_that_may_have_been_sent_names_its_record(self, two: tuple[Site, Browser], sales: Site) -> None:
        site, paul = two
        (number,) = assign(site, "Paul", "Zinc SARL", to="Paul")
        self.queued(site, about=number)
        assert recover(site.runtime.database, site.config.var / "mail") == 1
        assert texts(paul) == ["Nobody knows whether a message about Zinc SARL was sent"]

    def test_once_while_it_is_not_read(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        held = self.queued(site)
        put_aside(site.runtime.database, held, models.FAILED, "no")
        with site.runtime.database.connection() as connection:
            connection.execute(update(MailRecipient).values(state=models.CLAIMED, claim=held.owner))
        put_aside(site.runtime.database, held, models.UNCERTAIN, "no")
        assert bell(paul) == "Notifications, 1 unread"


class TestChoices:
    def test_the_form_keeps_what_was_ticked(self, two: tuple[Site, Browser]) -> None:
        _site, paul = two
        page = paul.get("/account/notifications").text
        assert page.count('value="on" checked') == 3
        answer = paul.post("/account/notifications", {"assigned.mail": "on", "job.bell": "on"})
        page = paul.get(answer.headers["Location"]).text
        assert "Your choices were saved." in page
        assert re.findall(r'name="(\w+\.\w+)" value="on" checked', page) == ["assigned.mail", "job.bell"]

    def test_none_of_both_is_none(self, two: tuple[Site, Browser]) -> None:
        site, paul = two
        self.choose(site, Choice(bell=False, mail=False))
        assign(site, "Alice", "Zinc SARL", to="Paul")
        assert texts(paul) == []

    def test_by_mail_in_the_readers_language(self, sales: Site) -> None:
        sales.add_person("Alice")
        sales.browser("Paul", "user", language="fr")
        self.choose(sales, Choice(bell=False, mail=True))
        assign(sales, "Alice", "Zinc SARL", to="Paul")
        worker = Worker(sales.runtime)
        while worker.run_one():
            pass
        with sales.runtime.database.reading() as session:
            (message,) = session.scalars(select(MailMessage))
            (recipient,) = session.scalars(select(MailRecipient))
            assert session.scalar(select(func.count()).select_from(Notification)) == 1
        assert (message.kind, message.language, recipient.address) == ("notice", "fr", "paul@test.example")
        assert message.subject == "Alice vous a confié Zinc SARL"
        assert message.body.startswith("Bonjour Paul,\n\nAlice vous a confié Zinc SARL\n")
        assert f"{sales.config.public_url}/notifications" in message.body
        assert bell(sales.browser("Paul")) == "Notifications, 0 non lues"

    def choose(self, site: Site, choice: Choice) -> None:
        with site.runtime.database.connection() as connection:
            write_choices(connection, number_of(site.people["Paul"]), {"assigned": choice})
