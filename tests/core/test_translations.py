"""The product in French: complete catalogues, French typography, the names of the design guide, every page (US-6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, table, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from core import i18n
from core.access.setup import announce_setup
from core.data.tables import JobRow
from core.data.unit import transaction
from core.features.demo import load_demo
from core.i18n import Locale, gettext, ngettext, use_locale
from core.jobs.enqueue import enqueue
from core.testing.site import Browser, Site
from tests.core.guide_words import PAIRS
from tools import translations
from tools.translations import Key, Words, typographic

pytestmark = pytest.mark.covers("US-6a")

MODULES = ("thirdparty", "leads", "export")
PLAIN_SPACE = re.compile(r"\S[ \t\n]+[:;!?](?=\s|$)|«[ \t\n]|[ \t\n]»")
NO_SPACE = re.compile(r"[^\W\d_][:;!?](?=\s|$)")
STRAIGHT = re.compile(r"\w'|[^\W\d]\"|\"[^\W\d]")


# -- catalogues -------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def catalogues() -> list[Words]:
    """The words of the core and of the plugins, as they are in the code and in the catalogues now."""
    everything = list(translations.places_to_translate())
    translations.collect(everything)
    return everything


def messages(catalogues: list[Words]) -> Iterator[tuple[Key, str]]:
    """Every message with each of its French forms."""
    for words in catalogues:
        for key, forms in words.french.items():
            for form in forms:
                yield key, form


def test_the_catalogues_are_up_to_date(catalogues: list[Words]) -> None:
    stale = [
        words.catalogue for words in catalogues if words.catalogue.read_text("utf-8") != translations.wording(words)
    ]
    assert not stale, "run make translations"


def test_everything_is_in_french_with_the_same_places(catalogues: list[Words]) -> None:
    assert not list(translations.problems(catalogues))


def test_every_plugin_brings_its_own_words(catalogues: list[Words]) -> None:
    core, *plugins = catalogues
    assert {words.folder.name for words in plugins} == set(MODULES)
    for words in plugins:
        assert words.files
        assert not words.files.keys() & core.files.keys()


def test_french_spaces_and_apostrophes(catalogues: list[Words]) -> None:
    """UX 3.5: a no-break space before a colon and inside guillemets, a narrow one before ; ! ?, curly apostrophes."""
    wrong = [form for _key, form in messages(catalogues) if PLAIN_SPACE.search(form) or STRAIGHT.search(form)]
    assert not wrong
    assert not [form for _key, form in messages(catalogues) if form != typographic(form)]
    narrow, wide = translations.NARROW, translations.WIDE
    assert not [form for _key, form in messages(catalogues) if narrow + ":" in form or re.search(f"{wide}[;!?]", form)]


def test_the_tone_of_the_english_words(catalogues: list[Words]) -> None:
    """UX 4.1: no please, no sorry, no oops, no exclamation mark."""
    forbidden = re.compile(r"\b(please|sorry|oops)\b|!(\s|$)", re.IGNORECASE)
    assert not [key for key, _form in messages(catalogues) if forbidden.search(f"{key[1]} {key[2] or ''}")]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Erreur: l'e-mail", "Erreur\N{NO-BREAK SPACE}: l’e-mail"),
        (
            "Quitter ? Oui; non !",
            "Quitter\N{NARROW NO-BREAK SPACE}? Oui\N{NARROW NO-BREAK SPACE}; non\N{NARROW NO-BREAK SPACE}!",
        ),
        ("« Martin » : 09:30", "«\N{NO-BREAK SPACE}Martin\N{NO-BREAK SPACE}»\N{NO-BREAK SPACE}: 09:30"),
        ("http://x.example/?q=1", "http://x.example/?q=1"),
        ("'CU{yy}{...}' et %(n)s: fin...", "'CU{yy}{...}' et %(n)s\N{NO-BREAK SPACE}: fin…"),
    ],
)
def test_typography_is_put_right_once(typed: str, shown: str) -> None:
    assert typographic(typed) == shown
    assert typographic(shown) == shown


def test_places_are_compared(tmp_path: Path) -> None:
    key: Key = (None, "%(number)s row of %(list)s", "%(number)s rows of %(list)s")
    words = Words(tmp_path, files={key: {"core/x.py"}})
    for forms, wrong in (
        (("%(number)s ligne de %(list)s", "%(number)s lignes de %(list)s"), 0),
        (("%(number)s ligne", "%(number)s lignes de %(list)s"), 1),
        (("%(number)s ligne de %(liste)s", "%(number)s lignes de %(liste)s"), 1),
        (("%(number)s ligne de %(list)s", ""), 1),
    ):
        words.french = {key: forms}
        assert len(list(translations.problems([words]))) == wrong


@pytest.mark.parametrize(("english", "french"), PAIRS)
def test_the_names_of_the_design_guide(catalogues: list[Words], english: str, french: str) -> None:
    def nameless(words: str) -> str:
        return re.sub(r"%\(\w+\)s|\{\w+\}", "{}", words)

    found = {nameless(form) for key, form in messages(catalogues) if nameless(key[1]) == nameless(english)}
    assert found == {nameless(french)}


def test_none_and_one_are_singular_in_french() -> None:
    with use_locale(Locale("fr", "FR")):
        said = [ngettext("%(number)s record created.", "%(number)s records created.", number) for number in (0, 1, 2)]
    assert said == ["0 fiche créée.", "1 fiche créée.", "2 fiches créées."]


# -- pages ------------------------------------------------------------------------------------------------------
class Texts(HTMLParser):
    """The texts of a page that people see or hear, without those marked as another language."""

    HEARD = ("aria-label", "placeholder", "title", "alt", "data-lost", "data-saving", "data-dismiss")
    SILENT = ("script", "style", "svg")
    VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "use")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language = ""
        self._open: list[tuple[str, bool]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang") or ""
        foreign = values.get("lang", self.language) != self.language
        hidden = tag in self.SILENT or foreign or (self._open[-1][1] if self._open else False)
        if not hidden:
            self.texts += [value for name in self.HEARD if (value := values.get(name))]
        if tag not in self.VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1][1]):
            self.texts.append(data)


def texts_of(response: TestResponse) -> list[str]:
    """The texts of a page, the blanks of its source out of the way; no-break spaces stay."""
    assert response.status_code < 500, response.text
    if response.mimetype != "text/html" or response.status_code == 303:
        return []
    page = Texts(response.text)
    fragment = not response.text.lstrip().startswith("<!doctype")  # what a combobox lists
    assert fragment or page.language == "fr"
    return [found for text in page.texts if (found := text.strip(" \t\r\n"))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation with the demo data of every module, on SQLite: words do not depend on the database."""
    folder = tmp_path_factory.mktemp("french")
    made = Site(f"sqlite:///{folder / 'comptoir.db'}", folder / "var")
    try:
        made.enable(*MODULES)
        made.add_person("Camille", language="fr")
        assert load_demo(made.context(made.people["Camille"]))
        with transaction("job", context=made.context(made.people["Camille"])) as unit:
            enqueue(unit, "leads.recount", {}, label="")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def camille(site: Site) -> Browser:
    """An administrator who reads French."""
    return site.browser("Camille", language="fr")


