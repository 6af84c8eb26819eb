"""Who may be the same: the hint while typing, and the question when saving (TP-9, UX 2.4)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import add, edit, fetch

pytestmark = pytest.mark.covers("TP-9a")
VAT = "FR44732829320"


@pytest.fixture
def known(sales: Site) -> Site:
    add(
        sales,
        ThirdParty(name="Boulangerie Martin", town="Lyon", email="info@martin.example", phone="+33478000000"),
        ThirdParty(name="Zinc SARL", vat_number=VAT, website="https://www.zinc.example/shop", alias="Atelier Zinc"),
    )
    return sales


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ("name=boulangerie mart", "Boulangerie Martin", "similar name"),
        ("name=BOULANGERIE, MARTIN", "Boulangerie Martin", "same name"),
        ("name=atelier zinc", "Zinc SARL", "same name"),
        ("email=INFO@martin.example", "Boulangerie Martin", "same email address"),
        ("email=lea@martin.example", "Boulangerie Martin", "same email domain"),
        ("email=lea@zinc.example", "Zinc SARL", "same email domain"),
        ("website=zinc.example", "Zinc SARL", "same web site"),
        ("phone=%2B33 4 78 00 00 00", "Boulangerie Martin", "same phone number"),
        ("mobile=%2B33 4 78 00 00 00", "Boulangerie Martin", "same phone number"),
        ("vat=fr 44 732 829 320", "Zinc SARL", "same VAT number"),
        ("vat_number=44732829320&country=FR", "Zinc SARL", "same VAT number"),
    ],
)
def test_the_hint_says_who_and_why(known: Site, query: str, name: str, reason: str) -> None:
    browser = known.browser()
    for headers in ({}, {"HX-Request": "true"}):
        page = browser.get(f"/thirdparties/similar?{query}", headers=headers).text
        assert "1 similar third party" in page
        assert f"Open {name}" in page
        assert reason in page
        assert ("<html" in page) is not bool(headers)


@pytest.mark.parametrize("query", ["", "name=bo", "name=%20%20", "name=%00%00%00", "email=mart", "vat=FR", "phone=12"])
def test_too_little_says_nothing(known: Site, query: str) -> None:
    page = known.browser().get(f"/thirdparties/similar?{query}", headers={"HX-Request": "true"})
    assert (page.status_code, page.text.strip()) == (200, "")


def test_a_domain_of_more_than_five_is_no_reason(known: Site) -> None:
    add(known, *(ThirdParty(name=f"Firm {n}", email=f"firm{n}@mail.example") for n in range(6)))
    page = known.browser().get("/thirdparties/similar?email=lea@mail.example").text
    assert "Firm" not in page


def test_the_one_that_is_edited_is_not_like_itself(known: Site) -> None:
    browser = known.browser()
    assert "/thirdparties/similar?but=1" in browser.get("/thirdparties/1/edit").text
    assert "Martin" not in browser.get("/thirdparties/similar?but=1&email=info@martin.example").text


def test_of_a_hidden_record_nobody_learns(known: Site) -> None:
    boris = known.browser("Boris", "representative")
    assert "Zinc" not in boris.get(f"/thirdparties/similar?vat={VAT}&name=zinc").text
    answer = boris.post("/thirdparties/new", {"name": "Mine", "vat_number": VAT})
    assert answer.status_code == 303


@pytest.mark.parametrize("typed", [{"vat_number": VAT}, {"email": "Info@martin.example"}])
def test_saving_asks_once(known: Site, typed: dict[str, str]) -> None:
    browser = known.browser()
    answer = browser.post("/thirdparties/new", {"name": "Another", "town": "Nantes", **typed})
    assert answer.status_code == 409
    for words in ("Create anyway", "Open existing", 'value="Nantes"', "similar third party"):
        assert words in answer.text
    assert len(fetch(known, "SELECT id FROM thirdparty_thirdparty")) == 2
    again = browser.post("/thirdparties/new", {"name": "Another", "anyway": "1", **typed})
    assert again.status_code == 303
    assert len(fetch(known, "SELECT id FROM thirdparty_thirdparty")) == 3


def test_a_name_alone_never_stops_anybody(known: Site) -> None:
    assert known.browser().post("/thirdparties/new", {"name": "Zinc SARL"}).status_code == 303


@pytest.mark.only_on("sqlite")
def test_every_question_is_answered_by_an_index(known: Site) -> None:
    """100,000 rows are asked while somebody types (PERFORMANCE)."""
    add(known, *(ThirdParty(name=f"Firm {n}", email=f"a@firm{n}.example") for n in range(50)))
    columns = (
        "name_key",
        "alias_key",
        "email_key",
        "email_domain",
        "website_domain",
        "phone_key",
        "mobile_key",
        "vat_number_key",
    )
    with known.runtime.database.reading() as session:
        for column in columns:
            asked = f"EXPLAIN QUERY PLAN SELECT id FROM thirdparty_thirdparty WHERE {column} = 'x'"  # noqa: S608
            plan = " ".join(str(row) for row in session.connection().execute(text(asked)))
            assert f"ix_thirdparty_thirdparty_{column}" in plan


def test_keys_follow_what_they_are_made_of(known: Site) -> None:
    edit(known, ThirdParty, 1, email="a@new.example", website=None)
    page = known.browser().get("/thirdparties/similar?email=b@new.example").text
    assert "Boulangerie Martin" in page
    assert "Martin" not in known.browser().get("/thirdparties/similar?email=b@martin.example").text
