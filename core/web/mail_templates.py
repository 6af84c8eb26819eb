"""E-mail templates: list, edit, preview on a real record, back to the default (ML-1, T16, UX 2.13)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from core.data.records import Record
from core.data.unit import transaction
from core.errors import EditConflict, NotFound, Refused
from core.exchange.mail.outbox import Draft, Recipient, enqueue_mail
from core.exchange.mail.templates import (
    SHIPPED,
    Filler,
    Template,
    check_author,
    email_fields,
    find_template,
    mailable,
    remove_template,
    save_template,
    templates_of,
    variables,
)
from core.fields import Option
from core.i18n import LANGUAGES, Text, current_locale, gettext, lazy as _
from core.registry import RegisteredEntity
from core.web.arguments import number_argument
from core.web.contexts import Crumb
from core.web.current import here
from core.web.form_contexts import FormControl, FormGroup, FormPage
from core.web.mail_contexts import TemplateGroup, TemplateLine, TemplatePage, TemplatePreview, TemplatesPage
from core.web.mail_outbox import mail_html
from core.web.policy import SIGNED_IN, policy
from core.web.responses import page, record_or_404, see
from core.web.shell import make_shell

blueprint = Blueprint("mail_templates", __name__, url_prefix="/mail/templates")
MANAGE = "settings.manage"
RECORDS_OFFERED = 20


def need_mailable(entity: RegisteredEntity) -> None:
    """Raise `NotFound` for an entity without an e-mail field."""
    if not email_fields(entity):
        raise NotFound(_("No mail can be written to %(list)s", list=entity.entity.plural))


def language_options() -> list[Option]:
    """The languages of mails."""
    return [Option(code, name) for code, name in LANGUAGES.items()]


def _crumbs(*more: Crumb) -> list[Crumb]:
    first = Crumb(_("E-mail templates"), url_for("mail_templates.index") if more else None)
    return [Crumb(_("Administration")), first, *more]


@blueprint.get("")
@policy(SIGNED_IN)
def index() -> Response:
    """All templates, by what they are for."""
    surroundings = here()
    groups = []
    for entity in mailable(surroundings.registry):
        if not surroundings.may(entity.permission("view")):
            continue
        lines = [
            TemplateLine(
                template.name, template.language, LANGUAGES[template.language], template.subject, _state(template),
                url_for("mail_templates.edit", entity=entity, code=template.code, language=template.language),
            )
            for template in templates_of(surroundings.session, entity.name)
        ]  # fmt: skip
        new = url_for("mail_templates.new", entity=entity) if surroundings.may(MANAGE) else None
        groups.append(TemplateGroup(entity.entity.plural, lines, new))
    heading = _("E-mail templates")
    content = TemplatesPage(heading, groups)
    return page("core/mail_templates.html", page=content, shell=make_shell(heading, _crumbs()))


def _state(template: Template) -> Text:
    if template.id is None:
        return _("As shipped")
    return _("Changed by %(name)s", name=template.author_name)


# -- editing ----------------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>/new")
@policy(MANAGE)
def new(entity: RegisteredEntity) -> Response:
    """An empty form."""
    need_mailable(entity)
    return _form(entity, Template(entity.name, "", current_locale().language, "", "", ""), {}, {}, 200)


@blueprint.post("/<entity:entity>/new")
@policy(MANAGE)
def create(entity: RegisteredEntity) -> Response:
    """Keep a new template."""
    need_mailable(entity)
    return _save(entity, Template(entity.name, "", request.form.get("language", ""), "", "", ""))


@blueprint.get("/<entity:entity>/<code>/<language>")
@policy("entity.view")
def edit(entity: RegisteredEntity, code: str, language: str) -> Response:
    """A template with its placeholders."""
    need_mailable(entity)
    return _form(entity, find_template(here().session, entity.name, code, language), {}, {}, 200)


@blueprint.post("/<entity:entity>/<code>/<language>")
@policy(MANAGE)
def save(entity: RegisteredEntity, code: str, language: str) -> Response:
    """Keep the changes, or name what cannot be used."""
    need_mailable(entity)
    return _save(entity, find_template(here().session, entity.name, code, language))


def _save(entity: RegisteredEntity, template: Template) -> Response:
    surroundings = here()
    surroundings.fresh()
    typed = {name: request.form.get(name, "") for name in ("name", "language", "subject", "body")}
    try:
        with transaction("mail.template", cause=typed["name"][:120]) as unit:
            row = save_template(
                unit, surroundings.permissions, entity, code=template.code, language=template.language,
                name=typed["name"], subject=typed["subject"], body=typed["body"],
                version=number_argument(request.form, "version") or 0,
            )  # fmt: skip
            code, language = row.code, row.language
    except EditConflict as error:
        return _form(entity, template, typed, {"": error.message}, 409)
    except Refused as error:
        return _form(entity, template, typed, {error.field or "": error.message}, 422)
    return see(url_for("mail_templates.edit", entity=entity, code=code, language=language))


def _form(
    entity: RegisteredEntity, template: Template, typed: Mapping[str, str], errors: Mapping[str, Text], status: int
) -> Response:
    surroundings = here()
    is_new = not template.code

    def control(name: str, label: Text, kind: str, value: str, **attributes: str) -> FormControl:
        options = language_options() if kind == "select" else ()
        return FormControl(name, label, kind, attributes, options, typed.get(name, value), True, None, errors.get(name))

    controls = [control("name", _("Name"), "text", template.name, maxlength="120")]
    if is_new:
        controls.append(control("language", _("Language"), "select", template.language))
    controls += [
        control("subject", _("Subject"), "text", template.subject, maxlength="400", lang=template.language),
        control("body", _("Text"), "textarea", template.body, rows="14", lang=template.language),
    ]
    place: dict[str, Any] = {"entity": entity, "code": template.code, "language": template.language}
    heading: Text = _("New template") if is_new else template.name
    url = url_for("mail_templates.create", entity=entity) if is_new else url_for("mail_templates.save", **place)
    form = FormPage(
        heading=heading, url=url, groups=[FormGroup("", controls, True)], errors=list(errors.items()),
        cancel_url=url_for("mail_templates.index"), key=secrets.token_urlsafe(18), version=template.version,
        create_another=False,
    )  # fmt: skip
    may_save = surroundings.may(MANAGE)
    content = TemplatePage(
        form=form,
        variables=[(v.name, v.label) for v in variables(entity, surroundings.permissions, surroundings.actor)],
        restore_url=url_for("mail_templates.restore", **place) if template.id is not None and may_save else None,
        restore_label=_("Restore default") if template.shipped else _("Delete"),
        preview_url=None if is_new else url_for("mail_templates.preview", **place),
        test_url=None if is_new else url_for("mail_templates.test", **place),
        may_save=may_save,
    )
    crumbs = _crumbs(Crumb(heading))
    return page("core/mail_template.html", status, page=content, shell=make_shell(heading, crumbs))


@blueprint.post("/<entity:entity>/<code>/<language>/restore")
@policy(MANAGE)
def restore(entity: RegisteredEntity, code: str, language: str) -> Response:
    """Back to the shipped text; one's own is deleted."""
    need_mailable(entity)
    with transaction("mail.template", cause=code) as unit:
        remove_template(unit, entity.name, code, language)
    if any(shipped.code == code for shipped in SHIPPED):
        return see(url_for("mail_templates.edit", entity=entity, code=code, language=language))
    return see(url_for("mail_templates.index"))


