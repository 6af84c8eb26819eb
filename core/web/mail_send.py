"""Writing mail to one record or to those chosen in a list: write, look, confirm; 10 seconds to call it back (ML-2)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from core.access.throttle import take_try
from core.data.records import Record, value_of
from core.data.unit import transaction
from core.errors import Refused
from core.exchange.mail import suppression
from core.exchange.mail.addresses import Mailbox, check_body, check_subject, person_key
from core.exchange.mail.builder import Attachment, check_file_name
from core.exchange.mail.gate import refusing_field
from core.exchange.mail.many import MAIL_MANY, many_payload
from core.exchange.mail.models import MailContent
from core.exchange.mail.outbox import (
    CANCEL_SECONDS,
    MAXIMUM_ATTACHED,
    Draft,
    Recipient,
    enqueue_mail,
    keep_content,
    sweep_contents,
)
from core.exchange.mail.settings import mail_settings
from core.exchange.mail.templates import (
    Filler,
    check_author,
    email_fields,
    find_template,
    templates_of,
    variables,
)
from core.features.bulk import MAXIMUM_AT_ONCE
from core.features.file_types import HEAD, content_type
from core.fields import Option
from core.i18n import LANGUAGES, Text, current_locale, format_integer, gettext, lazy as _, lazy_plural
from core.jobs.enqueue import enqueue
from core.registry import RegisteredEntity
from core.web.bulk import chosen_ids, posted_ids
from core.web.contexts import Crumb
from core.web.current import here
from core.web.mail_contexts import ComposePage, FileLine, Preview, Receiver
from core.web.mail_suppression import REASONS
from core.web.mail_templates import language_options, make_filler, need_mailable
from core.web.policy import policy
from core.web.responses import home_path, page, see
from core.web.shell import make_shell
from core.web.submissions import earlier_result, form_key

blueprint = Blueprint("mail_send", __name__, url_prefix="/mail/send")
MAXIMUM_FILES = 20
MEGABYTE = 2**20
UPLOADS = 30  # of files, before a person is slowed down: they stay for a day, even if nothing is sent


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed so far."""

    template: str
    language: str
    subject: str
    text: str
    files: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The records it goes to. `query`: the list they are all rows of, None when they were chosen one by one."""

    ids: Sequence[int]
    query: str | None = None

    @property
    def first(self) -> Sequence[int]:
        """Those that are looked at in the request; beyond them it is a job."""
        return self.ids[:MAXIMUM_AT_ONCE]

    @property
    def others(self) -> int:
        """How many are not looked at."""
        return len(self.ids) - len(self.first)


def _chosen(entity: RegisteredEntity) -> _Chosen:
    """What the form is for. Raises `Refused` as `chosen_ids`."""
    return _Chosen(chosen_ids(entity), request.form.get("query", "") if request.form.get("all") else None)


def _check_number(chosen: _Chosen) -> None:
    """Raise `Refused` when the list holds other rows than the person was shown the number of."""
    if chosen.query is not None and request.form.get("number") != str(len(chosen.ids)):
        number = format_integer(len(chosen.ids))
        raise Refused(
            _("The list has changed and holds %(number)s rows now. Look at it, and send again.", number=number)
        )


def _receivers(entity: RegisteredEntity, ids: Sequence[int]) -> tuple[list[tuple[Record, Receiver]], list[Receiver]]:
    """Who gets a mail, and who is left out and why. Records come through the request's session, with its scope."""
    surroundings = here()
    if not ids:
        raise Refused(_("Select at least one row first"))
    model = entity.model
    found = {record.id: record for record in surroundings.session.scalars(select(model).where(model.id.in_(ids)))}
    visible = surroundings.permissions.fields(surroundings.actor, entity)
    fields = [field for field in email_fields(entity) if field.name in visible]
    chosen: dict[str, tuple[Record, Receiver]] = {}
    excluded: list[Receiver] = []
    for number in ids:
        record = found.get(number)
        if record is None:
            excluded.append(Receiver(number, f"#{number}", "", _("It does not exist, or was deleted")))
            continue
        address = next((value for field in fields if (value := value_of(record, field))), None)
        if address is None:
            excluded.append(Receiver(number, record.title, "", _("Has no e-mail address")))
        elif (refusing := refusing_field(surroundings.session, entity, record.id)) is not None:
            said = refusing.type.text(value_of(record, refusing)) if refusing.name in visible else ""
            why = _("%(field)s: %(value)s", field=refusing.label, value=said) if said else _("Wants no mail")
            excluded.append(Receiver(number, record.title, address, why))
        elif person_key(address) in chosen:
            other = chosen[person_key(address)][1].title
            excluded.append(Receiver(number, record.title, address, _("Same address as %(name)s", name=other)))
        else:
            chosen[person_key(address)] = (record, Receiver(number, record.title, address))
    refused = suppression.suppressed(
        surroundings.session, surroundings.runtime.config.secret_keys, [one.address for _r, one in chosen.values()]
    )
    included = []
    for record, receiver in chosen.values():
        entry = refused.get(receiver.address)
        if entry is None:
            included.append((record, receiver))
        else:
            why = _("On the suppression list: %(reason)s", reason=REASONS.get(entry.reason, entry.reason))
            excluded.append(Receiver(receiver.record_id, receiver.title, receiver.address, why))
    return included, excluded


