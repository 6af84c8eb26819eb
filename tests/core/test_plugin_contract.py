"""`PluginContract` notices what it is there to notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from core.runtime.discovery import Discovered, Discovery
from core.testing import PluginContract, Site, probe
from core.testing.rules import broken_rules

PACKAGE = "sample"
OTHERS = {"plugins.thirdparty": "thirdparty", "plugins.leads": "leads"}


def complaints(folder: Path, files: dict[str, str]) -> list[str]:
    """What is wrong with the imports of a package that needs third parties."""
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), "utf-8")
    return broken_rules(folder, PACKAGE, ("thirdparty",), OTHERS)


class TestImports:
    def test_what_is_allowed(self, tmp_path: Path) -> None:
        assert not complaints(
            tmp_path,
            {
                "__init__.py": "from core.api import Plugin\n",
                "models.py": "import sqlalchemy\nfrom core.api import Record\nfrom plugins.thirdparty.api import ThirdParty\n",
                "services.py": "from sample.models import X\nfrom plugins.thirdparty import api\n",
                "hooks.py": "from core.api import hookimpl\nfrom sample import services, views\nfrom . import models\n",
                "views.py": "import flask\nfrom .services import work\n",
                "migrations/versions/0001_first.py": "from core.data.migration_columns import key_v1\n",
                "tests/test_it.py": "from core.testing.site import Site\n",
            },
        )

    @pytest.mark.parametrize(
        ("file", "line"),
        [
            ("hooks.py", "from core.data.unit import Unit"),
            ("hooks.py", "import core.web.app"),
            ("hooks.py", "def late():\n    from core.runtime.gate import Gate"),
            ("hooks.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.registry import Registry"),
            ("services.py", "from core.data.migration_columns import key_v1"),
            ("services.py", "from plugins.leads.api import Lead"),
            ("services.py", "from plugins.thirdparty.models import ThirdParty"),
            ("services.py", "from plugins.thirdparty import models"),
            ("services.py", "import plugins.thirdparty"),
            ("models.py", "from sample.services import work"),
            ("models.py", "from . import hooks"),
            ("services.py", "from sample import views"),
            ("__init__.py", "from sample.models import X"),
            ("migrations/versions/0001_first.py", "from sample.models import X"),
        ],
    )
    def test_what_is_not(self, tmp_path: Path, file: str, line: str) -> None:
        found = complaints(tmp_path, {file: f"{line}\n"})
        assert len(found) == 1, found
        assert found[0].startswith(f"sample/{file}:")


class TestTraces:
    def test_what_is_missing_and_what_is_left(self, sales: Site) -> None:
        browser = sales.browser()
        found = probe.traces(sales, "leads")
        assert found.lists == ("/leads",)
        assert found.fields == (("/thirdparties", "leads.source"),)
        assert probe.missing(browser, found) == []
        assert len(probe.leftovers(browser, found)) == 5  # menu, list, form, field, filter
        sales.disable("leads")
        assert probe.leftovers(browser, found) == []
        assert len(probe.missing(browser, found)) == 5


class TestContract:
    """A plugin with one mistake each fails the test that is there for it."""

    def contract(self, name: str) -> tuple[PluginContract, Discovery, Discovered]:
        made = type("Contract", (PluginContract,), {"plugin": name})()
        discovery = Discovery()
        discovery.scan()
        return made, discovery, discovery.found[name]

    def test_migrations_that_make_something_else(self, workshop, database_url: str) -> None:
        step = "revision = '{name}_0001'\ndown_revision = None\n\n\ndef upgrade():\n    pass\n"
        name = workshop.plugin(entity=True, step=step)
        contract, discovery, found = self.contract(name)
        with pytest.raises(AssertionError, match=f"{name}_thing"):
            contract.test_migrations_make_what_the_models_say(database_url, discovery, found, discovery.plugin(name))

    def test_a_manifest_without_words(self, workshop) -> None:
        contract, discovery, _found = self.contract(workshop.plugin(version=" "))
        with pytest.raises(AssertionError, match="the manifest has no version"):
            contract.test_the_manifest_is_sane(discovery, discovery.plugin(contract.plugin))

    def test_templates_and_steps_of_another_name(self, workshop) -> None:
        name = workshop.plugin()
        workshop.write(f"{name}_package/templates/other/page.html", "")
        workshop.write(f"{name}_package/migrations/versions/0001_first.py", "revision = 'first'\n")
        contract, discovery, found = self.contract(name)
        with pytest.raises(AssertionError, match=r"migration step first\s+templates/other"):
            contract.test_names_have_the_prefix(found, discovery.plugin(name))

    def test_a_catalogue_with_a_hole(self, workshop) -> None:
        name = workshop.plugin()
        text = 'msgid "A %(thing)s"\nmsgstr "Un %(chose)s"\n\nmsgid "Two"\nmsgstr ""\n\nmsgid "Three"\nmsgstr "Trois"\n'
        workshop.write(f"{name}_package/translations/fr/LC_MESSAGES/messages.po", text)
        contract, _discovery, found = self.contract(name)
        with pytest.raises(AssertionError, match=r"(?s)'A %\(thing\)s'.*'Two'") as raised:
            contract.test_french_is_complete(found)
        assert "Three" not in str(raised.value)

    def test_a_policy_nobody_declares(self, workshop, site_with: Callable[..., Site]) -> None:
        hooks = """
        from flask import Blueprint
        from core.api import policy

        blueprint = Blueprint("{name}", __name__)

        @blueprint.get("/{name}")
        @policy("{name}.nothing")
        def page():
            return ""

        @hookimpl
        def blueprints():
            return [blueprint]
        """
        name = workshop.plugin(hooks=hooks)
        contract, discovery, _found = self.contract(name)
        with pytest.raises(AssertionError, match="policies nobody declares"):
            contract.test_every_endpoint_has_a_policy(site_with(name), discovery.plugin(name))
