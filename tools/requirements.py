"""Writes docs/requirements.md: every clause that is built, with the tests that show it.

A test says what it shows with `@pytest.mark.covers("TP-1")`, or a module with `pytestmark`. With `--check` nothing is
written: an out-of-date file, an unknown clause, or a clause of a resolved issue without a test ends with 1.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLAUSES = ROOT / "docs" / "requirements.toml"
TARGET = ROOT / "docs" / "requirements.md"


def covers(node: ast.expr) -> list[str]:
    """The clauses a `pytest.mark.covers(...)` names."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
        return [
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
    if isinstance(node, (ast.List, ast.Tuple)):
        return [clause for element in node.elts for clause in covers(element)]
    return []


def shown_by(file: Path) -> Iterator[tuple[str, str]]:
    """(clause, place) for every mark in a test file; the place is the file, class or function that carries it."""
    name = file.relative_to(ROOT).as_posix()

    def visit(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
        for node in body:
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
            ):
                yield from ((clause, prefix.rstrip(":")) for clause in covers(node.value))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                for decorator in node.decorator_list:
                    yield from ((clause, f"{prefix}{node.name}") for clause in covers(decorator))
            if isinstance(node, ast.ClassDef):
                yield from visit(node.body, f"{prefix}{node.name}::")

    yield from visit(ast.parse(file.read_text(encoding="utf-8")).body, f"{name}::")


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    data = tomllib.loads(CLAUSES.read_text(encoding="utf-8"))
    clauses: dict[str, dict[str, str]] = data["clauses"]
    found: dict[str, list[str]] = {name: [] for name in clauses}
    problems = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for clause, place in shown_by(file):
            if clause in found:
                found[clause].append(place)
            else:
                problems.append(f"{place} names {clause}, which docs/requirements.toml does not have")
    lines = [
        "# Requirements and the tests that show them",
        "",
        "Made by `tools/requirements.py`; do not edit.",
        "",
        "| clause | what | tests |",
        "|---|---|---|",
    ]
    for name, details in clauses.items():
        places = "<br>".join(f"`{place}`" for place in sorted(set(found[name]))) or "**none**"
        lines.append(f"| {name} | {details['text']} | {places} |")
        if not found[name] and details["issue"] in data["resolved"]:
            problems.append(f"{name} has no test: {details['text']}")
    page = "\n".join([*lines, ""])
    if not arguments.check:
        TARGET.write_text(page, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != page:
        problems.append("docs/requirements.md is out of date: run `make requirements`")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
