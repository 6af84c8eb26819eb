"""What every plugin must keep, as tests its author inherits (MO-4, MO-10):

    from core.testing import PluginContract

    class TestLoyalty(PluginContract):
        plugin = "loyalty"

The plugin must be installed, its sources too (an editable install will do). Tests that need a database run on SQLite
and, where there is one, on PostgreSQL (`--engine sqlite` for one only). Where the plugin's own hooks set rules that no
field knows, say with `values` what forms need to pass them:

    values = {"lead": {"lost_reason": "No budget"}}
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from core.access.permissions import CORE_PERMISSIONS
from core.access.roles import VERBS
from core.contract.plugin import CONTRACT, Plugin
from core.data.engine import Database
from core.data.migrations import CORE_FOLDER, compare, migrate
from core.data.records import Row
from core.fields import FieldType
from core.registry import RegisteredEntity
from core.runtime.discovery import Discovered, Discovery, compatible
from core.runtime.gate import CORE_STATIC
from core.runtime.generation import import_hooks
from core.testing import probe
from core.testing.rules import broken_rules
from core.testing.site import Browser, Site
from core.web.policy import PUBLIC, SIGNED_IN, policy_of

ICON = re.compile(r'id="([a-z0-9-]+)"')


class PluginContract:
    """Inherit it, name the plugin, and pytest does the rest."""

    plugin: ClassVar[str]
    """The name of the plugin, as in its manifest."""
    values: ClassVar[probe.Base] = {}
    """Entity -> field -> text: what every form of these tests gets, unless the field itself is being tried."""
    bound: ClassVar[probe.Bound] = {}
    """Entity -> fields that a rule of the record binds to others, so that samples of one say nothing: test them apart."""

    # -- what the tests stand on ----------------------------------------------------------------------------------
    @pytest.fixture
    def discovery(self) -> Discovery:
        """The plugins of this environment."""
        discovery = Discovery()
        discovery.scan()
        return discovery

    @pytest.fixture
    def found(self, discovery: Discovery) -> Discovered:
        """The plugin under test; fails with its reason when it cannot be imported."""
        assert self.plugin in discovery.found, f"{self.plugin} is not installed in this environment"
        found = discovery.found[self.plugin]
        assert found.plugin is not None, str(found.error)
        assert found.folder is not None, "a plugin is a package, not a single file"
        return found

    @pytest.fixture
    def manifest(self, discovery: Discovery, found: Discovered) -> Plugin:
        """The manifest of the plugin under test."""
        return discovery.plugin(self.plugin)

    @pytest.fixture
    def alone(self, site_with: Callable[..., Site], manifest: Plugin) -> Site:
        """An installation of its own with the plugin and what it needs, and nothing else."""
        return site_with(self.plugin)

    # -- without a database ---------------------------------------------------------------------------------------
    def test_the_manifest_is_sane(self, discovery: Discovery, manifest: Plugin) -> None:
        """It has the name people read and a version, what it needs is installed, defaults fit their settings."""
        assert manifest.name == self.plugin
        for name in ("label", "version"):
            assert str(getattr(manifest, name)).strip(), f"the manifest has no {name}"
        assert compatible(manifest.core, CONTRACT), f"it was written for the core {manifest.core}"
        assert set(discovery.closure_needs([self.plugin])) >= {self.plugin, *manifest.requires}
        import_hooks(manifest)
        for setting in manifest.settings:
            kind: FieldType[Any] = setting.type
            default: Any = setting.default
            assert default is None or kind.check(default) == default, f"default of {setting.name}"
        icons = CORE_STATIC / "vendor" / "icons.svg"
        if icons.exists():
            assert manifest.icon in ICON.findall(icons.read_text("utf-8")), f"there is no icon {manifest.icon}"

    def test_imports_keep_the_rules(self, discovery: Discovery, found: Discovered, manifest: Plugin) -> None:
        """Only public names of the core, `api` of declared needs, libraries and itself (DESIGN 2)."""
        others = {other.package: other.name for other in discovery.found.values() if other.name != self.plugin}
        assert found.folder is not None
        broken = broken_rules(found.folder, found.package, manifest.requires, others)
        self._nothing(broken)

    def test_names_have_the_prefix(self, found: Discovered, manifest: Plugin) -> None:
        """Tables, permissions, migration steps and the template folder carry the plugin's name."""
        import_hooks(manifest)
        prefix = f"{self.plugin}_"
        wrong = [
            f"table {model.__tablename__}"
            for model in self._models(found)
            if not model.__tablename__.startswith(prefix)
        ]
        wrong += [
            f"permission {name.name}" for name in manifest.permissions if not name.name.startswith(f"{self.plugin}.")
        ]
        wrong += [f"migration step {name}" for name in self._revisions(found) if not name.startswith(prefix)]
        templates = found.subfolder("templates")
        if templates is not None:
            wrong += [f"templates/{path.name}" for path in templates.iterdir() if path.name != self.plugin]
        for model in self._models(found):
            for relationship in model.__mapper__.relationships:
                foreign = not self._is_own(found, relationship.mapper.class_)
                if foreign and (relationship.backref or relationship.back_populates):
                    wrong.append(f"{model.__name__}.{relationship.key} puts an attribute on somebody else's class")
        self._nothing(wrong)

    def test_french_is_complete(self, found: Discovered) -> None:
        """Every message of the plugin's catalogue has a French text with the same places in it."""
        folder = found.subfolder("translations")
        catalogues = sorted(folder.glob("fr/LC_MESSAGES/*.po")) if folder else []
        wrong = []
        for file in catalogues:
            from babel.messages.pofile import read_po

            with file.open("rb") as handle:
                catalogue = read_po(handle, locale="fr")
            for message in catalogue:
                if not message.id:
                    continue
                texts = message.string if isinstance(message.string, tuple | list) else [message.string]
                if message.fuzzy or not all(texts) or any(_places(text) != _places(message.id) for text in texts):
                    wrong.append(f"{file.name}: {message.id!r}")
        assert not wrong, "without a French text that fits:\n" + "\n".join(wrong)

    # -- with a database ------------------------------------------------------------------------------------------
    def test_migrations_make_what_the_models_say(
        self, database_url: str, discovery: Discovery, found: Discovered, manifest: Plugin
    ) -> None:
        """From an empty database the steps lead to exactly the tables the models declare."""
        database = Database(database_url)
        try:
            with database.connection() as connection:
                migrate(connection, "core", CORE_FOLDER)
                for name in discovery.closure_needs([self.plugin]):
                    import_hooks(discovery.plugin(name))
                    folder = discovery.found[name].subfolder("migrations")
                    if folder is not None:
                        migrate(connection, name, folder)
                tables = [table for table in Row.metadata.sorted_tables if table.name in self._tables(found)]
                self._nothing([str(difference) for difference in compare(connection, tables)])
        finally:
            database.dispose()

    def test_every_endpoint_has_a_policy(self, alone: Site, manifest: Plugin) -> None:
        """Each view says who may use it, with a permission somebody declares; strangers are sent to sign in."""
        generation = alone.runtime.follow()
        known = {PUBLIC, SIGNED_IN, *CORE_PERMISSIONS, *(f"entity.{verb}" for verb in VERBS)}
        known |= {found.permission(verb) for found in generation.registry.entities.values() for verb in VERBS}
        known |= {name.name for plugin in generation.registry.plugins.values() for name in plugin.permissions}
        views = {
            name: view for name, view in generation.app.view_functions.items() if name.startswith(f"{self.plugin}.")
        }
        unknown = {name: policy_of(view) for name, view in views.items() if policy_of(view) not in known}
        assert not unknown, f"policies nobody declares: {unknown}"
        for registered in generation.registry.entities.values():
            asked = [(owner, panel.name, panel.permission) for owner, panel in registered.panels]
            asked += [(owner, action.name, action.permission) for owner, action in registered.actions]
            for owner, name, permission in asked:
                assert owner != self.plugin or permission is None or permission in known, f"{name}: {permission}"
        visitor = alone.visitor()
        for url in probe.traces(alone, self.plugin).views:
            response = visitor.get(url)
            public = any(policy_of(view) == PUBLIC for view in views.values())
            assert response.status_code == 303 or public, f"{url} answers a stranger with {response.status_code}"

    def test_works_alone_is_gone_when_off_and_comes_back(self, alone: Site) -> None:
        """With only its needs on, every page works; off, nothing of it remains; on again, its data is there."""
        browser = alone.browser()
        found = probe.traces(alone, self.plugin)
        self._nothing(probe.missing(browser, found))
        kept = {entity.name: self._live(alone, browser, entity) for entity in self._touched(alone)}
        before = {name: probe.stored_values(alone, self._entity(alone, name), number) for name, number in kept.items()}
        alone.disable(self.plugin)
        self._nothing(probe.leftovers(browser, found))
        assert self.plugin not in alone.runtime.follow().registry.plugins
        alone.enable(self.plugin)
        self._nothing(probe.missing(browser, found))
        for name, number in kept.items():
            entity = self._entity(alone, name)
            assert probe.stored_values(alone, entity, number) == before[name], (
                f"{name} changed while the plugin was off"
            )
            assert browser.get(f"/{entity.entity.slug}/{number}").status_code == 200

    def test_fields_keep_what_is_typed(self, alone: Site) -> None:
        """Every good sample of every field is stored as its type says, shown, and sent back unchanged by the form."""
        browser = alone.browser()
        filler = probe.Filler(alone, browser, self.values, self.bound)
        for entity in self._touched(alone):
            number = None
            for filling in filler.fillings(entity, self.plugin):
                number = filler.create(entity, filling.typed)
                stored = probe.stored_values(alone, entity, number)
                wrong = {name: stored[name] for name, value in filling.stored.items() if stored[name] != value}
                assert not wrong, f"{entity.name}: {probe.shortened(filling.typed)} became {wrong}"
            if number is not None:
                self._form_changes_nothing(alone, browser, entity, number)
                self._lists_know_every_field(browser, entity)

    def test_bad_values_are_refused(self, alone: Site) -> None:
        """Every bad sample gets 422 (413 when no form is that large) on every road, and nothing is written."""
        browser = alone.browser()
        filler = probe.Filler(alone, browser, self.values, self.bound)
        permissions = alone.runtime.generation.permissions
        wrong: list[str] = []
        for entity in self._touched(alone):
            number = filler.create(entity, filler.least(entity))
            before = (probe.row_count(alone, entity), probe.stored_values(alone, entity, number))
            version = str(before[1]["version"])
            tried = [one for one in entity.fields.values() if one.plugin == self.plugin and one.writable]
            typed_at_first = permissions.writable(alone.people["Alice"], entity, "create")
            at_first = [found for found in tried if found in typed_at_first]
            refusing = probe.Refusing(entity, filler, browser, number, version)
            wrong += refusing.by_form(tried, at_first)
            wrong += [answer for found in tried for answer in refusing.by_one_click(found)]
            after = (probe.row_count(alone, entity), probe.stored_values(alone, entity, number))
            assert after == before, f"something of {entity.name} was written"
        self._nothing(wrong)

    # -- parts ----------------------------------------------------------------------------------------------------
    def _nothing(self, wrong: list[str]) -> None:
        assert not wrong, "\n".join(wrong)

    def _is_own(self, found: Discovered, model: type[Any]) -> bool:
        return f"{model.__module__}.".startswith(f"{found.package}.")

    def _models(self, found: Discovered) -> list[type[Any]]:
        """The mapped classes of the plugin."""
        return [mapper.class_ for mapper in Row.registry.mappers if self._is_own(found, mapper.class_)]

    def _tables(self, found: Discovered) -> set[str]:
        return {model.__tablename__ for model in self._models(found)}

    def _revisions(self, found: Discovered) -> Iterator[str]:
        folder = found.subfolder("migrations")
        for file in sorted(folder.glob("versions/*.py")) if folder else ():
            for node in ast.parse(file.read_text("utf-8")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "revision":
                    yield str(ast.literal_eval(node.value))

    def _touched(self, site: Site) -> list[RegisteredEntity]:
        """The entities with pages that the plugin owns or adds fields to."""
        entities = site.runtime.follow().registry.entities.values()
        return [
            entity
            for entity in entities
            if entity.entity.pages
            and (entity.plugin == self.plugin or any(found.plugin == self.plugin for found in entity.fields.values()))
        ]

    def _entity(self, site: Site, name: str) -> RegisteredEntity:
        return site.runtime.follow().registry.entity(name)

    def _live(self, site: Site, browser: Browser, entity: RegisteredEntity) -> int:
        """The life of a record: created, looked at, edited, deleted, restored. Returns its number."""
        filler = probe.Filler(site, browser, self.values, self.bound)
        typed = next(iter(filler.fillings(entity, self.plugin))).typed
        number = filler.create(entity, typed)
        place = f"/{entity.entity.slug}/{number}"
        for url in (place, f"{place}/edit", f"{place}/history", f"/{entity.entity.slug}"):
            self._answers(browser, url, 200)
        form = probe.form_values(browser, f"{place}/edit")
        edited = browser.post(f"{place}/edit", {**form, **self.values.get(entity.name, {})})
        assert edited.status_code == 303, f"{place}/edit: {probe.complaints(edited)}"
        assert browser.post(f"{place}/delete").status_code == 303, f"{place} cannot be deleted"
        for url in (place, "/trash"):
            self._answers(browser, url, 200)
        self._answers(browser, f"{place}/edit", 404)
        restored = browser.post(f"{place}/restore")
        assert restored.status_code == 303, f"{place} cannot be restored: {probe.complaints(restored)}"
        self._answers(browser, place, 200)
        return number

    def _answers(self, browser: Browser, url: str, status: int) -> None:
        response = browser.get(url)
        assert response.status_code == status, f"{url}: {probe.complaints(response)}"
        assert "This panel could not be loaded" not in response.text, f"a panel on {url} failed"

    def _form_changes_nothing(self, site: Site, browser: Browser, entity: RegisteredEntity, number: int) -> None:
        place = f"/{entity.entity.slug}/{number}"
        before = probe.stored_values(site, entity, number)
        response = browser.post(f"{place}/edit", probe.form_values(browser, f"{place}/edit"))
        assert response.status_code == 303, f"the untouched form of {place} is refused: {probe.complaints(response)}"
        assert probe.stored_values(site, entity, number) == before, f"the untouched form changes {place}"

    def _lists_know_every_field(self, browser: Browser, entity: RegisteredEntity) -> None:
        """Every field is a column, can be sorted by both ways, and answers each of its operators."""
        base = f"/{entity.entity.slug}"
        shown = (found for found in entity.fields.values() if found.plugin == self.plugin and not found.type.idle)
        for field in shown:
            typed = list(probe.samples_of(field).good)
            urls = [f"{base}?c={field.name}&sort={sign}{field.name}" for sign in ("", "-")]
            for operator in field.type.operators:
                good = typed if not operator.takes else ["30"]
                values = {"none": [], "one": good[:1], "two": [good[0], good[-1]], "many": good[:3]}[operator.values]
                urls.append(
                    f"{base}?f={field.name}:{operator.name}" + (":" if values else "") + ",".join(map(_escaped, values))
                )
            for url in urls:
                response = browser.get(url)
                assert response.status_code == 200, f"{url}: {probe.complaints(response)}"
                assert "left out" not in response.text, f"{url}: not understood"


def _escaped(value: str) -> str:
    """A value inside a filter inside an address: escaped twice (DESIGN 11)."""
    from urllib.parse import quote

    return quote(quote(value, safe=""), safe="")


def _places(message: object) -> set[str]:
    """The names in `%(name)s` places of a message, of all its plural forms."""
    texts = message if isinstance(message, tuple | list) else [message]
    return {place for text in texts for place in re.findall(r"%\((\w+)\)s", str(text))}
