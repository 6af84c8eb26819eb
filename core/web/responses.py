"""Answers views share: redirects that stay at home, downloads, records or 404, pages and fragments."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import Response, redirect, render_template, request
from markupsafe import escape
from sqlalchemy.orm import Session
from werkzeug.http import dump_options_header
from werkzeug.wsgi import FileWrapper

from core.data.records import Record
from core.errors import NotFound
from core.i18n import lazy as _
from core.web.current import here

R = TypeVar("R", bound=Record)

DEFAULT_PAGE = "/"
CHUNK = 64 * 1024


def reading_session() -> Session:
    """The session of the request a view answers: it can only read, and shows what the person may know of."""
    return here().session


def record_or_404(model: type[R], record_id: int, *, deleted: bool = False) -> R:
    """The record for reading. Raises `NotFound`, which pages show as 404."""
    options = {"include_deleted": True} if deleted else {}
    record = here().session.get(model, record_id, execution_options=options)
    if record is None or (record.deleted_at is not None and not deleted):
        raise NotFound(_("This record does not exist, or was deleted"))
    return record


SERVED_POLICY = "sandbox; default-src 'none'"
"""For what people uploaded or made: whatever it is, it does nothing in a browser."""


def attachment(content: str | bytes | BinaryIO, name: str, content_type: str) -> Response:
    """A file to download, never shown as a page of ours (T12). An open file is sent piece by piece and closed."""
    clean = "".join(character for character in name if character.isprintable() and character not in '\\/"')
    response = _served(content, content_type)
    response.headers["Content-Disposition"] = dump_options_header("attachment", {"filename": clean or "file"})
    return response


def own_picture(content: BinaryIO, content_type: str) -> Response:
    """A picture this server made itself: the only content of a stored file that a page may show (A11)."""
    response = _served(content, content_type)
    response.headers["Content-Disposition"] = "inline"
    return response


def _served(content: str | bytes | BinaryIO, content_type: str) -> Response:
    kind = f"{content_type}; charset=utf-8" if content_type.startswith("text/") else content_type
    if isinstance(content, str | bytes):
        response = Response(content, content_type=kind)
    else:
        response = Response(FileWrapper(content, CHUNK), content_type=kind, direct_passthrough=True)
        response.content_length = os.fstat(content.fileno()).st_size
        if request.method == "HEAD":
            content.close()  # nobody reads it, so nobody would close it
    response.headers["Content-Security-Policy"] = SERVED_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def home_path(target: str | None) -> str:
    """`target` if it is a path of this site, else the home page: no open redirects (T47)."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return DEFAULT_PAGE
    if any(ord(character) < 0x21 for character in target):
        return DEFAULT_PAGE
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else DEFAULT_PAGE


def came_from() -> str:
    """The address of the page a form was sent from: as the form says, or htmx, or the browser."""
    said = request.form.get("return")
    if said:
        return said
    said = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if netloc_of(said) != request.host:
        return DEFAULT_PAGE
    parts = urlsplit(said)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def netloc_of(address: str) -> str:
    """Host and port of an address in a header; nothing when it is none: `http://[`."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def see(target: str | None, operation: int | None = None) -> Response:
    """303 to a page of ours; with `operation` it tells what was done and offers Undo."""
    path = home_path(target)
    if operation is not None:
        parts = urlsplit(path)
        kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("done=")]
        path = f"{parts.path}?{'&'.join([*kept, urlencode({'done': operation})])}"
    answer = redirect(path, 303)
    return Response(answer.get_data(), 303, answer.headers)


def is_fragment() -> bool:
    """Whether htmx asks for a part of the page; going back in history it asks for a whole one."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A whole page."""
    return Response(render_template(template, **context), status, content_type="text/html; charset=utf-8")


def alert(message: object, status: int) -> Response:
    """A small alert for a failed fragment."""
    return Response(f'<div class="alert alert-danger" role="alert">{escape(str(message))}</div>', status)
