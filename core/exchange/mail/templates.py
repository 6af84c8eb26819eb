"""E-mail templates per entity and language (ML-1): what may stand in them, for whom, and the shipped ones.

The published variables of an entity come from its fields through the registry, filtered by what the author may see
when a template is saved, and by what the sender may see when it is filled in (T23).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access.models import User
from core.access.permissions import Permissions
from core.access.users import actor_of
from core.contract.changes import Actor
from core.data.records import Record, now, value_of
from core.data.unit import Unit
from core.errors import EditConflict, NotFound, Refused
from core.exchange.mail.addresses import MAXIMUM_NAME, check_body, check_text
from core.exchange.mail.grammar import Value, check_template, render
from core.exchange.mail.models import MailTemplate
from core.fields import Email, Field
from core.i18n import DEFAULT_REGION, LANGUAGES, Locale, Message, Text, lazy as _, use_locale
from core.registry import RegisteredEntity, Registry
from core.settings import CORE_SETTINGS, read_settings

OWN_PREFIX = "own-"
MAXIMUM_SUBJECT_SOURCE = 400
_USABLE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shipped:
    """A template that comes with Comptoir. Its words are messages: each language has its own version."""

    code: str
    name: Message
    subject: Message
    body: Message


SHIPPED: tuple[Shipped, ...] = (
    Shipped(
        "first_contact",
        _("First contact"),
        _("Getting to know each other"),
        _(
            "Hello,\n\nmy name is {{ sender.name }}, from {{ company.name }}. I would like to learn more about"
            " {{ record.title }} and to see whether we can be of use to you.\n\nWhen would be a good moment to talk?\n\n"
            "Kind regards\n{{ sender.name }}\n{{ company.name }}\n"
        ),
    ),
    Shipped(
        "follow_up",
        _("Follow-up"),
        _("Our last exchange"),
        _(
            "Hello,\n\nI am coming back to you about our last exchange. Do you have any questions I can answer?\n\n"
            "Kind regards\n{{ sender.name }}\n{{ company.name }}\n"
        ),
    ),
    Shipped(
        "reminder",
        _("Reminder"),
        _("A reminder"),
        _(
            "Hello,\n\nI wrote to you some time ago and have not heard from you since. Have you had time to think about"
            " it? A short answer is enough, and so is a good moment to call you.\n\nKind regards\n{{ sender.name }}\n"
            "{{ company.name }}\n"
        ),
    ),
    Shipped(
        "thanks",
        _("Thanks"),
        _("Thank you"),
        _(
            "Hello,\n\nthank you for your trust in {{ company.name }}. I remain at your disposal for anything you may"
            " need.\n\nKind regards\n{{ sender.name }}\n{{ company.name }}\n"
        ),
    ),
)
"""Fit for every entity with an e-mail address: they use no field of any one entity."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it stands: shipped, shipped and changed, or somebody's own. `id` is None while it is as shipped."""

    entity: str
    code: str
    language: str
    name: str
    subject: str
    body: str
    id: int | None = None
    version: int = 0
    author_id: int | None = None
    author_name: str = ""

    @property
    def shipped(self) -> bool:
        """Whether it has a default to go back to."""
        return not self.code.startswith(OWN_PREFIX)


@dataclass(frozen=True, slots=True)
class Variable:
    """A published placeholder."""

    name: str
    label: Text


def email_fields(registered: RegisteredEntity) -> list[Field]:
    """The fields mail to a record can go to, the entity's own first."""
    return [field for field in registered.fields.values() if isinstance(field.type, Email)]


def variables(registered: RegisteredEntity, permissions: Permissions, actor: Actor) -> list[Variable]:
    """The placeholders an actor may use for an entity."""
    visible = permissions.fields(actor, registered)
    dotted = {name.partition(".")[0] for name in registered.fields if "." in name}
    nested = dotted & registered.fields.keys()  # a field called like a module that adds fields: neither can be reached
    found = {"record.title": Variable("record.title", registered.entity.label)}
    for field in registered.fields.values():
        name = f"record.{field.name}"
        hidden = field.name not in visible or field.name.partition(".")[0] in nested
        if not hidden and _USABLE.fullmatch(name):
            found[name] = Variable(name, field.label)
    for variable in (
        Variable("sender.name", _("Your name")),
        Variable("sender.email", _("Your e-mail address")),
        Variable("company.name", _("Company")),
    ):
        found[variable.name] = variable
    return list(found.values())


