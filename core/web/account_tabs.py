"""The frame of the pages about one's own account."""

from __future__ import annotations

from flask import Response, request, url_for

from core.i18n import Text, lazy as _
from core.web.account_contexts import AccountTab
from core.web.contexts import Crumb
from core.web.responses import page
from core.web.shell import make_shell

TABS: tuple[tuple[str, Text], ...] = (
    ("sign_ins.index", _("Sign-ins")),
    ("passwords.own", _("Password")),
    ("second_factor.index", _("Second factor")),
)


def account_tabs() -> list[AccountTab]:
    """The pages, the present one marked."""
    current = (request.blueprint or "").partition(".")[0]
    return [AccountTab(label, url_for(name), name.partition(".")[0] == current) for name, label in TABS]


def account_page(template: str, heading: Text, content: object, status: int = 200, **more: object) -> Response:
    """A page of the signed-in person's own account. `more`: what its template needs beside `page`."""
    crumbs = [Crumb(_("Account and security"), url_for("sign_ins.index")), Crumb(heading)]
    return page(template, status, page=content, shell=make_shell(heading, crumbs), **more)