def ids(site: Site, entity: str) -> list[int]:
    model = site.runtime.generation.registry.entities[entity].model
    columns = model.__table__.c
    with site.runtime.database.engine.connect() as connection:
        return list(connection.scalars(select(columns.id).where(columns.deleted_at.is_(None)).order_by(columns.id)))


def job_ids(site: Site) -> list[int]:
    with site.runtime.database.engine.connect() as connection:
        return list(connection.scalars(select(JobRow.id).where(JobRow.owner_id.is_not(None))))


def addresses(site: Site) -> Iterator[str]:
    """Every page of the URL map that is got, its places filled with everything there is, records with one of each."""
    generation = site.runtime.generation
    values = {
        "name": [*site.runtime.discovery.found, "contact_status"],
        "code": list(site.runtime.generation.permissions.roles),
        "record_id": ids(site, "thirdparty")[:1],
        "job_id": job_ids(site),
        "entry_id": [1],
        "message_id": [1],
        "file_id": [1],
        "token": ["x"],
    }

    def fill(rule: Rule) -> Iterator[str]:
        if "entity" in rule.arguments:
            for name, registered in generation.registry.entities.items():
                base = rule.rule.replace("<entity:entity>", registered.entity.slug)
                base = base.replace("<code>", "thanks").replace("<language>", "fr")
                for record_id in ids(site, name)[:1]:
                    yield base.replace("<int:record_id>", str(record_id))
            return
        found = [rule.rule]
        for argument in rule.arguments:
            place = re.compile(rf"<(\w+:)?{argument}>")
            found = [place.sub(str(value), address) for address in found for value in values[argument]]
        yield from found

    for rule in generation.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            yield from fill(rule)


