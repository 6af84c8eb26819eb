"""Passwords: Argon2id, and which ones are refused (A42, A43, SECURITY 7.20)."""

from __future__ import annotations

import re
import string
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Invalid
from core.i18n import lazy as _

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 1024
MINIMUM_DISTINCT = 5
MINIMUM_REST = 6
"""Characters that must be left once known words and runs are out; of those, so many different ones."""
SHORTEST_RUN = 3
ROWS = (
    *("".join(str((first + place * step) % 10) for place in range(30)) for step in range(1, 6) for first in (0, 1)),
    string.ascii_lowercase * 2,
    *("qwertyuiop" * 2, "asdfghjkl" * 2, "zxcvbnm" * 2),
    *("azertyuiop" * 2, "qsdfghjklm" * 2, "wxcvbn" * 2),
    *("qwertzuiop" * 2, "yxcvbnm" * 2),
    "qwertyuiopasdfghjklzxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1a2z3e4r5t6y7u8i9o0p",
)
"""The ways people walk along alphabet, numbers and keys."""
COMMON = frozenset(
    "comptoir password passwort motdepasse mot-de-passe passwd pass admin administrator administrateur administration root"
    " login welcome bienvenue bonjour iloveyou jetaime sunshine princess football baseball monkey dragon master letmein"
    " superman batman trustno1 secret changeme default soleil doudou chouchou loulou azerty qwerty company entreprise user"
    " utilisateur customer client summer winter spring autumn été hiver printemps automne".split()
)
"""Words people choose first, of our own making (A43)."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_at_once = threading.BoundedSemaphore(2)  # hashing must not become a way to starve the process (SECURITY 7.20)
_NOBODY = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The Argon2id hash of a password."""
    with _at_once:
        return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits. Without a stored hash it works as long, so that accounts cannot be told (T51)."""
    with _at_once:
        try:
            _hasher.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return bool(stored)


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def check_password(password: str, *known: str) -> str:
    """The password, if it may be used. `known`: words of the installation (company, name, e-mail) it must not be.

    No rules on composition (A42); raises `Invalid` with what to do.
    """
    if len(password) < MINIMUM_LENGTH:
        raise Invalid(_("Use at least %(number)s characters for the password", number=MINIMUM_LENGTH), field="password")
    if len(password) > MAXIMUM_LENGTH:
        raise Invalid(_("Use at most %(number)s characters for the password", number=MAXIMUM_LENGTH), field="password")
    folded = unicodedata.normalize("NFKC", password).casefold()
    rest = _without_runs(_without_words(folded, *known))
    if len(rest) < MINIMUM_REST or len(set(rest)) < MINIMUM_DISTINCT:
        raise Invalid(_("This password is easy to guess. Choose another."), field="password")
    return password


def _without_words(text: str, *known: str) -> str:
    """What is left once words everybody tries first are taken out, the longest first."""
    words = {word for told in known for word in re.split(r"\W+", told.casefold()) if len(word) > 3}
    for word in sorted(words | COMMON, key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _without_runs(text: str) -> str:
    """The text with each run shortened to its first letter: repeated, counted up or down, or along a row of keys."""
    kept: list[str] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and any(_is_run(text[start : end + 1], row) for row in ROWS):
            end += 1
        kept.append(text[start] if end - start >= SHORTEST_RUN else text[start:end])
        start = end
    return "".join(kept)


def _is_run(part: str, row: str) -> bool:
    """Whether a part of a password is a repeated letter, or a stretch of a row in either direction."""
    return part in row or part[::-1] in row or len(set(part)) == 1
