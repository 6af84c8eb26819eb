"""Columns for migration steps: what every record has, as of one contract version.

Steps stay literal. A name here ends in its version and never changes meaning; a later shape gets a new name, and the
step that changes existing tables is written out.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB


def identifier_v1() -> sa.types.TypeEngine[Any]:
    """Ids and links to them: 64 bits; SQLite counts up only what is declared INTEGER."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def document_v1() -> sa.types.TypeEngine[Any]:
    """A JSON value."""
    return sa.JSON().with_variant(JSONB(), "postgresql")


def text_v1(length: int | None = None) -> sa.types.TypeEngine[Any]:
    """Text ordered by code point on both databases; the length of a choice is 64."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def instant_v1() -> sa.types.TypeEngine[Any]:
    """An instant."""
    return sa.DateTime(timezone=True)


def key_v1(name: str) -> sa.Column[Any]:
    """The normalised key beside a field that is searched or listed."""
    return sa.Column(f"{name}_key", text_v1(255))


def record_columns_v1() -> list[sa.Column[Any]]:
    """The columns every record has: id, version, stamps, the bin, the administrator's own fields."""
    return [
        sa.Column("id", identifier_v1(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", instant_v1(), nullable=False),
        sa.Column("updated_at", instant_v1(), nullable=False),
        sa.Column("deleted_at", instant_v1()),
        sa.Column("extra", document_v1(), nullable=False),
    ]


def facet_key_v1(target: str) -> sa.Column[Any]:
    """The key of a facet's table: the record it belongs to."""
    cascade = sa.ForeignKey(f"{target}.id", ondelete="CASCADE")
    return sa.Column("record_id", identifier_v1(), cascade, primary_key=True, autoincrement=False)
