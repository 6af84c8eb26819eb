"""What the templates of the mail pages are given; see `core.web.contexts`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from core.fields import Option
from core.i18n import Text
from core.web.form_contexts import FormPage


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message for one recipient: word, tone, what the server said."""

    id: int
    address: str
    label: Text
    tone: str
    reply: Text
    at: datetime.datetime
    uncertain: bool = False
    retry: bool = False


@dataclass(frozen=True, slots=True)
class MailLine:
    """A message in a list or panel."""

    id: int
    subject: str
    url: str
    who: str
    at: datetime.datetime
    fates: Sequence[Fate]
    more: int
    files: Sequence[str]
    cancel_url: str | None


@dataclass(frozen=True, slots=True)
class MailPanel:
    """The e-mails of a record. `refresh_url` while something is still on its way."""

    lines: Sequence[MailLine]
    refresh_url: str | None
    return_url: str


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """The outbox. `problem`: what keeps the server from being used."""

    heading: Text
    lines: Sequence[MailLine]
    views: Sequence[tuple[Text, str, bool]]
    notices: Sequence[Text]
    older_url: str | None
    links: Sequence[tuple[Text, str]]


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of a message."""

    name: str
    size: Text
    url: str | None
    token: str = ""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message, readable."""

    heading: str
    about: tuple[str, str] | None
    line: MailLine
    fates: Sequence[Fate]
    sender: str
    text: str | None
    html_url: str | None
    files: Sequence[FileLine]
    decide_url: str | None
    note: Text | None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody a mail goes to, or not: `why` says why not."""

    record_id: int
    title: str
    address: str
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The mail as one record gets it."""

    title: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class ComposePage:
    """Writing a mail to one record or many (ML-2); with `preview` it is the page that asks for confirmation.

    `number`: how many records are selected; above 50 only the first are looked at here. `query`: the list whose rows
    are selected as a whole, in place of `ids`; None when they were chosen one by one.
    """

    heading: Text
    url: str
    cancel_url: str
    key: str
    receivers: Sequence[Receiver]
    excluded: Sequence[Receiver]
    templates: Sequence[Option]
    template: str
    language: str
    languages: Sequence[Option]
    subject: str
    text: str
    files: Sequence[FileLine]
    variables: Sequence[tuple[str, Text]]
    errors: Sequence[tuple[str, Text]]
    preview: Preview | None
    confirm: Text
    local: bool
    return_url: str
    ids: Sequence[int]
    number: int
    others: int
    query: str | None


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A template in the list; `code` is that of its language."""

    name: str
    code: str
    language: Text
    subject: str
    state: Text
    url: str


@dataclass(frozen=True, slots=True)
class TemplateGroup:
    """The templates of one entity."""

    label: Text
    lines: Sequence[TemplateLine]
    new_url: str | None


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """All templates."""

    heading: Text
    groups: Sequence[TemplateGroup]


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """One template: its form, placeholders, preview."""

    form: FormPage
    variables: Sequence[tuple[str, Text]]
    restore_url: str | None
    restore_label: Text
    preview_url: str | None
    test_url: str | None
    may_save: bool


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """A template filled for one record."""

    heading: Text
    records: Sequence[Option]
    record_id: int
    subject: str
    text: str
    html_url: str | None
    test_url: str | None
    error: Text | None
    back_url: str


@dataclass(frozen=True, slots=True)
class SuppressionLine:
    """An address that gets no mail."""

    address: str
    reason: Text
    note: str
    who: str
    at: datetime.datetime
    remove_url: str


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """Everybody who gets no mail, and a form to add one."""

    heading: Text
    lines: Sequence[SuppressionLine]
    form: FormPage
    older_url: str | None


@dataclass(frozen=True, slots=True)
class MailSettingsPage:
    """The mail server's settings."""

    form: FormPage
    notices: Sequence[Text]
    test_url: str | None
