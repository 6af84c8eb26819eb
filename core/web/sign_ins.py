"""One's own sign-ins: seen, and ended (A51)."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, g, request, url_for

from core.access.models import end_sign_ins
from core.access.sign_in import end_own_sign_in, living_sign_ins
from core.data.unit import transaction
from core.i18n import Text, lazy as _
from core.web.account_contexts import SignInLine, SignInsPage
from core.web.account_tabs import account_page, account_tabs
from core.web.current import here
from core.web.policy import SIGNED_IN, policy
from core.web.responses import see

blueprint = Blueprint("sign_ins", __name__, url_prefix="/account/sessions")
log = logging.getLogger("comptoir.access")

BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
"""Words of user agents with what people call them; the first that fits counts, since browsers name each other."""


def browser_name(agent: str) -> Text:
    """What people call a browser, or what it calls itself."""
    browser = next((name for word, name in BROWSERS if word in agent), "")
    system = next((name for word, name in SYSTEMS if word in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or agent[:40] or _("Unknown browser")


@blueprint.get("")
@policy(SIGNED_IN)
def index() -> Response:
    """Where one is signed in."""
    surroundings = here()
    assert surroundings.user is not None
    lines = [
        SignInLine(
            browser_name(found.browser), found.address, found.created_at, found.seen_at, found.id == g.sign_in.id,
            url_for("sign_ins.end", sign_in_id=found.id),
        )
        for found in living_sign_ins(surroundings.session, surroundings.user.id)
    ]  # fmt: skip
    others = url_for("sign_ins.end_others") if len(lines) > 1 else None
    content = SignInsPage(_("Sign-ins"), account_tabs(), lines, others)
    return account_page("core/sign_ins.html", content.heading, content)


@blueprint.post("/<int:sign_in_id>/end")
@policy(SIGNED_IN)
def end(sign_in_id: int) -> Response:
    """End one of one's own sign-ins."""
    user_id = _user_id()
    with transaction("session.end") as unit:
        end_own_sign_in(unit.session, user_id, sign_in_id)
    log.info("sign-in ended", extra={"event": "sign_in.ended", "user_id": user_id, "address": request.remote_addr})
    return see(url_for("sign_ins.index"))


@blueprint.post("/end-others")
@policy(SIGNED_IN)
def end_others() -> Response:
    """End all of one's own sign-ins but this one."""
    user_id = _user_id()
    with transaction("session.end") as unit:
        end_sign_ins(unit.session, user_id, but=g.sign_in.id)
    log.info(
        "other sign-ins ended", extra={"event": "sign_in.ended", "user_id": user_id, "address": request.remote_addr}
    )
    return see(url_for("sign_ins.index"))


def _user_id() -> int:
    surroundings = here()
    assert surroundings.user is not None
    user_id = surroundings.user.id
    surroundings.fresh()
    return user_id
