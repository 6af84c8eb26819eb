"""Tries any plugin without knowing it: fills forms from the samples of its fields, finds what it adds to pages."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask import url_for
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from core.data.capture import RecordValues
from core.data.session import INCLUDE_DELETED
from core.fields import Field, Link, Samples
from core.i18n import Locale, use_locale
from core.registry import RegisteredEntity
from core.testing.site import Browser, Site

ENGLISH = Locale("en", "GB", "UTC")
"""The language of the browsers these tests use; how numbers and dates are typed depends on it."""

SEARCHED = "?q=x"
"""An empty list has no filters to look at, unless somebody searches."""

Base = Mapping[str, Mapping[str, str]]
"""Entity -> field -> text: what every form gets, for rules that a plugin's own hooks set."""

Bound = Mapping[str, Collection[str]]
"""Entity -> fields whose samples are not tried."""


def samples_of(found: Field) -> Samples:
    """The samples of a field's type, as typed in English; without halves of characters, which nobody can send."""
    with use_locale(ENGLISH):
        samples = found.type.samples()
    return Samples(samples.good, [bad for bad in samples.bad if not any("\ud800" <= char <= "\udfff" for char in bad)])


# -- forms ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Filling:
    """What is typed into a form, and what must be stored for it."""

    typed: Mapping[str, str]
    stored: Mapping[str, Any]


class Filler:
    """Fills the form of an entity through the pages, records it points at included."""

    def __init__(self, site: Site, browser: Browser, base: Base, bound: Bound) -> None:
        self._site = site
        self._browser = browser
        self._base = base
        self._bound = bound
        self._targets: dict[str, int] = {}

    def least(self, entity: RegisteredEntity) -> dict[str, str]:
        """The least a new record needs: `base`, and samples for required fields without a default."""
        typed = dict(self._base.get(entity.name, {}))
        for found in entity.fields.values():
            if found.required and found.writable and found.declaration.default is None and found.name not in typed:
                typed[found.name] = self._good(found)[0][0]
        return typed

    def fillings(self, entity: RegisteredEntity, plugin: str) -> Iterator[Filling]:
        """Forms that together hold every good sample of the fields `plugin` brings to the entity."""
        fields = [
            found for name, found in entity.fields.items()
            if found.plugin == plugin and found.writable and name not in self._bound.get(entity.name, ())
        ]  # fmt: skip
        good = {found.name: self._good(found) for found in fields}
        for row in range(max(map(len, good.values()), default=0)):
            typed, stored = self.least(entity), dict[str, Any]()
            for found in fields:
                values = good[found.name]
                if found.declaration.unique and row >= len(values):
                    typed.pop(found.name, None)  # given before, and refused a second time
                    continue
                typed[found.name], stored[found.name] = values[row % len(values)]
            yield Filling(typed, stored)

    def _good(self, found: Field) -> list[tuple[str, Any]]:
        if isinstance(found.type, Link):
            number = self.target(found.type.to)
            return [(str(number), number), (f"#{number}", number)]
        good: dict[Any, tuple[str, Any]] = {}
        for typed, stored in samples_of(found).good.items():
            good.setdefault(stored if found.declaration.unique else typed, (typed, stored))
        return list(good.values())

    def target(self, table: str) -> int:
        """A record of that table, made on first use."""
        if table not in self._targets:
            entity = self._site.runtime.follow().registry.by_table(table)
            assert entity is not None, f"a link leads to {table}, which belongs to no module that is on"
            self._targets[table] = self.create(entity, self.least(entity))
        return self._targets[table]

    def create(self, entity: RegisteredEntity, typed: Mapping[str, str]) -> int:
        """Create a record through its form and return its number."""
        response = self.send(entity, typed)
        assert response.status_code == 303, f"{entity.name} refused {shortened(typed)}: {complaints(response)}"
        return int(urlsplit(response.headers["Location"]).path.rsplit("/", 1)[-1])

    def send(self, entity: RegisteredEntity, typed: Mapping[str, str]) -> TestResponse:
        """Post the form of a new record, also of one like another."""
        return self._browser.post(f"/{entity.entity.slug}/new", {**typed, "anyway": "1"})


