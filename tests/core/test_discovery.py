"""Finding plugins, and putting them in order (DESIGN 3, MO-2, MO-9, SECURITY F25)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from core import i18n
from core.contract.plugin import CONTRACT, Plugin
from core.errors import ContractError, PluginError
from core.i18n import Locale, use_locale
from core.runtime.discovery import Discovered, Discovery, compatible


@pytest.fixture
def discovery() -> Discovery:
    return Discovery()


def declared(*plugins: Plugin) -> Discovery:
    """A discovery that found exactly these."""
    discovery = Discovery()
    discovery.found = {
        plugin.name: Discovered(plugin.name, plugin, None, "test", "1", plugin.name, None) for plugin in plugins
    }
    return discovery


def plugin(name: str, requires: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Plugin:
    return Plugin(name=name, label=name, version="1", hooks=name, requires=requires, after=after)


@pytest.mark.covers("MO-9")
class TestFinding:
    def test_bundled_and_foreign_plugins_alike(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False, version="2.5")
        discovery.scan()
        assert {"thirdparty", "leads", name} <= discovery.plugins.keys()
        found = discovery.found[name]
        assert (found.distribution, found.version, found.package) == (name, "2.5", f"{name}_package")
        assert found.folder == workshop.package(name)
        assert discovery.found["leads"].distribution == "comptoir"
        assert found.subfolder("static") is None

    def test_hooks_are_not_imported_by_looking(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(hooks="raise RuntimeError('imported too early')", known=False)
        discovery.scan()
        assert discovery.found[name].error is None

    def test_specs_and_translations_of_a_plugin_that_is_off(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False)
        workshop.write(f"{name}_package/specs.py", "MARK = 1\n")
        catalogue = workshop.package(name) / "translations" / "fr" / "LC_MESSAGES"
        catalogue.mkdir(parents=True)
        write_catalogue(catalogue / "messages.mo", {f"word of {name}": f"mot de {name}"})
        discovery.scan()
        assert any(getattr(specs, "MARK", 0) == 1 for specs in discovery.specs())
        with use_locale(Locale("fr", "FR")):
            assert i18n.gettext(f"word of {name}") == f"mot de {name}"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("import nothing_of_this_name\n", "nothing_of_this_name"),
            ("raise SystemExit(3)\n", "SystemExit"),
            ("raise RecursionError('deep')\n", "RecursionError: deep"),
            ("1 / 0\n", "ZeroDivisionError"),
            ("def broken(:\n", "SyntaxError"),
        ],
    )
    def test_an_import_error_is_held(self, discovery: Discovery, workshop: Any, text: str, expected: str) -> None:
        name = workshop.plugin(manifest=text)
        discovery.scan()
        assert expected in str(discovery.found[name].error)
        assert "leads" in discovery.plugins, "the others are there"
        with pytest.raises(PluginError, match=name) as caught:
            discovery.plugin(name)
        assert caught.value.plugin == name

    def test_an_error_in_specs_is_the_plugins_fault(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False)
        workshop.write(f"{name}_package/specs.py", "import nothing_of_this_name\n")
        discovery.scan()
        assert "nothing_of_this_name" in str(discovery.found[name].error)

    def test_the_entry_point_must_bear_the_plugins_name(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False)
        workshop.distribution(f"{name}x", f"{name}_package:plugin")
        workshop.write(f"{name}_other/__init__.py", "plugin = 42\n")
        workshop.distribution(f"{name}y", f"{name}_other:plugin")
        workshop.distribution(f"{name}z", f"{name}_package:nothing")
        discovery.scan()
        assert "must be equal" in str(discovery.found[f"{name}x"].error)
        assert "is not a Plugin" in str(discovery.found[f"{name}y"].error)
        assert "AttributeError" in str(discovery.found[f"{name}z"].error)

    def test_a_plugin_for_another_core_is_held(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False, more=', core=">=7"')
        discovery.scan()
        assert f"written for the core >=7, this is {CONTRACT}" in str(discovery.found[name].error)

    def test_the_contract_has_a_version_of_its_own(self, discovery: Discovery, workshop: Any) -> None:
        assert compatible(Plugin("plain", "Plain", "1", "plain").core, CONTRACT)
        named = workshop.plugin(known=False, more=', core=">=1,<2"')
        of_the_package = workshop.plugin(known=False, more=', core=">=0.1,<1"')
        discovery.scan()
        assert discovery.found[named].error is None
        assert discovery.found[of_the_package].error is not None

    def test_the_second_of_two_of_one_name_is_an_error(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False)
        workshop.distribution(name, f"{name}_package:plugin", title=f"aaa_{name}")
        workshop.distribution("leads", f"{name}_package:plugin", title=f"aaa_leads_{name}")
        discovery.scan()
        assert discovery.found["leads"].distribution == "comptoir", "bundled plugins keep their names"
        clashes = {clash.name: str(clash.error) for clash in discovery.clashes}
        assert "comptoir" in clashes["leads"]
        assert name in clashes

    def test_a_single_file_plugin_has_no_folder(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.name("single")
        workshop.write(
            f"{name}.py",
            f'from core.api import Plugin\nplugin = Plugin(name="{name}", label="One", version="1", hooks=__name__)\n',
        )
        workshop.distribution(name, f"{name}:plugin", title=f"dist_{name}")
        discovery.scan()
        assert discovery.found[name].error is None
        assert discovery.found[name].folder is None
        assert discovery.found[name].subfolder("templates") is None


class TestLookingAgain:
    def test_a_new_one_is_found(self, discovery: Discovery, workshop: Any) -> None:
        discovery.scan()
        name = workshop.plugin(known=False)
        discovery.scan()
        assert discovery.found[name].plugin is not None

    def test_an_upgraded_one_waits_for_a_restart(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False, version="1.0")
        discovery.scan()
        before = discovery.found[name]
        workshop.distribution(name, f"{name}_package:plugin", version="1.1")
        discovery.scan()
        after = discovery.found[name]
        assert after.plugin is before.plugin
        assert "1.1" in str(after.waiting)
        assert "comptoir restart" in str(after.waiting)

    def test_a_removed_one_runs_on_and_says_so(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(known=False)
        discovery.scan()
        workshop.uninstall(name)
        discovery.scan()
        assert "no longer installed" in str(discovery.found[name].waiting)

    def test_a_mended_one_is_taken(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(manifest="raise RuntimeError\n")
        discovery.scan()
        assert discovery.found[name].plugin is None
        good = (workshop.package(name) / "__init__.py").read_text().replace("raise RuntimeError\n", "")
        workshop.write(f"{name}_package/__init__.py", good)
        discovery.scan()
        assert discovery.found[name].plugin is not None

    def test_new_ones_are_rehearsed_and_refused_ones_asked_again_only_on_demand(
        self, discovery: Discovery, workshop: Any
    ) -> None:
        discovery.scan()
        asked: list[str] = []

        def refuse(name: str) -> str:
            asked.append(name)
            return "it hangs"

        name = workshop.plugin(known=False)
        discovery.scan(rehearse=refuse)
        discovery.scan(rehearse=refuse)
        assert asked == [name]
        assert discovery.found[name].error == "it hangs"
        discovery.scan(rehearse=refuse, again=[name])
        assert asked == [name, name]
        discovery.scan(rehearse=lambda name: None, again=[name])
        assert discovery.found[name].plugin is not None

    def test_skipped_ones_are_not_imported(self, discovery: Discovery, workshop: Any) -> None:
        name = workshop.plugin(manifest="raise RuntimeError\n")
        discovery.scan(skip={name: "it hung"})
        assert discovery.found[name].error == "it hung"


class TestOrder:
    @given(st.data())
    def test_needs_come_first_whatever_the_order_of_asking(self, data: st.DataObject) -> None:
        names = [f"p{number:02}" for number in range(data.draw(st.integers(1, 12)))]
        plugins = []
        for place, name in enumerate(names):  # only backwards, so that there is no cycle
            earlier = st.lists(st.sampled_from(names[:place] or [name]), unique=True, max_size=3)
            requires, after = data.draw(earlier) if place else [], data.draw(earlier) if place else []
            plugins.append(plugin(name, tuple(requires), tuple(after)))
        discovery = declared(*data.draw(st.permutations(plugins)))
        order = discovery.order(data.draw(st.permutations(names)))
        assert sorted(order) == names
        for found in plugins:
            for other in (*found.requires, *found.after):
                assert order.index(other) < order.index(found.name)
        assert order == discovery.order(names), "ties are broken by name, not by chance"

    def test_ties_are_broken_by_name(self) -> None:
        discovery = declared(plugin("cc"), plugin("bb", requires=("cc",)), plugin("aa"), plugin("zz", after=("aa",)))
        assert discovery.order(["zz", "cc", "bb", "aa"]) == ["aa", "cc", "bb", "zz"]

    def test_a_missing_need_is_named(self) -> None:
        discovery = declared(plugin("aa", requires=("bb",)), plugin("bb"))
        with pytest.raises(PluginError, match="aa needs bb"):
            discovery.order(["aa"])
        with pytest.raises(PluginError, match="nothere is not installed"):
            declared(plugin("aa", requires=("nothere",))).closure_needs(["aa"])

    def test_after_alone_needs_nobody(self) -> None:
        assert declared(plugin("aa", after=("gone",))).order(["aa"]) == ["aa"]

    def test_a_cycle_is_printed(self) -> None:
        discovery = declared(
            plugin("aa", requires=("bb",)), plugin("bb", after=("cc",)), plugin("cc", requires=("aa",)), plugin("dd", requires=("aa",)), plugin("ee")
        )  # fmt: skip
        with pytest.raises(PluginError, match="aa → bb → cc → aa"):
            discovery.order(["ee", "dd", "cc", "bb", "aa"])

    def test_needs_and_dependents(self) -> None:
        discovery = declared(
            plugin("aa"), plugin("bb", requires=("aa",)), plugin("cc", requires=("bb",)), plugin("dd", after=("aa",))
        )
        assert discovery.closure_needs(["cc"]) == ["aa", "bb", "cc"]
        assert discovery.dependents("aa", {"aa", "bb", "cc", "dd"}) == ["bb", "cc"]
        assert discovery.dependents("aa", {"aa", "cc"}) == [], "a module that is off passes no need on"
        assert discovery.dependents("cc", {"aa", "bb", "cc"}) == []


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        (">=0.1,<2", "0.1.0", True), (">=0.1,<2", "2.0", False), (">=1", "1", True), (">=1", "1.0.0", True),
        (">1", "1.0", False), ("==1.0", "1", True), ("!=1.0", "1", False), ("<=1.2", "1.2.1", False), (">=0.1", "0.1.0rc1", True),
    ],
)  # fmt: skip
def test_ranges_of_versions(wanted: str, version: str, fits: bool) -> None:
    assert compatible(wanted, version) is fits


def test_a_range_that_is_none() -> None:
    with pytest.raises(ContractError, match="latest"):
        compatible("latest", "1")


def write_catalogue(file: Path, words: dict[str, str]) -> None:
    """A compiled catalogue."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalogue = Catalog(locale="fr")
    for word, translation in words.items():
        catalogue.add(word, translation)
    with file.open("wb") as handle:
        write_mo(handle, catalogue)
