"""Mail over HTTP: writing, confirming, calling back, reading, deciding; who may see what (ML-2, ML-5, ML-6, F44)."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, update

from core.data.unit import transaction
from core.exchange.mail import models, suppression
from core.exchange.mail.models import MailContent, MailMessage, MailRecipient, Suppression
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.testing.site import Browser, Site
from tests.mail.post import Witness, later, queue, row, send, settings, states

FILE = re.compile(r'name="file" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def third_party(browser: Browser, name: str, email: str = "") -> int:
    browser.get("/thirdparties/new")
    answer = browser.post("/thirdparties/new", {"name": name, "email": email})
    return int(re.findall(r"/thirdparties/(\d+)", answer.headers["Location"])[0])


class Desk:
    """Somebody writing mail."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def go_on(self, then: str, ids: list[int], **typed: Any) -> Any:
        """Send the form."""
        self.browser.get(f"/mail/send/thirdparties?id={ids[0]}")
        data = {"id": [str(number) for number in ids], "then": then, "language": "en", **typed}
        return self.browser.post("/mail/send/thirdparties", data)


@pytest.fixture
def office(sales: Site, sink: Witness) -> Site:
    settings(sales, sink.port)
    return sales


@pytest.fixture
def alice(office: Site) -> Browser:
    return office.browser("Alice", "user")


