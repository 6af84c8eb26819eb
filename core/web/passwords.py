"""Choosing a password: by the link of an invitation or reset, and on one's own account (US-2, T50, T51, T53, A44)."""

from __future__ import annotations

import logging
from dataclasses import replace
from urllib.parse import quote

from flask import Blueprint, Response, g, request, session, url_for

from core.access.models import User, login_key
from core.access.passwords import check_password, hash_password
from core.access.sign_in import start_sign_in
from core.access.throttle import (
    TooManyTries,
    account_scope,
    address_scope,
    count_try,
    forget_tries,
    slow_down,
    take_try,
)
from core.access.tokens import CODE, LINKS, end_tokens, find_token, use_token
from core.access.users import actor_of, keep_password
from core.data.context import current_context
from core.data.unit import transaction
from core.errors import Invalid, NotFound
from core.exchange.accounts import PASSWORD_PAGE, ask_for_reset
from core.i18n import Text, lazy as _
from core.settings import CORE_SETTINGS, read_settings
from core.web.account_contexts import AccountForm
from core.web.account_tabs import account_page, account_tabs
from core.web.confirm import WRONG, password_control, password_fits, too_many
from core.web.current import here
from core.web.devices import counted_under
from core.web.form_contexts import FormControl
from core.web.policy import PUBLIC, SIGNED_IN, policy
from core.web.responses import page, see
from core.web.visit import Visit

blueprint = Blueprint("passwords", __name__)
log = logging.getLogger("comptoir.access")
NAME_LENGTH = 254


# -- forgotten --------------------------------------------------------------------------------------------------------
@blueprint.get("/forgotten")
@policy(PUBLIC)
def forgotten() -> Response:
    """Asks whose password was forgotten."""
    return _forgotten_page(None, 200)


def _forgotten_page(error: Text | None, status: int) -> Response:
    name = FormControl(
        "email", _("Username or email"), "text",
        {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}, (),
        request.form.get("email", "")[:NAME_LENGTH], True, None, None,
    )  # fmt: skip
    form = AccountForm(
        heading=_("Forgotten password"), url=url_for("passwords.send"), submit=_("Send link"), controls=[name],
        intro=[_("We send a link to your e-mail address. With it you choose a new password.")], error=error,
        links=[(_("Back to sign-in"), url_for("account.signin"))],
    )  # fmt: skip
    return page("core/account_form.html", status, page=form)


@blueprint.post("/forgotten")
@policy(PUBLIC)
def send() -> Response:
    """The same answer and the same work for every name: whether there is such an account only a job finds out (T51)."""
    name, address = request.form.get("email", "")[:NAME_LENGTH], request.remote_addr or ""
    here().fresh()
    try:
        with transaction("account.reset_asked") as unit:
            take_try(unit, counted_under(name, "reset"))
            ask_for_reset(unit, login_key(name))  # without what no database takes (T58)
    except TooManyTries as error:
        return too_many(_forgotten_page(error.message, 429), error)
    log.info("password reset asked for", extra={"event": "reset.asked", "address": address})
    done = AccountForm(
        heading=_("Forgotten password"), url="", submit="",
        intro=[_("If there is an account with this name, a link is on its way to its e-mail address. It works for 30 minutes.")],
        links=[(_("Back to sign-in"), url_for("account.signin"))],
    )  # fmt: skip
    return page("core/account_form.html", page=done)


# -- by a link --------------------------------------------------------------------------------------------------------
def _expired() -> NotFound:
    return NotFound(_("This link was used already, or is too old. Ask for a new one with “Forgotten password”."))


@blueprint.get(PASSWORD_PAGE)
@policy(PUBLIC)
def choose() -> Response:
    """The page a mailed link opens; opening it uses nothing up, since programs that check mails open links too."""
    found = find_token(here().session, request.args.get("token", ""), *LINKS)
    if found is None:
        raise _expired()
    return _choose_page(found[1], None, 200)


