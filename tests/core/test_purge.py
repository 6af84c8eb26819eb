"""What waited long enough goes for good, and nothing before (TP-11)."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from sqlalchemy import func, select

from core.access.models import SignIn, SignInFailure
from core.access.sweep import sweep
from core.data.records import now
from core.data.unit import transaction
from core.features.bin import delete_record
from core.features.purge import purge_bin
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty


def number(site: Site) -> int:
    with site.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(ThirdParty.__table__)) or 0


@pytest.mark.covers("TP-11a")
def test_the_bin_keeps_records_for_thirty_days(sales: Site) -> None:
    with transaction("test", context=sales.context()) as unit:
        kept, gone = unit.add(ThirdParty(name="Kept")), unit.add(ThirdParty(name="Gone"))
    with transaction("test", context=sales.context()) as unit:
        delete_record(unit, unit.get(ThirdParty, gone.id))
    assert purge_bin(sales.context()) == 0
    with time_machine.travel(now() + datetime.timedelta(days=31)):
        assert purge_bin(sales.context()) == 1
        assert purge_bin(sales.context()) == 0
    assert number(sales) == 1
    with sales.runtime.database.reading() as session:
        assert session.get(ThirdParty, kept.id) is not None
    with transaction("test", context=sales.context()) as unit:
        assert unit.add(ThirdParty(name="New")) is not None
        unit.session.flush()
        newest = session_id(unit.session)
    assert newest > gone.id  # ids never come back (SECURITY 7.9)


def session_id(session: object) -> int:
    return session.scalar(select(func.max(ThirdParty.__table__.c.id)))  # type: ignore[attr-defined,no-any-return]


def test_old_sign_ins_and_failures_are_forgotten(sales: Site) -> None:
    browser = sales.browser()
    visitor = sales.visitor()
    visitor.get("/signin")
    visitor.post("/signin", {"email": "alice@test.example", "password": "wrong-password-1"})
    sweep(sales.runtime.database)
    assert browser.get("/").status_code == 200
    with time_machine.travel(now() + datetime.timedelta(days=3)):
        sweep(sales.runtime.database)
    with sales.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignIn)) == 0
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 0
