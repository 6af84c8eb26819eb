"""Signing in and out, setting up, preferences; and the small public pages (UX 2.15)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from flask import Blueprint, Response, request, session, url_for

from core.access.models import ADMINISTRATOR, User
from core.access.preferences import KEYS, NARROW, choose
from core.access.second_factor import has_factor
from core.access.setup import end_setup, setup_token
from core.access.sign_in import (
    check_credentials,
    end_sign_in,
    note_failure,
    note_success,
    refuse_wrong_sign_in,
    start_sign_in,
)
from core.access.throttle import TooManyTries, take_try
from core.access.tokens import CODE, issue_token
from core.access.users import actor_of, add_user, any_user
from core.data.unit import transaction
from core.errors import NotFound, Refused
from core.fields import Country, Option
from core.i18n import LANGUAGES, Text, lazy as _
from core.settings import CORE_SETTINGS, write_settings
from core.upkeep.demonstration import begin_demo
from core.web.arguments import last_values, number_argument
from core.web.current import here
from core.web.devices import counted_under, remember_device
from core.web.form_contexts import FormControl, FormGroup, FormPage, SignInPage
from core.web.observing import reported
from core.web.policy import PUBLIC, SIGNED_IN, from_anywhere, policy
from core.web.responses import home_path, page, see
from core.web.visit import Visit

blueprint = Blueprint("account", __name__)
log = logging.getLogger("comptoir.access")
LANGUAGE_COOKIE = "comptoir_language"
THEME_COOKIE = "comptoir_theme"
YEAR_SECONDS = 365 * 24 * 3600
THEMES = ("light", "dark", "system")
LOGGED_REPORT = 2000
TOLD = {
    "password": _("Your password was set. Sign in with it."),
    "kept": _("You were signed out meanwhile. What you typed is kept: sign in, and it is sent."),
}


# -- signing in -------------------------------------------------------------------------------------------------
@blueprint.get("/signin")
@policy(PUBLIC)
def signin() -> Response:
    """The sign-in page."""
    if here().user is not None:
        return see(request.args.get("next"))
    return _signin_page(request.args.get("next", ""), "", None, 200)


def _signin_page(next_url: str, email: str, error: Text | None, status: int) -> Response:
    told = TOLD.get(request.args.get("told", ""))
    content = SignInPage(home_path(next_url), email, error, told)
    return page("core/signin.html", status, page=content)


@blueprint.post("/signin")
@policy(PUBLIC)
def enter() -> Response:
    """Check name and password; the answer never tells which half is wrong."""
    email, password = request.form.get("email", "")[:254], request.form.get("password", "")
    next_url = request.form.get("next", "")
    address = request.remote_addr or ""
    surroundings, counted = here(), counted_under(email)
    surroundings.fresh()
    try:
        with transaction("session.try") as unit:
            tries = take_try(unit, counted)
    except TooManyTries as error:
        response = _signin_page(next_url, email, error.message, 429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    user = check_credentials(surroundings.session, email, password)
    surroundings.fresh()
    token, waiting = None, False
    with transaction("session.sign_in") as unit:
        if user is None:
            note_failure(unit.session, email)
        else:
            account = note_success(unit.session, user.id, password, tries, counted)
            waiting = has_factor(unit.session, account.id)
            if waiting:
                token = issue_token(unit.session, account, CODE)
            else:
                token = start_sign_in(unit.session, account, address, request.headers.get("User-Agent", ""))
    if user is None or token is None or not isinstance(session, Visit):
        log.warning("sign-in refused", extra={"event": "sign_in.refused", "address": address})
        return _signin_page(next_url, email, refuse_wrong_sign_in().message, 422)
    session.replace(token)
    if waiting:
        return see(url_for("second_factor.code", next=home_path(next_url)))
    log.info("signed in", extra={"event": "sign_in.done", "user_id": user.id, "address": address})
    return remember_device(see(next_url), user)


@blueprint.post("/signout")
@policy(SIGNED_IN)
def signout() -> Response:
    """End this sign-in; its cookie is worth nothing from now on."""
    here().fresh()
    if isinstance(session, Visit):
        with transaction("session.sign_out") as unit:
            end_sign_in(unit.session, session.token)
        session.replace(secrets.token_urlsafe(32))
    response = see(url_for("account.signin"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


# -- preferences ------------------------------------------------------------------------------------------------
@blueprint.post("/preferences")
@policy(PUBLIC)
def preferences() -> Response:
    """Language, theme, keys, width of the menu: on the account; the first two in cookies for the pages before sign-in."""
    language, theme = request.form.get("language"), request.form.get("theme")
    chosen = {name: request.form[name] == "on" for name in (KEYS, NARROW) if name in request.form}
    surroundings = here()
    if surroundings.user is not None and (language in LANGUAGES or theme in THEMES or chosen):
        user_id = surroundings.user.id
        surroundings.fresh()
        with transaction("preferences") as unit:
            user = unit.session.get_one(type(surroundings.user), user_id)
            if language in LANGUAGES:
                user.language, user.region = language, None
            if theme in THEMES:
                user.theme = theme
            choose(unit, user_id, **chosen)
    response = see(request.form.get("return"))
    secure = surroundings.runtime.config.public_url.startswith("https:")
    for cookie, value, values in ((LANGUAGE_COOKIE, language, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value is not None and value in values:
            response.set_cookie(cookie, value, max_age=YEAR_SECONDS, secure=secure, httponly=True, samesite="Lax")
    return response


@blueprint.post("/company")
@policy(SIGNED_IN)
def company() -> Response:
    """Work for another of one's companies from now on (TP-14)."""
    surroundings = here()
    assert surroundings.user is not None
    user_id = surroundings.user.id
    chosen = number_argument(request.form, "company")
    if surroundings.scope.companies is None or chosen not in surroundings.scope.companies:
        raise NotFound(_("You do not work for this company"))
    surroundings.fresh()
    with transaction("company.switch") as unit:
        unit.get(User, user_id).company_id = chosen
    return see(request.form.get("return"))


