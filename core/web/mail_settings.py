"""The mail server's settings and the test message (ML-6, SECURITY A59, A60)."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from core.access.hosts import is_loopback
from core.data.unit import transaction
from core.errors import Refused
from core.exchange.mail import journal
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.exchange.mail.settings import (
    MAIL_SETTINGS,
    NONE,
    OWNER,
    MailSettings,
    has_password,
    mail_settings,
    write_password,
)
from core.i18n import Text, gettext, lazy as _
from core.settings import read_settings, write_settings
from core.web.arguments import is_ticked, last_values
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormControl, FormGroup, FormPage
from core.web.mail_contexts import MailSettingsPage
from core.web.mail_outbox import server_notices
from core.web.policy import guarded_by_password, policy
from core.web.responses import page, see
from core.web.shell import make_shell

blueprint = Blueprint("mail_settings", __name__, url_prefix="/admin/mail")
MAXIMUM_PASSWORD = 500


@blueprint.get("")
@policy("settings.manage")
def index() -> Response:
    """The settings as they are; the password is never shown."""
    values = read_settings(here().session, OWNER, MAIL_SETTINGS)
    typed = {
        setting.name: "" if values[setting.name] is None else setting.type.edit_text(values[setting.name])
        for setting in MAIL_SETTINGS
    }
    return _page(typed, {}, 200)


def _page(typed: Mapping[str, str], errors: Mapping[str, Text], status: int) -> Response:
    surroundings = here()
    kept = has_password(surroundings.session)
    controls: list[FormControl] = []
    for setting in MAIL_SETTINGS:
        control = setting.type.control()
        required = setting.default is not None
        controls.append(
            FormControl(
                setting.name, setting.label, control.kind, dict(control.attributes), control.options,
                typed.get(setting.name, ""), required, setting.help, errors.get(setting.name),
            )
        )  # fmt: skip
        if setting.name == "user":
            attributes = {"type": "password", "autocomplete": "new-password", "maxlength": str(MAXIMUM_PASSWORD)}
            note = _("A password is kept. Leave this empty to keep it.") if kept else None
            controls.append(
                FormControl("password", _("Password"), "text", attributes, (), "", False, note, errors.get("password"))
            )
            if kept:
                controls.append(
                    FormControl("forget", _("Forget the password"), "checkbox", {}, (), "", False, None, None)
                )
    heading = _("Mail server")
    form = FormPage(
        heading=heading, url=url_for("mail_settings.save"), groups=[FormGroup("", controls, True)],
        errors=list(errors.items()), cancel_url=url_for("mail_outbox.index"), key=secrets.token_urlsafe(18), version=0,
        create_another=False,
    )  # fmt: skip
    content = MailSettingsPage(form, [*_warnings(), *server_notices()], url_for("mail_settings.test"))
    crumbs = [Crumb(_("Administration")), Crumb(heading)]
    return page("core/mail_settings.html", status, page=content, shell=make_shell(heading, crumbs))


def _warnings() -> list[Text]:
    settings = mail_settings(here().session)
    if settings.host and settings.security == NONE and not is_loopback(settings.host.lower()):
        return [_("Mail goes to the server unencrypted: others on the way can read it. Choose STARTTLS or TLS.")]
    return []


@blueprint.post("")
@policy("settings.manage")
@guarded_by_password
def save() -> Response:
    """Store the settings, or show what is wrong. Who sets the server is sent every link that opens an account (A52)."""
    here().fresh()
    password = request.form.get("password", "")[:MAXIMUM_PASSWORD]
    try:
        with transaction("mail.settings", cause=gettext("Mail server")) as unit:
            keys = unit.context.secret_keys
            before = mail_settings(unit.session, keys)
            write_settings(unit.session, OWNER, MAIL_SETTINGS, last_values(request.form))
            if password:
                write_password(unit.session, keys, password)
            elif is_ticked(request.form, "forget"):
                write_password(unit.session, keys, None)
            unit.session.flush()
            now = mail_settings(unit.session, keys)
            _check(now)
            if now.password and not password and now.told != before.told:
                raise Refused(_("The server changed: enter the password again, or forget it"), field="password")
            journal.resume(unit.session)
            unit.noteworthy = True
    except Refused as error:
        typed = {name: value for name, value in last_values(request.form).items() if name != "password"}
        return _page(typed, {error.field or "": error.message}, 422)
    return see(url_for("mail_settings.index"))


def _check(settings: MailSettings) -> None:
    """Raise `Refused` for settings that cannot work together."""
    if not settings.host:
        return
    if any(character.isspace() or character in "/@:\\" for character in settings.host) and not _is_address(
        settings.host
    ):
        raise Refused(_("Enter the name of a server, like mail.example.com"), field="host")
    for name, words in (("user", settings.user), ("password", settings.password)):
        if not words.isascii():
            raise Refused(_("Mail servers take no accents and no other special letters here"), field=name)
    if settings.sender is None:
        raise Refused(_("Enter the address mail comes from"), field="from_address")
    if settings.password and settings.security == NONE and not is_loopback(settings.host.lower()):
        raise Refused(
            _("A password is only sent over an encrypted connection. Choose STARTTLS or TLS."), field="security"
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@blueprint.post("/test")
@policy("settings.manage")
@guarded_by_password
def test() -> Response:
    """Queue a message to oneself; its page shows what becomes of it."""
    user = here().user
    assert user is not None
    address, name = user.email, user.name
    here().fresh()
    with transaction("mail.test", cause=gettext("Test message")) as unit:
        journal.resume(unit.session)
        message_id = enqueue_mail(
            unit,
            Draft(
                to=(Recipient(address, name),),
                subject=gettext("Test message from Comptoir"),
                text=gettext("This message was sent to try out the mail server. It works."),
            ),
        )
    return see(url_for("mail_outbox.message", message_id=message_id))
