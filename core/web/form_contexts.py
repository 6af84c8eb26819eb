"""What the templates of forms are given (UX 2.4, 2.15); see `core.web.contexts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.fields import Option
from core.i18n import Text


@dataclass(frozen=True, slots=True)
class Combobox:
    """A link to one of many records: where its list is asked for, the number, its name, matches to choose from."""

    url: str
    value: str
    text: str
    matches: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class PickStep:
    """The matches for a name that was typed for a filter or a bulk action (UX 7.4); `hidden` is carried on."""

    heading: Text
    url: str
    method: str
    hidden: Sequence[tuple[str, str]]
    label: Text
    text: str
    matches: Sequence[Option]
    error: Text
    back_url: str


@dataclass(frozen=True, slots=True)
class Automatic:
    """The number a new record gets by itself (UX 2.4): what it would be, or why that cannot be said.

    `series`: those to choose from, when there are several, with the next number of each in their labels.
    """

    will_be: Text | None
    problem: Text | None
    series: Sequence[Option] = ()
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class NumberPreview:
    """What a numbering series would give (UX 2.13), worked out by the server: `url` does so anew for what is typed.

    `tokens`: parts that a button puts into the pattern, with their words.
    """

    url: str
    next: Text | None = None
    then: Text | None = None
    later: Text | None = None
    skipped: Text | None = None
    problem: Text | None = None
    tokens: Sequence[tuple[str, Text]] = ()


@dataclass(frozen=True, slots=True)
class FormControl:
    """One field of a form. `kind`, `attributes`, `options` as in `core.fields.Control`; `value` as typed."""

    name: str
    label: Text
    kind: str
    attributes: dict[str, str]
    options: Sequence[Option]
    value: str
    required: bool
    help: Text | None
    error: Text | None
    note: Text | None = None
    combo: Combobox | None = None
    automatic: Automatic | None = None


@dataclass(frozen=True, slots=True)
class FormGroup:
    """A section of a form; `open` when it is first or holds an error."""

    label: Text
    controls: Sequence[FormControl]
    open: bool


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """A record like the one being typed, what else is known of it, and why it may be the same."""

    title: str
    details: Sequence[Text]
    reasons: str
    url: str
    use_url: str | None


@dataclass(frozen=True, slots=True)
class SimilarBox:
    """The records like the one being typed."""

    label: Text
    items: Sequence[SimilarItem]


@dataclass(frozen=True, slots=True)
class SimilarHint:
    """Where a form asks for records like it, when, and with which of its controls.

    `box`, `open_url` and `message`: what stopped it from being saved.
    """

    url: str
    include: str
    trigger: str
    box: SimilarBox | None
    open_url: str | None
    message: Text | None


@dataclass(frozen=True, slots=True)
class FormPage:
    """A create or edit form (UX 2.4). `checks_url`: where a browser with script asks whether one field fits."""

    heading: Text
    url: str
    groups: Sequence[FormGroup]
    errors: Sequence[tuple[str, Text]]
    cancel_url: str
    key: str
    version: int | None
    create_another: bool
    message: Text | None = None
    checks_url: str | None = None
    preview: NumberPreview | None = None
    similar: SimilarHint | None = None


@dataclass(frozen=True, slots=True)
class FieldForm:
    """One field edited in place; `seen` is the value it was drawn for. `in_list`: it stands in a cell of a list."""

    url: str
    control: FormControl
    seen: str
    cancel_url: str
    in_list: bool = False


@dataclass(frozen=True, slots=True)
class ConflictField:
    """A field both sides changed: what I typed and what stands now, as text and as form values."""

    name: str
    label: Text
    mine: str
    theirs: str
    mine_typed: str
    theirs_typed: str


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Somebody else changed the record (409, UX 2.0): a choice per field, then Save; nothing typed is lost.

    `fields`: what both changed. `kept`, named in `kept_labels`: what only this person changed.
    """

    heading: Text
    message: Text
    url: str
    fields: Sequence[ConflictField]
    kept: Sequence[tuple[str, str]]
    kept_labels: str
    version: int
    key: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """Sign-in (UX 2.15). `told`: what was done just before."""

    next_url: str
    email: str = ""
    error: Text | None = None
    told: Text | None = None
