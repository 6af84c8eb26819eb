"""What the templates of notes, files and tags are given (TP-5, UX 2.3); see `core.web.contexts`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from core.fields import Option
from core.i18n import Text
from core.web.form_contexts import FormControl


@dataclass(frozen=True, slots=True)
class NoteItem:
    """A note on a sheet. `html` is cleaned markup; `title` its first words, for the names of its buttons."""

    html: str
    title: str
    private: bool
    who: str
    at: datetime.datetime
    edit_url: str | None
    delete_url: str | None


@dataclass(frozen=True, slots=True)
class Composer:
    """The form of a new note."""

    url: str
    key: str
    controls: Sequence[FormControl]


@dataclass(frozen=True, slots=True)
class NotesBox:
    """The newest notes of a record, and the form of a new one for who may write it."""

    notes: Sequence[NoteItem]
    composer: Composer | None
    older_url: str | None


@dataclass(frozen=True, slots=True)
class FileItem:
    """A file on a sheet: links to what can be done with it, and its picture if it has one."""

    name: str
    size: Text
    who: str
    at: datetime.datetime
    url: str
    picture_url: str | None
    rename_url: str | None
    delete_url: str | None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where files are sent, and the largest one in bytes. `shown_url`: the tab that lists them."""

    url: str
    key: str
    maximum: int
    shown_url: str


@dataclass(frozen=True, slots=True)
class FilesBox:
    """The newest files of a record."""

    files: Sequence[FileItem]
    older_url: str | None


@dataclass(frozen=True, slots=True)
class TagItem:
    """A tag of a record; `html` is its name with the dot of its colour."""

    name: str
    html: str
    list_url: str
    remove_url: str | None


@dataclass(frozen=True, slots=True)
class TagChooser:
    """The tags there are to choose from: a list of them, or, when they are many, names to type."""

    options: Sequence[Option]
    typed: bool


@dataclass(frozen=True, slots=True)
class TagBox:
    """The tags of a record, and where one is added, for who may."""

    label: Text
    items: Sequence[TagItem]
    add_url: str | None
    chooser: TagChooser
