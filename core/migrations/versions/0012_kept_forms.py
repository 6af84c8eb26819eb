"""Forms sent after the sign-in had expired, kept a short while for the person who sent them (UX 2.4)."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1

revision = "core_0012"
down_revision = "core_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_kept_form",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", identifier_v1(), nullable=False),
        sa.Column("path", sa.String(length=2000), nullable=False),
        sa.Column("fields", document_v1(), nullable=False),
        sa.Column("back", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["core_user.id"], name=op.f("fk_core_kept_form_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_core_kept_form")),
    )
    op.create_index(op.f("ix_core_kept_form_created_at"), "core_kept_form", ["created_at"], unique=False)
    op.create_index(op.f("ix_core_kept_form_user_id"), "core_kept_form", ["user_id"], unique=False)
