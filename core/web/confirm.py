"""The password again, before somebody changes what guards accounts: users, roles, modules, second factor (A52).

A form that is sent too long after sign-in is answered by a page that asks for the password and carries the form's
values; once the password fits, the very request goes on, under a new cookie. Nothing typed is lost.
"""

from __future__ import annotations

import logging
from typing import cast

from flask import Blueprint, Response, current_app, g, request, session, url_for

from core.access.models import SignIn
from core.access.sign_in import check_credentials, confirm_sign_in, is_recent, note_failure
from core.access.throttle import TooManyTries, forget_tries, own_scope, take_try
from core.data.unit import transaction
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web import keeping
from core.web.account_contexts import AccountForm
from core.web.current import here
from core.web.form_contexts import FormControl
from core.web.keeping import kept_values
from core.web.policy import SIGNED_IN, is_guarded, policy
from core.web.responses import alert, came_from, home_path, is_fragment, page, see
from core.web.shell import make_shell
from core.web.visit import Visit

blueprint = Blueprint("confirm", __name__)
log = logging.getLogger("comptoir.access")

FIELD = "confirm_password"
WRONG = _("The password is not right")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_RECORDS = frozenset({"editing", "actions"})
"""Blueprints that change records of a guarded entity itself; notes and files on them are nobody's rights."""


def guard() -> Response | None:
    """Before every request, once its form token was found right: the page that asks, or None to go on."""
    if request.method in _READING or request.endpoint is None or here().user is None:
        return None
    entity = (request.view_args or {}).get("entity")
    record = isinstance(entity, RegisteredEntity) and entity.entity.guarded and request.blueprint in _RECORDS
    return ask_again() if record or is_guarded(current_app.view_functions[request.endpoint]) else None


def ask_again() -> Response | None:
    """None when the person gave the password lately, or gives it now; else the page that asks for it."""
    if g.get("confirmed") or is_recent(cast(SignIn, g.sign_in)):
        return None
    if is_fragment():
        response = alert(_("Give your password again to do this."), 403)
        response.headers["HX-Redirect"] = url_for("confirm.index", next=came_from())
        return response
    typed = request.form.get(FIELD)
    if typed is None:
        return _page(_kept_form(None), 403)
    try:
        fits = password_fits(typed)
    except TooManyTries as error:
        return too_many(_page(_kept_form(error.message), 429), error)
    if not fits:
        return _page(_kept_form(WRONG), 422)
    renew_sign_in()
    g.confirmed = True
    return None


def password_fits(password: str) -> bool:
    """Whether this is the signed-in person's password; a wrong one is counted. Raises `TooManyTries` (T50).

    It is counted for this sign-in alone: what others try elsewhere keeps nobody from confirming, and the other way round.
    """
    surroundings = here()
    assert surroundings.user is not None
    email, address = surroundings.user.email, request.remote_addr or ""
    counted = own_scope("confirm", str(cast(SignIn, g.sign_in).id))
    surroundings.fresh()
    with transaction("session.try") as unit:
        take_try(unit, counted)
    found = check_credentials(surroundings.session, email, password)
    surroundings.fresh()
    with transaction("session.confirm") as unit:
        if found is not None:
            forget_tries(unit.session, [scope for scope, _free in counted])
            return True
        note_failure(unit.session, email)
    log.warning(
        "password refused", extra={"event": "password.refused", "user_id": surroundings.user.id, "address": address}
    )
    return False


def renew_sign_in() -> None:
    """Go on under a new cookie, noting that the password was given now (T48)."""
    visit = session
    assert isinstance(visit, Visit)
    here().fresh()
    with transaction("session.confirm") as unit:
        token = confirm_sign_in(unit.session, visit.token)
    visit.replace(token)


def too_many(response: Response, error: TooManyTries) -> Response:
    """Tell programs, too, how long to wait."""
    response.headers["Retry-After"] = str(error.seconds)
    return response


def password_control(
    name: str, label: Text, purpose: str = "current-password", error: Text | None = None
) -> FormControl:
    """A field for a password. `purpose`: what the browser may fill in."""
    attributes = {"type": "password", "autocomplete": purpose}
    return FormControl(name, label, "text", attributes, (), "", True, None, error)


def _kept_form(error: Text | None) -> AccountForm:
    kept = kept_values(FIELD)
    if kept_form := request.form.get(keeping.FIELD):
        kept.append((keeping.FIELD, kept_form))  # it is sent again only once the password fits
    return _form(request.full_path.rstrip("?"), error, kept, home_path(came_from()))


def _form(url: str, error: Text | None, hidden: list[tuple[str, str]], back: str) -> AccountForm:
    return AccountForm(
        heading=_("Confirm it is you"), url=url, submit=_("Continue"),
        controls=[password_control(FIELD, _("Password"))],
        intro=[_("This changes who may do what. Give your password again.")],
        error=error, hidden=hidden, links=[(_("Cancel"), back)],
    )  # fmt: skip


def _page(form: AccountForm, status: int) -> Response:
    return page("core/account_form.html", status, page=form, shell=make_shell(form.heading))


@blueprint.get("/account/confirm")
@policy(SIGNED_IN)
def index() -> Response:
    """Ask for the password, for a page that could not carry a form."""
    return _own_page(None, 200)


def _own_page(error: Text | None, status: int) -> Response:
    target = home_path(request.args.get("next"))
    return _page(_form(url_for("confirm.check", next=target), error, [], target), status)


@blueprint.post("/account/confirm")
@policy(SIGNED_IN)
def check() -> Response:
    """Take the password and go back to where the person came from."""
    try:
        fits = password_fits(request.form.get(FIELD, ""))
    except TooManyTries as error:
        return too_many(_own_page(error.message, 429), error)
    if not fits:
        return _own_page(WRONG, 422)
    renew_sign_in()
    return see(request.args.get("next"))
