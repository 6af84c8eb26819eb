"""Which passwords are refused: short ones, and those that are only words and runs everybody tries first (A42, A43)."""

from __future__ import annotations

import pytest

from core.access.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, check_password
from core.access.users import random_password
from core.errors import Invalid

EASY = (
    "123456789012", "987654321098", "890123456789", "135791357913", "password123456", "comptoir123456", "administrator",
    "administrateur", "qwertyuiopas", "azertyuiopqs", "poiuytrezaml", "iloveyou1234", "iloveyou123456", "aaaaaaaaaaaa",
    "abababababab", "abcdefghijkl", "1q2w3e4r5t6y", "zxcvbnmasdfg", "motdepasse2024", "Password!Password!", "ＰＡＳＳＷＯＲＤ１２３４",
    "zincsarl1234", "lea.faure1234", "111222333444", "admin1234567", "welcome12345!",
)  # fmt: skip
GOOD = (
    "quince-ladder-73", "another-ladder-99", "correct horse battery staple", "été comme hiver à Lyon", "x7$kq9!mvz2p",
    "la porte du jardin", "我们的办公室在里昂的河边上", "ladder and password of mine", "quatre-vingt-treize",
)  # fmt: skip
KNOWN = ("Léa Faure", "lea.faure@zinc.example", "Zinc SARL")


@pytest.mark.parametrize("password", EASY)
def test_easy_to_guess(password: str) -> None:
    with pytest.raises(Invalid, match="easy to guess"):
        check_password(password, *KNOWN)


@pytest.mark.parametrize("password", GOOD)
def test_whatever_else_people_like(password: str) -> None:
    assert check_password(password, *KNOWN) == password


def test_length() -> None:
    assert check_password("kq9!mvz2px7$"[:MINIMUM_LENGTH])
    with pytest.raises(Invalid, match="at least 12"):
        check_password("kq9!mvz2px7"[: MINIMUM_LENGTH - 1])
    long = ("quince-ladder-73 " * MAXIMUM_LENGTH)[:MAXIMUM_LENGTH]
    assert check_password(long) == long
    with pytest.raises(Invalid, match="at most"):
        check_password(long + "x")


def test_passwords_of_ours_are_good() -> None:
    for _number in range(200):
        assert check_password(random_password(), *KNOWN)
