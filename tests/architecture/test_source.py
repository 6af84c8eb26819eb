"""What the source itself must keep (DESIGN 2). Who may import whom stands in setup.cfg, run by `make lint`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import grimp
import pytest

from tests.architecture.source import code_lines, files_of, parsed, python_files, relative

MAXIMUM_FILE = 400
WRITTEN = (".css", ".js", ".html", ".txt")
"""What people write beside Python: styles, scripts, templates of pages and mails."""
KERNEL = ("core/contract", "core/fields", "core/data", "core/registry.py", "core/runtime")
SPLIT_OFF = ("core/masks.py", "core/config.py", "core/upkeep")
"""Once part of the kernel's rooms; printed beside the figure, so that nobody takes moving for reducing (decision 0008)."""
MAXIMUM_KERNEL = 6_000
MAXIMUM_HOOKS = 120
ASKING = frozenset({"enabled", "is_enabled", "PluginState", "read_wanted", "discovery"})
"""Names by which code outside core/runtime could ask whether a plugin is on."""
ALLOWED = {
    "core/commands": "the commands that show and switch modules",
    "core/data/tables.py": "declares the table",
    "core/testing": "what tests need is no part of a running installation",
    "core/upkeep": "shows what is on, and removes the data of what is off",
    "core/web/job_contexts.py": "names the module a job waits for, which is off",
    "core/web/shell.py": "the sentence after a module was switched names it, also when it is off",
    "core/web/templating.py": "puts the application of one enabled set together",
}


def test_no_module_is_part_of_an_import_cycle() -> None:
    """Imports inside functions count; those for the type checker do not."""
    graph = grimp.build_graph("core", "plugins", exclude_type_checking_imports=True, cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    while ends := [module for module in arrows if not _leads_on(arrows, module)]:
        for module in ends:
            del arrows[module]
    cycles = sorted(
        f"{module} -> {imported}" for module, all_of in arrows.items() for imported in all_of & arrows.keys()
    )
    assert not cycles, "\n".join(cycles)


def _leads_on(arrows: dict[str, set[str]], module: str) -> bool:
    """Whether it imports something left and something left imports it; else no cycle goes through it."""
    return bool(arrows[module] & arrows.keys()) and any(module in imported for imported in arrows.values())


def test_no_file_is_longer_than_a_person_can_hold() -> None:
    lengths = {
        relative(file): len(file.read_text("utf-8").splitlines())
        for file in python_files("core", "plugins", "tools", "tests")
    }
    lengths |= {
        relative(file): len(file.read_text("utf-8").splitlines())
        for file in files_of(WRITTEN, "core", "plugins")
        if "vendor" not in file.parts
    }
    assert {"core/static/app.js", "core/static/app.css", "core/web/templates/core/base.html"} <= lengths.keys()
    long = {name: number for name, number in lengths.items() if number > MAXIMUM_FILE}
    assert not long, f"longer than {MAXIMUM_FILE} lines: {long}"
    hooks = {
        name: number for name, number in lengths.items() if name.endswith("/hooks.py") and name.startswith("plugins/")
    }
    assert hooks
    assert max(hooks.values()) <= MAXIMUM_HOOKS


def test_the_kernel_stays_small(capsys: pytest.CaptureFixture[str]) -> None:
    """Contract, fields, data, registry and runtime together, counted in lines of code."""
    sizes = {part: sum(map(code_lines, python_files(part))) for part in (*KERNEL, *SPLIT_OFF)}
    total = sum(sizes[part] for part in KERNEL)
    apart = sum(sizes[part] for part in SPLIT_OFF)
    rooms = ", ".join(f"{part} {size}" for part, size in sizes.items())
    with capsys.disabled():
        print(f"\nkernel: {total} lines of code of at most {MAXIMUM_KERNEL}, {apart} split off ({rooms})")
    assert total < MAXIMUM_KERNEL


def _asks(tree: ast.Module) -> Iterator[tuple[str, int]]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ASKING and id(node) not in called:
            yield node.attr, node.lineno
        elif isinstance(node, ast.Name) and node.id in ASKING:
            yield node.id, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in ASKING or node.module == "core.runtime.state":
                    yield alias.name, node.lineno
        elif isinstance(node, ast.Compare) and ast.unparse(node).endswith(("in registry.plugins", ".registry.plugins")):
            yield "in plugins", node.lineno


def test_nobody_outside_the_runtime_asks_whether_a_plugin_is_on() -> None:
    """What is off is simply not in the registry; code that asks would have to be right everywhere."""
    found: dict[str, list[str]] = {}
    for file in python_files("core", "plugins"):
        name = relative(file)
        if not name.startswith("core/runtime/"):
            asked = [f"{name}:{line} {word}" for word, line in _asks(parsed(file))]
            if asked:
                found[name] = asked
    unexcused = [line for name, lines in found.items() for line in lines if not _excuse(name)]
    assert not unexcused, "\n".join(unexcused)
    stale = [excuse for excuse in ALLOWED if not any(_excuse(name) == excuse for name in found)]
    assert not stale, f"no longer needed: {stale}"


def _excuse(name: str) -> str | None:
    return next((excuse for excuse in ALLOWED if name == excuse or name.startswith(f"{excuse}/")), None)


def test_the_core_names_no_plugin() -> None:
    """Not even as text: what knows a module by name works for no other."""
    bundled = {file.parent.name for file in python_files("plugins") if file.name == "__init__.py"} - {"plugins"}
    bundled -= {"export"}  # also a verb of rights, which every list has
    assert {"thirdparty", "leads"} <= bundled
    named = [
        f"{relative(file)}:{node.lineno} {node.value}"
        for file in python_files("core")
        if not relative(file).startswith(("core/testing/", "core/upkeep/demonstration.py"))
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant) and node.value in bundled
    ]
    assert not named, "\n".join(named)
