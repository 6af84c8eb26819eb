"""One Flask app for one generation (DESIGN 5): what is not enabled is simply not in it."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Flask, Response, current_app, g, request, session, url_for
from flask_wtf import CSRFProtect
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from core import i18n
from core.access.audit import REFUSED
from core.access.sign_in import find_sign_in
from core.access.throttle import TooManyTries
from core.access.touch import touch_sign_in
from core.access.users import actor_of
from core.access.views import key_of, scope_of
from core.data.context import use_context
from core.errors import Busy, ComptoirError, Forbidden, NotFound, PluginError, Refused, StateConflict
from core.i18n import lazy as _
from core.logs import Facts, current_facts
from core.registry import RegisteredEntity
from core.web import (
    account,
    actions,
    audit,
    bulk_fields,
    company_settings,
    confirm,
    demo,
    dictionaries,
    editing,
    facets,
    files,
    help,
    home,
    jobs,
    keeping,
    lists,
    mail_outbox,
    mail_send,
    mail_settings,
    mail_suppression,
    mail_templates,
    modules,
    new_records,
    notes,
    notifications,
    number_gaps,
    numbering,
    observing,
    one_field,
    part_forms,
    parts,
    passwords,
    picking,
    records,
    roles,
    saved_views,
    searching,
    second_factor,
    sign_ins,
    similar,
    stepping,
    styles,
    tags,
    unsubscribe,
    user_admin,
)
from core.web.boundary import guarded
from core.web.commands import check_menu, collect_commands
from core.web.current import Here, here, kept_part
from core.web.failures import failure_page
from core.web.policy import PUBLIC, SIGNED_IN, body_of, check_policies, is_from_anywhere, policy_of
from core.web.responses import netloc_of, see
from core.web.routing import LateRule, RecordNumber, entity_converter
from core.web.templating import set_up_templates
from core.web.visit import Visit, VisitInterface

if TYPE_CHECKING:
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

log = logging.getLogger("comptoir.web")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; report-uri /csp-report"
)
MAXIMUM_BODY = 20 * 1024 * 1024
MAXIMUM_FORM = 500_000
MAXIMUM_TYPED = 4 * 1024 * 1024
"""Of somebody signed in: so that a megabyte in one field, three times as long on its way, is an error of that field."""
MAXIMUM_PARTS = 1_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STATUS_OF: tuple[tuple[type[ComptoirError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (StateConflict, 409),
    (Busy, 503),
    (PluginError, 500),
    (TooManyTries, 429),
    (Refused, 422),
)


def create_app(runtime: Runtime, generation: Generation) -> Flask:
    """Build the app of a generation. Raises `ContractError` for a route without a policy, `PluginError` for a bad blueprint."""
    app = Flask("core.web", static_folder=None, template_folder=None)
    app.url_rule_class = LateRule
    set_up_templates(app, runtime, generation)
    app.config.update(
        SECRET_KEY=runtime.config.secret_key,
        MAX_CONTENT_LENGTH=MAXIMUM_BODY,
        MAX_FORM_MEMORY_SIZE=MAXIMUM_FORM,
        MAX_FORM_PARTS=MAXIMUM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = VisitInterface(
        runtime.config.secret_key, secure=runtime.config.public_url.startswith("https:")
    )
    app.url_map.converters["int"] = RecordNumber
    app.url_map.converters["entity"] = entity_converter(generation.registry)

    def begin() -> Response | None:
        return _begin(runtime, generation)

    app.before_request(begin)
    app.context_processor(_page_variables)
    app.jinja_env.globals.update(
        styles_url=styles.styles_url, kept=kept_part, may=lambda permission: here().may(permission)
    )
    form_tokens = CSRFProtect(app)
    app.before_request(confirm.guard)  # after the form token: it may go on under another cookie
    app.before_request(keeping.take)  # only once nothing else stands in the way
    for blueprint in (
        account.blueprint,
        actions.blueprint,
        confirm.blueprint,
        audit.blueprint,
        company_settings.blueprint,
        demo.blueprint,
        dictionaries.blueprint,
        editing.blueprint,
        facets.blueprint,
        files.blueprint,
        help.blueprint,
        home.blueprint,
        jobs.blueprint,
        keeping.blueprint,
        lists.blueprint,
        mail_outbox.blueprint,
        mail_send.blueprint,
        mail_settings.blueprint,
        mail_suppression.blueprint,
        mail_templates.blueprint,
        modules.blueprint,
        new_records.blueprint,
        notes.blueprint,
        notifications.blueprint,
        number_gaps.blueprint,
        numbering.blueprint,
        observing.blueprint,
        one_field.blueprint,
        bulk_fields.blueprint,
        part_forms.blueprint,
        parts.blueprint,
        passwords.blueprint,
        picking.blueprint,
        records.blueprint,
        roles.blueprint,
        saved_views.blueprint,
        searching.blueprint,
        second_factor.blueprint,
        sign_ins.blueprint,
        similar.blueprint,
        stepping.blueprint,
        styles.blueprint,
        tags.blueprint,
        unsubscribe.blueprint,
        user_admin.blueprint,
    ):
        app.register_blueprint(blueprint)
    for view in filter(is_from_anywhere, app.view_functions.values()):
        form_tokens.exempt(view)
    for plugin, blueprint in generation.hooks.gather("blueprints"):
        if blueprint.name != plugin:
            raise PluginError(plugin, _("The blueprint of module %(plugin)s must be called so too", plugin=plugin))
        app.register_blueprint(blueprint)
        _guard_views(app, plugin)
    check_menu(app, generation.registry)
    collect_commands(app, generation.hooks, generation.registry)
    app.after_request(_headers)
    app.teardown_request(_end)
    app.register_error_handler(ComptoirError, _refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)
    check_policies(app)
    return app


def _guard_views(app: Flask, plugin: str) -> None:
    """Put the views of a plugin behind the error boundary. Raises `PluginError` for one without a policy."""
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{plugin}."):
            if policy_of(view) is None:
                message = _(
                    "The page %(page)s of module %(name)s does not say who may use it", page=endpoint, name=plugin
                )
                raise PluginError(plugin, message)
            app.view_functions[endpoint] = guarded(plugin, endpoint, view)


def _page_variables() -> dict[str, str]:
    """What the frame of every page needs, also before anybody signed in."""
    user = here().user if "here" in g else None
    theme = user.theme if user else request.cookies.get(account.THEME_COOKIE)
    return {"lang": i18n.current_locale().language, "theme": theme or "system"}


# -- before -----------------------------------------------------------------------------------------------------
def _begin(runtime: Runtime, generation: Generation) -> Response | None:
    facts = current_facts() or Facts.of(request.environ)
    facts.route = request.url_rule.rule if request.url_rule is not None else ""
    surroundings = Here(runtime, generation, request_id=facts.request_id)
    g.here = surroundings
    visit = session
    signed = find_sign_in(surroundings.session, visit.token) if isinstance(visit, Visit) and not visit.send else None
    if signed is not None:
        surroundings.user = signed.user
        facts.user_id, facts.user_name = signed.user.id, signed.user.name
        surroundings.actor = actor_of(signed.user)
        scope = scope_of(
            surroundings.session, signed.user, surroundings.actor, generation.registry, generation.permissions
        )
        surroundings.scope = surroundings.same_scope(key_of(scope, surroundings.actor), scope)
        surroundings.session.scope = surroundings.scope
        g.sign_in = signed.sign_in
    surroundings.stack.enter_context(i18n.use_locale(_locale(surroundings)))
    surroundings.stack.enter_context(
        use_context(runtime.context(generation, surroundings.actor, surroundings.request_id, surroundings.scope))
    )
    if request.mimetype == "application/x-www-form-urlencoded":
        request.max_content_length = MAXIMUM_FORM  # read whole by the parser, which the form limit does not hold
    if request.method not in SAFE_METHODS:
        _refuse_foreign_posts()
    answer = _admit(surroundings)
    if answer is None and surroundings.user is not None:
        request.max_form_memory_size = MAXIMUM_TYPED
        if request.mimetype == "application/x-www-form-urlencoded":
            request.max_content_length = MAXIMUM_TYPED
    if answer is None and request.endpoint is not None and request.mimetype == "multipart/form-data":
        larger = body_of(generation.app.view_functions[request.endpoint])
        if larger is not None:
            request.max_content_length = larger  # only for who may send it: nothing of the body was read so far
    return answer


def _locale(surroundings: Here) -> i18n.Locale:
    user = surroundings.user
    wanted = (user.language if user else None) or request.cookies.get("comptoir_language")
    language = wanted if wanted in i18n.LANGUAGES else request.accept_languages.best_match(list(i18n.LANGUAGES)) or "en"
    region = (user.region if user else None) or i18n.DEFAULT_REGION[language]
    return i18n.Locale(language, region, (user.timezone if user else None) or "UTC")


def _refuse_foreign_posts() -> None:
    """The second wall behind the form token: a browser tells where a request comes from (SECURITY A31)."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if origin is not None and origin != "null" and netloc_of(origin) != request.host:
        foreign = True
    view = current_app.view_functions.get(request.endpoint or "")
    if foreign and not (view is not None and is_from_anywhere(view)):
        raise Forbidden(_("This form was sent from another site, so nothing was done"))