LARGE = 10_000
"""Characters above which a bad value is sent alone: a form with several of them would be refused for its size."""


@dataclass(frozen=True, slots=True)
class Refusing:
    """Sends bad values to a record on every road; each road returns what was not refused as it must be."""

    entity: RegisteredEntity
    filler: Filler
    browser: Browser
    number: int
    version: str

    @property
    def _place(self) -> str:
        return f"/{self.entity.entity.slug}/{self.number}"

    def by_form(self, fields: Collection[Field], at_first: Collection[Field]) -> list[str]:
        """The form of a new record (fields `at_first`) and that of this one: all fields at once, each must be named."""
        wrong = []
        for typed in self._rounds(fields):
            first = {found.name: typed[found.name] for found in at_first if found.name in typed}
            wrong += self._unrefused(
                self.browser.post(f"{self._place}/edit", {**typed, "version": self.version}), typed
            )
            if first:
                answer = self.filler.send(self.entity, {**self.filler.least(self.entity), **first})
                wrong += self._unrefused(answer, first)
        return wrong

    def _rounds(self, fields: Collection[Field]) -> Iterator[dict[str, str]]:
        small = {found.name: [bad for bad in samples_of(found).bad if len(bad) <= LARGE] for found in fields}
        for row in range(max(map(len, small.values()), default=0)):
            yield {name: bad[row] for name, bad in small.items() if row < len(bad)}
        for found in fields:
            yield from ({found.name: bad} for bad in samples_of(found).bad if len(bad) > LARGE)

    def _unrefused(self, answer: TestResponse, typed: Mapping[str, str]) -> list[str]:
        if answer.status_code == 422:
            missed = {name: text for name, text in typed.items() if f'href="#f-{name}"' not in answer.text}
        else:
            missed = dict(typed) if answer.status_code != 413 or len(typed) > 1 else {}
        return [f"{self.entity.name}: {shortened(missed)} gets {answer.status_code}"] if missed else []

    def by_one_click(self, found: Field) -> list[str]:
        """The road that sets one field: each bad value by itself."""
        wrong = []
        for bad in samples_of(found).bad:
            one = {"field": found.name, "value": bad, "version": self.version, "return": self._place}
            code = self.browser.post(f"{self._place}/status", one).status_code
            if code not in (422, 413):
                wrong.append(f"{self.entity.name}: {shortened({found.name: bad})} gets {code}")
        return wrong


def shortened(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, short enough for a message."""
    return {name: text if len(text) < 60 else f"{text[:50]}… ({len(text)} characters)" for name, text in typed.items()}


def complaints(response: TestResponse) -> str:
    """What a page says went wrong."""
    reader = _Alerts()
    reader.feed(response.text)
    return f"{response.status_code} {' '.join(' '.join(reader.words).split())[:400]}"


class _Alerts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth or dict(attrs).get("role") == "alert":
            self._depth += tag not in ("input", "br", "img", "use")

    def handle_endtag(self, tag: str) -> None:
        self._depth = max(0, self._depth - 1)

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.words.append(data)


@dataclass(slots=True)
class FormReader(HTMLParser):
    """What a browser would send for the form whose action is `action`, untouched."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    _inside: bool = False
    _select: str = ""
    _area: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._inside = given.get("action") == self.action
        elif not self._inside:
            return
        elif tag == "input" and name:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.values):
            self.values[self._select] = value
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._select = "" if tag == "select" else self._select
        if tag == "textarea" and self._area:
            self.values[self._area] = self.values[self._area].removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data


def form_values(browser: Browser, path: str) -> dict[str, str]:
    """What the form at `path` would send if nobody touched it."""
    reader = FormReader(path)
    reader.feed(browser.get(path).text)
    return reader.values


