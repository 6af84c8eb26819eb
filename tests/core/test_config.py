"""What the environment may say of addresses and keys (SECURITY 7.19, 7.34, A26, A58)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.access.sealing import seal, unseal
from core.config import KEY_BYTES, Config
from core.errors import ContractError


def config(var: Path, public_url: str = "") -> Config:
    return Config.from_environment({"COMPTOIR_VAR": str(var), "COMPTOIR_PUBLIC_URL": public_url})


class TestPublicAddress:
    @pytest.mark.parametrize(
        "address",
        ["http://crm.example.com", "http://192.0.2.7:8000", "http://0.0.0.0:8000", "http://localhost.evil.test"],
    )
    def test_without_https_it_does_not_start(self, tmp_path: Path, address: str) -> None:
        with pytest.raises(ContractError, match="https://"):
            config(tmp_path, address)

    @pytest.mark.parametrize(
        "address", ["https://crm.example.com", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000", ""]
    )
    def test_with_https_or_on_this_machine_it_does(self, tmp_path: Path, address: str) -> None:
        assert config(tmp_path, address).public_url.startswith(address or "http://127.0.0.1")


class TestKeys:
    def test_the_newest_seals_and_all_open(self, tmp_path: Path) -> None:
        oldest = config(tmp_path).secret_keys
        sealed = [seal(oldest, b"test", "secret")]
        for number in (2, 1):  # the newest of the older ones is number 1
            (tmp_path / "secret.key").rename(tmp_path / f"secret.key.{number}")
            keys = config(tmp_path).secret_keys
            sealed.append(seal(keys, b"test", "secret"))
        assert len(keys) == 3
        assert keys[2] == oldest[0]
        assert [unseal(keys, b"test", text) for text in sealed] == ["secret"] * 3
        assert unseal(keys[:1], b"test", sealed[-1]) == "secret", "the newest seals"
        assert unseal(keys[:1], b"test", sealed[0]) == ""

    @pytest.mark.parametrize(
        "name", ["secret.key.bak", "secret.key.0", "secret.key.1.part", "secret.key.123.abcd", "secret.key1"]
    )
    def test_other_files_beside_are_no_keys(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"x" * KEY_BYTES)
        assert len(config(tmp_path).secret_keys) == 1

    @pytest.mark.parametrize("name", ["secret.key", "secret.key.1"])
    @pytest.mark.parametrize("content", [b"", b"x" * (KEY_BYTES - 1)])
    def test_a_key_that_can_be_guessed_is_refused(self, tmp_path: Path, name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ContractError, match="no key"):
            config(tmp_path)
