"""The settings of the company: its name, its country, and what numbers go by (TP-2)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from core.data.unit import transaction
from core.errors import Refused
from core.features.numbering import check_all_masks
from core.i18n import Text, gettext, lazy as _
from core.settings import CORE_SETTINGS, read_settings, write_settings
from core.web.arguments import last_values
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormGroup, FormPage
from core.web.forms import setting_controls, setting_texts
from core.web.policy import policy
from core.web.responses import page, see
from core.web.shell import make_shell

blueprint = Blueprint("company_settings", __name__, url_prefix="/admin/settings")
OWNER = "core"


@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """The settings as they are."""
    return _page(setting_texts(CORE_SETTINGS, read_settings(here().session, OWNER, CORE_SETTINGS)), {}, 200)


def _page(typed: Mapping[str, str], errors: Mapping[str, Text], status: int, message: Text | None = None) -> Response:
    heading = _("Company settings")
    content = FormPage(
        heading=heading, url=url_for("company_settings.save"),
        groups=[FormGroup("", setting_controls(CORE_SETTINGS, typed, errors), True)], errors=list(errors.items()),
        cancel_url=url_for("home.index"), key=secrets.token_urlsafe(18), version=None, create_another=False, message=message,
    )  # fmt: skip
    crumbs = [Crumb(_("Administration")), Crumb(heading)]
    return page("core/form.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("")
@policy("settings.manage")
def save() -> Response:
    """Store the settings, or show what is wrong; those that would stop a numbering series are refused."""
    here().fresh()
    try:
        with transaction("settings.edit", cause=gettext("Company settings")) as unit:
            write_settings(unit.session, OWNER, CORE_SETTINGS, last_values(request.form))
            check_all_masks(unit)
            unit.noteworthy = True
    except Refused as error:
        errors = {error.field: error.message} if error.field else {}
        return _page(last_values(request.form), errors, 422, None if errors else error.message)
    return see(url_for("company_settings.index"), unit.operation)
