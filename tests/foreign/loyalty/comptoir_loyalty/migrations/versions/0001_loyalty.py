"""Tier and points of third parties, and rewards."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import facet_key_v1, identifier_v1, key_v1, record_columns_v1, text_v1

revision = "loyalty_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "loyalty_thirdparty",
        facet_key_v1("thirdparty_thirdparty"),
        sa.Column("tier", text_v1(64)),
        sa.Column("points", sa.BigInteger()),
    )
    op.create_table(
        "loyalty_reward",
        *record_columns_v1(),
        sa.Column("title", text_v1(80), nullable=False),
        key_v1("title"),
        sa.Column("thirdparty_id", identifier_v1(), sa.ForeignKey("thirdparty_thirdparty.id"), nullable=False),
        sa.Column("points", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    for name in ("title_key", "thirdparty_id", "created_at"):
        op.create_index(f"ix_loyalty_reward_{name}", "loyalty_reward", [name, "id"])
