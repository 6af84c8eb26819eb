"""Demo data: known as such for good, and removed without touching what people made (UX 2.15)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.access.setup import announce_setup
from core.access.users import set_password
from core.commands.demo import DEMO_EMAIL, ensure_demo
from core.data.unit import transaction
from core.errors import Refused
from core.features import demo
from core.features.bin import restore_record
from core.features.demo import DemoRecord, demo_left, load_demo, remove_demo
from core.features.notes import Note
from core.features.undo import undo
from core.runtime.runtime import Runtime
from core.testing.site import Site
from core.upkeep.purging import purge
from plugins.leads.models import Lead
from plugins.thirdparty.models import ThirdParty

FORM = {
    "language": "en", "company": "Zinc SARL", "country": "FR", "name": "Léa Faure", "email": "lea@zinc.example",
    "password": "quince-ladder-73",
}  # fmt: skip

OURS = {"thirdparty": 200, "address": 76, "tag": 6}
"""What third parties bring."""


def left(runtime: Runtime) -> dict[str, int]:
    with runtime.database.reading() as session:
        found = demo_left(session, runtime.follow().registry)
    return {registered.name: number for registered, number in found.entities}


def names(site: Site, model: type[ThirdParty] | type[Lead]) -> list[str]:
    with site.runtime.database.reading() as session:
        return list(session.scalars(select(model.name).order_by(model.id)))


def test_the_set_up_page_loads_it(site: Site) -> None:
    token = announce_setup(site.config.var)
    visitor = site.visitor()
    assert 'name="demo" value="on" checked' in visitor.get(f"/setup?token={token}").text
    assert visitor.post(f"/setup?token={token}", {**FORM, "demo": "on"}).headers["Location"] == "/"
    assert site.runtime.follow().enabled == ("thirdparty", "leads")
    assert left(site.runtime) == {**OURS, "lead": 50}
    assert visitor.get("/thirdparties").status_code == 200
    with site.runtime.database.reading() as session:
        third_party = session.scalars(select(ThirdParty).limit(1)).one()
    assert "Léa Faure" in visitor.get(f"/thirdparties/{third_party.id}/history").text, "who loaded it"


def test_the_set_up_page_without_it(site: Site) -> None:
    token = announce_setup(site.config.var)
    visitor = site.visitor()
    visitor.get(f"/setup?token={token}")
    assert visitor.post(f"/setup?token={token}", {**FORM, "demo": "off"}).headers["Location"] == "/"
    assert site.runtime.follow().enabled == ()
    assert "Demo data" not in visitor.get("/admin/modules").text


def test_an_administrator_removes_it_and_takes_that_back(sales: Site) -> None:
    load_demo(sales.context())
    with transaction("test", context=sales.context()) as unit:
        mine = unit.add(ThirdParty(name="Mine", role="customer"))
    alice, paul = sales.browser("Alice"), sales.browser("Paul", "user")
    shown = alice.get("/admin/modules").text
    assert "Third parties: 200" in shown
    assert "Leads: 50" in shown
    assert "Remove demo data" in shown
    paul.get("/")
    assert paul.post("/demo/remove").status_code == 403
    assert left(sales.runtime) == {**OURS, "lead": 50}
    answer = alice.post("/demo/remove")
    assert answer.status_code == 303
    told = alice.get(answer.headers["Location"]).text
    assert f"{sum(OURS.values()) + 50} records moved to the trash." in told
    assert "Remove demo data" not in told
    assert names(sales, ThirdParty) == ["Mine"]
    assert names(sales, Lead) == []
    assert alice.post("/demo/remove").status_code == 422, "there is none any more"
    with sales.runtime.database.reading() as session:
        assert session.get_one(ThirdParty, mine.id).version == mine.version
    operation = int(answer.headers["Location"].rpartition("=")[2])
    undo(operation, context=sales.context())
    assert left(sales.runtime) == {**OURS, "lead": 50}


def test_what_somebodys_record_depends_on_stays(sales: Site) -> None:
    load_demo(sales.context())
    with transaction("test", context=sales.context()) as unit:
        first, second = unit.session.scalars(select(ThirdParty).order_by(ThirdParty.id).limit(2))
        note = unit.add(Note(owner_entity="thirdparty", owner_id=first.id, text="Mine"))
        second.name = "Changed by somebody"
    unit = remove_demo(sales.context())
    assert names(sales, ThirdParty) == [first.name]
    assert [str(notice) for notice in unit.notices] == [f"1 record stays, since others depend on it: {first.name}"]
    with sales.runtime.database.reading() as session:
        assert session.get_one(Note, note.id).deleted_at is None
    with pytest.raises(Refused, match="1 record stays"):
        remove_demo(sales.context())


def test_what_comes_back_from_the_trash_is_demo_data_still(sales: Site) -> None:
    load_demo(sales.context())
    remove_demo(sales.context())
    with sales.runtime.database.reading() as session:
        number = session.scalar(select(DemoRecord.record_id).where(DemoRecord.entity == "lead").limit(1))
    assert number is not None
    with transaction("test", context=sales.context()) as unit:
        restore_record(unit, unit.get(Lead, number, deleted=True))
    assert left(sales.runtime) == {"lead": 1}


def test_modules_that_are_off_keep_theirs(sales: Site) -> None:
    load_demo(sales.context())
    sales.disable("leads")
    alice = sales.browser()
    shown = alice.get("/admin/modules").text
    assert "50 records of modules that are off stay" in shown
    alice.post("/demo/remove")
    sales.enable("leads")
    assert left(sales.runtime) == {"lead": 50}


def test_numbers_that_begin_anew_are_nobodys_demo_data(sales: Site) -> None:
    """After a purge a record may get the number of one of the demo."""
    load_demo(sales.context())
    sales.disable("leads")
    purge(sales.runtime, "leads", dump_to=None)
    sales.enable("leads")
    with transaction("test", context=sales.context()) as unit:
        unit.add(Lead(name="Mine", kind="company"))
    assert left(sales.runtime) == OURS
    remove_demo(sales.context())
    assert names(sales, Lead) == ["Mine"]


# -- comptoir serve --demo --------------------------------------------------------------------------------------
def test_a_start_that_was_interrupted_doubles_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = demo.load_demo

    def killed(*arguments: object) -> int:
        loaded(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr("core.upkeep.demonstration.load_demo", killed)
    with pytest.raises(KeyboardInterrupt):
        ensure_demo(site.runtime)
    monkeypatch.undo()
    ensure_demo(site.runtime)
    ensure_demo(site.runtime)
    assert left(site.runtime) == {**OURS, "lead": 50}


def test_its_password_is_printed_while_it_fits(site: Site) -> None:
    shown = ensure_demo(site.runtime)[1].split()[-1]
    assert site.visitor().sign_in(DEMO_EMAIL, shown).status_code == 303
    assert ensure_demo(site.runtime)[1].split()[-1] == shown
    with transaction("test", context=site.context()) as unit:
        set_password(unit.session, DEMO_EMAIL, "quince-ladder-73")
    for _time in range(2):
        assert shown not in " ".join(ensure_demo(site.runtime))
