"""Rows of a CSV file through the unit of work: mapping, keys, refusals with line, column and reason (issue A 8, F14, F50)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.cli import main
from core.errors import Refused
from core.exchange import load
from core.exchange.load import Outcome, Plan, load_file
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty

Loader = Callable[..., Outcome]
COLUMNS = {"name": "Company", "country": "Country", "website": "Website"}


@pytest.fixture
def load_rows(sales: Site, tmp_path: Path) -> Loader:
    """Write a file and load it; `key`, `columns` and `constants` as in `Plan`."""

    def run(
        content: str | bytes,
        *,
        key: tuple[str, ...] = (),
        columns: dict[str, str] = COLUMNS,
        constants: dict[str, str] | None = None,
    ) -> Outcome:
        file = tmp_path / "rows.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        context = sales.context()
        plan = Plan(context.registry.entity("thirdparty"), columns, constants or {}, key)
        return load_file(context, plan, file, lambda _rows: None)

    return run


def stored(site: Site) -> list[tuple[str, str | None, str | None]]:
    with site.runtime.database.reading() as session:
        rows = session.execute(select(ThirdParty.name, ThirdParty.country, ThirdParty.role).order_by(ThirdParty.id))
        return [(row[0], row[1], row[2]) for row in rows]


def test_columns_become_fields_and_constants_go_to_every_row(sales: Site, load_rows: Loader) -> None:
    outcome = load_rows(
        "Website,Company,Country,More\nzinc.example,Zinc SARL,France,x\n,Ångström AB,SE,\n",
        constants={"role": "customer"},
    )
    assert (outcome.created, outcome.known, outcome.rejected) == (2, 0, [])
    assert stored(sales) == [("Zinc SARL", "FR", "customer"), ("Ångström AB", "SE", "customer")]
    with sales.runtime.database.reading() as session:
        codes = session.scalars(select(ThirdParty.code)).all()
        assert len(set(codes)) == 2
        assert all(codes)


def test_again_with_a_key_doubles_nothing(sales: Site, load_rows: Loader) -> None:
    rows = "Company,Country,Website\nZinc,FR,zinc.example\nZinc,FR,zinc.example\nÉtain,FR,\n"
    assert load_rows(rows, key=("website", "name")).created == 2
    again = load_rows(rows + "Plomb,FR,\n", key=("website", "name"))
    assert (again.created, again.known) == (1, 3)
    assert len(stored(sales)) == 3


def test_a_row_without_any_of_its_key_is_refused_since_again_it_would_be_doubled(
    sales: Site, load_rows: Loader
) -> None:
    rows = "Company,Country,Website\nZinc,FR,zinc.example\nÉtain,FR,\nPlomb,FR,\n"
    for created in (1, 0):
        outcome = load_rows(rows, key=("website",))
        assert (outcome.created, outcome.known) == (created, 1 - created)
        assert [(one.line, one.column) for one in outcome.rejected] == [(3, "Website"), (4, "Website")]
        assert "no value in Website" in str(outcome.rejected[0].reason)
    constant = load_rows(rows, key=("role", "website"), constants={"role": "customer"})
    assert len(constant.rejected) == 2, "what every row gets tells no row from another"
    assert [name for name, _country, _role in stored(sales)] == ["Zinc", "Zinc"]


@pytest.mark.parametrize("key", [("website", "town"), ("town", "website"), ("phone", "town", "website")])
def test_a_key_with_one_part_empty_is_found_again(sales: Site, load_rows: Loader, key: tuple[str, ...]) -> None:
    columns = {"name": "Company", "website": "Website", "town": "Town", "phone": "Phone"}
    rows = "Company,Website,Town,Phone\nZinc,zinc.example,,\nÉtain,,Lyon,\nPlomb,plomb.example,Lyon,\n"
    if "phone" in key:
        rows += "Cuivre,,,+33199000001\n"
    first = load_rows(rows, key=key, columns=columns)
    again = load_rows(rows, key=key, columns=columns)
    assert (first.known, again.created, again.known) == (0, 0, first.created)
    assert first.rejected == again.rejected == []


def test_refused_rows_say_line_column_and_reason_and_hold_up_no_other(sales: Site, load_rows: Loader) -> None:
    outcome = load_rows(
        'Company,Country,Website\nGood,FR,\n,FR,\n"Two\nlines",FR,\nBad country,Atlantis,\nBad site,FR,javascript:x\n'
        f"{'x' * 200},FR,\nNUL\x00inside,FR,\nLast,BE\n"
    )
    assert [name for name, _country, _role in stored(sales)] == ["Good", "Last"]
    said = [(one.line, one.column, str(one.reason)) for one in outcome.rejected]
    assert [(line, column) for line, column, _reason in said] == [
        (3, "Company"), (5, "Company"), (6, "Country"), (7, "Website"), (8, "Company"), (9, "Company"),
    ]  # fmt: skip
    assert "Enter a value for Name" in said[0][2]
    assert "Enter a country" in said[2][2]
    assert outcome.created == 2


def test_a_row_refused_in_the_transaction_is_found_among_its_neighbours(sales: Site, load_rows: Loader) -> None:
    columns = {"name": "Company", "code": "Code"}
    rows = "".join(f"Firm {number},{'SAME' if number in (3, 7) else f'C{number}'}\n" for number in range(12))
    outcome = load_rows(f"Company,Code\n{rows}", columns=columns)
    assert outcome.created == 11
    assert [(one.line, one.column) for one in outcome.rejected] == [(9, "Code")]
    assert "SAME" in str(outcome.rejected[0].reason)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_are_found_in_the_whole_file(sales: Site, load_rows: Loader, encoding: str) -> None:
    plain = "".join(f"Firm {number},FR,\n" for number in range(400))
    assert load_rows(f"Company,Country,Website\n{plain}Société Générale,FR,\n".encode(encoding)).created == 401
    assert stored(sales)[-1][0] == "Société Générale"


def test_a_file_in_no_known_encoding_is_refused(load_rows: Loader) -> None:
    with pytest.raises(Refused, match="neither UTF-8"):
        load_rows(b"Company,Country,Website\n\x81\x8d\x8f,FR,\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no column"),
        ("Firm,Land\nZinc,FR\n", "has no column “Company”. It has: Firm, Land"),
        (",".join(f"c{number}" for number in range(201)) + "\n", "more than 200 columns"),
        ("x" * 200_000 + "\n", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(sales: Site, load_rows: Loader, content: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        load_rows(content)
    assert said in str(caught.value)
    assert stored(sales) == []


@pytest.mark.parametrize(
    ("columns", "key", "said"),
    [
        ({"nothing": "Company"}, (), "no field “nothing”"),
        ({"created_at": "Company"}, (), "no field “created_at”"),
        (COLUMNS, ("town",), "The key names “town”"),
    ],
)
def test_a_plan_that_cannot_work_is_refused(
    load_rows: Loader, columns: dict[str, str], key: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Refused) as caught:
        load_rows("Company,Country,Website\nZinc,FR,\n", columns=columns, key=key)
    assert said in str(caught.value)


def test_an_interrupted_load_keeps_whole_units_and_goes_on(
    sales: Site, load_rows: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends the process between two units: the units before it are there, and the key finds them again (F14)."""
    rows = "Company,Country,Website\n" + "".join(f"Firm {number},FR,\n" for number in range(25))
    monkeypatch.setattr(load, "UNIT_ROWS", 10)
    written = load._write
    units: list[int] = []

    def interrupted(*arguments: object) -> None:
        units.append(1)
        if len(units) == 3:
            raise KeyboardInterrupt
        written(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_rows(rows, key=("name",))
    assert len(stored(sales)) == 20
    monkeypatch.setattr(load, "_write", written)
    again = load_rows(rows, key=("name",))
    assert (again.created, again.known) == (5, 20)


def test_the_command_prints_what_it_did(
    sales: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("Company,Country\nZinc,FR\nÉtain,Atlantis\n", "utf-8")
    monkeypatch.setenv("COMPTOIR_VAR", str(sales.config.var))
    monkeypatch.setenv("COMPTOIR_DATABASE_URL", str(sales.config.database_url))
    command = ["load", "thirdparty", str(file), "--map", "name=Company,country=Country", "--role", "prospect"]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "1 created, 0 known already, 1 refused" in said.out
    assert "line 3, column Country: " in said.err
    assert main([*command[:3], "--map", "name=Nothing"]) == 2
    capsys.readouterr()
    file.write_text("Company,Country\n" + "Étain,Atlantis\n" * 60, "utf-8")
    assert main(command) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) >= 60, "each of them"
    with sales.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ThirdParty)) == 1
