"""Nothing typed is lost when a form cannot be taken now (UX 0.1.5, 2.4): one way to carry a form over an obstacle.

`kept_values` is what a page in between carries: the one that asks for the password again (`core.web.confirm`), the one
that says that trying again is safe (`core.web.shell`), and the one here, after a sign-in that had expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from flask import Blueprint, Response, request, session, url_for
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from wtforms import ValidationError

from core.access.kept_forms import LONGEST_PATH, expired_user, find_kept_form, keep_form, use_kept_form
from core.data.unit import transaction
from core.errors import NotFound, StateConflict
from core.i18n import lazy as _
from core.web.account_contexts import AccountForm
from core.web.current import Here, here
from core.web.policy import SIGNED_IN, policy
from core.web.responses import came_from, home_path, page, see
from core.web.shell import make_shell
from core.web.visit import FORM_TOKEN, Visit

blueprint = Blueprint("keeping", __name__)

FIELD = "kept_form"
"""The reference of a kept form, in the form that sends it again."""
MAXIMUM_KEPT = 500_000
NEVER_KEPT = frozenset({"editing.check", "numbering.preview"})
"""What scripts ask while somebody types is not what he sends."""
"""Bytes of a form that is kept: what anybody may send who is not signed in."""
SECRETS = ("password", "secret")
_TOKENS = (FORM_TOKEN, FIELD)


def kept_values(*without: str) -> list[tuple[str, str]]:
    """What the form held, for a page that carries it on; tokens, which that page has anew, and `without` left out."""
    left_out = (*_TOKENS, *without)
    return [(name, value) for name, value in request.form.items(multi=True) if name not in left_out]


def has_secrets(names: Iterable[str]) -> bool:
    """Whether a form holds what must never be written down."""
    return any(secret in name.lower() for name in names for secret in SECRETS)


def values_to_try_again() -> list[tuple[str, str]]:
    """What the form that could not be taken held; nothing when there is no form, or it holds secrets."""
    if request.method != "POST":
        return []
    try:
        values = kept_values()
    except HTTPException:  # it could not even be read
        return []
    return [] if has_secrets(name for name, _value in values) else values


def keep_expired(surroundings: Here) -> Response | None:
    """Keep the form of somebody whose sign-in expired, and ask to sign in; None when there is nothing to keep.

    Called before sign-in, so the form token is checked here. Files are not kept: the form says that they are missing.
    """
    visit = session
    if request.endpoint in NEVER_KEPT:
        return None
    if not isinstance(visit, Visit) or visit.send or not 0 < (request.content_length or 0) <= MAXIMUM_KEPT:
        return None
    user = expired_user(surroundings.session, visit.token)
    path = request.full_path.rstrip("?")
    if user is None or len(path) > LONGEST_PATH:
        return None
    try:
        validate_csrf(request.form.get(FORM_TOKEN) or request.headers.get("X-CSRFToken"))
    except (ValidationError, RequestEntityTooLarge):
        return None
    values = kept_values()
    if has_secrets(name for name, _value in values) or any("\0" in text for pair in values for text in pair):
        return None
    back = home_path(came_from())
    if not request.form.get("return"):
        values.append(("return", back))
    user_id = user.id
    surroundings.fresh()
    with transaction("session.keep_form") as unit:
        token = keep_form(unit.session, user_id, path, values, back[:LONGEST_PATH])
    target = url_for("keeping.index", token=token)
    return see(f"{url_for('account.signin')}?told=kept&next={quote(target)}")


@blueprint.get("/kept/<token>")
@policy(SIGNED_IN)
def index(token: str) -> Response:
    """The kept form, ready to be sent again; a page with script sends it at once."""
    user = here().user
    assert user is not None
    found = find_kept_form(here().session, token, user.id)
    if found is None:
        raise NotFound(_("This form is not kept, or not any more"))
    form = AccountForm(
        heading=_("Your form was kept"), url=found.path, submit=_("Continue"),
        intro=[_("You were signed out before it was sent. Nothing is lost: send it now.")],
        hidden=[*((name, value) for name, value in found.fields), (FIELD, token)],
        links=[(_("Cancel"), home_path(found.back))], replay=True,
    )  # fmt: skip
    return page("core/account_form.html", page=form, shell=make_shell(form.heading))


def take() -> None:
    """Before every request: a kept form is sent once. Raises `StateConflict` for one that was sent, or is too old."""
    token = request.form.get(FIELD) if request.method == "POST" and here().user is not None else None
    if not token:
        return
    user = here().user
    assert user is not None
    user_id = user.id
    here().fresh()
    with transaction("session.use_kept_form") as unit:
        used = use_kept_form(unit.session, token, user_id)
    if not used:
        raise StateConflict(_("This form was sent already, or was kept for too long. Nothing was done now."))
