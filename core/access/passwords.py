"""Passwords: Argon2id, and which ones are refused (A42, A43, SECURITY 7.20)."""

from __future__ import annotations

import itertools
import re
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Invalid
from core.i18n import lazy as _

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 1024
MINIMUM_DISTINCT = 5

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
    return stored is not None


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
    words = {
        word
        for text in (*known, "comptoir password motdepasse")
        for word in re.split(r"\W+", text.casefold())
        if len(word) > 3
    }
    stripped = folded
    for word in words:
        stripped = stripped.replace(word, "")
    if len(set(folded)) < MINIMUM_DISTINCT or len(stripped) < MINIMUM_LENGTH // 2 or _is_sequence(folded):
        raise Invalid(_("This password is easy to guess. Choose another."), field="password")
    return password


def _is_sequence(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(text)}
    return len(steps) == 1
