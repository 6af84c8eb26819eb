"""Writes a migration step from the difference between an owner's steps and its mapped tables, for developers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import BigInteger, Connection, String, Table
from sqlalchemy.types import JSON, TypeDecorator

from core.data.migrations import migration_context, only
from core.errors import Refused
from core.i18n import lazy as _

TEMPLATE = '''"""{message}."""

import sqlalchemy as sa
from alembic import op
{imports}
revision = "{revision}"
down_revision = {previous}
branch_labels = None
depends_on = None


def upgrade() -> None:
{body}
'''
HELPERS = ("document_v1", "identifier_v1", "text_v1")


def write_step(connection: Connection, owner: str, folder: Path, message: str, tables: Iterable[Table]) -> Path:
    """Write the next step of an owner and return its file. `connection`: a database at the owner's last step.

    Raises `Refused` when the steps already make what the models say.
    """
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.script import ScriptDirectory

    wanted = list(tables)
    context = migration_context(connection, owner, only(wanted))
    operations = produce_migrations(context, wanted[0].metadata).upgrade_ops
    references = {} if operations is None else _take_references(operations)
    if operations is None or operations.is_empty():
        raise Refused(_("The steps of %(owner)s already make what its models say", owner=owner))
    body = render_python_code(operations, render_item=_render, user_module_prefix="sa.")
    body = _with_references(body, references)
    body = "\n".join(line for line in body.splitlines() if not line.strip().startswith("# ###"))
    body = body if body.startswith("    ") else f"    {body}"
    helpers = [name for name in HELPERS if f"{name}(" in body]
    imports = f"\nfrom core.data.migration_columns import {', '.join(helpers)}\n" if helpers else ""
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    number = len(list(versions.glob("[0-9]*.py"))) + 1
    revision = f"{owner}_{number:04}"
    previous = ScriptDirectory(str(folder)).get_current_head()
    quoted = "None" if previous is None else f'"{previous}"'
    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")[:40]
    text = TEMPLATE.format(message=message.rstrip("."), imports=imports, revision=revision, previous=quoted, body=body)
    target = versions / f"{number:04}_{words}.py"
    target.write_text(text, "utf-8")
    return target


def _take_references(container: Any) -> dict[str, str]:
    """Take foreign keys of new columns out of the step: column -> what it points at.

    They are named by the column itself: SQLite would have to copy the table otherwise (DESIGN 10).
    """
    from alembic.operations.ops import AddColumnOp, CreateForeignKeyOp, OpContainer

    found: dict[str, str] = {}
    for inner in container.ops:
        if isinstance(inner, OpContainer):
            found.update(_take_references(inner))
    added = {each.column.name for each in container.ops if isinstance(each, AddColumnOp)}
    for key in [each for each in container.ops if isinstance(each, CreateForeignKeyOp)]:
        if len(key.local_cols) == 1 and key.local_cols[0] in added:
            found[key.local_cols[0]] = f"{key.referent_table}.{key.remote_cols[0]}"
            container.ops.remove(key)
    return found


def _with_references(body: str, references: dict[str, str]) -> str:
    """The step with these references in its new columns."""
    for name, target in references.items():
        column = re.compile(rf"(op\.add_column\('\w+', sa\.Column\('{name}', [^\n]*?)(, nullable=True\))\)")
        body = column.sub(rf"\1, sa.ForeignKey('{target}')\2, inline_references=True)", body)
    return body


def _render(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Types as literal SQLAlchemy types or versioned helpers: a step must not depend on how a field is stored later."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    if isinstance(item, JSON) and "postgresql" in item._variant_mapping:
        return "document_v1()"
    if isinstance(item, BigInteger) and "sqlite" in item._variant_mapping:
        return "identifier_v1()"
    if isinstance(item, String) and "postgresql" in item._variant_mapping:
        return f"text_v1({'' if item.length is None else item.length})"
    return False
