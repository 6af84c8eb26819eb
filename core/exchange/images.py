"""Small pictures of uploaded pictures, made anew in a child process (T65, A38): the original is never shown in a page."""

from __future__ import annotations

import io
import logging
from dataclasses import replace

from core.exchange.child import MEGABYTE, ChildFailed, Limits, run_child
from core.features.file_store import FileStore
from core.features.file_types import IMAGES
from core.features.files import KeptFile

log = logging.getLogger("comptoir.images")

THUMBNAIL_SIDE = 256
MAXIMUM_PIXELS = 40_000_000
LIMITS = Limits(memory=768 * MEGABYTE, seconds=8.0, output=MEGABYTE)
THUMBNAIL_TYPE = "image/webp"


def with_thumbnail(store: FileStore, kept: KeptFile) -> KeptFile:
    """The kept file with its thumbnail in the store, if it is a picture that can be trusted with one; never raises for one that cannot."""
    if kept.content_type not in IMAGES:
        return kept
    source = store.open(kept.stored)
    if source is None:
        return kept
    with source:
        try:
            made = run_child("thumbnail", (str(THUMBNAIL_SIDE), str(MAXIMUM_PIXELS)), source, LIMITS)
        except ChildFailed as error:
            log.info("no thumbnail of a file of %s bytes: %s", kept.size, error)
            return kept
    return replace(kept, thumbnail=store.write(io.BytesIO(made), LIMITS.output).name)
