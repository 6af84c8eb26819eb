"""The page Modules: states and filters, faults and clearing them, and removal with its copy (UX 2.12, MO-3, MO-8)."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest

from core.access.models import Role, RoleRight
from core.data.tables import bump
from core.data.unit import transaction
from core.testing.site import Site
from tests.web.pages import create, follow


@pytest.mark.covers("MO-3c")
class TestRemoval:
    def test_the_copy_is_offered_first_and_the_message_names_the_one_that_is_kept(self, sales: Site) -> None:
        alice = sales.browser()
        number = create(alice, "leads", name="Ada L’Œuvre", kind="company")
        alice.get(f"/leads/{number}")
        note = alice.post(f"/leads/{number}/notes", {"text": "Hers"})
        assert note.status_code == 303
        sales.disable("leads")
        page = alice.get("/admin/modules/leads").text
        offered, confirmation = page.index('href="/admin/modules/leads/dump"'), page.index('name="confirm"')
        assert offered < confirmation
        copy = alice.get("/admin/modules/leads/dump")
        assert copy.mimetype == "application/zip"
        assert re.fullmatch(r"attachment; filename=leads-[\d-]+\.zip", copy.headers["Content-Disposition"])
        with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
            leads = [json.loads(line) for line in archive.read("leads_lead.jsonl").splitlines()]
            notes = [json.loads(line) for line in archive.read("core_note.jsonl").splitlines()]
        assert [lead["name"] for lead in leads] == ["Ada L’Œuvre"]
        assert len(notes) == 1
        assert "module.dump: leads" in alice.get("/admin/audit").text
        assert alice.post("/admin/modules/leads/purge", {"confirm": "lead"}).status_code == 422
        told = follow(alice, alice.post("/admin/modules/leads/purge", {"confirm": "leads"})).text
        (kept,) = (sales.config.var / "dumps").iterdir()
        assert f"dumps/{kept.name}" in told
        assert alice.get("/admin/modules/leads/dump").status_code == 409, "there is nothing left"

    def test_the_message_names_only_what_is_there(self, sales: Site) -> None:
        (sales.config.var / "other.zip").write_bytes(b"")
        for name in ("../other.zip", "leads-20260101-000000-000000.zip", "%0aleads.zip"):
            page = sales.browser().get(f"/admin/modules?told=purged&module=leads&file={name}").text
            assert "zip" not in page[page.index('id="polite"') :]

    def test_only_for_administrators(self, sales: Site) -> None:
        assert sales.browser("Paul", "user").get("/admin/modules/leads/dump").status_code == 403
        with transaction("test", context=sales.context()) as unit:
            unit.session.add(Role(code="keeper", label="Keeper", second_factor=False))
            unit.session.add(RoleRight(role="keeper", permission="modules.manage", reach="all"))
            bump(unit.session.connection())
        assert sales.browser("Kim", "keeper").get("/admin/modules/leads/dump").status_code == 403, (
            "others' data is in it"
        )
        assert sales.browser().get("/admin/modules/leads/dump").status_code == 409, "it is on"
        assert sales.browser().get("/admin/modules/nothere/dump").status_code == 404
