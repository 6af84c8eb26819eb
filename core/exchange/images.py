"""Small pictures of uploaded pictures, made anew in a child process (T65, A38): the original is never shown in a page.

They are drawn by a job after the files are there. A request would wait for a slow picture, and with it everybody else.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence

from sqlalchemy import select, update

from core.contract.contributions import Job
from core.data.unit import Unit
from core.exchange.child import MEGABYTE, ChildFailed, Limits, run_child
from core.features.file_store import FileStore
from core.features.file_types import HEAD, IMAGES, content_type
from core.features.files import StoredFile
from core.i18n import lazy as _
from core.jobs.enqueue import enqueue
from core.jobs.run import JobRun

log = logging.getLogger("comptoir.images")

THUMBNAIL_SIDE = 256
MAXIMUM_PIXELS = 40_000_000
LIMITS = Limits(memory=768 * MEGABYTE, seconds=8.0, output=MEGABYTE)
THUMBNAIL_TYPE = "image/webp"
DRAW = "core.thumbnails"


def draw_later(unit: Unit, files: Sequence[StoredFile]) -> None:
    """Let a job draw the small pictures of those files that are pictures. Part of the unit that adds them."""
    unit.session.flush()
    numbers = [file.id for file in files if file.content_type in IMAGES]
    if numbers:
        enqueue(unit, DRAW, {"files": numbers}, label=_("Small pictures of files"), owner=None)


def draw(job: JobRun) -> None:
    """Draw them one by one; what cannot be drawn has none."""
    store, rows = FileStore(job.files), StoredFile.__table__
    numbers = job.payload["files"]
    job.total = len(numbers)
    while (at := int(job.cursor.get("at", 0))) < len(numbers):
        waiting = (rows.c.id == numbers[at], rows.c.thumbnail.is_(None))
        with job.context.database.reading() as session:
            stored = session.connection().scalar(select(rows.c.stored).where(*waiting))
        made = None if stored is None else thumbnail_of(store, stored)
        with job.step("file.thumbnail") as step:
            if made is not None:
                step.unit.session.connection().execute(update(StoredFile).where(*waiting).values(thumbnail=made))
            step.advance({"at": at + 1}, done=1)


def thumbnail_of(store: FileStore, stored: str) -> str | None:
    """The stored name of a small picture, now in the store; None for what cannot be trusted with one."""
    source = store.open(stored)
    if source is None:
        return None
    with source:
        try:
            made = run_child("thumbnail", (str(THUMBNAIL_SIDE), str(MAXIMUM_PIXELS)), source, LIMITS)
        except ChildFailed as error:
            log.info("no thumbnail of a file: %s", error)
            return None
    if (
        content_type(made[:HEAD]) != THUMBNAIL_TYPE
    ):  # a picture that took the program over does not choose what is served
        log.warning("what came back as the thumbnail of a file is none")
        return None
    return store.write(io.BytesIO(made), LIMITS.output).name


IMAGE_JOBS = (Job(DRAW, _("Small pictures of files"), draw),)
"""Registered in `core.runtime.generation`."""
