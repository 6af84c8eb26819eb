"""What administrators do about the account of somebody: invite again, end sign-ins, reset the second factor (UX 2.13)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import func, select

from core.access.grants import check_reach
from core.access.models import SignIn, User, end_sign_ins
from core.access.second_factor import has_factor, remove_factor
from core.access.sign_in import living_sign_ins
from core.data.records import Record
from core.data.unit import Unit, transaction
from core.errors import Refused
from core.exchange.accounts import invite
from core.i18n import Text, lazy as _
from core.registry import RegisteredEntity
from core.web.account_contexts import UserPanel
from core.web.contexts import ActionButton, PanelBox
from core.web.current import here
from core.web.policy import guarded_by_password, policy
from core.web.responses import see

blueprint = Blueprint("user_admin", __name__, url_prefix="/users/<int:record_id>")
log = logging.getLogger("comptoir.access")
EDIT = "user.edit"


def user_actions(record: Record) -> list[ActionButton]:
    """The buttons on the sheet of an account; none on other sheets."""
    surroundings = here()
    if not isinstance(record, User) or not surroundings.may(EDIT):
        return []
    buttons = []
    if record.active and not record.password_hash:
        buttons.append(_button(_("Resend invitation"), "resend", record, "mail"))
    if living_sign_ins(surroundings.session, record.id):
        buttons.append(_button(_("End all sign-ins"), "end_all", record, "logout"))
    if has_factor(surroundings.session, record.id):
        buttons.append(_button(_("Reset second factor"), "reset_factor", record, "lock"))
    return buttons


def _button(label: Text, endpoint: str, user: User, icon: str) -> ActionButton:
    return ActionButton(label, url_for(f"user_admin.{endpoint}", record_id=user.id), "post", icon)


def user_panels(registered: RegisteredEntity, record: Record) -> list[PanelBox]:
    """The box on the sheet of an account that says how it signs in; none on other sheets."""
    surroundings = here()
    if not isinstance(record, User) or not surroundings.may(registered.permission("edit")):
        return []
    session = surroundings.session
    panel = UserPanel(
        invited=not record.password_hash,
        last_seen=session.scalar(select(func.max(SignIn.seen_at)).where(SignIn.user_id == record.id)),
        sign_ins=len(living_sign_ins(session, record.id)),
        second_factor=has_factor(session, record.id),
    )
    return [PanelBox(_("Sign-ins"), render_template("core/user_panel.html", panel=panel), "")]


def _do(action: str, record_id: int, verb: Callable[[Unit, User], Text]) -> Response:
    """One action in one unit; history keeps its sentence and who did it."""
    here().fresh()
    with transaction(action) as unit:
        user = unit.get(User, record_id)
        check_reach(unit, user.role)
        unit.cause = str(verb(unit, user))
        unit.noteworthy = True
    log.info(action, extra={"event": action, "user_id": record_id, "address": request.remote_addr})
    return see(url_for("records.sheet", entity="user", record_id=record_id), unit.operation)


@blueprint.post("/invite")
@policy(EDIT)
@guarded_by_password
def resend(record_id: int) -> Response:
    """Send the invitation again, with a new link; the earlier one is worth nothing from then on."""

    def verb(unit: Unit, user: User) -> Text:
        invite(unit, user)
        return _("Invitation sent to %(email)s", email=user.email)

    return _do("user.invite", record_id, verb)


@blueprint.post("/end-sign-ins")
@policy(EDIT)
@guarded_by_password
def end_all(record_id: int) -> Response:
    """End all sign-ins of an account (A51)."""

    def verb(unit: Unit, user: User) -> Text:
        end_sign_ins(unit.session, user.id)
        return _("All sign-ins of %(name)s were ended", name=user.name)

    return _do("user.end_sign_ins", record_id, verb)


@blueprint.post("/reset-factor")
@policy(EDIT)
@guarded_by_password
def reset_factor(record_id: int) -> Response:
    """Take the second factor off the account of who lost app and codes, and end its sign-ins (A47)."""

    def verb(unit: Unit, user: User) -> Text:
        if not remove_factor(unit.session, user.id):
            raise Refused(_("%(name)s has no second factor", name=user.name))
        end_sign_ins(unit.session, user.id)
        return _("Second factor of %(name)s removed", name=user.name)

    return _do("user.reset_factor", record_id, verb)