@pytest.mark.covers("ML-2a")
def test_a_mail_with_a_file_from_a_template_to_one_record(office: Site, sink: Witness, alice: Browser) -> None:
    number = third_party(alice, "Zinc {{7*7}} SARL", "zinc@zinc.example")
    assert f"/mail/send/thirdparties?id={number}" in alice.get(f"/thirdparties/{number}").text
    desk = Desk(alice)
    page = desk.go_on("template", [number], template="first_contact")
    text = unescape(re.findall(r'<textarea[^>]*name="text"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)[0])
    assert "{{ record.title }}" in text
    typed = {"subject": "For {{ record.name }}", "text": text}
    upload = (io.BytesIO(b"%PDF-1.7 \x00 data"), "Devis été.pdf")
    confirm = desk.go_on("preview", [number], files=upload, **typed)
    assert confirm.status_code == 200
    assert "Send to 1 recipient" in confirm.text
    assert "For Zinc {{7*7}} SARL" in words(confirm.text)
    assert "my name is Alice" in words(confirm.text)
    key, token = KEY.findall(confirm.text)[0], FILE.findall(confirm.text)[0]
    answer = desk.go_on("send", [number], file=token, key=key, **typed)
    assert answer.headers["Location"] == f"/thirdparties/{number}"
    assert desk.go_on("send", [number], file=token, key=key, **typed).status_code == 303
    sheet = alice.get(f"/thirdparties/{number}").text
    assert sheet.count("For Zinc {{7*7}} SARL") == 1, "a second press queues nothing"
    assert "Cancel sending" in sheet
    assert "Waiting" in sheet
    assert send(office) == 0, "it can still be called back"
    later(office)
    send(office)
    sheet = alice.get(f"/thirdparties/{number}").text
    assert "Sent" in sheet
    assert "Devis été.pdf" in sheet
    assert "Cancel sending" not in sheet
    message = sink.messages()[0]
    assert message["Subject"] == "For Zinc {{7*7}} SARL"
    assert message["From"] == "Alice <office@zinc.example>"
    assert message["Reply-To"] == "Alice <alice@test.example>"
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_payload(decode=True)) == ("Devis été.pdf", b"%PDF-1.7 \x00 data")


def test_called_back_within_ten_seconds(office: Site, sink: Witness, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    Desk(alice).go_on("send", [number], subject="Hi", text="Hello")
    address = re.findall(r'action="(/mail/outbox/\d+/cancel)"', alice.get(f"/thirdparties/{number}").text)[0]
    assert alice.post(address, {"return": f"/thirdparties/{number}"}).status_code == 303
    later(office)
    send(office)
    assert states(office) == {"zinc@zinc.example": "cancelled"}
    assert sink.lines() == []
    assert alice.post(address).status_code == 409


def test_to_many_with_who_is_left_out_and_why(office: Site, sink: Witness, alice: Browser) -> None:
    zinc = third_party(alice, "Zinc", "zinc@zinc.example")
    double = third_party(alice, "Zinc Lyon", "Zinc+lyon@zinc.example")
    silent = third_party(alice, "Silent")
    refusing = third_party(alice, "Refusing", "no@refusing.example")
    other = third_party(alice, "Other", "other@other.example")
    with transaction("test.optout", context=office.context()) as unit:
        suppression.suppress(
            unit.session, office.config.secret_keys, "No@refusing.example", "opt-out", unit.context.actor
        )
    everybody = [zinc, double, silent, refusing, other, 999]
    alice.get("/thirdparties")
    page = alice.post(
        "/mail/send/thirdparties", {"id": [str(number) for number in everybody], "return": "/thirdparties"}
    )
    shown = words(page.text)
    for sentence in (
        "2 recipients",
        "Zinc Lyon Zinc+lyon@zinc.example – Same address as Zinc",
        "Silent – Has no e-mail address",
        "Refusing no@refusing.example – On the suppression list: Wants no mail",
        "#999 – It does not exist, or was deleted",
    ):
        assert sentence in shown
    desk = Desk(alice)
    assert "Send to 2 recipients" in desk.go_on("preview", everybody, subject="Hi {{ record.name }}", text="x").text
    answer = desk.go_on("send", everybody, subject="Hi {{ record.name }}", text="x")
    listed = alice.get(answer.headers["Location"]).text
    assert listed.count("Cancel sending") == 2
    later(office)
    send(office)
    assert sorted(str(message["Subject"]) for message in sink.messages()) == ["Hi Other", "Hi Zinc"]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"subject": "", "text": "x"}, "Enter a subject"),
        ({"subject": "x", "text": " "}, "Enter a text"),
        ({"subject": "x", "text": "{{ record.nmae }} {{ recrod.x }}"}, "record.nmae, recrod.x"),
        ({"subject": "{{ record.nmae }}", "text": "x"}, "record.nmae"),
        ({"subject": "x", "text": "{{ 7*7 }}"}, "“*”"),
        ({"subject": "=?utf-8?q?=0D=0ABcc:_x?=", "text": "x"}, "=?"),
        ({"subject": "a\u2028Bcc: x@y.example", "text": "x"}, "line break"),
        ({"subject": "a\r\nBcc: x@y.example", "text": "x"}, "line break"),
        ({"subject": "x", "text": "x", "file": "forged.token"}, "got lost"),
    ],
)
def test_what_cannot_be_sent_is_named_before(office: Site, alice: Browser, typed: dict[str, str], named: str) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    for then in ("preview", "send"):
        answer = Desk(alice).go_on(then, [number], **typed)
        assert answer.status_code == 422
        assert named in words(answer.text)
    assert states(office) == {}


