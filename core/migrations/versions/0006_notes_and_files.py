"""notes and files on records."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, text_v1

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_file",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", text_v1(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", text_v1(80), nullable=False),
        sa.Column("stored", sa.String(length=32), nullable=False),
        sa.Column("thumbnail", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("owner_entity", text_v1(80), nullable=False),
        sa.Column("owner_id", identifier_v1(), nullable=False),
        sa.Column("author_id", identifier_v1(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_file")),
        sa.UniqueConstraint("stored", name=op.f("uq_core_file_stored")),
        sa.UniqueConstraint("thumbnail", name=op.f("uq_core_file_thumbnail")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_file_created_at", "core_file", ["created_at", "id"], unique=False)
    op.create_index("ix_core_file_owner", "core_file", ["owner_entity", "owner_id", "id"], unique=False)
    op.create_table(
        "core_note",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("text", text_v1(50000), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("owner_entity", text_v1(80), nullable=False),
        sa.Column("owner_id", identifier_v1(), nullable=False),
        sa.Column("author_id", identifier_v1(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_note")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_note_created_at", "core_note", ["created_at", "id"], unique=False)
    op.create_index("ix_core_note_owner", "core_note", ["owner_entity", "owner_id", "id"], unique=False)
    op.add_column("core_change", sa.Column("owner_entity", sa.String(length=80), nullable=True))
    op.add_column("core_change", sa.Column("owner_id", identifier_v1(), nullable=True))
    op.create_index("ix_core_change_owner", "core_change", ["owner_entity", "owner_id", "id"], unique=False)
    op.add_column("core_reference", sa.Column("entity_column", sa.String(length=80), nullable=True))
