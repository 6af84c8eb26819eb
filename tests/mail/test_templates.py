"""Templates over HTTP: what is published to whom, saving, preview, going back to the default (ML-1, T16, T21 to T24)."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import select, update

from core.access.models import User
from core.access.permissions import Permissions
from core.contract.changes import Actor
from core.data.unit import transaction
from core.errors import Refused
from core.exchange.mail.models import MailTemplate
from core.exchange.mail.templates import Template, check_author, save_template, templates_of, values_of, variables
from core.fields import Field
from core.registry import RegisteredEntity
from core.testing.site import Browser, Site
from tests.mail.post import Witness, send, settings, states
from tests.mail.test_grammar import HOSTILE
from tests.mail.test_pages import third_party, words

ADDRESS = "/mail/templates/thirdparties/thanks/en"


@pytest.fixture
def admin(sales: Site) -> Browser:
    return sales.browser("Admin")


def save(browser: Browser, subject: str = "Hi", body: str = "Hello", address: str = ADDRESS, version: str = "0") -> int:
    browser.get(address)
    form = {"name": "Thanks", "subject": subject, "body": body, "version": version, "language": "en"}
    return browser.post(address, form).status_code


@pytest.mark.covers("ML-1a")
def test_shipped_in_both_languages_for_every_list_with_addresses(sales: Site, admin: Browser) -> None:
    page = words(admin.get("/mail/templates").text)
    for text in ("First contact", "Follow-up", "Thanks", "Premier contact", "Relance", "Remerciements", "As shipped"):
        assert page.count(text) >= 2, text
    third_party(admin, "Zinc SARL", "zinc@zinc.example")
    for code in ("first_contact", "follow_up", "thanks"):
        for language, hello in (("en", "Hello"), ("fr", "Bonjour")):
            shown = admin.get(f"/mail/templates/thirdparties/{code}/{language}/preview").text
            assert hello in shown
            assert "{{" not in re.sub(r"<[^>]*>", "", shown)
    assert "Zinc SARL" in admin.get("/mail/templates/thirdparties/first_contact/fr/preview").text


def test_changed_previewed_and_restored(sales: Site, admin: Browser) -> None:
    number = third_party(admin, "Zinc <b>{{7*7}}</b>", "zinc@zinc.example")
    body = "Dear {{ record.name }},\n{% if record.town == '' %}where are you?{% else %}{{ record.town }}{% endif %}"
    assert save(admin, "For {{ record.name|upper }}", body) == 303
    shown = admin.get(f"{ADDRESS}/preview?record_id={number}").text
    assert "For ZINC" in shown
    assert "Dear Zinc <b>{{7*7}}</b>," in unescape(re.findall(r"<pre[^>]*>(.*?)</pre>", shown, re.DOTALL)[0])
    assert f'sandbox src="{ADDRESS}/preview/html/{number}"' in shown
    html = admin.get(f"{ADDRESS}/preview/html/{number}")
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "Dear Zinc &lt;b&gt;{{7*7}}&lt;/b&gt;,<br>where are you?" in html.text
    assert save(admin, version="0") == 409, "somebody changed it meanwhile"
    assert admin.post(f"{ADDRESS}/restore").status_code == 303
    assert "thank you for your trust" in admin.get(ADDRESS).text


def test_one_of_ones_own(sales: Site, admin: Browser) -> None:
    admin.get("/mail/templates/leads/new")
    form = {"name": "Fair", "language": "fr", "subject": "Salon", "body": "Bonjour {{ record.title }}", "version": "0"}
    address = admin.post("/mail/templates/leads/new", form).headers["Location"]
    assert "Fair" in admin.get("/mail/templates").text
    assert admin.get(address).status_code == 200
    assert admin.post(f"{address}/restore").headers["Location"] == "/mail/templates"
    assert admin.get(address).status_code == 404


@pytest.mark.parametrize(("place", "number"), [("subject", 10), ("body", len(HOSTILE))])
def test_hostile_templates_are_refused_at_save(sales: Site, admin: Browser, place: str, number: int) -> None:
    admin.get(ADDRESS)
    for text, piece in list(HOSTILE.items())[:number]:
        answer = admin.post(ADDRESS, {"name": "x", "subject": "x", "body": "x", "version": "0", place: text})
        if answer.status_code != 413:  # too large for any form
            assert answer.status_code == 422, text[:80]
            assert piece in words(answer.text)
    with sales.runtime.database.reading() as session:
        assert list(session.scalars(select(MailTemplate))) == []


def test_who_may_save(sales: Site, admin: Browser) -> None:
    paul = sales.browser("Paul", "user")
    assert save(paul) == 403
    assert paul.get(ADDRESS).status_code == 200
    assert "Save" not in words(paul.get(ADDRESS).text.split("<main", 1)[1])
    assert paul.post(f"{ADDRESS}/restore").status_code == 403


def test_a_test_of_a_template_goes_to_oneself(sales: Site, sink: Witness, admin: Browser) -> None:
    """UX 2.13: as it is kept, filled for the record one looks at, or the newest."""
    settings(sales, sink.port)
    first = third_party(admin, "Zinc", "zinc@zinc.example")
    third_party(admin, "Newest", "")
    assert save(admin, body="About {{ record.name }}") == 303
    for page in (ADDRESS, f"{ADDRESS}/preview?record_id={first}"):
        assert "Send me a test" in words(admin.get(page).text)
    for data in ({"record_id": str(first)}, {}):
        answer = admin.post(f"{ADDRESS}/test", data)
        assert answer.status_code == 303
        assert "About" in admin.get(answer.headers["Location"]).text
    send(sales)
    assert sink.counts() == {"admin@test.example": 2}
    texts = [str(message.get_body(("plain",))) for message in sink.messages()]
    assert ["About Zinc" in text for text in texts] == [True, False]
    assert ["About Newest" in text for text in texts] == [False, True]
    assert admin.post(f"{ADDRESS}/test", {"record_id": "999"}).status_code == 404


def test_a_test_needs_a_record(sales: Site, admin: Browser) -> None:
    admin.get(ADDRESS)
    assert admin.post(f"{ADDRESS}/test").status_code == 422
    assert states(sales) == {}


@pytest.mark.parametrize(("language", "said"), [("en", "A reminder"), ("fr", "Petite relance")])
def test_a_reminder_is_shipped(sales: Site, admin: Browser, language: str, said: str) -> None:
    third_party(admin, "Zinc", "zinc@zinc.example")
    assert said in words(admin.get(f"/mail/templates/thirdparties/reminder/{language}/preview").text)


class Hidden:
    """An entity one of whose fields only administrators may see."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site = site
        self.registry = site.runtime.generation.registry
        self.entity: RegisteredEntity = self.registry.entity("thirdparty")
        self.permissions = Permissions(self.registry, site.runtime.generation.permissions.roles)
        visible = Permissions.fields

        def fields(permissions: Permissions, actor: Actor, registered: RegisteredEntity) -> frozenset[str]:
            found = visible(permissions, actor, registered)
            return found if "administrator" in actor.roles else found - {"town"}

        monkeypatch.setattr(Permissions, "fields", fields)


