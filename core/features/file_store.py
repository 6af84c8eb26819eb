"""Where files are kept: under random names, sharded, outside any static root (SECURITY 7.16, 7.32, A40).

A file is written to a temporary name, forced to disk, renamed, and only then does a row name it. Nothing here knows rows.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import ContractError
from core.features.file_types import HEAD, content_type

CHUNK = 256 * 1024
INCOMING = "incoming"
QUARANTINE = "quarantine"
_NAME = re.compile(r"[0-9a-f]{32}")
_SHARD = re.compile(r"[0-9a-f]{2}")


class TooLarge(Exception):
    """There is more of it than the caller takes; nothing was kept."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: its random name, size in bytes, SHA-256 in hexadecimal, content type by content."""

    name: str
    size: int
    digest: str
    content_type: str


class FileStore:
    """The files below one folder, which is made on first use and readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, source: BinaryIO, maximum: int) -> Stored:
        """Keep what `source` holds. Raises `TooLarge` above `maximum` bytes, `OSError` when the disk does not take it."""
        name = secrets.token_hex(16)
        incoming = self._folder(INCOMING) / f"{name}.part"
        target = self._folder(name[:2]) / name
        digest = hashlib.sha256()
        size = 0
        head = b""
        try:
            descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as handle:
                while chunk := source.read(CHUNK):
                    size += len(chunk)
                    if size > maximum:
                        raise TooLarge
                    head = head or chunk[:HEAD]
                    digest.update(chunk)
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            incoming.rename(target)
        except BaseException:
            incoming.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return Stored(name, size, digest.hexdigest(), content_type(head))

    def path(self, name: str) -> Path:
        """Where a file is or would be. Raises `ContractError` for a name the store never gave (T60)."""
        if not _NAME.fullmatch(name):
            raise ContractError(f"not the name of a stored file: {name!r}")
        return self.folder / name[:2] / name

    def open(self, name: str) -> BinaryIO | None:
        """The file for reading, None when it is not there. A link somebody put in its place is not followed."""
        try:
            return os.fdopen(os.open(self.path(name), os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError:
            return None

    def has(self, name: str) -> bool:
        """Whether the file is there, as a file."""
        path = self.path(name)
        return path.is_file() and not path.is_symlink()

    def remove(self, name: str) -> None:
        """Delete a file no row names; one that is gone already is no error."""
        self.path(name).unlink(missing_ok=True)

    def shards(self) -> Iterator[list[Path]]:
        """The stored files, folder by folder, with what else lies there."""
        if self.folder.is_dir():
            for shard in sorted(self.folder.iterdir()):
                if _SHARD.fullmatch(shard.name) and shard.is_dir() and not shard.is_symlink():
                    yield sorted(shard.iterdir())

    def quarantine(self, path: Path) -> None:
        """Take a file out of use without deleting it."""
        target = self._folder(QUARANTINE) / path.name
        path.rename(target)
        if not target.is_symlink():
            os.utime(target)  # how long it has been here counts, not how old it is

    def forget_old(self, *, incoming_after: float, quarantined_after: float) -> int:
        """Delete interrupted uploads (F48) and what was in quarantine that many seconds; returns how many went."""
        gone = 0
        for folder, seconds in ((INCOMING, incoming_after), (QUARANTINE, quarantined_after)):
            place = self.folder / folder
            for path in sorted(place.iterdir()) if place.is_dir() else ():
                if path.lstat().st_mtime < time.time() - seconds:
                    path.unlink(missing_ok=True)
                    gone += 1
        return gone

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk, so that a row never outlives its file."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
