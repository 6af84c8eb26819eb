"""Every route says who may use it; one that does not stops the build (default deny, SECURITY 7.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask

from core.errors import ContractError

PUBLIC = "public"
SIGNED_IN = "signed-in"

_ATTRIBUTE = "comptoir_policy"
_BODY = "comptoir_body"
_GUARDED = "comptoir_guarded"
_FROM_ANYWHERE = "comptoir_from_anywhere"
V = TypeVar("V", bound=Callable[..., Any])


def policy(rule: str) -> Callable[[V], V]:
    """Declare who may use a view: `PUBLIC`, `SIGNED_IN`, or a permission.

    `entity.view`, `entity.edit` and so on stand for that permission of the entity the address names.
    """

    def declare(view: V) -> V:
        setattr(view, _ATTRIBUTE, rule)
        return view

    return declare


def policy_of(view: Callable[..., Any]) -> str | None:
    """The declared rule of a view."""
    found: str | None = getattr(view, _ATTRIBUTE, None)
    return found


def takes_body(maximum: int) -> Callable[[V], V]:
    """Declare that a view takes multipart forms of up to `maximum` bytes; others take what the application allows."""

    def declare(view: V) -> V:
        setattr(view, _BODY, maximum)
        return view

    return declare


def body_of(view: Callable[..., Any]) -> int | None:
    """The declared limit of a view's forms in bytes, None for the common one."""
    found: int | None = getattr(view, _BODY, None)
    return found


def guarded_by_password(view: V) -> V:
    """Declare that a view asks for the password again when it was not given lately (A52)."""
    setattr(view, _GUARDED, True)
    return view


def from_anywhere(view: V) -> V:
    """Declare that a view takes forms without our token, from any site: it does only what its address alone allows."""
    setattr(view, _FROM_ANYWHERE, True)
    return view


def is_from_anywhere(view: Callable[..., Any]) -> bool:
    """Whether a view was declared so."""
    return bool(getattr(view, _FROM_ANYWHERE, False))


def is_guarded(view: Callable[..., Any]) -> bool:
    """Whether a view was declared so."""
    return bool(getattr(view, _GUARDED, False))


def check_policies(app: Flask) -> None:
    """Raise `ContractError` naming the endpoints without a policy."""
    missing = sorted(name for name, view in app.view_functions.items() if policy_of(view) is None)
    if missing:
        raise ContractError(f"routes without a policy: {', '.join(missing)}")
