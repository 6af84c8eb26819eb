"""Saved views of lists, views pinned to the menu, and what people are used to in each list."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import document_v1, identifier_v1, record_columns_v1, text_v1

revision = "core_0014"
down_revision = "core_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_list_view",
        *record_columns_v1(),
        sa.Column("name", text_v1(80), nullable=False),
        sa.Column("target", text_v1(80), nullable=False),
        sa.Column("sharing", text_v1(64), nullable=False),
        sa.Column("roles", text_v1(255)),
        sa.Column("state", text_v1(20_000), nullable=False),
        sa.Column("owner_id", identifier_v1()),
        sa.Column("company_id", identifier_v1()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_core_list_view_target", "core_list_view", ["target", "owner_id"])
    op.create_index("ix_core_list_view_created_at", "core_list_view", ["created_at", "id"])
    op.create_table(
        "core_list_pin",
        sa.Column("user_id", identifier_v1(), sa.ForeignKey("core_user.id"), primary_key=True, autoincrement=False),
        sa.Column(
            "view_id",
            identifier_v1(),
            sa.ForeignKey("core_list_view.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
    )
    op.create_index("ix_core_list_pin_view_id", "core_list_pin", ["view_id"])
    op.create_table(
        "core_list_choice",
        sa.Column("user_id", identifier_v1(), sa.ForeignKey("core_user.id"), primary_key=True, autoincrement=False),
        sa.Column("target", sa.String(80), primary_key=True),
        sa.Column("state", document_v1(), nullable=False),
        sa.Column("view_id", identifier_v1(), sa.ForeignKey("core_list_view.id", ondelete="SET NULL")),
    )
    op.create_index("ix_core_list_choice_view_id", "core_list_choice", ["view_id"])
