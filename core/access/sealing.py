"""Secrets at rest: encrypted with keys derived from the installation's own, which is a file outside the database (A60)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def seal(keys: Sequence[bytes], purpose: bytes, secret: str) -> str:
    """A secret as the database or a form may hold it. The first key seals."""
    return _box(keys, purpose).encrypt(secret.encode()).decode("ascii")


def unseal(keys: Sequence[bytes], purpose: bytes, sealed: str, *, seconds: int | None = None) -> str:
    """The secret, or nothing when no key opens it: another key by now, another purpose, or older than `seconds`."""
    try:
        return _box(keys, purpose).decrypt(sealed.encode(), ttl=seconds).decode()
    except InvalidToken:
        return ""


def _box(keys: Sequence[bytes], purpose: bytes) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive(key, purpose))) for key in keys])


def derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose from the installation's key: one that leaks opens nothing else."""
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)
