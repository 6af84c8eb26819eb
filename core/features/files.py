"""Files on any record (TP-5): any type, only ever downloaded. The row and the file agree (SECURITY 7.32).

kept = keep_file(store, stream, "plan.pdf")      # outside a unit: the disk is slow
with transaction("lead.file") as unit:
    attach_file(unit, lead, kept)
"""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.contract.contributions import Entity
from core.data.records import Record
from core.data.unit import Unit
from core.errors import Refused
from core.features.file_store import FileStore, TooLarge
from core.features.parts import OF_ITS_RECORD, Part
from core.fields import Integer, Text, field
from core.i18n import Text as Words, decimal_mark, lazy as _

MEGABYTE = 1024 * 1024
MAXIMUM_FILE = 20 * MEGABYTE
"""The largest file that is kept, in bytes (UX 4.2)."""
MAXIMUM_NAME = 255
_STORED = 32


class StoredFile(Part):
    """A file on a record. `name` is only data; where the bytes are, `stored` says."""

    __tablename__ = "core_file"
    __table_args__ = (Index("ix_core_file_owner", "owner_entity", "owner_id", "id"),)
    entity = Entity(
        "file", _("File"), _("Files"), slug="files", title="name", new_label=_("New file"), pages=False, ownership=OF_ITS_RECORD,
        sentences={
            "created": _("%(title)s added."), "updated": _("%(title)s renamed."),
            "deleted": _("%(title)s moved to the trash."), "restored": _("%(title)s restored."),
        },
    )  # fmt: skip
    name: Mapped[str] = field(Text(MAXIMUM_NAME), _("File name"))
    size: Mapped[int] = field(Integer(minimum=0), _("Size in bytes"), readonly=True)
    content_type: Mapped[str] = field(Text(80), _("Content type"), readonly=True)
    stored: Mapped[str] = mapped_column(String(_STORED), unique=True)
    thumbnail: Mapped[str | None] = mapped_column(String(_STORED), unique=True)
    """The small picture of a picture, once the job has drawn it."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the bytes, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is in the store and may now be named by a row."""

    name: str
    stored: str
    size: int
    digest: str
    content_type: str


def keep_file(store: FileStore, source: BinaryIO, name: str, *, maximum: int = MAXIMUM_FILE) -> KeptFile:
    """Put a file into the store, before the unit that attaches it. Raises `Refused` when it is too large."""
    shown = clean_name(name)
    try:
        stored = store.write(source, maximum)
    except TooLarge:
        raise too_large(shown, _size_of(source, maximum), maximum) from None
    return KeptFile(shown, stored.name, stored.size, stored.digest, stored.content_type)


def forget_files(store: FileStore, kept: Iterable[KeptFile]) -> None:
    """Delete kept files whose unit did not come about."""
    for found in kept:
        store.remove(found.stored)


def attach_file(unit: Unit, owner: Record, kept: KeptFile) -> StoredFile:
    """Put a kept file on a record."""
    return unit.add(
        StoredFile(
            owner_entity=owner.entity.name, owner_id=owner.id, author_id=unit.context.actor.id, name=kept.name,
            size=kept.size, content_type=kept.content_type, stored=kept.stored,
            digest=kept.digest,
        )
    )  # fmt: skip


def bytes_since(session: Session, author_id: int, moment: datetime.datetime) -> int:
    """How many bytes somebody has added since, what is in the trash included."""
    rows = StoredFile.__table__.c
    statement = select(func.sum(rows.size)).where(rows.author_id == author_id, rows.created_at > moment)
    return int(session.connection().scalar(statement) or 0)


def rename_file(unit: Unit, file: StoredFile, name: str) -> None:
    """Give a file another name; what it is stays as its content says. Raises `Refused` for an empty name."""
    if not name.strip():
        raise Refused(_("Enter a file name"), field="name")
    file.name = clean_name(name)


def clean_name(raw: str) -> str:
    """A name as it may be shown and sent: one line, no folders, nothing invisible, at most 255 characters (T10)."""
    last = raw.replace("\\", "/").split("/")[-1]
    visible = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in last)
    name = " ".join(visible.split())
    if len(name) > MAXIMUM_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 16 else ""
        name = name[: MAXIMUM_NAME - len(ending)] + ending
    return name if name.strip(". ") else "file"


def too_large(name: str, size: int, maximum: int = MAXIMUM_FILE) -> Refused:
    """The refusal of a file above the limit (UX 4.2)."""
    return Refused(
        _(
            "%(name)s is %(size)s MB; the limit is %(limit)s MB",
            name=name, size=megabytes(size), limit=megabytes(maximum),
        ),
        field="files",
    )  # fmt: skip


def megabytes(size: int) -> Words:
    """A size in megabytes, rounded up to a tenth: what is over the limit also reads so."""
    tenths = math.ceil(size * 10 / MEGABYTE)
    return str(tenths // 10) if tenths % 10 == 0 else f"{tenths // 10}{decimal_mark()}{tenths % 10}"


def _size_of(source: BinaryIO, at_least: int) -> int:
    """How large a file is that was too large; what cannot be rewound is said to be just over."""
    return source.seek(0, os.SEEK_END) if source.seekable() else at_least + 1