def pages(site: Site, camille: Browser) -> Iterator[tuple[str, TestResponse]]:
    """Every page there is, then the states a page can be in."""
    for address in addresses(site):
        yield address, camille.get(address)
    first, second = ids(site, "thirdparty")[:2]
    lead = ids(site, "lead")[0]
    for address in (
        "/thirdparties?view=prospects",
        "/thirdparties?q=nothing+like+it",
        "/thirdparties?f=role:is:prospect&f=created_at:between:2026-01-01,2026-12-31&f=town:empty&f=country:in:FR,BE",
        "/thirdparties?view=gone&f=gone:is:1&sort=gone&c=gone&at=gone&f=created_at:after:never",
        "/thirdparties?f=name:is:Boulangerie",
        "/thirdparties/new?role=customer",
        "/admin/modules?state=disabled",
        "/admin/modules?q=nothing+like+it",
        "/admin/modules?told=enabled&module=leads",
        "/admin/modules?told=saved&module=thirdparty",
        "/no/such/page",
        "/?arrange=1",
        "/search?q=a",
        "/search?q=nothing+like+it",
        "/export/thirdparties?q=nothing+like+it",
    ):
        yield address, camille.get(address)
    for address in ("/palette", f"/palette?q=a&ctx=/thirdparties/{first}", "/help/keys", "/thirdparties/new/short"):
        yield f"the part {address}", camille.get(address, headers={"HX-Request": "true"})
    yield "an empty form", camille.post("/thirdparties/new", {"key": "k1", "name": "", "email": "a@b", "phone": "12"})
    camille.get(f"/thirdparties/{first}/edit")
    yield "a stale form", camille.post(f"/thirdparties/{first}/edit", {"version": "0", "name": "Une autre"})
    yield "a form without version", camille.post(f"/thirdparties/{first}/edit", {"name": "Une autre"})
    for action, data in (("status", {"field": "contact_status", "value": "contacted"}), ("delete", {})):
        done = camille.post(f"/thirdparties/{second}/{action}", {**data, "return": "/thirdparties"})
        yield f"after {action}", camille.get(done.location)
    yield "a refused move", camille.post(f"/leads/{lead}/status", {"field": "status", "value": "lost"})
    yield "no row", camille.post("/leads/bulk", {"action": "delete"})
    mail = {"id": str(first), "language": "fr", "subject": "{{ record.name }}", "text": "{{ sender.name }}"}
    for then in ("", "template", "preview", "send"):
        yield f"a mail, {then}", camille.post("/mail/send/thirdparties", {**mail, "then": then, "template": "thanks"})
    yield "a refused mail", camille.post("/mail/send/thirdparties", {**mail, "then": "send", "text": "{{ nobody }}"})
    for address in ("/mail/outbox", "/mail/outbox/1"):
        yield address, camille.get(address)
    template = {"name": "", "subject": "", "body": "{{ 7*7 }}", "version": "0"}
    for name in ("", "name", "subject"):
        typed = {**template, "name": name, "subject": "x" if name == "subject" else ""}
        yield f"a refused template {name}", camille.post("/mail/templates/thirdparties/thanks/fr", typed)
    yield "a refused suppression", camille.post("/mail/suppression", {"address": "a", "note": "b"})
    yield (
        "refused settings",
        camille.post("/admin/mail", {"host": "mail.example.com", "port": "25", "security": "none"}),
    )
    for address in (f"/thirdparties/{second}", "/trash", "/recent", "/", f"/thirdparties/{first}"):
        yield f"{address} after changes", camille.get(address)