# -- setting up -------------------------------------------------------------------------------------------------
def _check_token(given: str) -> None:
    """The set-up page is there only for who read the console, and only until somebody has an account (T32)."""
    surroundings = here()
    expected = setup_token(surroundings.runtime.config.var)
    if (
        any_user(surroundings.session)
        or expected is None
        or not secrets.compare_digest(given.encode(), expected.encode())
    ):
        raise NotFound(_("There is no such page. It may have been deleted, or belong to a module that is off."))


@blueprint.get("/setup")
@policy(PUBLIC)
def setup() -> Response:
    """The first page of a new installation."""
    _check_token(request.args.get("token", ""))
    values = {"language": request.accept_languages.best_match(list(LANGUAGES)) or "en", "country": "FR", "demo": "on"}
    return _setup_page(values, {}, 200)


def _setup_page(values: Mapping[str, str], errors: Mapping[str, Text], status: int) -> Response:
    def control(
        name: str, label: Text, kind: str = "text", options: Sequence[Option] = (), **attributes: str
    ) -> FormControl:
        return FormControl(
            name, label, kind, attributes, options, values.get(name, ""), kind == "text", None, errors.get(name)
        )

    countries = [option for option in Country().control().options if option.code]
    controls = [
        control("language", _("Language"), "radio", [Option(code, name) for code, name in LANGUAGES.items()]),
        control("company", _("Company"), autocomplete="organization"),
        control("country", _("Country"), "select", countries),
        control("name", _("Name"), autocomplete="name"),
        control("email", _("Email"), type="email", autocomplete="username"),
        control("password", _("Password"), type="password", autocomplete="new-password"),
        control("demo", _("Load demo data"), "checkbox"),
    ]
    content = FormPage(
        heading=_("Set up Comptoir"), url=f"/setup?token={quote(request.args.get('token', ''))}",
        groups=[FormGroup("", controls, True)], errors=list(errors.items()), cancel_url="", key="", version=None,
        create_another=False,
    )  # fmt: skip
    return page("core/setup.html", status, page=content)


@blueprint.post("/setup")
@policy(PUBLIC)
def create_company() -> Response:
    """Create the company and its first administrator, and sign in."""
    form = request.form
    _check_token(request.args.get("token", ""))
    here().fresh()
    names = ("language", "company", "country", "name", "email", "demo")
    sent = last_values(form)
    values = {name: sent.get(name, "") for name in names}
    if not values["company"].strip():
        return _setup_page(values, {"company": _("Enter the name of your company")}, 422)
    try:
        with transaction("setup") as unit:
            write_settings(
                unit.session, "core", CORE_SETTINGS, {"company_name": values["company"], "country": values["country"]}
            )
            user = add_user(
                unit.session, name=values["name"], email=values["email"], password=form.get("password", ""),
                role=ADMINISTRATOR, language=values["language"] if values["language"] in LANGUAGES else None,
                company=values["company"],
            )  # fmt: skip
            token = start_sign_in(unit.session, user, request.remote_addr or "", request.headers.get("User-Agent", ""))
            administrator = actor_of(user)
    except Refused as error:
        return _setup_page(values, {error.field or "company": error.message}, 422)
    end_setup(here().runtime.config.var)
    if isinstance(session, Visit):
        session.replace(token)
    if values["demo"] == "on":  # should a module not come on, the page says so to somebody who is signed in
        begin_demo(here().runtime, administrator)
    return see("/")


# -- small public pages -----------------------------------------------------------------------------------------
@blueprint.get("/health")
@policy(PUBLIC)
def health() -> Response:
    """Says only ok: for supervisors (A61)."""
    any_user(here().session)
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.post("/csp-report")
@policy(PUBLIC)
@from_anywhere
def report() -> Response:
    """Browsers tell here what the content security policy stopped."""
    text = request.stream.read(LOGGED_REPORT).decode("utf-8", "replace")  # anybody may send it: no more is read
    log.warning("content security policy report", extra=reported(text))
    return Response(status=204)
