"""Only the public address is answered, and no request says what links begin with (T54)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.config import Config
from core.errors import ContractError
from core.runtime.gate import Gate
from core.testing.site import Browser, Site
from tests.web.letters import ask_for_reset, letters, link_in

ALICE = "alice@test.example"


@pytest.fixture
def house(site_with: Callable[..., Site]) -> Site:
    """An installation without modules."""
    return site_with()


class TestHost:
    """T54: another host or port than that of the public address gets 400, whatever is asked."""

    @pytest.mark.parametrize(
        "host",
        ["evil.test", "evil.test:8000", "localhost", "localhost:8080", "127.0.0.1:80", "localhost:8000@evil.test",
         "evil.test@localhost:8000", "localhost:8000/x", "localhost:x", ""],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/signin", "/static/app.css", "/forgotten"])
    def test_foreign_hosts(self, house: Site, host: str, path: str) -> None:
        assert house.visitor().client.get(path, headers={"Host": host}).status_code == 400

    @pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
    def test_names_of_this_machine(self, house: Site, host: str) -> None:
        assert house.visitor().client.get("/signin", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        ("host", "status"),
        [("crm.test", 200), ("crm.test:443", 200), ("crm.test:8080", 400), ("localhost", 400), ("127.0.0.1:8000", 400)],
    )
    def test_a_public_address(self, house: Site, host: str, status: int) -> None:
        house.runtime.config = replace(house.config, public_url="https://crm.test")
        visitor = Browser(Gate(house.runtime))
        assert visitor.client.get("/signin", headers={"Host": host}).status_code == status

    def test_a_forged_host_makes_no_link(self, house: Site) -> None:
        house.add_person("Alice")
        forged = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.test"}
        ask_for_reset(house, ALICE, headers=forged)
        assert "evil.test" not in letters(house, ALICE)[0].body
        assert link_in(letters(house, ALICE)[0])

    @pytest.mark.parametrize(
        "address", ["crm.test", "ftp://crm.test", "https://crm.test/x", "https://", "https://a:99999"]
    )
    def test_an_address_that_is_none_is_refused_at_start(self, address: str, tmp_path: object) -> None:
        with pytest.raises(ContractError, match="PUBLIC_URL"):
            Config.from_environment({"COMPTOIR_VAR": str(tmp_path), "COMPTOIR_PUBLIC_URL": address})
