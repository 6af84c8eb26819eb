"""Installations made once and copied for each test, since enabling a module takes seconds and copying does not.

Alice, an administrator, already works there, unless a test wants nobody: adding an account would make every copy build a
second generation.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import make_url

from core.contract.changes import Actor
from core.testing.servers import fresh_database
from core.testing.site import Site


@dataclass(frozen=True, slots=True)
class _Template:
    """A closed installation to copy, and who works there."""

    url: str
    people: Mapping[str, Actor]


class Prepared:
    """Template installations by engine and modules; made on first use, gone at the end of the block."""

    def __init__(self, folder: Path, postgresql_url: Callable[[], str]) -> None:
        self._folder = folder
        self._postgresql_url = postgresql_url
        self._made: dict[tuple[str, tuple[str, ...], bool], _Template] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    @contextmanager
    def site(self, engine: str, modules: Sequence[str], var: Path, *, people: bool = True) -> Iterator[Site]:
        """A copy of the installation with `modules` on, closed and removed at the end of the block."""
        template = self._template(engine, tuple(modules), people)
        with ExitStack() as stack:
            if engine == "sqlite":
                var.mkdir(parents=True)
                copy = var / "comptoir.db"
                shutil.copy(make_url(template.url).database or "", copy)
                url = f"sqlite:///{copy}"
            else:
                name = make_url(template.url).database or ""
                url = stack.enter_context(fresh_database(self._postgresql_url(), name))
            made = Site(url, var)
            stack.callback(made.close)
            made.people.update(template.people)
            yield made

    def _template(self, engine: str, modules: tuple[str, ...], people: bool) -> _Template:
        known = self._made.get((engine, modules, people))
        if known is not None:
            return known
        folder = Path(tempfile.mkdtemp(prefix=f"{engine}-", dir=self._folder))  # anew after a try that failed
        if engine == "sqlite":
            url = f"sqlite:///{folder / 'comptoir.db'}"
        else:
            url = self._stack.enter_context(fresh_database(self._postgresql_url()))
        made = Site(url, folder / "var")
        try:
            made.enable(*modules)
            if people:
                made.add_person("Alice")
            made.settle()
        finally:
            made.close()
        template = _Template(url, made.people)
        self._made[(engine, modules, people)] = template
        return template
