"""One click and no more mail: the header, the link, its page, and the gate (ML-4, G05, G07, F12, RFC 8058, T73, T74)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, update

from core.access.sealing import seal
from core.access.throttle import ADDRESS_TRIES
from core.data.unit import transaction
from core.exchange.mail import gate as gates, models, suppression, unsubscribe
from core.exchange.mail.models import Suppression
from core.exchange.mail.outbox import Recipient
from core.exchange.mail.sender import send_due
from core.exchange.mail.unsubscribe import Ask, make_link, read_token
from core.runtime.gate import Gate
from core.testing.site import Browser, Site
from tests.mail.post import Witness, later, people, queue, row, send, settings, states
from tests.mail.test_pages import Desk, third_party, words

PUBLIC_URL = "https://crm.test"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def public(sales: Site, sink: Witness) -> Site:
    """An installation with a public address, which sends its mail to the witness."""
    settings(sales, sink.port)
    sales.runtime.config = replace(sales.config, public_url=PUBLIC_URL)
    return sales


@pytest.fixture
def office(sales: Site, sink: Witness) -> Site:
    """One with people in it, and a name of this machine only."""
    settings(sales, sink.port)
    return sales


def outsider(site: Site) -> Browser:
    """Somebody without an account: a reader, or a mail program."""
    return Browser(Gate(site.runtime), PUBLIC_URL)


def link_in(message: Any) -> str:
    """The path of a mail's link."""
    found = re.fullmatch(rf"<{PUBLIC_URL}(/unsubscribe/[^>]+)>", message["List-Unsubscribe"])
    assert found is not None
    return found[1]


def entries(site: Site) -> list[Suppression]:
    with site.runtime.database.reading() as session:
        return list(session.scalars(select(Suppression)))