# -- files between two pages ------------------------------------------------------------------------------------------
def _serializer() -> URLSafeSerializer:
    keys = [key.hex() for key in reversed(here().runtime.config.secret_keys)]
    return URLSafeSerializer(keys, salt=f"mail file of {here().actor.id}")


def _kept_files() -> tuple[dict[str, Any], ...]:
    """The files of earlier pages of this form, unless taken away. Raises `Refused` for what this person did not upload."""
    files = []
    for token in request.form.getlist("file")[:MAXIMUM_FILES]:
        if token in request.form.getlist("drop"):
            continue
        try:
            files.append(_serializer().loads(token))
        except BadSignature as error:
            raise Refused(_("A file got lost on the way. Add it again."), field="files") from error
    return tuple(files)


def _new_files(kept: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """Kept and newly uploaded files, checked. Raises `Refused` naming the file."""
    files, uploads = list(kept), []
    for upload in request.files.getlist("files"):
        if not upload.filename:
            continue
        with upload.stream:
            content = upload.stream.read()
        name = check_file_name(upload.filename.replace("\\", "/").rpartition("/")[2])
        if len(content) > MAXIMUM_ATTACHED:
            raise Refused(
                _(
                    "%(name)s is %(size)s MB; the limit is %(limit)s MB",
                    name=name, size=-(-len(content) // MEGABYTE), limit=MAXIMUM_ATTACHED // MEGABYTE,
                ),
                field="files",
            )  # fmt: skip
        uploads.append((name, content, content_type(content[:HEAD])))  # what it is, whatever the browser says (T12)
    size = sum(file["size"] for file in files) + sum(len(content) for _name, content, _kind in uploads)
    if size > MAXIMUM_ATTACHED or len(files) + len(uploads) > MAXIMUM_FILES:
        raise Refused(
            _(
                "The files are %(size)s MB together; the limit is %(limit)s MB",
                size=-(-size // MEGABYTE),
                limit=MAXIMUM_ATTACHED // MEGABYTE,
            ),
            field="files",
        )
    if uploads:
        here().fresh()
        with transaction("mail.file") as unit:
            take_try(unit, ((f"mail-files:{here().actor.id}", UPLOADS),))
            sweep_contents(unit.session)
            for name, content, kind in uploads:
                digest = keep_content(unit, content)
                files.append({"name": name, "digest": digest, "size": len(content), "type": kind})
    return tuple(files)


def _loaded(files: Sequence[dict[str, Any]]) -> list[Attachment]:
    loaded = []
    for file in files:
        kept = here().session.get(MailContent, file["digest"])
        if kept is None:
            raise Refused(_("A file got lost on the way. Add it again."), field="files")
        loaded.append(Attachment(file["name"], kept.content, file["type"]))
    return loaded


# -- pages ------------------------------------------------------------------------------------------------------------
@blueprint.get("/<entity:entity>")
@policy("entity.edit")
def compose(entity: RegisteredEntity) -> Response:
    """The form, for `?id=...`."""
    need_mailable(entity)
    return _compose_page(entity, _Chosen(posted_ids(request.args.getlist("id"))), _typed_at_first(), {}, 200)


def _typed_at_first() -> _Typed:
    return _Typed("", current_locale().language, "", "")


@blueprint.post("/<entity:entity>")
@policy("entity.edit")
def send(entity: RegisteredEntity) -> Response:
    """From the list: the form. From the form: use a template, look at it, or send."""
    need_mailable(entity)
    then = request.form.get("then", "")
    chosen = _chosen(entity)
    if not then:
        return _compose_page(entity, chosen, _typed_at_first(), {}, 200)
    language = request.form.get("language", "")
    typed = _Typed(
        request.form.get("template", ""),
        language if language in LANGUAGES else current_locale().language,
        request.form.get("subject", ""),
        request.form.get("text", "").replace("\r\n", "\n"),
    )
    try:
        typed = _with_files(typed, _new_files(_kept_files()))
        if then == "template":
            return _compose_page(entity, chosen, _from_template(entity, typed), {}, 200)
        if then == "edit":
            return _compose_page(entity, chosen, typed, {}, 200)
        _check(entity, typed)
        if then == "send":
            return _send_to(entity, chosen, typed)
        return _compose_page(entity, chosen, typed, {}, 200, confirm=True)
    except Refused as error:
        return _compose_page(entity, chosen, typed, {error.field or "": error.message}, 422)


def _with_files(typed: _Typed, files: tuple[dict[str, Any], ...]) -> _Typed:
    return _Typed(typed.template, typed.language, typed.subject, typed.text, files)


def _from_template(entity: RegisteredEntity, typed: _Typed) -> _Typed:
    if not typed.template:
        return typed
    surroundings = here()
    template = find_template(surroundings.session, entity.name, typed.template, typed.language)
    check_author(surroundings.session, surroundings.permissions, entity, template)
    return _Typed(typed.template, typed.language, template.subject, template.body, typed.files)


def _check(entity: RegisteredEntity, typed: _Typed) -> Filler:
    """Raise `Refused` for a text that cannot be sent, unknown placeholders by name (ML-1)."""
    filler = make_filler(entity, typed.language)
    check_subject(typed.subject)
    if not check_body(typed.text).strip():
        raise Refused(_("Enter a text"), field="text")
    try:
        filler.check(typed.subject, typed.text)
    except Refused as error:
        raise Refused(error.message, field="text" if error.field == "body" else error.field) from error
    return filler


def _send_to(entity: RegisteredEntity, chosen: _Chosen, typed: _Typed) -> Response:
    """Queue the messages, or start the job that does; a second press does nothing more (F44)."""
    key = form_key()
    earlier = earlier_result(key)
    if earlier is not None:
        return earlier
    _check_number(chosen)
    return _start_job(entity, chosen, typed, key) if chosen.others else _queue(entity, chosen.ids, typed, key)


def _start_job(entity: RegisteredEntity, chosen: _Chosen, typed: _Typed, key: str) -> Response:
    """A job for the records as they are selected at this press, with the text as it was looked at."""
    surroundings = here()
    _loaded(typed.files)  # refused here, where somebody can add it again
    payload = many_payload(entity, chosen.ids, typed.subject, typed.text, typed.language, typed.files)
    words = {"number": format_integer(len(chosen.ids)), "list": entity.entity.plural}
    surroundings.fresh()
    with transaction("job.start") as unit:
        label = _("%(list)s: e-mail to %(number)s rows", **words)
        job_id = enqueue(unit, MAIL_MANY, payload, label=label, module=entity.plugin)
        location = url_for("jobs.show", job_id=job_id)
        if key:
            unit.claim(key, location, surroundings.actor.id)
    return see(location)


def _queue(entity: RegisteredEntity, ids: Sequence[int], typed: _Typed, key: str) -> Response:
    """One message per record, all in one unit."""
    surroundings = here()
    filler = _check(entity, typed)
    included, _excluded = _receivers(entity, ids)
    if not included:
        raise Refused(_("Nobody to send to. Add a recipient."))
    files = _loaded(typed.files)
    user = surroundings.user
    filled = [
        (record.id, receiver, *filler.fill(surroundings.session, record, typed.subject, typed.text))
        for record, receiver in included
    ]
    reply_to = Mailbox(user.email, user.name) if user else None
    surroundings.fresh()
    location = url_for("mail_outbox.index", state="waiting")
    if len(filled) == 1:
        location = url_for("records.sheet", entity=entity, record_id=filled[0][0])
    with transaction("mail.send", cause=str(_confirm_words(len(filled)))) as unit:
        for record_id, receiver, subject, text in filled:
            enqueue_mail(
                unit,
                Draft(
                    to=(Recipient(receiver.address),), subject=subject, text=text, language=typed.language,
                    attachments=files, record=unit.get(entity.model, record_id),
                    sender_name=user.name if user else "", reply_to=reply_to, delay=CANCEL_SECONDS,
                ),
            )  # fmt: skip
        if key:
            unit.claim(key, location, surroundings.actor.id)
    if len(filled) > 1:
        location = url_for("mail_outbox.index", operation=unit.operation)
    return see(location)


def _confirm_words(number: int) -> Text:
    return lazy_plural("Send to %(number)s recipient", "Send to %(number)s recipients", number)


def _job_words(number: int) -> Text:
    return lazy_plural("Send to %(number)s row", "Send to %(number)s rows", number, number=format_integer(number))


def _compose_page(
    entity: RegisteredEntity,
    chosen: _Chosen,
    typed: _Typed,
    errors: dict[str, Text],
    status: int,
    *,
    confirm: bool = False,
) -> Response:
    surroundings = here()
    ids = chosen.first
    included, excluded = _receivers(entity, ids)
    preview = None
    if confirm and included:
        record, receiver = included[0]
        filler = make_filler(entity, typed.language)
        preview = Preview(receiver.title, *filler.fill(surroundings.session, record, typed.subject, typed.text))
    signer = _serializer()
    files = [
        FileLine(file["name"], _("%(size)s kB", size=-(-file["size"] // 1024)), None, str(signer.dumps(file)))
        for file in typed.files
    ]
    place: dict[str, Any] = {"entity": entity}
    back = request.form.get("return") or (
        url_for("records.sheet", **place, record_id=ids[0]) if len(ids) == 1 else url_for("records.index", **place)
    )
    heading = _("Send e-mail")
    content = ComposePage(
        heading=heading, url=url_for("mail_send.send", **place), cancel_url=home_path(back),
        key=form_key() or secrets.token_urlsafe(18),
        receivers=[receiver for _record, receiver in included], excluded=excluded,
        templates=[
            Option(template.code, template.name)
            for template in templates_of(surroundings.session, entity.name, typed.language)
        ],
        template=typed.template, language=typed.language, languages=language_options(), subject=typed.subject,
        text=typed.text, files=files,
        variables=[(one.name, one.label) for one in variables(entity, surroundings.permissions, surroundings.actor)],
        errors=list(errors.items()), preview=preview, confirm=_job_words(len(chosen.ids)) if chosen.others else _confirm_words(len(included)),
        local=not mail_settings(surroundings.session).host, return_url=home_path(back),
        ids=chosen.ids if chosen.query is None else (), number=len(chosen.ids), others=chosen.others, query=chosen.query,
    )  # fmt: skip
    crumbs = [Crumb(entity.entity.plural, url_for("records.index", **place)), Crumb(gettext("Send e-mail"))]
    template = "core/mail_confirm.html" if preview is not None else "core/mail_compose.html"
    return page(template, status, page=content, shell=make_shell(heading, crumbs))