def _choose_page(user: User, error: Text | None, status: int) -> Response:
    form = AccountForm(
        heading=_("Choose a password"), url=f"{PASSWORD_PAGE}?token={quote(request.args.get('token', ''))}",
        submit=_("Save password"), controls=[password_control("password", _("New password"), "new-password", error)],
        intro=[_("For %(email)s. Use at least %(number)s characters; a few words are easy to keep in mind.", email=user.email, number=12)],
    )  # fmt: skip
    return page("core/account_form.html", status, page=form)


@blueprint.post(PASSWORD_PAGE)
@policy(PUBLIC)
def save() -> Response:
    """Set the password and end all sign-ins. Nobody is signed in by it, and a second factor stays asked for (T53, A47)."""
    token, address = request.args.get("token", ""), request.remote_addr or ""
    surroundings = here()
    counted = address_scope(address, "link-address")
    slow_down(surroundings.session, counted)
    found = find_token(surroundings.session, token, *LINKS)
    if found is None:
        surroundings.fresh()
        with transaction("account.link_refused") as unit:
            count_try(unit.session, counted)
        log.warning("link refused", extra={"event": "link.refused", "address": address})
        raise _expired()
    user = found[1]
    try:
        hashed = hash_password(_checked(user))
    except Invalid as error:
        return _choose_page(user, error.message, 422)
    context = replace(current_context(), actor=actor_of(user))
    surroundings.fresh()
    with transaction(
        "account.password", cause=str(_("Password of %(name)s set", name=user.name)), context=context
    ) as unit:
        account = use_token(unit.session, token, *LINKS)
        if account is None:
            raise _expired()
        keep_password(unit.session, account, hashed)
        end_tokens(unit.session, account.id, *LINKS, CODE)
        forget_tries(unit.session, [scope for scope, _free in account_scope(account.email)])
        unit.noteworthy = True
    log.info("password set by link", extra={"event": "password.set", "user_id": user.id, "address": address})
    return see(url_for("account.signin", told="password"))


def _checked(user: User) -> str:
    """The new password of the form. Raises `Invalid` for one that is too easy."""
    company = read_settings(here().session, "core", CORE_SETTINGS)["company_name"] or ""
    return check_password(request.form.get("password", ""), user.name, user.email, company)


# -- one's own --------------------------------------------------------------------------------------------------------
@blueprint.get("/account/password")
@policy(SIGNED_IN)
def own() -> Response:
    """The form for another password."""
    return _own_page({}, 200)


def _own_page(errors: dict[str, Text], status: int) -> Response:
    form = AccountForm(
        heading=_("Password"), url=url_for("passwords.change"), submit=_("Change password"),
        controls=[
            password_control("current", _("Current password"), "current-password", errors.get("current")),
            password_control("password", _("New password"), "new-password", errors.get("password")),
        ],
        intro=[_("Your other sign-ins end with the change.")], tabs=account_tabs(),
    )  # fmt: skip
    return account_page("core/account_form.html", form.heading, form, status)


@blueprint.post("/account/password")
@policy(SIGNED_IN)
def change() -> Response:
    """Change one's own password; needs the present one (A44), ends all sign-ins and begins this one anew (T49)."""
    surroundings = here()
    user = surroundings.user
    assert user is not None
    try:
        if not password_fits(request.form.get("current", "")):
            return _own_page({"current": WRONG}, 422)
        hashed = hash_password(_checked(user))
    except TooManyTries as error:
        return too_many(_own_page({"current": error.message}, 429), error)
    except Invalid as error:
        return _own_page({"password": error.message}, 422)
    surroundings.fresh()
    address, browser = request.remote_addr or "", request.headers.get("User-Agent", "")
    with transaction("account.password", cause=str(_("Password of %(name)s set", name=user.name))) as unit:
        account = unit.get(User, user.id)
        keep_password(unit.session, account, hashed)
        end_tokens(unit.session, account.id, *LINKS, CODE)
        token = start_sign_in(unit.session, account, address, browser)
        unit.noteworthy = True
    if isinstance(session, Visit):
        session.replace(token)
    g.pop("sign_in", None)  # it ended; nothing is left to note about it
    log.info("password changed", extra={"event": "password.set", "user_id": user.id, "address": address})
    return see(url_for("sign_ins.index"), unit.operation)