def test_a_line_break_in_a_record_never_becomes_a_header(office: Site, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    model = office.runtime.generation.registry.entity("thirdparty").model
    with office.runtime.database.connection() as connection:
        connection.execute(update(model.__table__).values(name="x =?utf-8?q?=0D=0ABcc:_x?="))  # type: ignore[arg-type]
    answer = Desk(alice).go_on("send", [number], subject="{{ record.name }}", text="x")
    assert answer.status_code == 422
    assert states(office) == {}


@pytest.mark.parametrize("name", ["a\nb.txt", "a\u2028b", "=?utf-8?q?x?=.txt", 'a"b.txt'])
def test_hostile_names_of_files(office: Site, alice: Browser, name: str) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    answer = Desk(alice).go_on("preview", [number], subject="x", text="x", files=(io.BytesIO(b"x"), name))
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        assert not re.search(r"[\n\u2028]", "".join(re.findall(r"<p>([^<]*) <span", answer.text)))


def test_a_file_that_is_too_large_is_named(office: Site, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    upload = (io.BytesIO(bytes(16 * 2**20)), "plan.zip")
    answer = Desk(alice).go_on("preview", [number], subject="x", text="x", files=upload)
    assert answer.status_code == 422
    assert "plan.zip is 16 MB; the limit is 15 MB" in answer.text
    answer.request.environ["wsgi.input"].close()


def test_a_file_of_somebody_else_cannot_be_sent(office: Site, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    page = Desk(alice).go_on("preview", [number], subject="x", text="x", files=(io.BytesIO(b"secret"), "s.txt"))
    token = FILE.findall(page.text)[0]
    paul = Desk(office.browser("Paul", "user"))
    assert paul.go_on("send", [number], subject="x", text="x", file=token).status_code == 422
    assert Desk(alice).go_on("edit", [number], subject="x", text="x", file=token).text.count("s.txt") == 1
    assert "s.txt" not in Desk(alice).go_on("edit", [number], subject="x", text="x", file=token, drop=token).text


def test_lists_without_addresses_have_no_mail(office: Site) -> None:
    admin = office.browser("Admin")
    assert admin.get("/mail/send/numbering?id=1").status_code == 404
    assert "Send e-mail" not in admin.get("/numbering").text


class TestOutbox:
    """Reading, deciding, and whose mail it is."""

    def test_own_mail_only_and_everything_for_administrators(self, office: Site) -> None:
        alice, paul, admin = office.browser("Alice", "user"), office.browser("Paul", "user"), office.browser("Admin")
        number = third_party(alice, "Zinc", "zinc@zinc.example")
        Desk(alice).go_on("send", [number], subject="Secret offer", text="x", files=(io.BytesIO(b"x"), "s.txt"))
        address = re.findall(r"/mail/outbox/\d+", alice.get("/mail/outbox").text)[0]
        assert "Secret offer" in admin.get("/mail/outbox").text
        assert "Secret offer" not in paul.get("/mail/outbox").text
        (private,) = queue(office, "lea@example.org")
        for path in (address, f"{address}/html", f"{address}/file/1"):
            assert alice.get(path).status_code == 200
            assert paul.get(path).status_code == 200, "it is about a record he may see"
            assert paul.get(path.replace(address, f"/mail/outbox/{private}")).status_code == 404
        assert "Cancel sending" not in paul.get(f"/thirdparties/{number}").text
        for path in (f"{address}/cancel", f"{address}/decide"):
            assert paul.post(path, {"recipient": "1", "choice": "sent"}).status_code == 404
        assert "attachment" in alice.get(f"{address}/file/1").headers["Content-Disposition"]

    @pytest.mark.parametrize(("choice", "state", "mails"), [("again", "sent", 1), ("sent", "sent", 0)])
    def test_a_person_decides_about_what_is_uncertain(
        self, office: Site, sink: Witness, choice: str, state: str, mails: int
    ) -> None:
        admin = office.browser("Admin")
        (number,) = queue(office, "lea@example.org")
        with office.runtime.database.connection() as connection:
            connection.execute(update(MailRecipient).values(state=models.UNCERTAIN, last_reply="ended-late"))
        assert "nobody knows whether they arrived" in admin.get("/mail/outbox").text
        page = words(admin.get(f"/mail/outbox/{number}").text)
        assert "Send again" in page
        assert "Mark as sent" in page
        assert "The sender ended before the server answered" in page
        recipient = row(office, "lea@example.org").id
        data = {"recipient": str(recipient), "choice": choice}
        assert admin.post(f"/mail/outbox/{number}/decide", data).status_code == 303
        send(office)
        assert states(office) == {"lea@example.org": state}
        assert sum(sink.counts().values()) == mails
        if choice == "sent":
            assert admin.post(f"/mail/outbox/{number}/decide", data).status_code == 409

    def test_what_failed_can_be_sent_again(self, office: Site, sink: Witness) -> None:
        admin = office.browser("Admin")
        sink.play("dot * once 554 no")
        (number,) = queue(office, "lea@example.org")
        send(office)
        assert "554 no" in admin.get(f"/mail/outbox/{number}").text
        admin.post(
            f"/mail/outbox/{number}/decide", {"recipient": str(row(office, "lea@example.org").id), "choice": "again"}
        )
        send(office)
        assert states(office) == {"lea@example.org": "sent"}

    def test_waiting_for_the_server_is_said_once(self, office: Site, sink: Witness) -> None:
        admin = office.browser("Admin")
        sink.stop()
        queue(office, "lea@example.org", "paul@example.org")
        send(office)
        assert admin.get("/mail/outbox").text.count("Waiting for the mail server since") == 1

    def test_what_stayed_local_can_be_sent_once_there_is_a_server(self, sales: Site, sink: Witness) -> None:
        admin = sales.browser("Admin")
        (number,) = queue(sales, "lea@example.org")
        assert "Send again" not in admin.get(f"/mail/outbox/{number}").text
        settings(sales, sink.port)
        assert "Send again" in admin.get(f"/mail/outbox/{number}").text
        data = {"recipient": str(row(sales, "lea@example.org").id), "choice": "again"}
        assert admin.post(f"/mail/outbox/{number}/decide", data).status_code == 303
        send(sales)
        assert states(sales) == {"lea@example.org": "sent"}

    def test_the_html_part_can_do_nothing(self, office: Site) -> None:
        admin = office.browser("Admin")
        (number,) = queue(office, "lea@example.org", text="<script>alert(1)</script>\n<img src=x onerror=alert(1)>")
        page = admin.get(f"/mail/outbox/{number}").text
        assert re.search(rf'<iframe[^>]* sandbox src="/mail/outbox/{number}/html"', page)
        answer = admin.get(f"/mail/outbox/{number}/html")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
        assert not re.search(r"<(script|img|link|style|iframe|form)", answer.text)

    def test_mails_of_accounts_are_for_their_recipient_only(self, office: Site) -> None:
        admin = office.browser("Admin")
        (number,) = queue(office, "lea@example.org", kind="account", text="open-sesame")
        assert "open-sesame" not in admin.get(f"/mail/outbox/{number}").text
        assert admin.get(f"/mail/outbox/{number}/html").status_code == 404


@pytest.mark.covers("ML-6a")
def test_without_a_server_mail_can_be_read_here(sales: Site) -> None:
    alice = sales.browser("Alice")
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    page = Desk(alice).go_on("preview", [number], subject="Hi", text="Hello")
    assert "stay in the local outbox" in page.text
    Desk(alice).go_on("send", [number], subject="Hi", text="Hello")
    with transaction("test.mail", context=sales.context(sales.people["Alice"])) as unit:
        invitation = enqueue_mail(
            unit, Draft(to=(Recipient("new@zinc.example"),), subject="Welcome", text="open-sesame", kind="account")
        )
    assert send(sales) == 0
    assert set(states(sales).values()) == {"local"}
    assert "In the local outbox" in alice.get(f"/thirdparties/{number}").text
    assert "open-sesame" in alice.get(f"/mail/outbox/{invitation}").text
    assert "open-sesame" in alice.get(f"/mail/outbox/{invitation}/html").text


def test_links_that_open_accounts_are_read_by_administrators_only(sales: Site) -> None:
    """Without a server mail is read here; a role that sets things up must not read an administrator's reset."""
    admin = sales.browser("Admin")
    admin.get("/admin/roles")
    admin.post("/admin/roles/user", {"settings.manage": "all"})
    deputy = sales.browser("Deputy", "user")
    numbers = queue(sales, "boss@example.org", kind="account", text="open-sesame")
    numbers += queue(sales, "boss@example.org", kind="notice", text="open-sesame")
    numbers += queue(sales, "boss@example.org", text="Good morning")
    for number, shown in zip(numbers, (False, False, True), strict=True):
        assert deputy.get(f"/mail/outbox/{number}").status_code == 200
        assert deputy.get(f"/mail/outbox/{number}/html").status_code == (200 if shown else 404)
        assert "open-sesame" not in deputy.get(f"/mail/outbox/{number}").text
        assert admin.get(f"/mail/outbox/{number}/html").status_code == 200


class TestSuppressionList:
    """Who gets no mail: who said so, when and why."""

    def test_added_and_removed_by_hand(self, office: Site, sink: Witness) -> None:
        admin = office.browser("Admin")
        admin.get("/mail/suppression")
        assert admin.post("/mail/suppression", {"address": "Lea@example.org", "note": ""}).status_code == 422
        assert admin.post("/mail/suppression", {"address": "nobody", "note": "x"}).status_code == 422
        assert (
            admin.post("/mail/suppression", {"address": "Lea@example.org", "note": "by telephone"}).status_code == 303
        )
        page = words(admin.get("/mail/suppression").text)
        for text in ("Lea@example.org", "Added by hand – by telephone", "Admin"):
            assert text in page
        queue(office, "lea@example.org")
        send(office)
        assert states(office) == {"lea@example.org": "refused"}
        with office.runtime.database.reading() as session:
            number = session.scalars(select(Suppression.id)).one()
        assert admin.post(f"/mail/suppression/{number}/remove").status_code == 303
        admin.post("/mail/outbox/1/decide", {"recipient": str(row(office, "lea@example.org").id), "choice": "again"})
        send(office)
        assert sink.counts() == {"lea@example.org": 1}

    def test_refusals_outlive_the_key_and_the_address(self, office: Site) -> None:
        """A key file that is lost, or was not restored, loses none while the address is kept; older keys count."""
        old, new = b"o" * 32, b"n" * 32
        with transaction("test.optout", context=office.context()) as unit:
            suppression.suppress(unit.session, (old,), "Lea+news@example.org", "opt-out", unit.context.actor)
            suppression.suppress(unit.session, (new,), "lea@example.org", "opt-out", unit.context.actor)
        spellings = ["LEA+x@example.org", "lea@example.org", "Lea+news@EXAMPLE.org"]
        with office.runtime.database.reading() as session:
            assert len(list(session.scalars(select(Suppression)))) == 1
            for keys in ((new, old), (new,), (old,)):
                assert all(suppression.find(session, keys, spelling) for spelling in spellings)
                assert suppression.suppressed(session, keys, [*spellings, "paul@example.org"]).keys() == set(spellings)
            assert suppression.find(session, (new,), "le@example.org") is None
        with office.runtime.database.connection() as connection:  # as after an erasure: the keyed hash is left
            connection.execute(update(Suppression).values(address=None, person=None))
        with office.runtime.database.reading() as session:
            assert suppression.find(session, (new, old), "LEA+x@example.org") is not None
            assert suppression.find(session, (new,), "lea@example.org") is None


def test_files_that_were_never_sent_are_swept(office: Site, alice: Browser) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    desk = Desk(alice)
    desk.go_on("preview", [number], subject="x", text="x", files=(io.BytesIO(b"old"), "a.txt"))
    with office.runtime.database.connection() as connection:
        connection.execute(update(MailContent).values(created_at=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)))
    desk.go_on("preview", [number], subject="x", text="x", files=(io.BytesIO(b"new"), "a.txt"))
    with office.runtime.database.reading() as session:
        assert [content.content for content in session.scalars(select(MailContent))] == [b"new"]
        assert list(session.scalars(select(MailMessage))) == []


def test_the_panel_alone(office: Site, alice: Browser, site_with: Callable[..., Site]) -> None:
    number = third_party(alice, "Zinc", "zinc@zinc.example")
    Desk(alice).go_on("send", [number], subject="Hi", text="Hello")
    headers = {"HX-Request": "true"}
    assert 'hx-trigger="every 3s"' in alice.get(f"/mail/of/thirdparties/{number}", headers=headers).text
    later(office)
    send(office)
    assert "hx-trigger" not in alice.get(f"/mail/of/thirdparties/{number}", headers=headers).text
    assert alice.get(f"/mail/of/thirdparties/{number}").headers["Location"] == f"/thirdparties/{number}"
    assert alice.get("/mail/of/thirdparties/999").status_code == 404