def data_values(site: Site) -> set[str]:
    """Every text of the database: what people typed is in no language of ours."""
    engine = site.runtime.database.engine
    found: set[str] = set()
    with engine.connect() as connection:
        for name in inspect(engine).get_table_names():
            for row in connection.execute(select(text("*")).select_from(table(name))):
                found.update(value for value in row if isinstance(value, str))
    return found


@pytest.fixture(scope="module")
def english(catalogues: list[Words]) -> set[str]:
    """Messages whose French differs, unless French has the same word for something else."""
    french = {form for _key, form in messages(catalogues)}
    return {key[1] for key, form in messages(catalogues) if key[1] != form} - french


def complaints(shown: list[str], english: set[str], data: set[str]) -> list[str]:
    """Texts that are English, or lack the no-break space that French puts before : ; ! ?"""
    return [
        each
        for each in shown
        if each not in data and (each in english or PLAIN_SPACE.search(each) or NO_SPACE.search(each))
    ]


def test_every_page_in_french(site: Site, camille: Browser, english: set[str]) -> None:
    seen = {address: texts_of(response) for address, response in pages(site, camille)}
    data = data_values(site)
    wrong = {address: found for address, shown in seen.items() if (found := complaints(shown, english, data))}
    assert not wrong
    assert {"Tiers", "Pistes", "Enregistrer", "Défaire", "Garder ma valeur", "Restaurer", "Réglages"} <= {
        each for shown in seen.values() for each in shown
    }


def test_the_walk_notices_english_and_plain_spaces(english: set[str]) -> None:
    page = (
        '<html lang="fr"><p>Save</p><p lang="en">Cancel</p><input aria-label="Value"><p>Erreur : ici</p><p>Prêt ?</p>'
    )
    assert complaints(Texts(page).texts, english, set()) == ["Save", "Value", "Erreur : ici", "Prêt ?"]
    assert complaints(["Save"], english, {"Save"}) == []


def test_a_module_that_is_off_in_french(site: Site, camille: Browser, english: set[str]) -> None:
    data = data_values(site)
    site.disable("leads")
    try:
        for address in ("/admin/modules", "/admin/modules/leads", "/admin/modules/leads/enable", "/leads"):
            assert not complaints(texts_of(camille.get(address)), english, data), address
    finally:
        site.enable("leads")


def test_signing_in_and_setting_up_in_french(site: Site, english: set[str], tmp_path: Path) -> None:
    headers = {"Accept-Language": "fr-FR,fr;q=0.9"}
    visitor = site.visitor()
    responses = [visitor.get("/signin", headers=headers)]
    responses.append(visitor.post("/signin", {"email": "nobody", "password": "x"}, headers=headers))
    fresh = Site(f"sqlite:///{tmp_path / 'comptoir.db'}", tmp_path / "var")
    try:
        visitor, address = fresh.visitor(), f"/setup?token={announce_setup(fresh.config.var)}"
        responses.append(visitor.get(address, headers=headers))
        responses.append(
            visitor.post(address, {"company": "A", "name": "B", "email": "c", "password": "d"}, headers=headers)
        )
        responses.append(visitor.post(address, {"company": ""}, headers=headers))
    finally:
        fresh.close()
    for response in responses:
        assert Texts(response.text).language == "fr"
        assert not complaints(texts_of(response), english, set())


def test_the_core_has_the_last_word() -> None:
    assert i18n._folders[0] == i18n.CORE_CATALOGUES
    with use_locale(Locale("fr", "FR")):
        assert gettext("Save") == "Enregistrer"
        assert gettext("no such message") == "no such message"
