"""The suppression list: who gets no mail, since when, why and by whom (ML-4, G04)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from core.data.unit import transaction
from core.errors import NotFound, Refused
from core.exchange.mail import suppression
from core.exchange.mail.models import Suppression
from core.i18n import Text, lazy as _, lazy_context
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormControl, FormGroup, FormPage
from core.web.mail_contexts import SuppressionLine, SuppressionPage
from core.web.policy import policy
from core.web.responses import page, see
from core.web.shell import make_shell

blueprint = Blueprint("mail_suppression", __name__, url_prefix="/mail/suppression")
ON_A_PAGE = 100
REASONS: Mapping[str, Text] = {
    suppression.OPT_OUT: lazy_context("suppression", "Wants no mail"),
    suppression.BY_HAND: lazy_context("suppression", "Added by hand"),
    suppression.BOUNCE: lazy_context("suppression", "The address does not work"),
    suppression.COMPLAINT: lazy_context("suppression", "Complained about mail"),
}


@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """The list, newest first, and the form to add an address."""
    return _page({}, {}, 200)


def _page(typed: Mapping[str, str], errors: Mapping[str, Text], status: int) -> Response:
    before = number_argument(request.args, "before")
    statement = select(Suppression).order_by(Suppression.id.desc()).limit(ON_A_PAGE + 1)
    if before is not None:
        statement = statement.where(Suppression.id < before)
    rows = list(here().session.scalars(statement))
    lines = [
        SuppressionLine(
            row.address or "", REASONS.get(row.reason, row.reason), row.note or "", row.user_name, row.created_at,
            url_for("mail_suppression.remove", suppression_id=row.id),
        )
        for row in rows[:ON_A_PAGE]
    ]  # fmt: skip
    heading = _("Suppression list")
    controls = [
        FormControl(
            "address", _("E-mail address"), "text", {"type": "email", "maxlength": "254", "autocomplete": "off"}, (),
            typed.get("address", ""), True, None, errors.get("address"),
        ),
        FormControl(
            "note", _("Reason"), "text", {"maxlength": "500"}, (), typed.get("note", ""), True, None, errors.get("note")
        ),
    ]  # fmt: skip
    form = FormPage(
        heading=heading, url=url_for("mail_suppression.add"), groups=[FormGroup("", controls, True)],
        errors=list(errors.items()), cancel_url=url_for("mail_outbox.index"), key=secrets.token_urlsafe(18),
        version=0, create_another=False,
    )  # fmt: skip
    older = url_for("mail_suppression.index", before=rows[ON_A_PAGE - 1].id) if len(rows) > ON_A_PAGE else None
    crumbs = [Crumb(_("Administration")), Crumb(heading)]
    content = SuppressionPage(heading, lines, form, older)
    return page("core/mail_suppression.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("")
@policy("settings.manage")
def add() -> Response:
    """Add an address by hand."""
    here().fresh()
    try:
        note = request.form.get("note", "").strip()
        if not note:
            raise Refused(_("Say why this address gets no mail"), field="note")
        with transaction("mail.suppression") as unit:
            unit.noteworthy = True
            suppression.suppress(
                unit.session, unit.context.secret_keys, request.form.get("address", "").strip(), suppression.BY_HAND,
                unit.context.actor, note,
            )  # fmt: skip
    except Refused as error:
        return _page(request.form.to_dict(), {error.field or "address": error.message}, 422)
    return see(url_for("mail_suppression.index"))


@blueprint.post("/<int:suppression_id>/remove")
@policy("settings.manage")
def remove(suppression_id: int) -> Response:
    """Take an address off the list."""
    with transaction("mail.suppression") as unit:
        row = unit.session.get(Suppression, suppression_id)
        if row is None:
            raise NotFound(_("This address is not on the list any more"))
        unit.noteworthy = True
        unit.cause = str(_("%(address)s may get mail again", address=row.address or "?"))
        unit.session.delete(row)
    return see(url_for("mail_suppression.index"))
