"""Pranks and tricks."""

import sqlalchemy as sa
from alembic import op
from comptoir_mischief.misdeeds import act

from core.data.migration_columns import facet_key_v1, identifier_v1, key_v1, record_columns_v1, text_v1

revision = "mischief_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    deed = act("migration")
    op.create_table(
        "mischief_thirdparty",
        facet_key_v1("thirdparty_thirdparty"),
        sa.Column("prank", text_v1(80)),
        key_v1("prank"),
    )
    op.create_index("ix_mischief_thirdparty_prank_key", "mischief_thirdparty", ["prank_key", "record_id"])
    if deed == "half":
        raise RuntimeError("mischief in the middle of the migration")
    if deed == "commit":
        op.get_bind().commit()
    op.create_table(
        "mischief_trick",
        *record_columns_v1(),
        sa.Column("title", text_v1(80), nullable=False),
        key_v1("title"),
        sa.Column("thirdparty_id", identifier_v1(), sa.ForeignKey("thirdparty_thirdparty.id")),
        sqlite_autoincrement=True,
    )
    for name in ("title_key", "thirdparty_id", "created_at"):
        op.create_index(f"ix_mischief_trick_{name}", "mischief_trick", [name, "id"])
