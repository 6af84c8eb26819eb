"""What must not happen inside a unit of work: connections to the outside (SECURITY 7.28) and units within units.

And how an object is kept from being ended, whoever gets hold of it.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from core.errors import ContractError


class _State(threading.local):
    inside = False


_state = _State()
_FORBIDDEN = frozenset(
    f"socket.{verb}"
    for verb in ("connect", "sendto", "sendmsg", "getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo")
)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event in _FORBIDDEN and _state.inside:
        raise ContractError(
            "a unit of work must not talk to the network: write a row, and do it in changes_committed after the commit"
        )


@functools.cache
def _install() -> None:
    sys.addaudithook(_audit)


def is_inside_unit() -> bool:
    """Whether this thread works inside a unit: a second writer would wait for it in vain."""
    return _state.inside


@contextmanager
def inside_unit() -> Iterator[None]:
    """Refuse network access and a second unit in this thread for the length of the block.

    Database drivers connect in C and are not seen by the audit hook, so the unit's own statements pass.
    """
    _install()
    if _state.inside:
        raise ContractError("a unit of work is open already: pass it on instead of opening another")
    _state.inside = True
    try:
        yield
    finally:
        _state.inside = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stands in for a method of one object: calling it raises `ContractError`, whoever does."""

    why: str

    def __call__(self, *arguments: object, **options: object) -> NoReturn:
        raise ContractError(self.why)


def cover(target: object, *verbs: str, why: str) -> None:
    """Refuse these methods of one object; an event listener would come too late to leave a connection usable."""
    vars(target).update({verb: Refusal(f"{verb} {why}") for verb in verbs})


def uncover(target: object) -> None:
    """Give the methods back."""
    for verb in [name for name, value in vars(target).items() if isinstance(value, Refusal)]:
        delattr(target, verb)
