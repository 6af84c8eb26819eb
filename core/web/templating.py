"""Jinja for one generation: namespaced templates, bytecode shared by all generations, the helpers templates may use."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_wtf.csrf import generate_csrf
from jinja2 import BaseLoader, BytecodeCache, ChoiceLoader, FileSystemLoader, PrefixLoader
from jinja2.bccache import Bucket
from markupsafe import Markup

from core import i18n

if TYPE_CHECKING:
    from core.runtime.generation import Generation
    from core.runtime.runtime import Runtime

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent.parent / "static"


class SharedBytecode(BytecodeCache):
    """Compiled templates in memory, by source checksum: a swap compiles nothing anew (DESIGN 5)."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the bucket its code if it is known."""
        code = self._code.get((bucket.key, bucket.checksum))
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the bucket's code."""
        self._code[(bucket.key, bucket.checksum)] = bucket.bytecode_to_string()


@functools.cache
def shared_bytecode() -> SharedBytecode:
    """The one cache of this process."""
    return SharedBytecode()


def set_up_templates(app: Flask, runtime: Runtime, generation: Generation) -> None:
    """Give the app its loader and helpers. Must run before an extension touches `app.jinja_env`."""
    loaders: dict[str, BaseLoader] = {}
    for name in generation.enabled:
        folder = runtime.discovery.found[name].subfolder("templates")
        if folder is not None:
            loaders[name] = FileSystemLoader(folder / name)
    app.jinja_options = {
        "autoescape": True,
        "bytecode_cache": shared_bytecode(),
        "trim_blocks": True,
        "lstrip_blocks": True,
        "auto_reload": False,
    }
    app.jinja_loader = ChoiceLoader([FileSystemLoader(TEMPLATES), PrefixLoader(loaders)])
    environment = app.jinja_env
    environment.globals.update(
        _=i18n.gettext,
        gettext=i18n.gettext,
        ngettext=i18n.ngettext,
        pgettext=i18n.pgettext,
        icon=icon,
        vendor=vendor,
        asset=asset,
        csrf_token=generate_csrf,
    )
    environment.filters.update(
        date=i18n.format_date,
        datetime=i18n.format_datetime,
        isodatetime=datetime.datetime.isoformat,
        html=cell_html,
        dense=dense,
    )


def cell_html(value: str) -> Markup:
    """A cell that its field type escaped (`FieldType.html`); the one place that says so (A02)."""
    return Markup(value)  # noqa: S704 - made by FieldType.html, which escapes


def dense(markup: str) -> Markup:
    """A part of a template without the blanks that indent it: they stand on every page, and pages have a budget (UX 5)."""
    return Markup(re.sub(r"\n\s+", "\n", markup))  # noqa: S704 - what a template wrote, escaped where it was written


@functools.cache
def icon(name: str) -> Markup:
    """An icon of the sprite, hidden from assistive technology: the words are beside it."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(vendor("icons.svg"), name)


@functools.cache
def _manifest() -> Mapping[str, str]:
    found: dict[str, str] = json.loads((STATIC / "vendor" / "manifest.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def vendor(path: str) -> str:
    """The address of a third-party file, with its hash so that it may be kept for a year."""
    return f"/static/vendor/{path}?v={_manifest()[path]}"


@functools.cache
def asset(path: str) -> str:
    """The address of a file of ours, with its hash."""
    import hashlib

    return f"/static/{path}?v={hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]}"