def _admit(surroundings: Here) -> Response | None:
    if request.endpoint is None:
        return None
    view = surroundings.generation.app.view_functions[request.endpoint]
    rule = policy_of(view)
    if rule == PUBLIC:
        return None
    if surroundings.user is None:
        if request.method not in SAFE_METHODS and (kept := keeping.keep_expired(surroundings)) is not None:
            return kept
        wanted = request.full_path.rstrip("?") if request.method in SAFE_METHODS else "/"
        return see(f"/signin?next={quote(wanted)}" if wanted != "/" else "/signin")
    if second_factor.stopped(surroundings):
        return see(url_for("second_factor.index"))
    if rule is None:
        raise Forbidden(_("You may not do this. Ask an administrator."))
    if rule != SIGNED_IN:
        entity = (request.view_args or {}).get("entity")
        if isinstance(entity, RegisteredEntity) and rule.startswith("entity."):
            rule = entity.permission(rule.removeprefix("entity."))
        surroundings.require(rule)
    return None


# -- after ------------------------------------------------------------------------------------------------------
def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    headers["X-Request-Id"] = here().request_id if "here" in g else ""
    headers.setdefault("Cache-Control", "no-store")
    response.vary.update(("Cookie", "HX-Request", "Accept-Language"))
    if "here" in g and here().runtime.config.public_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def _end(error: BaseException | None) -> None:
    surroundings: Here | None = g.pop("here", None)
    if surroundings is None:
        return
    sign_in = g.pop("sign_in", None)
    surroundings.close()
    if sign_in is not None:
        touch_sign_in(surroundings.runtime.database, sign_in)
    surroundings.runtime.flush_incidents()
    surroundings.runtime.trail.flush()


