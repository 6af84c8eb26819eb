"""Who may import whom in a plugin (DESIGN 2), read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PUBLIC = "core.api"
IN_MIGRATIONS = frozenset({"core.data.migration_columns"})
"""What migration steps may use of the core besides; its names end in their version and never change meaning."""
LEVELS = {"models": 1, "services": 2, "api": 3, "forms": 4, "views": 5, "hooks": 6}
"""Inside a plugin a module imports only modules of a lower level; others, such as `demo`, may be anywhere."""
LEFT_OUT = frozenset({"tests", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported module or name, where it stands."""

    name: str
    line: int


def broken_rules(folder: Path, package: str, needs: Iterable[str], others: Mapping[str, str]) -> list[str]:
    """One sentence for each import that breaks a rule.

    `needs`: the plugins the manifest requires; `others`: package of every other plugin -> its name.
    """
    found: list[str] = []
    for file in sorted(folder.rglob("*.py")):
        relative = file.relative_to(folder)
        if LEFT_OUT & set(relative.parts):
            continue
        for imported in imports_of(file, _module(package, relative)):
            reason = _reason(relative, package, imported.name, frozenset(needs), others)
            if reason:
                found.append(f"{package}/{relative.as_posix()}:{imported.line}: {imported.name}: {reason}")
    return found


def _module(package: str, relative: Path) -> str:
    parts = [*package.split("."), *relative.with_suffix("").parts]
    return ".".join(parts)


def imports_of(file: Path, module: str) -> Iterator[Imported]:
    """Every import of a file with its full name; `from a import b` counts as `a.b`, also under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Imported(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module)
            for alias in node.names:
                yield Imported(f"{base}.{alias.name}", node.lineno)


def _absolute(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")[: -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _within(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def _reason(
    relative: Path, package: str, name: str, needs: frozenset[str], others: Mapping[str, str]
) -> str | None:  # fmt: skip
    """Why an import is not allowed, None when it is."""
    if _within(name, package):
        return _inside(relative, name.removeprefix(package).strip(".").partition(".")[0])
    if _within(name, "core"):
        allowed = _within(name, PUBLIC) or (
            "migrations" in relative.parts and any(_within(name, m) for m in IN_MIGRATIONS)
        )
        return None if allowed else f"plugins use the names of {PUBLIC}"
    for other, plugin in others.items():
        if _within(name, other):
            if plugin not in needs:
                return f"the manifest does not require {plugin}"
            return None if _within(name, f"{other}.api") else f"of another plugin only {other}.api may be used"
    return None


def _inside(relative: Path, target: str) -> str | None:
    if relative.as_posix() == "__init__.py":
        return "the manifest imports nothing of its own, so that a plugin that is off costs nothing"
    if "migrations" in relative.parts:
        return "a migration step must not depend on what models say later"
    own, other = LEVELS.get(relative.stem), LEVELS.get(target)
    if own is None or other is None or own > other or relative.stem == target:
        return None
    return "views and hooks call services, services use models, never the other way"
