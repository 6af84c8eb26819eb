"""Legal forms: a list by country, what people wrote before it was one, and what a file says (TP-3, PR-1)."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

import plugins.thirdparty
from core.data.engine import Database
from core.data.migrations import CORE_FOLDER, migrate
from core.exchange.load import Plan, load_file
from core.testing.site import Site
from plugins.thirdparty import plugin
from tests.probe.helpers import fetch
from tests.web.pages import create

pytestmark = pytest.mark.covers("TP-3a")
FOLDER = Path(plugins.thirdparty.__file__).parent / "migrations"
ROW = (
    "INSERT INTO thirdparty_thirdparty (id, version, created_at, updated_at, extra, name, role, code, contact_status,"
    " legal_form) VALUES (:id, 1, '2026-01-01', '2026-01-01', '{}', 'Zinc', 'prospect', :code, 'never', :form)"
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def older(folder: Path, to: Path, last: int) -> Path:
    """The steps up to that number."""
    (to / "versions").mkdir(parents=True)
    for file in (folder / "versions").glob("[0-9]*.py"):
        if int(file.name[:4]) <= last:
            shutil.copy(file, to / "versions")
    return to


def test_what_was_written_becomes_part_of_the_list(database: Database, tmp_path: Path) -> None:
    with database.connection() as connection:
        migrate(connection, "core", older(CORE_FOLDER, tmp_path / "core", 16))
        migrate(connection, "thirdparty", older(FOLDER, tmp_path / "thirdparty", 3))
        connection.execute(
            text("INSERT INTO core_dictionary (dictionary, code, labels, tone, position) VALUES"
                 " ('potential', 'high', '{\"en\": \"Hot\", \"fr\": \"Chaud\"}', 'success', 3)")
        )  # fmt: skip
        for number, form in enumerate(("SARL", "Sàrl & Cie", "Sàrl & Cie", "–", None)):
            connection.execute(text(ROW), {"id": number + 1, "code": f"C{number}", "form": form})
        assert migrate(connection, "core", CORE_FOLDER)
        assert migrate(connection, "thirdparty", FOLDER)
        made = connection.execute(
            text("SELECT code, label_en, label_fr, position, active FROM core_dictionary ORDER BY dictionary, position")
        ).all()
        assert [tuple(row) for row in made] == [
            ("Sàrl & Cie", "Sàrl & Cie", "Sàrl & Cie", 0, True), ("form-1", "–", "–", 1, True),
            ("high", "Hot", "Chaud", 3, True),
        ]  # fmt: skip
        kept = connection.execute(text("SELECT legal_form FROM thirdparty_thirdparty ORDER BY id")).scalars().all()
        assert kept == ["SARL", "Sàrl & Cie", "Sàrl & Cie", "form-1", None]


def test_those_of_the_country_come_first_and_a_file_says_what_it_cannot_mean(sales: Site, tmp_path: Path) -> None:
    (forms,) = (one for one in plugin.dictionaries if one.name == "legal_form")
    countries = {country for option in forms.options for country in option.countries}
    assert countries == {"FR", "DE", "GB", "BE", "ES", "IT", "NL", "CH", "US"}
    admin = sales.browser()
    zinc = create(admin, name="Zinc", country="DE", legal_form="GmbH")
    shown = re.search(r'<select[^>]*name="legal_form".*?</select>', admin.get(f"/thirdparties/{zinc}/edit").text, re.S)
    assert shown is not None
    labels = [html.unescape(label) for label in re.findall(r"<option[^>]*>([^<]+)<", shown.group())]
    german = [option.code for option in forms.options if "DE" in option.countries]
    assert labels[: len(german)] == german
    assert "SARL (FR)" in labels
    assert "SA (BE, CH, ES, FR)" in labels
    file = tmp_path / "rows.csv"
    file.write_text("Company,Form\nOne,S.A.R.L.\nTwo,sàrl\nThree,Kombinat\n")
    context = sales.context()
    wanted = Plan(context.registry.entity("thirdparty"), {"name": "Company", "legal_form": "Form"}, {}, ())
    outcome = load_file(context, wanted, file, lambda _rows: None)
    assert outcome.created == 2
    assert "Kombinat is not in the list. Choose one of its values." in str(outcome.rejected[0].reason)
    stored = fetch(sales, "SELECT name, legal_form FROM thirdparty_thirdparty ORDER BY name")
    assert [tuple(row) for row in stored] == [("One", "SARL"), ("Two", "Sàrl"), ("Zinc", "GmbH")]
    page = admin.get("/admin/dictionaries/legal_form").text
    assert "<td>BE CH ES FR</td>" in page
