"""Reads the source tree for the architecture tests; nothing is imported."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python_files(*tops: str) -> list[Path]:
    """Every Python file below these folders, or these files."""
    places = [ROOT / top for top in tops]
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))


def files_of(endings: Collection[str], *tops: str) -> list[Path]:
    """Every file below these folders whose name ends so."""
    return sorted(file for top in tops for file in (ROOT / top).rglob("*") if file.suffix in endings)


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def code_lines(file: Path) -> int:
    """Lines that hold code: neither blank, nor comment, nor documentation."""
    text = file.read_text("utf-8")
    documentation = {line for node in ast.walk(ast.parse(text)) for line in _documentation(node)}
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)


def _documentation(node: ast.AST) -> Iterator[int]:
    body = getattr(node, "body", None)
    for statement in body if isinstance(body, list) else ():
        text = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield from range(text.lineno, (text.end_lineno or text.lineno) + 1)