# -- what is stored ---------------------------------------------------------------------------------------------
def stored_values(site: Site, entity: RegisteredEntity, record_id: int) -> dict[str, Any]:
    """The values of a record's fields, and its version, as the database has them."""
    with site.runtime.database.reading() as session:
        record = session.get(entity.model, record_id, execution_options=INCLUDE_DELETED)
        assert record is not None, f"{entity.name} {record_id} is not there"
        values = RecordValues(record, entity.fields)
        plain = [name for name, found in entity.fields.items() if found.extra_key is None]
        return {**{name: values[name] for name in plain}, "version": record.version}


def row_count(site: Site, entity: RegisteredEntity) -> int:
    """How many records there are, those in the bin included."""
    with site.runtime.database.reading() as session:
        table = entity.model.__table__
        return int(session.connection().execute(select(func.count()).select_from(table)).scalar_one())


# -- what a plugin adds -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Traces:
    """What a plugin adds to pages: addresses, menu entries, fields on lists of others, static files."""

    plugin: str
    lists: tuple[str, ...]
    views: tuple[str, ...]
    menu: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    """(address of the list, name of the field)."""
    files: tuple[str, ...]


def traces(site: Site, plugin: str) -> Traces:
    """What a plugin that is on adds."""
    runtime = site.runtime
    generation = runtime.follow()
    entities = generation.registry.entities.values()
    with generation.app.test_request_context("/"):
        menu = [
            url_for(item.endpoint, **dict[str, Any](item.values))
            for owner, item in generation.registry.menu
            if owner == plugin
        ]
        views = [
            url_for(
                rule.endpoint, **dict[str, Any]({name: "user" if name == "entity" else 1 for name in rule.arguments})
            )
            for rule in generation.app.url_map.iter_rules()
            if rule.endpoint.startswith(f"{plugin}.") and "GET" in (rule.methods or ())
        ]
    folder = runtime.discovery.found[plugin].subfolder("static")
    files = [] if folder is None else [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return Traces(
        plugin=plugin,
        lists=tuple(f"/{found.entity.slug}" for found in entities if found.plugin == plugin and found.entity.pages),
        views=tuple(views),
        menu=tuple(menu),
        fields=tuple(
            (f"/{found.entity.slug}", name)
            for found in entities
            for name, contributed in found.fields.items()
            if contributed.plugin == plugin != found.plugin
        ),
        files=tuple(f"/static/{plugin}/{file.relative_to(folder).as_posix()}" for file in files if folder),
    )


def missing(browser: Browser, found: Traces) -> list[str]:
    """What of the traces is not there, while the plugin is on; empty when all is well."""
    home = browser.get("/").text
    wrong = [f"{url}: not in the menu" for url in found.menu if f'href="{html.escape(url)}"' not in home]
    for url in (*found.menu, *found.lists, *(f"{url}/new" for url in found.lists), *found.files):
        response = browser.get(url)
        wrong += [] if response.status_code == 200 else [f"{url}: {complaints(response)}"]
        response.close()
    for url, name in found.fields:
        wrong += [] if f'value="{name}"' in browser.get(url + SEARCHED).text else [f"{url}: no field {name}"]
    return wrong


def leftovers(browser: Browser, found: Traces) -> list[str]:
    """What of the traces is still there, while the plugin is off; empty when all is well (MO-3)."""
    home = browser.get("/")
    wrong = [] if home.status_code == 200 else [f"/: {complaints(home)}"]
    wrong += [f"{url}: still in the menu" for url in found.menu if f'href="{html.escape(url)}"' in home.text]
    for url in (*found.lists, *(f"{url}/new" for url in found.lists), *found.views, *found.files):
        with browser.get(url) as response:
            wrong += [] if response.status_code == 404 else [f"{url}: answers {response.status_code}"]
    for url, name in found.fields:
        page = browser.get(url + SEARCHED)
        if page.status_code == 404:
            continue
        wrong += [f"{url}: still has the field {name}"] if f'value="{name}"' in page.text else []
        asked = browser.get(f"{url}?f={name}:filled")
        if asked.status_code != 200 or "no such field" not in asked.text:
            wrong.append(f"{url}: a filter on {name} gets no notice")
    return wrong
