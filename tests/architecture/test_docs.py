"""The documents for plugin authors say what the code says."""

from __future__ import annotations

import ast
import re

import pytest

from core import api
from core.cli import main
from tests.architecture.source import ROOT, parsed, python_files, relative

HOOKS = (ROOT / "docs/hooks.md").read_text("utf-8")
GUIDE = (ROOT / "docs/plugin-authors.md").read_text("utf-8")
SECTION = re.compile(r"^## (\w+)\n\n```python\n(def [^\n]+)\n```\n\n(.+?)(?=^## |^---|\Z)", re.M | re.S)
README = (ROOT / "README.md").read_text("utf-8")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
SAMPLE = re.compile(r"^<!-- from (\S+) -->\n```\w+\n(.+?)\n```$", re.M | re.S)


def hook_signatures() -> dict[str, str]:
    """Every hook of the core with its signature as it stands in the code."""
    tree = parsed(ROOT / "core/contract/hookspecs.py")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for node in functions
        if node.returns is not None and any(ast.unparse(mark) == "hookspec" for mark in node.decorator_list)
    }


def implemented() -> dict[str, set[str]]:
    """Hook -> the bundled plugins that implement it."""
    users: dict[str, set[str]] = {}
    for file in python_files("plugins"):
        if file.name == "hooks.py":
            for node in parsed(file).body:
                if isinstance(node, ast.FunctionDef) and any(
                    "hookimpl" in ast.unparse(mark) for mark in node.decorator_list
                ):
                    users.setdefault(node.name, set()).add(file.parent.name)
    return users


def hook_tests() -> set[str]:
    """Names of hooks that have a test called `test_hook_<name>`."""
    text = "\n".join(file.read_text("utf-8") for file in python_files("tests"))
    return set(re.findall(r"^\s*def test_hook_(\w+)\(", text, re.M))


def test_every_hook_is_documented_with_its_signature() -> None:
    documented = {name: signature for name, signature, text in SECTION.findall(HOOKS)}
    assert documented == hook_signatures()


def test_every_documented_hook_says_when_and_what_and_shows_an_example() -> None:
    for name, _signature, text in SECTION.findall(HOOKS):
        assert "**When**:" in text, name
        assert "**What**:" in text, name
        assert SAMPLE.search(text), name


@pytest.mark.covers("MO-5")
def test_every_hook_has_a_bundled_user() -> None:
    assert hook_signatures().keys() <= implemented().keys()


def test_every_hook_has_a_test() -> None:
    assert hook_tests() == hook_signatures().keys()


def test_every_public_name_is_documented_and_no_other() -> None:
    table = GUIDE.split("## Names", 1)[1]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.M)
    assert len(documented) == len(set(documented))
    assert set(documented) == set(api.__all__)


def test_public_names_exist() -> None:
    assert [name for name in api.__all__ if not hasattr(api, name)] == []
    assert api.__all__ == sorted(api.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))


@pytest.mark.parametrize("document", ["docs/hooks.md", "docs/plugin-authors.md"])
def test_samples_are_cut_from_code_that_is_tested(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    samples = SAMPLE.findall(text)
    assert len(samples) >= 8
    stale = [path for path, sample in samples if sample not in (ROOT / path).read_text("utf-8")]
    assert not stale, f"{document} shows code that is no longer there: {stale}"


def test_the_guide_shows_every_file_of_its_example() -> None:
    """The tutorial is complete: no file of the package is left for the reader to guess."""
    shown = {path for path, sample in SAMPLE.findall(GUIDE)}
    files = {relative(file) for file in python_files("tests/foreign/loyalty")}
    assert files <= shown


def test_the_readme_tells_of_every_document_and_module() -> None:
    links = {link for link in LINK.findall(README) if "://" not in link}
    assert [link for link in links if not (ROOT / link).exists()] == []
    written = {relative(file) for file in ROOT.glob("docs/*.md")} - {"docs/requirements.md"}
    modules = {f"{relative(file.parent)}/" for file in ROOT.glob("plugins/*/__init__.py")}
    assert written | modules <= links
    for module in modules:
        own = ROOT / module / "README.md"
        assert own.is_file(), module
        assert [link for link in LINK.findall(own.read_text("utf-8")) if not (own.parent / link).exists()] == []


@pytest.mark.parametrize("line", re.findall(r"^\.venv/bin/comptoir ([a-z ]+)", README, re.M))
def test_commands_of_the_readme_are_there(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in line.split() if word not in ("leads", "thirdparty", "companies", "demo")]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert " ".join(words) in capsys.readouterr().out
