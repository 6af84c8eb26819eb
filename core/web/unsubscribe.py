"""The page behind the link of a mail: whoever got it wants no more of them (ML-4, G07, RFC 8058, T73, T74).

Opening the link changes nothing, since programs that check mails open links too. The form, and a mail program's own
button, send it again: that counts, without sign-in, without a form token, and at once, for mail that waits already.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request, url_for

from core.access.throttle import address_scope, count_try, slow_down
from core.contract.changes import Actor
from core.data.unit import transaction
from core.errors import NotFound
from core.exchange.mail import suppression
from core.exchange.mail.unsubscribe import FIELD, ONE_CLICK, PATH, Ask, read_token
from core.i18n import Text, gettext, lazy as _
from core.settings import CORE_SETTINGS, read_settings
from core.web.account_contexts import AccountForm
from core.web.current import here
from core.web.policy import PUBLIC, from_anywhere, policy
from core.web.responses import page

blueprint = Blueprint("unsubscribe", __name__, url_prefix=PATH)
log = logging.getLogger("comptoir.mail")
RECIPIENT = Actor(None, "")
"""Who says so: nobody who has an account here, but who got the mail."""


def _asked(token: str) -> Ask:
    """What the link asks for. Raises `NotFound`; who guesses is slowed down by the address he comes from."""
    surroundings = here()
    asked = read_token(surroundings.runtime.config.secret_keys, token)
    if asked is not None:
        return asked
    counted = address_scope(request.remote_addr or "", "unsubscribe-address")
    slow_down(surroundings.session, counted)
    if request.method == "POST":  # a GET changes nothing, not even this
        surroundings.fresh()
        with transaction("mail.unsubscribe_refused") as unit:
            count_try(unit.session, counted)
        log.warning("unsubscribe link refused", extra={"event": "unsubscribe.refused", "address": request.remote_addr})
    raise NotFound(_("This link is not valid. Open it as it stands in the mail, without leaving anything out."))


@blueprint.get("/<token>")
@policy(PUBLIC)
def ask(token: str) -> Response:
    """Asks whether it is meant; says so when it was done before."""
    asked = _asked(token)
    known = suppression.find(here().session, here().runtime.config.secret_keys, asked.address)
    return (
        _done(asked)
        if known is not None
        else _page(
            [_("%(address)s gets no more mail from %(company)s then.", address=asked.address, company=_company())],
            token,
        )
    )


@blueprint.post("/<token>")
@policy(PUBLIC)
@from_anywhere
def act(token: str) -> Response:
    """Puts the address on the suppression list. Anything but the one click of RFC 8058 only asks."""
    asked = _asked(token)
    if request.form.get(FIELD) != ONE_CLICK:
        return ask(token)
    here().fresh()
    with transaction("mail.unsubscribe") as unit:
        note = asked.list_id or gettext("Link in message %(number)s", number=asked.message_id)
        keys = unit.context.secret_keys
        suppression.suppress(unit.session, keys, asked.address, suppression.OPT_OUT, RECIPIENT, note)
        unit.noteworthy = True
    log.info("unsubscribed", extra={"event": "unsubscribe.done", "message": asked.message_id})
    return _done(asked)


def _company() -> str:
    return str(read_settings(here().session, "core", CORE_SETTINGS)["company_name"] or "Comptoir")


def _done(asked: Ask) -> Response:
    company = _company()
    words = _("%(address)s gets no more mail from %(company)s.", address=asked.address, company=company)
    return _page([words, _("Mails an account depends on, such as a new password, still come.")], None)


def _page(intro: list[Text], token: str | None) -> Response:
    form = AccountForm(
        heading=_("Unsubscribe"), url=url_for("unsubscribe.act", token=token) if token else "",
        submit=_("Unsubscribe") if token else "", intro=intro, hidden=[(FIELD, ONE_CLICK)],
    )  # fmt: skip
    return page("core/account_form.html", page=form)