@pytest.fixture
def hidden(sales: Site, monkeypatch: pytest.MonkeyPatch) -> Hidden:
    return Hidden(sales, monkeypatch)


def test_what_the_author_may_not_see_cannot_be_used(hidden: Hidden) -> None:
    user = Actor(7, "Paul", frozenset({"user"}))
    with (
        pytest.raises(Refused, match=r"record\.town"),
        transaction("test.template", context=hidden.site.context(user)) as unit,
    ):
        save_template(
            unit, hidden.permissions, hidden.entity, code="thanks", language="en", name="x", subject="x",
            body="{{ record.town }}",
        )  # fmt: skip


def test_what_the_sender_may_not_see_is_not_filled_in(hidden: Hidden) -> None:
    admin = hidden.site.browser("Admin")
    number = third_party(admin, "Zinc", "zinc@zinc.example")
    assert save(admin, body="You live in {{ record.town }}") == 303
    assert admin.get(f"{ADDRESS}/preview?record_id={number}").text.count("You live in") == 1
    paul = hidden.site.browser("Paul", "user")
    shown = paul.get(f"{ADDRESS}/preview?record_id={number}").text
    assert "You live in" not in shown
    assert "record.town" in words(shown)
    assert paul.get(f"{ADDRESS}/preview/html/{number}").status_code == 422


def test_an_author_who_lost_a_right_shows_nothing_more(hidden: Hidden) -> None:
    admin = hidden.site.browser("Admin")
    third_party(admin, "Zinc", "zinc@zinc.example")
    assert save(admin, body="You live in {{ record.town }}") == 303
    with hidden.site.runtime.database.connection() as connection:
        connection.execute(update(User).where(User.name == "Admin").values(role="user"))
    other = hidden.site.browser("Other")
    assert "You live in" not in other.get(f"{ADDRESS}/preview").text
    with hidden.site.runtime.database.reading() as session:
        template = next(one for one in templates_of(session, "thirdparty", "en") if one.code == "thanks")
        with pytest.raises(Refused, match=r"record\.town"):
            check_author(session, hidden.permissions, hidden.entity, template)
        check_author(session, hidden.permissions, hidden.entity, Template("thirdparty", "thanks", "en", "x", "x", "x"))


def test_variables_come_from_the_registry_and_are_plain_strings(sales: Site) -> None:
    admin = sales.browser("Admin")
    number = third_party(admin, "Zinc", "zinc@zinc.example")
    registry = sales.runtime.generation.registry
    entity = registry.entity("thirdparty")
    found = {
        variable.name for variable in variables(entity, sales.runtime.generation.permissions, sales.people["Admin"])
    }
    assert {
        "record.name",
        "record.email",
        "record.leads.source",
        "record.title",
        "sender.name",
        "company.name",
    } <= found
    with sales.runtime.database.reading() as session:
        record = session.get_one(entity.model, number)
        values = values_of(session, entity, record, found, session.get(User, sales.people["Admin"].id))
    assert set(values) == found
    assert all(isinstance(value, str) for value in values.values())
    assert not any(isinstance(value, (Field, User)) for value in values.values())
    assert values["sender.email"] == "admin@test.example"


def test_a_template_of_a_module_that_is_off_is_refused_not_filled(sales: Site, admin: Browser) -> None:
    third_party(admin, "Zinc", "zinc@zinc.example")
    assert save(admin, body="{{ record.leads.source }}") == 303
    sales.disable("leads")
    assert "record.leads.source" in words(admin.get(f"{ADDRESS}/preview").text)
