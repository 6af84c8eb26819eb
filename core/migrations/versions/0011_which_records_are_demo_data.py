"""Which records are demo data."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import identifier_v1

revision = "core_0011"
down_revision = "core_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_demo_record",
        sa.Column("entity", sa.String(length=80), nullable=False),
        sa.Column("record_id", identifier_v1(), autoincrement=False, nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("made_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("entity", "record_id", name=op.f("pk_core_demo_record")),
    )
    op.create_index("ix_core_demo_record_made_by", "core_demo_record", ["made_by"], unique=False)