def _status(error: ComptoirError) -> int:
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 422)


def _refuse(error: ComptoirError) -> Response:
    status = _status(error)
    _note_refusal(error)
    if isinstance(error, PluginError) and not error.reported:
        here().runtime.report_error(error)
    response = failure_page(status, error.message, here().request_id if status == 500 else None)
    if status == 503:
        response.headers["Retry-After"] = "2"
    if isinstance(error, TooManyTries):
        confirm.too_many(response, error)
    return response


def _note_refusal(error: ComptoirError) -> None:
    """Into the audit: what somebody signed in may not do, or not know of (A70)."""
    unknown = isinstance(error, NotFound) and bool(request.view_args)
    if here().user is not None and (isinstance(error, Forbidden) or unknown):
        here().runtime.trail.later(REFUSED, f"{request.method} {request.path}")


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    messages = {
        400: _(
            "This form could not be accepted, perhaps because it was open for too long. Go back, reload the page and try again."
        ),
        404: _("There is no such page. It may have been deleted, or belong to a module that is off."),
        405: _("This page cannot be used that way"),
        413: _("What was sent is too large. Nothing was saved. Shorten it and try again."),
    }
    return failure_page(status, messages.get(status, _("This could not be done")))


def _fault(error: Exception) -> Response:
    incident = here().request_id if "here" in g else secrets.token_hex(8)
    unreachable = isinstance(error, DBAPIError) and error.connection_invalidated
    log.error("incident %s", incident, exc_info=error)
    if request.endpoint == "account.health":
        return Response(
            "unavailable\n", 503, content_type="text/plain; charset=utf-8"
        )  # what went wrong is nobody's (A61)
    message = _("The server did not answer. Nothing was lost.")
    return failure_page(503 if unreachable else 500, message, incident, framed=False)
