"""What a numbering series left out, and what it gives next (TP-2, UX 2.13)."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from sqlalchemy import update

from core.features.purge import purge_bin
from core.testing.site import Site
from plugins.thirdparty.models import ThirdParty
from tests.probe.helpers import fetch
from tests.web.pages import create, fields_of
from tests.web.test_numbering_pages import series_id, words

pytestmark = pytest.mark.covers("TP-2c")
JUNE = "2026-06-10T12:00:00+00:00"


def test_gaps_are_named_with_who_deleted_the_records_and_the_next_ten_are_shown(sales: Site) -> None:
    number = series_id(sales)
    with time_machine.travel(JUNE, tick=False):
        admin = sales.browser()
        address = f"/numbering/{number}/edit"
        admin.post(address, {"version": fields_of(admin, address)["version"], "mask": "N{yy}-{000@6}{mm}"})
        made = [create(admin, name=f"Company {place}") for place in range(1, 7)]
        create(admin, name="Of another period", code="N26-00905")
        create(admin, name="Of another look", code="OTHER-1")
        for gone in (made[1], made[2], made[4]):
            assert admin.post(f"/thirdparties/{gone}/delete").status_code == 303
        with sales.runtime.database.connection() as connection:
            before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=40)
            connection.execute(update(ThirdParty.__table__).where(ThirdParty.id == made[2]).values(deleted_at=before))
        purge_bin(sales.context())
        assert fetch(sales, "SELECT count(*) AS n FROM thirdparty_thirdparty WHERE id = :id", id=made[2])[0].n == 0
        assert f'href="/numbering/{number}/gaps"' in admin.get(f"/numbering/{number}").text
        page = admin.get(f"/numbering/{number}/gaps").text
        said = words(page)
        assert "1 number is missing between N26-00406 and N26-00606. N26-00506 Company 5, deleted by Alice" in said
        assert "2 numbers are missing between N26-00106 and N26-00406." in said
        assert "N26-00206 Company 2, deleted by Alice" in said
        assert "N26-00306 Company 3, deleted by Alice" in said
        assert f'href="/thirdparties/{made[1]}"' in page
        assert f'href="/thirdparties/{made[2]}"' not in page
        assert "N26-00905" not in said, "numbers from January to May are counted apart"
        assert "Next ten N26-00706 N26-00806" in said
        assert "N26-01606" in said
        assert "N26-01706" not in said
