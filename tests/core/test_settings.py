"""A plugin reads its own settings (DESIGN 3)."""

from __future__ import annotations

import datetime

import pytest

from core.api import Date, Integer, Plugin, Setting, read_setting
from core.data.unit import transaction
from core.errors import ContractError
from core.settings import write_settings
from core.testing import Site

SHOP = Plugin(
    "shop", "Shop", "1", "shop",
    settings=(Setting("limit", Integer(), "Limit", default=7), Setting("opened", Date(), "Opened on")),
)  # fmt: skip


def test_default_stored_and_empty(site: Site) -> None:
    with transaction("test", context=site.context()) as unit:
        assert read_setting(unit.session, SHOP, "limit", int) == 7
        assert read_setting(unit.session, SHOP, "opened", datetime.date) is None
        write_settings(unit.session, "shop", SHOP.settings, {"limit": "12", "opened": "2026-03-01"})
    with site.runtime.database.reading() as session:
        assert read_setting(session, SHOP, "limit", int) == 12
        assert read_setting(session, SHOP, "opened", datetime.date) == datetime.date(2026, 3, 1)
    with transaction("test", context=site.context()) as unit:
        write_settings(unit.session, "shop", SHOP.settings, {"limit": ""})
        assert read_setting(unit.session, SHOP, "limit", int) is None


@pytest.mark.parametrize(("name", "kind"), [("colour", int), ("limit", str)])
def test_what_is_not_declared_is_an_error(site: Site, name: str, kind: type[object]) -> None:
    with site.runtime.database.reading() as session, pytest.raises(ContractError, match=name):
        read_setting(session, SHOP, name, kind)