@pytest.mark.parametrize(("kind", "has"), [("single", True), ("bulk", True), ("notice", True), ("account", False)])
def test_every_mail_but_those_of_accounts_has_the_headers(public: Site, sink: Witness, kind: str, has: bool) -> None:
    queue(public, "lea@example.org", kind=kind)
    send(public)
    (message,) = sink.messages()
    assert (message["List-Unsubscribe"] is not None) is has
    assert message["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if has else None)
    body = message.get_body(("plain",))
    assert body is not None
    assert (PUBLIC_URL in body.get_content()) is (kind == "bulk")


def test_without_https_there_is_none_and_no_mailing(posted: Site, sink: Witness) -> None:
    from core.errors import Refused

    queue(posted, "lea@example.org")
    send(posted)
    assert sink.messages()[0]["List-Unsubscribe"] is None
    with pytest.raises(Refused, match="https"):
        queue(posted, "paul@example.org", kind="bulk")


@pytest.mark.covers("ML-4a")
def test_the_button_of_a_mail_program(public: Site, sink: Witness) -> None:
    """No cookie, no form token, from wherever the program stands; at once, also for what waits (F12)."""
    queue(public, *people(3))
    asked: list[bool] = []
    send_due(public.runtime, lambda: asked.append(True) or len(asked) > 2)  # before a message, and before its last dot
    (message,) = sink.messages()
    queue(public, "person0@example.org", subject="Another")
    waiting = row(public, people(3)[1])
    link = waiting.unsubscribe
    assert link is not None
    program = outsider(public).client
    for path in (link_in(message), link.removeprefix(PUBLIC_URL)):
        headers = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
        answer = program.post(path, data=ONE_CLICK, headers=headers)
        assert answer.status_code == 200
    send(public)
    assert states(public) == {
        "person0@example.org": "refused",
        "person1@example.org": "refused",
        "person2@example.org": "sent",
    }
    first, second = entries(public)
    assert (first.address, first.reason, first.user_id) == ("person0@example.org", suppression.OPT_OUT, None)
    assert first.note == "Link in message 1"
    assert second.address == "person1@example.org"
    public.runtime.config = public.config
    page = words(public.browser("Admin").get("/mail/suppression").text)
    assert "Wants no mail – Link in message 1 the recipient" in page


def test_t74_opening_the_link_changes_nothing_and_the_page_asks(public: Site, sink: Witness) -> None:
    queue(public, "lea@example.org")
    send(public)
    path, reader = link_in(sink.messages()[0]), outsider(public)
    for _time in range(3):
        page = reader.client.get(path)
        assert page.status_code == 200
        assert reader.client.head(path).status_code == 200
    assert entries(public) == []
    assert "lea@example.org gets no more mail from" in words(page.text)
    form = re.findall(r'<form method="post" action="([^"]+)">', page.text)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    assert [unescape(action) for action in form] == [path]
    assert ONE_CLICK.items() <= hidden.items()
    assert reader.client.post(path, data={}).status_code == 200, "anything else only asks"
    assert entries(public) == []
    assert reader.client.post(path, data=hidden).status_code == 200
    (entry,) = entries(public)
    assert entry.address == "lea@example.org"
    assert "<form" not in reader.client.get(path).text.split("<main")[1]
    assert reader.client.post(path, data=ONE_CLICK).status_code == 200, "again changes nothing"
    assert len(entries(public)) == 1


def test_the_page_speaks_french(public: Site, sink: Witness) -> None:
    queue(public, "lea@example.org")
    send(public)
    page = outsider(public).client.get(link_in(sink.messages()[0]), headers={"Accept-Language": "fr"})
    assert "Se désabonner" in page.text


def changed(token: str, keys: tuple[bytes, ...]) -> dict[str, str]:
    """What somebody makes of a token."""
    address = b"lea@example.org"
    made = random.Random(4)
    middle = len(token) // 2
    return {
        "empty": "x", "cut": token[:-1], "shorter": token[: len(token) // 2], "longer": f"{token}A",
        "turned": token[::-1], "upper": token.upper(),
        "one letter": f"{token[:middle]}{'A' if token[middle] != 'A' else 'B'}{token[middle + 1:]}",
        "random": "".join(made.choices("abcdefghijklmnopqrstuvwxyz0123456789-_", k=len(token))),
        "other purpose": seal(keys, b"comptoir mail password", f"1  {address.decode()}"),
        "other key": seal((b"k" * 32,), unsubscribe.PURPOSE, f"1  {address.decode()}"),
        "plain": f"1  {address.decode()}", "accent": "é", "no address": seal(keys, unsubscribe.PURPOSE, "1  nobody"),
        "no number": seal(keys, unsubscribe.PURPOSE, "x  lea@example.org"), "parts": seal(keys, unsubscribe.PURPOSE, "1"),
    }  # fmt: skip


def test_t73_a_link_that_was_changed_is_not_valid(public: Site) -> None:
    keys = public.config.secret_keys
    token = make_link(keys, PUBLIC_URL, Ask("lea@example.org", 1, "")).rpartition("/")[2]
    reader = outsider(public)
    for name, forged in changed(token, keys).items():
        answer = reader.client.get(f"/unsubscribe/{forged}")
        assert (answer.status_code, "not valid" in answer.text) == (404, True), name
        assert reader.client.post(f"/unsubscribe/{forged}", data=ONE_CLICK).status_code == 404, name
    assert entries(public) == []
    assert read_token(keys, token) == Ask("lea@example.org", 1, "")


def test_t73_who_guesses_is_slowed_down_and_who_has_a_link_is_not(public: Site) -> None:
    token = make_link(public.config.secret_keys, PUBLIC_URL, Ask("lea@example.org", 1, "")).rpartition("/")[2]
    reader = outsider(public)
    found = [reader.client.post(f"/unsubscribe/guess{number}", data=ONE_CLICK) for number in range(ADDRESS_TRIES + 1)]
    assert [answer.status_code for answer in found] == [404] * ADDRESS_TRIES + [429]
    assert reader.client.get("/unsubscribe/guess").status_code == 429
    assert entries(public) == []
    assert reader.client.post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 200


def test_the_link_says_nothing_and_outlives_the_message(public: Site) -> None:
    (number,) = queue(public, "lea@example.org")
    link = row(public, "lea@example.org").unsubscribe
    assert link is not None
    assert "lea" not in link
    assert "example.org" not in link
    with public.runtime.database.connection() as connection:
        connection.execute(models.MailMessage.__table__.delete().where(models.MailMessage.id == number))  # type: ignore[attr-defined]
    assert outsider(public).client.post(link.removeprefix(PUBLIC_URL), data=ONE_CLICK).status_code == 200
    assert [entry.address for entry in entries(public)] == ["lea@example.org"]


def test_a_link_of_ones_own_stays(public: Site, sink: Witness) -> None:
    queue(
        public,
        "",
        to=(Recipient("lea@example.org", unsubscribe="https://zinc.example/u/1"),),
        kind="bulk",
        list_id="n.zinc.example",
    )
    queue(public, "", to=(Recipient("paul@example.org"),), kind="bulk", list_id="n.zinc.example")
    send(public)
    own, ours = sink.messages()
    assert own["List-Unsubscribe"] == "<https://zinc.example/u/1>"
    outsider(public).client.post(link_in(ours), data=ONE_CLICK)
    assert [entry.note for entry in entries(public)] == ["n.zinc.example"]


class TestGate:
    """What a record says of itself, and mails that are no account's."""

    def test_do_not_contact_set_while_the_mail_waits(self, office: Site, sink: Witness) -> None:
        alice = office.browser("Alice", "user")
        zinc, other = third_party(alice, "Zinc", "zinc@zinc.example"), third_party(alice, "Other", "o@other.example")
        for number in (zinc, other):
            Desk(alice).go_on("send", [number], subject="Hi", text="Hello")
        alice.get(f"/thirdparties/{zinc}")
        refuse(office, alice, zinc)
        later(office)
        send(office)
        assert states(office) == {"zinc@zinc.example": "refused", "o@other.example": "sent"}
        assert row(office, "zinc@zinc.example").last_reply == gates.RECORD
        assert "The record says that no mail is wanted" in alice.get("/mail/outbox/1").text

    def test_it_is_left_out_before_already(self, office: Site) -> None:
        alice = office.browser("Alice", "user")
        zinc, other = third_party(alice, "Zinc", "zinc@zinc.example"), third_party(alice, "Other", "o@other.example")
        refuse(office, alice, zinc)
        page = Desk(alice).go_on("preview", [zinc, other], subject="Hi", text="Hello")
        assert "Send to 1 recipient" in page.text
        page = Desk(alice).go_on("edit", [zinc, other], subject="Hi", text="Hello")
        assert "Zinc zinc@zinc.example – Contact status: Do not contact" in words(page.text)

    def test_of_a_module_that_is_off_nobody_knows(self, office: Site, sink: Witness) -> None:
        alice = office.browser("Alice")
        Desk(alice).go_on("send", [third_party(alice, "Zinc", "zinc@zinc.example")], subject="Hi", text="Hello")
        later(office)
        office.disable("leads")
        office.disable("thirdparty")
        send(office)
        assert states(office) == {"zinc@zinc.example": "refused"}
        assert row(office, "zinc@zinc.example").last_reply == gates.MODULE_OFF

    @pytest.mark.parametrize(("kind", "state"), [("account", "sent"), ("notice", "refused"), ("single", "refused")])
    def test_only_mails_of_accounts_pass(self, posted: Site, sink: Witness, kind: str, state: str) -> None:
        with transaction("test.optout", context=posted.context()) as unit:
            suppression.suppress(
                unit.session, posted.config.secret_keys, "lea@example.org", "opt-out", unit.context.actor
            )
        queue(posted, "lea@example.org", kind=kind)
        send(posted)
        assert states(posted) == {"lea@example.org": state}

    def test_a_field_of_a_module_can_say_no(self, site_with: Callable[..., Site]) -> None:
        """The gate asks the registry, facets included: no module is named in it."""
        site = site_with("thirdparty")
        registered = site.runtime.generation.registry.entity("thirdparty")
        field = registered.fields["contact_status"]
        assert field.declaration.no_mail == ("refused",)
        assert not registered.fields["potential"].declaration.no_mail


def refuse(site: Site, browser: Browser, number: int) -> None:
    """Set the contact status of a third party to *Do not contact*."""
    model: Any = site.runtime.generation.registry.entity("thirdparty").model
    with site.runtime.database.connection() as connection:
        connection.execute(update(model.__table__).where(model.id == number).values(contact_status="refused"))
