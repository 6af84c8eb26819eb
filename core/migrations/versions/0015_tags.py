"""Tags of records: a tree for every entity."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, text_v1

revision = "core_0015"
down_revision = "core_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_tag",
        sa.Column("id", identifier_v1(), nullable=False),
        sa.Column("name", text_v1(60), nullable=False),
        sa.Column("target", text_v1(64), nullable=False),
        sa.Column("parent_id", identifier_v1(), nullable=True),
        sa.Column("color", text_v1(7), nullable=False),
        sa.Column("merged_id", identifier_v1(), nullable=True),
        sa.Column("name_key", text_v1(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extra", document_v1(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["merged_id"], ["core_tag.id"], name=op.f("fk_core_tag_merged_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["core_tag.id"], name=op.f("fk_core_tag_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_tag")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_tag_created_at", "core_tag", ["created_at", "id"], unique=False)
    op.create_index("ix_core_tag_merged_id", "core_tag", ["merged_id", "id"], unique=False)
    op.create_index("ix_core_tag_name_key", "core_tag", ["name_key", "id"], unique=False)
    op.create_index("ix_core_tag_parent_id", "core_tag", ["parent_id", "id"], unique=False)
