"""What a file is, by its first bytes and nothing else: the one table of content types (SECURITY 7.16, T12)."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"
"""Also for all text, HTML and SVG among it: no browser makes a page of it."""
HEAD = 32
"""Bytes that are looked at."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
"""Types that get a thumbnail (T65)."""

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBPVP8", "image/webp"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (4, b"ftyp", "video/mp4"),
)


def content_type(head: bytes) -> str:
    """The content type of a file that begins with `head`, at least `HEAD` bytes of it or all there is."""
    return next((kind for at, mark, kind in _SIGNATURES if head[at : at + len(mark)] == mark), UNKNOWN)
