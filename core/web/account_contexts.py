"""What the templates of account pages are given (UX 2.15); see `core.web.contexts`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.i18n import Text
from core.web.form_contexts import FormControl
from core.web.qr import Drawing


@dataclass(frozen=True, slots=True)
class AccountForm:
    """A small form about an account. `hidden`: values it carries, empty ones too; `links`: ways out, as (words, address).

    `replay`: a browser with script sends it at once.
    """

    heading: Text
    url: str
    submit: Text
    controls: Sequence[FormControl] = ()
    intro: Sequence[Text] = ()
    error: Text | None = None
    hidden: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[Text, str]] = ()
    tabs: Sequence[AccountTab] = ()
    replay: bool = False


@dataclass(frozen=True, slots=True)
class AccountTab:
    """One of the pages about one's own account."""

    label: Text
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class SignInLine:
    """A living sign-in: where, since when, last used; `own`: the one that shows the page."""

    browser: Text
    address: str
    since: datetime.datetime
    seen: datetime.datetime
    own: bool
    end_url: str


@dataclass(frozen=True, slots=True)
class SignInsPage:
    """One's own sign-ins (A51)."""

    heading: Text
    tabs: Sequence[AccountTab]
    lines: Sequence[SignInLine]
    others_url: str | None


@dataclass(frozen=True, slots=True)
class FactorPage:
    """The second factor of an account that has one; `codes`: new recovery codes, shown once."""

    heading: Text
    tabs: Sequence[AccountTab]
    since: datetime.datetime
    left: int
    required: bool
    codes: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class NewFactor:
    """What goes into the app that shall make the codes: the key as text, as a link for an app on the same device, and
    as a drawing for its camera.
    """

    key: str = field(repr=False)
    link: str = field(repr=False)
    drawing: Drawing = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserPanel:
    """What an administrator sees of an account's sign-ins on its sheet (UX 2.13)."""

    invited: bool
    last_seen: datetime.datetime | None
    sign_ins: int
    second_factor: bool