# -- preview ----------------------------------------------------------------------------------------------------------
def make_filler(entity: RegisteredEntity, language: str) -> Filler:
    """Fills templates with what this person may see."""
    surroundings = here()
    user = surroundings.user
    return Filler(
        entity, surroundings.permissions, surroundings.actor, user, language, (user.region if user else None) or ""
    )


def _some_records(entity: RegisteredEntity) -> list[Record]:
    """The newest records, to try a template on."""
    model = entity.model
    return list(here().session.scalars(select(model).order_by(model.id.desc()).limit(RECORDS_OFFERED)))


def _filled(entity: RegisteredEntity, template: Template, record: Record) -> tuple[str, str]:
    surroundings = here()
    check_author(surroundings.session, surroundings.permissions, entity, template)
    return make_filler(entity, template.language).fill(surroundings.session, record, template.subject, template.body)


@blueprint.get("/<entity:entity>/<code>/<language>/preview")
@policy("entity.view")
def preview(entity: RegisteredEntity, code: str, language: str) -> Response:
    """The template as a real record would get it, as text and as HTML."""
    need_mailable(entity)
    template = find_template(here().session, entity.name, code, language)
    wanted = number_argument(request.args, "record_id")
    records = _some_records(entity)
    record = record_or_404(entity.model, wanted) if wanted else records[0] if records else None
    subject = text = ""
    error: Text | None = None if record is not None else _("There is no record to try it on")
    if record is not None:
        try:
            subject, text = _filled(entity, template, record)
        except Refused as refused:
            error = refused.message
    place: dict[str, Any] = {"entity": entity, "code": code, "language": language}
    options = [Option(str(one.id), one.title) for one in records]
    if record is not None and str(record.id) not in {option.code for option in options}:
        options.insert(0, Option(str(record.id), record.title))
    html_url = (
        url_for("mail_templates.html", **place, record_id=record.id) if record is not None and not error else None
    )
    heading = _("Preview of %(name)s", name=template.name)
    content = TemplatePreview(
        heading,
        options,
        record.id if record else 0,
        subject,
        text,
        html_url,
        url_for("mail_templates.test", **place) if html_url else None,
        error,
        url_for("mail_templates.edit", **place),
    )
    crumbs = _crumbs(Crumb(template.name, content.back_url), Crumb(_("Preview")))
    return page("core/mail_preview.html", page=content, shell=make_shell(heading, crumbs))


@blueprint.get("/<entity:entity>/<code>/<language>/preview/html/<int:record_id>")
@policy("entity.view")
def html(entity: RegisteredEntity, code: str, language: str, record_id: int) -> Response:
    """The HTML part alone, for the frame of the preview."""
    need_mailable(entity)
    template = find_template(here().session, entity.name, code, language)
    _subject, text = _filled(entity, template, record_or_404(entity.model, record_id))
    return mail_html(text, language)


@blueprint.post("/<entity:entity>/<code>/<language>/test")
@policy("entity.view")
def test(entity: RegisteredEntity, code: str, language: str) -> Response:
    """Send oneself the template as it is kept, filled for one record; the page of the message shows what becomes of it."""
    need_mailable(entity)
    surroundings = here()
    user = surroundings.user
    assert user is not None
    template = find_template(surroundings.session, entity.name, code, language)
    wanted = number_argument(request.form, "record_id")
    records = [] if wanted else _some_records(entity)
    if not wanted and not records:
        raise Refused(_("There is no record to try it on"))
    record = record_or_404(entity.model, wanted) if wanted else records[0]
    subject, text = _filled(entity, template, record)
    to = Recipient(user.email, user.name)
    surroundings.fresh()
    with transaction("mail.test", cause=gettext("Test of the template %(name)s", name=template.name)) as unit:
        message_id = enqueue_mail(unit, Draft(to=(to,), subject=subject, text=text, language=language))
    return see(url_for("mail_outbox.message", message_id=message_id))
