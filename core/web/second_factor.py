"""The second factor: asked for at sign-in, set up, replaced, removed (US-2, A47)."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, g, request, session, url_for
from sqlalchemy.orm import Session

from core.access.models import SecondFactor, User, end_sign_ins
from core.access.second_factor import (
    address_for_apps,
    codes_left,
    has_factor,
    make_recovery_codes,
    offer_seed,
    offered_seed,
    remove_factor,
    set_up,
    take_code,
)
from core.access.sign_in import confirm_sign_in, start_sign_in
from core.access.throttle import TooManyTries, count_try, forget_tries, slow_down
from core.access.tokens import CODE, find_token, use_token
from core.data.unit import transaction
from core.errors import Invalid, Refused
from core.i18n import Text, lazy as _
from core.settings import CORE_SETTINGS, read_settings
from core.web.account_contexts import AccountForm, FactorPage, NewFactor
from core.web.account_tabs import account_page, account_tabs
from core.web.confirm import too_many
from core.web.current import Here, here
from core.web.devices import counted_under, remember_device
from core.web.form_contexts import FormControl
from core.web.policy import PUBLIC, SIGNED_IN, guarded_by_password, policy
from core.web.qr import draw
from core.web.responses import home_path, page, see
from core.web.visit import Visit

blueprint = Blueprint("second_factor", __name__)
log = logging.getLogger("comptoir.access")

FREE_TO_GO = frozenset({"second_factor", "confirm"})
"""Blueprints for who must set a factor up first; beside them one can only sign out."""
WRONG_CODE = _("This code is not right, or was used already")


def must_set_up(surroundings: Here) -> bool:
    """Whether the role asks for a second factor and the person has none (A47). Asks only where a role does."""
    user = surroundings.user
    rights = surroundings.permissions.roles.get(user.role) if user is not None else None
    if user is None or rights is None or not rights.second_factor:
        return False
    return not has_factor(surroundings.session, user.id)


def stopped(surroundings: Here) -> bool:
    """Whether this request must wait until a second factor is set up."""
    free = request.blueprint in FREE_TO_GO or request.endpoint == "account.signout"
    return not free and must_set_up(surroundings)


# -- at sign-in -------------------------------------------------------------------------------------------------------
def _code_control(error: Text | None = None, help: Text | None = None) -> FormControl:
    attributes = {"type": "password", "autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    return FormControl("code", _("Code"), "text", attributes, (), "", True, help, error)


def _code_page(error: Text | None, status: int) -> Response:
    target = home_path(request.args.get("next"))
    form = AccountForm(
        heading=_("Second factor"), url=url_for("second_factor.enter", next=target), submit=_("Sign in"),
        controls=[_code_control(error, _("Six digits from your app, or one of your recovery codes"))],
        links=[(_("Back to sign-in"), url_for("account.signin"))],
    )  # fmt: skip
    return page("core/account_form.html", status, page=form)


def _waiting() -> tuple[str, User] | None:
    """The cookie and account of somebody whose password was right and whose code is still to come."""
    if not isinstance(session, Visit):
        return None
    found = find_token(here().session, session.token, CODE)
    return (session.token, found[1]) if found is not None else None


@blueprint.get("/signin/code")
@policy(PUBLIC)
def code() -> Response:
    """Asks for the code; nobody is signed in yet."""
    return _code_page(None, 200) if _waiting() else see(url_for("account.signin"))


@blueprint.post("/signin/code")
@policy(PUBLIC)
def enter() -> Response:
    """Take the code and sign in, under another cookie."""
    waiting = _waiting()
    if waiting is None:
        return see(url_for("account.signin"))
    token, user = waiting
    address, browser = request.remote_addr or "", request.headers.get("User-Agent", "")
    counted = counted_under(user.email, "code")
    surroundings = here()
    surroundings.fresh()
    fresh = None
    try:
        with transaction("session.sign_in") as unit:
            unit.session.get(SecondFactor, user.id, with_for_update=True)  # tries of one person wait for each other
            slow_down(unit.session, counted)
            if not take_code(unit.session, unit.context.secret_keys, user.id, request.form.get("code", "")):
                count_try(unit.session, counted)
            elif (account := use_token(unit.session, token, CODE)) is not None:
                forget_tries(unit.session, [counted[0][0]])
                fresh = start_sign_in(unit.session, account, address, browser)
    except TooManyTries as error:
        return too_many(_code_page(error.message, 429), error)
    seen = {"user_id": user.id, "address": address}
    if fresh is None or not isinstance(session, Visit):
        log.warning("code refused", extra={"event": "code.refused", **seen})
        return _code_page(WRONG_CODE, 422)
    session.replace(fresh)
    log.info("signed in", extra={"event": "sign_in.done", **seen})
    return remember_device(see(request.args.get("next")), user)


# -- one's own --------------------------------------------------------------------------------------------------------
def _user() -> User:
    user = here().user
    assert user is not None
    return user


@blueprint.get("/account/second-factor")
@policy(SIGNED_IN)
def index() -> Response:
    """What is set up; without anything, or when asked for another app, the form to set it up."""
    factor = here().session.get(SecondFactor, _user().id)
    if factor is None or "new" in request.args:
        return _setup_page(None, None, 200)
    return _factor_page(factor)


def _factor_page(factor: SecondFactor, codes: list[str] | None = None) -> Response:
    user, surroundings = _user(), here()
    required = (
        surroundings.permissions.roles[user.role].second_factor
        if user.role in surroundings.permissions.roles
        else False
    )
    left = codes_left(surroundings.session, user.id)
    content = FactorPage(_("Second factor"), account_tabs(), factor.created_at, left, required, codes or ())
    return account_page("core/second_factor.html", content.heading, content)


def _setup_page(sealed: str | None, error: Text | None, status: int) -> Response:
    user, surroundings = _user(), here()
    keys = surroundings.runtime.config.secret_keys
    seed = offered_seed(keys, user.id, sealed) if sealed else ""
    if not seed or sealed is None:
        seed, sealed = offer_seed(keys, user.id)
    company = str(read_settings(surroundings.session, "core", CORE_SETTINGS)["company_name"] or "")
    intro = [
        _(
            "An app on your telephone shows a new code every 30 seconds. Who knows your password cannot sign in without it."
        ),
        _("Add an account in the app: let it read the picture, type the key, or open the link."),
    ]
    if must_set_up(surroundings):
        intro.insert(0, _("Your role asks for a second factor. Set it up to go on."))
    form = AccountForm(
        heading=_("Set up a second factor"), url=url_for("second_factor.save"), submit=_("Set up"),
        controls=[_code_control(error, _("The six digits the app shows now"))], intro=intro, hidden=[("seed", sealed)],
        tabs=account_tabs(),
    )  # fmt: skip
    shown = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    link = address_for_apps(seed, user.email, f"Comptoir {company}".strip())
    return account_page(
        "core/second_factor_setup.html", form.heading, form, status, setup=NewFactor(shown, link, draw(link))
    )


@blueprint.post("/account/second-factor")
@policy(SIGNED_IN)
@guarded_by_password
def save() -> Response:
    """Keep the factor once a code proves it; shows the recovery codes, this once."""
    user, surroundings = _user(), here()
    keys, sealed = surroundings.runtime.config.secret_keys, request.form.get("seed", "")
    seed = offered_seed(keys, user.id, sealed)
    surroundings.fresh()
    try:
        with transaction(
            "account.second_factor", cause=str(_("Second factor of %(name)s set up", name=user.name))
        ) as unit:
            account = unit.get(User, user.id)
            codes = set_up(unit.session, keys, account, seed, request.form.get("code", ""))
            unit.noteworthy = True
            fresh = _begin_anew(unit.session, user.id)
    except Invalid as error:
        return _setup_page(sealed, error.message, 422)
    _replace(fresh)
    log.info("second factor set up", extra={"event": "factor.set", "user_id": user.id, "address": request.remote_addr})
    return _shown(user.id, codes)


@blueprint.post("/account/second-factor/codes")
@policy(SIGNED_IN)
@guarded_by_password
def renew() -> Response:
    """New recovery codes instead of the old ones."""
    user, surroundings = _user(), here()
    surroundings.fresh()
    with transaction(
        "account.recovery_codes", cause=str(_("Recovery codes of %(name)s renewed", name=user.name))
    ) as unit:
        if not has_factor(unit.session, user.id):
            raise Refused(_("Set up a second factor first"))
        codes = make_recovery_codes(unit.session, unit.context.secret_keys, user.id)
        unit.noteworthy = True
    return _shown(user.id, codes)


@blueprint.post("/account/second-factor/remove")
@policy(SIGNED_IN)
@guarded_by_password
def remove() -> Response:
    """Do without, unless the role asks for one."""
    user, surroundings = _user(), here()
    rights = surroundings.permissions.roles.get(user.role)
    if rights is not None and rights.second_factor:
        raise Refused(_("Your role asks for a second factor. Set up another app instead of removing this one."))
    surroundings.fresh()
    with transaction(
        "account.second_factor", cause=str(_("Second factor of %(name)s removed", name=user.name))
    ) as unit:
        unit.noteworthy = remove_factor(unit.session, user.id)
        fresh = _begin_anew(unit.session, user.id)
    _replace(fresh)
    log.info(
        "second factor removed", extra={"event": "factor.removed", "user_id": user.id, "address": request.remote_addr}
    )
    return see(url_for("second_factor.index"), unit.operation)


def _begin_anew(session_of_unit: Session, user_id: int) -> str:
    """End the other sign-ins, and go on under another cookie (T48)."""
    assert isinstance(session, Visit)
    end_sign_ins(session_of_unit, user_id, but=g.sign_in.id)
    return confirm_sign_in(session_of_unit, session.token)


def _replace(token: str) -> None:
    if isinstance(session, Visit):
        session.replace(token)


def _shown(user_id: int, codes: list[str]) -> Response:
    surroundings = here()
    surroundings.fresh()
    return _factor_page(surroundings.session.get_one(SecondFactor, user_id), codes)