def values_of(
    session: Session, registered: RegisteredEntity, record: Record, visible: Collection[str], sender: User | None
) -> dict[str, str]:
    """The placeholders' values as plain strings in the locale of now."""
    values: dict[str, str] = {"record.title": Value(record.title)}
    for field in registered.fields.values():
        name = f"record.{field.name}"
        if name in visible:
            value = value_of(record, field)
            values[name] = Value("") if value is None else Value(field.type.text(value), field.type.dump(value))
    company = read_settings(session, "core", CORE_SETTINGS)["company_name"] or ""
    values["company.name"] = Value(company)
    values["sender.name"] = Value(sender.name if sender else company)
    values["sender.email"] = Value(sender.email if sender else "")
    return values


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills texts for records of one entity, in one language, with what one actor may see."""

    registered: RegisteredEntity
    permissions: Permissions
    actor: Actor
    sender: User | None
    language: str
    region: str = ""

    def allowed(self) -> set[str]:
        """Names of the placeholders."""
        return {variable.name for variable in variables(self.registered, self.permissions, self.actor)}

    def check(self, subject: str, body: str) -> None:
        """Raise `Refused` naming what cannot be used."""
        check_both(subject, body, self.allowed())

    def fill(self, session: Session, record: Record, subject: str, body: str) -> tuple[str, str]:
        """Subject and text for a record. Raises `Refused`."""
        with use_locale(Locale(self.language, self.region or DEFAULT_REGION[self.language])):
            values = values_of(session, self.registered, record, self.allowed(), self.sender)
            return " ".join(_in(render, "subject", subject, values).split("\n")).strip(), render(body, values)


def check_both(subject: str, body: str, allowed: Collection[str]) -> None:
    """Check the two texts of a template. Raises `Refused` naming the field."""
    _in(check_template, "subject", subject, allowed)
    check_template(body, allowed)


def _in(act: Any, field: str, *arguments: Any) -> Any:
    try:
        return act(*arguments)
    except Refused as error:
        raise Refused(error.message, field=field) from error


# -- stored -----------------------------------------------------------------------------------------------------------
def templates_of(session: Session, entity: str, language: str | None = None) -> list[Template]:
    """All templates of an entity: shipped ones first, in their order, as they stand now."""
    statement = select(MailTemplate).where(MailTemplate.entity == entity).order_by(MailTemplate.name, MailTemplate.id)
    rows = {(row.code, row.language): row for row in session.scalars(statement)}
    languages = [language] if language else list(LANGUAGES)
    found: list[Template] = []
    for shipped in SHIPPED:
        for code in languages:
            row = rows.pop((shipped.code, code), None)
            found.append(_stored(row) if row is not None else default_of(entity, shipped, code))
    return found + [_stored(row) for row in rows.values() if row.language in languages]


def default_of(entity: str, shipped: Shipped, language: str) -> Template:
    """A shipped template as it was shipped."""
    name, subject, body = (part.translated(language) for part in (shipped.name, shipped.subject, shipped.body))
    return Template(entity, shipped.code, language, name, subject, body)


def _stored(row: MailTemplate) -> Template:
    return Template(
        row.entity, row.code, row.language, row.name, row.subject, row.body, row.id, row.version, row.author_id,
        row.author_name,
    )  # fmt: skip


def find_template(session: Session, entity: str, code: str, language: str) -> Template:
    """One template. Raises `NotFound`."""
    found = next((one for one in templates_of(session, entity, language) if one.code == code), None)
    if found is None:
        raise NotFound(_("There is no such template"))
    return found


def save_template(
    unit: Unit,
    permissions: Permissions,
    registered: RegisteredEntity,
    *,
    code: str,
    language: str,
    name: str,
    subject: str,
    body: str,
    version: int = 0,
) -> MailTemplate:
    """Keep a template; what is wrong is named (422 at save, T21 to T24). An empty `code` makes a new one of one's own."""
    actor = unit.context.actor
    name = check_text(name, _("The name"), MAXIMUM_NAME)
    if not name:
        raise Refused(_("Enter a name"), field="name")
    if not subject.strip():
        raise Refused(_("Enter a subject"), field="subject")
    if language not in LANGUAGES:
        raise Refused(_("Choose a language"), field="language")
    subject = check_text(subject, _("The subject"), MAXIMUM_SUBJECT_SOURCE)
    body = check_body(body)
    check_both(subject, body, {variable.name for variable in variables(registered, permissions, actor)})
    row = None
    if code:
        wanted = (
            MailTemplate.entity == registered.name,
            MailTemplate.code == code,
            MailTemplate.language == language,
        )
        row = unit.session.scalars(select(MailTemplate).where(*wanted).with_for_update()).first()
        if row is None and all(shipped.code != code for shipped in SHIPPED):
            raise NotFound(_("There is no such template"))
    if (row.version if row is not None else 0) != version:
        raise EditConflict(_("Somebody changed this record meanwhile"))
    if row is None:
        row = MailTemplate(
            entity=registered.name, code=code or f"{OWN_PREFIX}{secrets.token_hex(8)}", language=language, version=0
        )
        unit.session.add(row)
    row.name, row.subject, row.body = name, subject, body
    row.author_id, row.author_name = actor.id, actor.name[:120]
    row.version += 1
    row.updated_at = now()
    unit.session.flush()
    unit.noteworthy = True
    return row


def remove_template(unit: Unit, entity: str, code: str, language: str) -> None:
    """Go back to the shipped text, or delete one's own. Raises `NotFound`."""
    wanted = (MailTemplate.entity == entity, MailTemplate.code == code, MailTemplate.language == language)
    row = unit.session.scalars(select(MailTemplate).where(*wanted)).first()
    if row is None:
        raise NotFound(_("There is no such template"))
    unit.session.delete(row)
    unit.noteworthy = True


def check_author(session: Session, permissions: Permissions, registered: RegisteredEntity, template: Template) -> None:
    """Raise `Refused` when the author of a template may no longer see what it shows (T23)."""
    if template.author_id is None:
        return
    author = session.get(User, template.author_id)
    actor = actor_of(author) if author is not None and author.active else Actor(None, "")
    allowed = {variable.name for variable in variables(registered, permissions, actor)}
    check_both(template.subject, template.body, allowed)


def mailable(registry: Registry) -> list[RegisteredEntity]:
    """The entities mail can be written to: those with an e-mail field."""
    found = [registered for registered in registry.entities.values() if email_fields(registered)]
    return sorted(found, key=lambda registered: registered.entity.order)
